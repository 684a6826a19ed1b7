"""Reasoning never reaches readers, tools or grammars."""

from collections.abc import Generator

import pytest

from workers.engine.base import Token, Usage
from workers.engine.reasoning import without_reasoning


def split(reply: str, *, is_open: bool = False) -> list[Token]:
    """The tokens of a reply that comes character by character."""

    def tokens() -> Generator[Token]:
        for character in reply:
            yield Token(character)
        yield Token("", "stop", Usage(1, len(reply)))

    return list(without_reasoning(tokens(), is_open=is_open))


def spoken(reply: str, *, is_open: bool = False) -> tuple[str, str]:
    """The answer and the reasoning of a reply that comes character by character."""
    left = split(reply, is_open=is_open)
    assert len(left) == len(reply) + 1
    return "".join(token.text for token in left), "".join(token.reasoning for token in left).strip()


@pytest.mark.parametrize(
    ("reply", "is_open", "answer", "reasoning"),
    [
        ("<think>\nThe files? </think>\n\nYes.", False, "Yes.", "The files?"),
        ("\n<think></think>\nYes.", False, "Yes.", ""),
        ("The files?</think> Yes, </think> is a tag.", True, "Yes, </think> is a tag.", "The files?"),
        ("\n<think>The files?</think>Yes.", True, "Yes.", "The files?"),
        ("<think>One.</think>\n<think> Two.</think>\nYes.", False, "Yes.", "One. Two."),
        ("<think>The files? No, the", False, "", "The files? No, the"),
        ("The files? 3 </thin", True, "", "The files? 3 </thin"),
        ("<b>Yes.</b> <think> is a tag.", False, "<b>Yes.</b> <think> is a tag.", ""),
        ("<th", False, "<th", ""),
        (" Yes.", False, " Yes.", ""),
        ('<think>{"a": 1}</think><tool_call>{}</tool_call>', False, "<tool_call>{}</tool_call>", '{"a": 1}'),
    ],
)
def test_only_what_comes_after_reasoning_is_the_answer(reply, is_open, answer, reasoning):
    assert spoken(reply, is_open=is_open) == (answer, reasoning)
    at_once = without_reasoning((token for token in [Token(reply, "stop")]), is_open=is_open)
    assert "".join(token.text for token in at_once) == answer


def test_reasoning_comes_while_it_is_written_and_counts_by_its_share():
    tokens = split("<think>" + "a" * 30 + "</think>" + "b" * 10)
    assert [token.reasoning for token in tokens[8:12]] == ["a"] * 4
    assert tokens[-1].usage == Usage(1, 55, reasoning_tokens=41)


def test_reasoning_that_a_server_counts_itself_is_not_estimated():
    tokens = [Token("", reasoning="Hm."), Token("Yes.", "stop", Usage(1, 9, reasoning_tokens=2))]
    split_ones = list(without_reasoning(token for token in tokens))
    assert (split_ones[0].reasoning, split_ones[-1].usage) == ("Hm.", Usage(1, 9, reasoning_tokens=2))


def test_leaving_early_closes_the_models_stream():
    closed = []

    def tokens() -> Generator[Token]:
        try:
            yield Token("<think>")
            yield Token("Hm.")
        finally:
            closed.append(True)

    stream = without_reasoning(tokens())
    assert next(stream) == Token("")
    stream.close()
    assert closed == [True]
