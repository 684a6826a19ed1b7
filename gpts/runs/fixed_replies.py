"""Answers, and parts of answers, that no model writes, in the languages of fixed_replies.toml."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gpts.spec.gpt import GptSpec

_TEXTS: Final[dict[str, dict[str, str]]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# How answers begin that say nothing, in every language.
DECLINES: Final = tuple(texts[name] for texts in _TEXTS.values() for name in ("not_covered", "unsure"))
# What introduces sentences of the files, in every language.
_LEADS: Final = tuple(f"{texts['passages']}\n\n" for texts in _TEXTS.values())
# Starters that a reply names.
_LISTED: Final = 5


def fixed_reply(lang: str, name: str) -> str:
    """The reply of this name in the language `lang` (ISO 639-1), in English if there is none."""
    return _TEXTS.get(lang, _TEXTS["en"])[name]


def with_starters(text: str, lang: str, starters: Sequence[str]) -> str:
    """`text`, and what could be asked, as the creator wrote it."""
    listed = [f"- {starter}" for starter in starters[:_LISTED]]
    return "\n".join([text, "", fixed_reply(lang, "try"), "", *listed]) if listed else text


def decline(lang: str, spec: GptSpec) -> str:
    """The answer to a question that the GPT's files do not cover, with what to ask instead."""
    return with_starters(fixed_reply(lang, "not_covered"), lang, spec.starters)


def is_decline(text: str) -> bool:
    """Whether the answer `text` is one of `decline`."""
    return text.startswith(DECLINES)


def without_lead(text: str) -> str:
    """The answer `text` without the sentence that introduces sentences of the files."""
    return text[len(next(filter(text.startswith, _LEADS), "")) :]
