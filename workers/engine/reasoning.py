"""Takes a model's reasoning out of its reply, so that readers, tools and grammars get only what comes after it."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

from workers.engine.base import Token, Usage
from workers.engine.detokenize import overlap

# The tags of Qwen, DeepSeek and others.
OPENING: Final = "<think>"
CLOSING: Final = "</think>"


def without_reasoning(tokens: Generator[Token], *, is_open: bool = False) -> Iterator[Token]:
    """The reply, with what the model reasons before it in `Token.reasoning`; no text if that never comes to an end.

    `is_open`: the prompt ends with the opening tag, so the reply begins with reasoning.
    """
    tags = _Tags(is_open=is_open)
    n_reasoned, n_answered = 0, 0
    with closing(tokens):
        for token in tokens:
            reasoning, text = tags.split(token.text, ended=token.finish is not None)
            token = replace(token, text=text, reasoning=token.reasoning + reasoning)
            n_reasoned, n_answered = n_reasoned + len(token.reasoning), n_answered + len(text)
            yield replace(token, usage=_counted(token.usage, n_reasoned, n_answered)) if token.usage else token


def _counted(usage: Usage, n_reasoned: int, n_answered: int) -> Usage:
    """`usage` with the tokens of the reasoning by its share of the characters, unless they were counted."""
    if usage.reasoning_tokens or not n_reasoned:
        return usage
    return replace(usage, reasoning_tokens=round(usage.completion_tokens * n_reasoned / (n_reasoned + n_answered)))


class _Tags:
    """Divides a growing reply at the tags around its beginning; text of later tags is text."""

    def __init__(self, *, is_open: bool) -> None:
        self._held = ""
        self._reasons = is_open
        self._is_beginning = True  # nothing but space has come since the reply, its reasoning or its answer began
        self._has_reasoned = is_open
        self._answers = False

    def split(self, text: str, *, ended: bool) -> tuple[str, str]:
        """What `text` adds to the reasoning and to the answer; what may be a part of a tag is held back."""
        if self._answers:
            return "", text
        self._held += text
        if self._is_beginning and not self._begin(ended=ended):
            return "", ""
        if not self._reasons:
            return "", self._answer()
        reasoning, closed, rest = self._held.partition(CLOSING)
        if not closed:
            keep = 0 if ended else overlap(self._held, CLOSING)
            reasoning, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
            return reasoning, ""
        self._held, self._reasons, self._is_beginning = rest, False, True
        more, answer = self.split("", ended=ended)
        return reasoning + more, answer

    def _begin(self, *, ended: bool) -> bool:
        """Whether it is certain by now how the reply, or what follows its reasoning, begins."""
        begun = self._held.lstrip()
        if not ended and OPENING.startswith(begun):
            return False
        if begun.startswith(OPENING):
            self._reasons = self._has_reasoned = True
            begun = begun.removeprefix(OPENING)
        self._held = begun if self._has_reasoned else self._held
        self._is_beginning = False
        return True

    def _answer(self) -> str:
        self._answers = True
        text, self._held = self._held, ""
        return text
