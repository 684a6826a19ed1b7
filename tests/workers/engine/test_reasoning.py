"""Reasoning never reaches readers, tools or grammars."""

from collections.abc import Generator

import pytest

from workers.engine.base import Token
from workers.engine.reasoning import without_reasoning


def spoken(reply: str, *, is_open: bool = False) -> tuple[str, int]:
    """What is left of a reply that comes character by character, and the number of its tokens."""

    def tokens() -> Generator[Token]:
        for character in reply:
            yield Token(character)
        yield Token("", "stop")

    left = list(without_reasoning(tokens(), is_open=is_open))
    return "".join(token.text for token in left), len(left)


@pytest.mark.parametrize(
    ("reply", "is_open", "left"),
    [
        ("<think>\nThe files? </think>\n\nYes.", False, "Yes."),
        ("\n<think></think>\nYes.", False, "Yes."),
        ("The files?</think> Yes, </think> is a tag.", True, "Yes, </think> is a tag."),
        ("<think>The files? No, the", False, ""),
        ("The files? No, the", True, ""),
        ("<b>Yes.</b> <think> is a tag.", False, "<b>Yes.</b> <think> is a tag."),
        ("<th", False, "<th"),
        (" Yes.", False, " Yes."),
        ('<think>{"a": 1}</think><tool_call>{}</tool_call>', False, "<tool_call>{}</tool_call>"),
    ],
)
def test_only_what_comes_after_reasoning_is_the_reply(reply, is_open, left):
    assert spoken(reply, is_open=is_open) == (left, len(reply) + 1)


def test_leaving_early_closes_the_models_stream():
    closed = []

    def tokens() -> Generator[Token]:
        try:
            yield Token("<think>")
            yield Token("Hm.")
        finally:
            closed.append(True)

    stream = without_reasoning(tokens())
    assert next(stream).text == ""
    stream.close()
    assert closed == [True]
