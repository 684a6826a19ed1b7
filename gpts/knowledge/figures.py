"""The numbers, dates and times of a text in one canonical form, whatever their language and notation.

"1.500 €" is "1,500 EUR", "14:30" is "2:30 pm", "12. März 2024" is "2024-03-12", "drei" is 3. If a notation can be
read in two ways ("1.500", "03/12/2024"), either counts.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from gpts.knowledge.numerals import SCALES, spelled
from gpts.knowledge.remembering import remembered
from gpts.knowledge.terms import stem

_WORDS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


# The code of a currency by each of its signs and words.
CURRENCIES: Final = {word: code for code, words in _WORDS["currencies"].items() for word in words.split()}
CURRENCY: Final = re.compile(
    rf"(?<![^\W\d_])(?:{'|'.join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))})(?![^\W\d_])",
    re.IGNORECASE,
)
# Hundredths of a currency after a number: "35p a mile" is "£0.35 a mile".
_AFTER: Final = SCALES | dict.fromkeys("p ct cent cents centimes pence".split(), 0.01)
_HAN_SCALES: Final = {"万": 10_000, "亿": 100_000_000}
MONTHS: Final = {word: int(value) for value, words in _WORDS["months"].items() for word in words.split()}
_DAYS: Final = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_SHORT_DAYS: Final = {day[:3]: stem(day) for day in _DAYS}
_NAMES: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_LINK: Final = r"[.,]?(?:st|nd|rd|th|er|º)?(?:\s+|-)(?:(?:of|de|del|di)\s+)?"

# Numbers of list items and citations are not figures.
_MARKS: Final = re.compile(r"^[\s>*_]*\(?\d{1,3}[.)]\s+|\[\d{1,3}\]")
_DATE: Final = re.compile(
    r"(?<!\d)(?:(\d{4})-(\d\d)-(\d\d)(?!\d)|(\d{1,2})([./])\s?(\d{1,2})\5\s?(\d{4}|\d\d)\b(?![.,/]\d))"
)
_MONTH_NAME: Final = re.compile(
    rf"\b({_NAMES})\b(?={_LINK}\d)|(?<=\d){_LINK}({_NAMES})\b|(\d\d?)(?=月)", re.IGNORECASE
)
_YEAR: Final = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_DAY: Final = re.compile(r"\b\d\d?(?!\d)")
_HALF: Final = r"\s?(?:([ap])\.?\s?m\b\.?|uhr\b)"
_TIME: Final = re.compile(
    rf"(?<![\d.,:])([01]?\d|2[0-4])(?:(?:[:.]([0-5]\d))?{_HALF}|(?::|\s?h\s?)([0-5]\d)(?::[0-5]\d)?(?![\d:]))",
    re.IGNORECASE,
)
# In French a time or a duration.
_HOURS: Final = re.compile(r"(?<![\d.,:])([01]?\d|2[0-4])\s?h\b", re.IGNORECASE)
_SPACED: Final = r"(?<![\d.,])\d{1,3}(?: \d{3})+(?:,\d+)?(?![.,]?\d)"
_NUMBER: Final = re.compile(
    rf"({_SPACED}|\d+(?:[.,:'’\u00a0\u202f]\d+)*)(?:[\s-]?({'|'.join(_AFTER)})\b|([万亿]))?", re.IGNORECASE
)
_THOUSANDS: Final = re.compile(r"(\d{1,3}([.,'’\u00a0\u202f])\d{3}(?:\2\d{3})*)(?:[.,](\d+))?")
_MOST_DIGITS: Final = 300
_DECIMAL: Final = re.compile(r"(\d+)[.,](\d+)")


@dataclass(frozen=True, slots=True)
class StatedFigure:
    """A number, date or time. A source contains it if it gives all forms of one of `ways`; `gives` are its own.

    It stands in its text from `start` to `end`, which make it no other figure.
    """

    ways: tuple[frozenset[str], ...]
    gives: frozenset[str]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def is_in(self, given: frozenset[str]) -> bool:
        """Whether a source that gives these forms contains it."""
        return any(way <= given for way in self.ways)


def figures_agree(claim: str, source: str) -> bool:
    """Whether every number, date and time of `claim` is in `source`, in no other currency."""
    wanted = figures(claim)
    if in_other_currency(claim, source):
        return False
    given = forms(source) if wanted else frozenset()
    return all(figure.is_in(given) for figure in wanted if figure.ways)


def in_other_currency(claim: str, source: str) -> bool:
    """Whether `claim` names a currency that `source`, which has others, does not."""
    named = currencies(claim)
    return bool(named and (given_in := currencies(source))) and not named <= given_in


@remembered
def forms(source: str) -> frozenset[str]:
    """All forms that the figures of `source` give."""
    return frozenset(form for figure in _figures(source) for form in figure.gives)


def is_dated(name: str, source: str, known: frozenset[str]) -> bool:
    """Whether `name` is a day or month that `source`, with the words `known`, has as "Tue" or "2026-01-06".

    Or one that it has in full: "Tue" of "Tuesday".
    """
    if name in _SHORT_DAYS:
        return _SHORT_DAYS[name] in known
    if name not in _DAYS and name not in MONTHS:
        return False
    return name[:3] in known or f"month {MONTHS.get(name)}" in forms(source)


@remembered
def figures(text: str) -> tuple[StatedFigure, ...]:
    """The figures of `text`, by kind."""
    return tuple(_figures(text))


def _figures(text: str) -> Iterator[StatedFigure]:
    rest = _MARKS.sub(_blank, text)
    for pattern, read in ((_DATE, _date), (_TIME, _time), (_HOURS, _hours)):
        yield from (_at(match, read(match)) for match in pattern.finditer(rest))
        rest = pattern.sub(_blank, rest)
    yield from (_at(match, _month(match)) for match in _MONTH_NAME.finditer(rest))
    yield from (_at(match, _number(match)) for match in _NUMBER.finditer(rest))
    for each in spelled(_NUMBER.sub(lambda match: "." + " " * (len(match.group()) - 1), rest)):
        form = f"{each.value:.12g}"
        way = (_figure((form,), gives=(form, f"bare {form}"))) if each.is_claim else _held(form)
        yield replace(way, start=each.start, end=each.end)


def _blank(match: re.Match[str]) -> str:
    """As much space, so that what follows stays where it is."""
    return " " * len(match.group())


def _at(match: re.Match[str], figure: StatedFigure) -> StatedFigure:
    return replace(figure, start=match.start(), end=match.end())


def _held(form: str) -> StatedFigure:
    """What a source gives but no claim states."""
    return StatedFigure((), frozenset((form,)))


@remembered
def currencies(text: str) -> frozenset[str]:
    """The codes of the currencies that `text` names by a sign or word."""
    return frozenset(CURRENCIES[found.group().casefold()] for found in CURRENCY.finditer(text))


def with_codes(text: str) -> str:
    """`text` with the code of each currency in place of its sign or word."""
    return CURRENCY.sub(lambda found: f" {CURRENCIES[found.group().casefold()]} ", text)


def calendar_day(text: str) -> float | None:
    """A number that puts `text` in order among dates, if it is one with a year: "March 2024", "12.03.2024"."""
    if date := _DATE.fullmatch(text.strip()):
        year, month, day = map(int, date.group(1, 2, 3) if date.group(1) else date.group(7, 6, 4))
        month, day = (day, month) if month > 12 else (month, day)
        return _in_order(year + 2000 * (year < 100), month, day)
    in_year, named, on_day = _YEAR.search(text), _MONTH_NAME.search(text), _DAY.search(text)
    name = named and (named.group(1) or named.group(2))
    if not in_year or not name or len(text.split()) > 4:
        return None
    return _in_order(int(in_year.group()), MONTHS[name.casefold()], int(on_day.group()) if on_day else 0)


def _in_order(year: int, month: int, day: int) -> float:
    return (year * 12 + month) * 31 + day


def _figure(*ways: tuple[str, ...], gives: tuple[str, ...] = ()) -> StatedFigure:
    """A figure that matches in each of `ways`, and gives their forms unless `gives` lists others."""
    return StatedFigure(tuple(map(frozenset, ways)), frozenset(gives or (form for way in ways for form in way)))


def _date(match: re.Match[str]) -> StatedFigure:
    year, *parts = match.group(1, 2, 3) if match.group(1) else match.group(7, 4, 6)
    whole = (_plain(year), *map(_plain, parts))
    return _figure(whole, gives=(*whole, *(f"month {part}" for part in whole[1:] if int(part) <= 12)))


def _time(match: re.Match[str]) -> StatedFigure:
    hour, minute, half = int(match.group(1)), match.group(2) or match.group(4) or "00", (match.group(3) or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p")
        return _figure((f"{hour}:{minute}",))
    # "2:30" may mean 14:30, but a source with 2:30 does not confirm 14:30.
    return _figure(
        (f"{hour}:{minute}",), *([(f"{hour + 12}:{minute}",)] if hour < 12 else []), gives=(f"{hour}:{minute}",)
    )


def _hours(match: re.Match[str]) -> StatedFigure:
    number = str(int(match.group(1)))
    return _figure((f"{number}:00",), (number,))


def _month(match: re.Match[str]) -> StatedFigure:
    if match.group(3):  # "3月": the number itself is claimed
        return _held(f"month {int(match.group(3))}")
    number = MONTHS[(match.group(1) or match.group(2)).casefold()]
    return _figure((f"month {number}",), gives=(f"month {number}", str(number)))


def _number(match: re.Match[str]) -> StatedFigure:
    if " " in match.group(1):  # "2 450,00" is 2,450, as in French, or 2 and 450
        parts = [_readings(part)[0] for part in match.group(1).split()]
        return _figure((_readings(match.group(1).replace(" ", ""))[0],), tuple(parts))
    readings, scale = _readings(match.group(1)), _AFTER.get((match.group(2) or "").casefold())
    scale = scale or _HAN_SCALES.get(match.group(3) or "")
    if scale is None:
        return _figure(*((form,) for form in readings), gives=(*readings, *(f"bare {form}" for form in readings)))
    scaled = [_scaled(form, scale) for form in readings]
    # In a table "in millions" the same number appears without its scale.
    return _figure(
        *((form,) for form in scaled), *((f"bare {form}",) for form in readings), gives=(*scaled, *readings)
    )


def _readings(raw: str) -> tuple[str, ...]:
    """The values of a number, as "1500" or "1.5"; what is not a number, such as a version, is returned unchanged."""
    readings = []
    if thousands := _THOUSANDS.fullmatch(raw):
        whole = re.sub(r"\D", "", thousands.group(1))
        readings.append(_plain(f"{whole}.{thousands.group(3) or 0}"))
    if decimal := _DECIMAL.fullmatch(raw):
        readings.append(_plain(f"{decimal.group(1)}.{decimal.group(2)}"))
    return tuple(readings) or (_plain(raw),)


def _plain(number: str) -> str:
    whole, _, decimals = number.partition(".")
    if len(whole) > _MOST_DIGITS or not (whole.isdecimal() and (decimals.isdecimal() or not decimals)):
        return number
    return str(int(whole)) + (f".{decimals}" if decimals.strip("0") else "")


def _scaled(form: str, scale: float) -> str:
    try:
        return _plain(f"{float(form) * scale:.4f}".rstrip("0").rstrip("."))
    except ValueError:
        return form
