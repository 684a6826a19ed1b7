"""The formulas of formulas.toml: phrases used to steer a model through a document, with weights.

They are read and compiled on first use.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).with_suffix(".toml")
# Length of the prefix by which stems are looked up.
_START: Final = 3
_PIECE: Final = re.compile(r"\(\?&(\w+)\)")


@dataclass(frozen=True, slots=True)
class Formula:
    """One phrase pattern. It is tried only on texts with a stem of each group in `needs`."""

    family: str
    weight: float
    needs: tuple[frozenset[str], ...]
    source: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when a text first needs it: most texts need none."""
        return _compiled(self.source)


def plain(text: str) -> str:
    """`text` in lower case and normal width, without accents."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    for mark in filter(unicodedata.combining, set(folded)):
        folded = folded.replace(mark, "")
    return folded


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)


@cache
def formulas() -> tuple[Formula, ...]:
    """All formulas."""
    data = tomllib.loads(_FILE.read_text("utf-8"))
    return tuple(_formula(row, data) for row in data["formulas"])


def possible(among: Sequence[Formula], folded: str) -> tuple[Formula, ...]:
    """Those of `among` that may match a text, by the stems in its words."""
    held = frozenset().union(*map(_held, set(folded.split())))
    return tuple([each for each in among if not any(map(held.isdisjoint, each.needs))])


@lru_cache(65_536)
def _held(word: str) -> frozenset[str]:
    """The stems in `word`, cached for frequent words."""
    spaced = f" {word} "
    starts = {spaced[at : at + n] for at in range(len(spaced)) for n in range(1, _START + 1)}
    near = chain.from_iterable(_by_start()[start] for start in starts & _by_start().keys())
    return frozenset(stem for stem in near if stem in spaced)


@cache
def _by_start() -> Mapping[str, tuple[str, ...]]:
    """All stems by prefix."""
    stems = frozenset(chain.from_iterable(chain.from_iterable(each.needs for each in formulas())))
    return {start: tuple(each) for start, each in groupby(sorted(stems), lambda stem: stem[:_START])}


def _formula(row: Mapping[str, Any], data: Mapping[str, Any]) -> Formula:
    needs = tuple(frozenset(map(plain, _stems(group, data["stems"]))) for group in row["needs"])
    # Escapes are lower case in all patterns, so folding the pattern like the text keeps them intact.
    return Formula(row["family"], row["weight"], needs, plain(_whole(row["pattern"], data["pieces"])))


def _stems(group: Sequence[str], named: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for stem in group:
        piece = _PIECE.fullmatch(stem)
        yield from named[piece[1]] if piece else (stem,)


def _whole(pattern: str, pieces: Mapping[str, str]) -> str:
    """`pattern` with named pieces inserted."""
    return _PIECE.sub(lambda match: _whole(pieces[match[1]], pieces), pattern)
