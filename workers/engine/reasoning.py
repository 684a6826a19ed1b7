"""Takes a model's reasoning out of its reply, so that readers, tools and grammars get only what comes after it."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

from workers.engine.base import Token

# The tags of Qwen, DeepSeek and others.
OPENING: Final = "<think>"
CLOSING: Final = "</think>"


def without_reasoning(tokens: Generator[Token], *, is_open: bool = False) -> Iterator[Token]:
    """The reply, with empty tokens while the model reasons; empty if it never comes to an end.

    `is_open`: the prompt ends with the opening tag, so the reply begins with reasoning.
    """
    raw, has_begun = "", False
    with closing(tokens):
        for token in tokens:
            if not has_begun:
                raw += token.text
                text = _answer(raw, is_open=is_open, ended=token.finish is not None)
                has_begun = text is not None
                token = replace(token, text=text or "")
            yield token


def _answer(raw: str, *, is_open: bool, ended: bool) -> str | None:
    """What of the reply's beginning `raw` is answer; None while it is reasoning, or may be."""
    begun = raw.lstrip()
    if is_open or begun.startswith(OPENING):
        _, closed, answer = begun.partition(CLOSING)
        return answer.lstrip() or None if closed else None
    return None if not ended and OPENING.startswith(begun) else raw
