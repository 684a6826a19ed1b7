"""The places of texts, such as editions and chapters, and how sentences name them: by a year, a version or a name."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gpts.knowledge.figures import forms
from gpts.knowledge.terms import stem, terms

_VERSION: Final = re.compile(
    r"(?<![^\W\d_])(?:v|rev|vers(?:ion|ión|ione|ão)|ausgabe|auflage|fassung|[eé]dition|edición|release|revision)"
    r"[ .:_-]{0,2}(\d{1,3}(?:\.\d+)*)(?!\d)|第(\d{1,3})版",
    re.IGNORECASE,
)
# "Level 2", "Zephyr-9", "June 2025"
_NUMBERED: Final = re.compile(r"([^\W\d_]{1,40})[ .-]{0,2}(\d+)(?![\d%]|[.,:]\d)")
_YEAR: Final = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?!\d|[.,]\d)")
# Names that are also common words: "Tarifa Plus".
_CAPITAL: Final = re.compile(r"(?<=\w )[A-ZÄÖÜ]\w+")
_SHORT_NUMBER: Final = re.compile(r"\d{1,2}")


@dataclass(frozen=True, slots=True)
class Place:
    """A section of a file: the path of its headings, the terms that name it, and when it is from, as far as it says.

    `date` are year and month, `version` is a number; 0 if unknown.
    """

    file: str
    path: tuple[str, ...]
    terms: frozenset[str]
    date: tuple[int, int] = (0, 0)
    version: float = 0.0

    def nearness(self, other: "Place") -> int:
        """How near another place is: 0 in another file, else one more than the headings that both are under."""
        shared = 0
        for mine, its in zip(self.path, other.path, strict=False):
            if mine != its:
                break
            shared += 1
        return 1 + shared if self.file == other.file else 0


@lru_cache(maxsize=4_096)
def place_of(file: str, name: str, heading: str, opening: str) -> Place:
    """The place under `heading` in a file called `name` that begins with `opening`."""
    text = f"{name} {heading}"
    dated = f"{text} {opening}"
    months = (int(form.removeprefix("month ")) for form in forms(dated) if form.startswith("month "))
    year = max(map(int, _YEAR.findall(text) or _YEAR.findall(dated)), default=0)
    version = max((float(".".join(each.split(".")[:2])) for each in _versions(dated)), default=0.0)
    return Place(
        file,
        tuple(heading.split(" > ")),
        naming_terms(text),
        (year, max(months, default=0)) if year else (0, 0),
        version,
    )


def _versions(text: str) -> list[str]:
    return [found[1] or found[2] for found in _VERSION.finditer(text)]


@lru_cache(maxsize=512)
def naming_terms(text: str) -> frozenset[str]:
    """The terms by which `text` may name a place: words, years, and names with their number ("version 3", "v3")."""
    plain = _plain(text)
    numbered = (stem(word.casefold()) + number for word, number in _NUMBERED.findall(plain))
    return frozenset((*terms(plain), *numbered, *(word.casefold() for word in _CAPITAL.findall(plain))))


def edition_terms(text: str) -> frozenset[str]:
    """Those of `naming_terms` that name an edition or a product in any sentence: years, and names with a number."""
    return frozenset(term for term in naming_terms(text) if has_digit(term) and is_distinct(term))


def has_digit(text: str) -> bool:
    """Whether there is a digit in `text`."""
    return any(map(str.isdigit, text))


def is_distinct(term: str) -> bool:
    """Whether a term may tell places apart, unlike a number of one or two digits."""
    return not _SHORT_NUMBER.fullmatch(term)


@lru_cache(maxsize=512)
def without_place(sentence: str, place: frozenset[str]) -> str:
    """`sentence` without the years and numbers by which it names the place with these terms."""
    if not has_digit(sentence):
        return sentence
    plain = _NUMBERED.sub(
        lambda found: f"{found[1]} " if stem(found[1].casefold()) + found[2] in place else found[0], _plain(sentence)
    )
    return _YEAR.sub(lambda found: " " if found[0] in place else found[0], plain)


def _plain(text: str) -> str:
    """`text` with versions in one notation."""
    return _VERSION.sub(lambda found: f" version {found[1] or found[2]} ", text.replace("_", " "))
