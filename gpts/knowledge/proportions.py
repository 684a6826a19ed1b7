"""Shares and multiples that a text states in words: "a third of", "doppelt so viel", "la moitié"."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gpts.knowledge.remembering import remembered

_VALUES: Final = {
    float(value): re.compile(rf"(?<![^\W\d_])(?:{'|'.join(patterns)})", re.IGNORECASE)
    for value, patterns in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
}


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share or multiple as it is written in its text, up to `end`."""

    value: float
    written: str
    start: int
    end: int


@remembered
def proportions(text: str) -> tuple[Proportion, ...]:
    """The shares and multiples of `text`; the longest of those that begin in one place."""
    found = [
        Proportion(value, match.group(), match.start(), match.end())
        for value, pattern in _VALUES.items()
        for match in pattern.finditer(text)
    ]
    longest: dict[int, Proportion] = {}
    for each in sorted(found, key=lambda each: each.end):
        longest[each.start] = each
    return tuple(longest.values())
