"""Full dates, spans of time between them, and days of the week, in English, German, French, Spanish and Chinese."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from dateutil.relativedelta import relativedelta

from gpts.knowledge.figures import MONTHS
from gpts.knowledge.remembering import remembered

_WORDS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_WEEKDAYS: Final = {word: n for n, words in enumerate(_WORDS["weekdays"]) for word in words.split()}
_GROUPS: Final = {word: days for words, days in _WORDS["groups"].items() for word in words.split(", ")}
_TO: Final = rf"(?:\s?[-–]\s?|\s(?:{'|'.join(_WORDS['to'].split())})\s|至|到)"
_DAY_NAMES: Final = "|".join(sorted(_WEEKDAYS, key=len, reverse=True))
_WEEKDAY: Final = re.compile(rf"(?<![^\W\d_])(?:{_DAY_NAMES})(?![a-zà-ÿ])|周[一二三四五六日]", re.IGNORECASE)
_RANGE: Final = re.compile(
    rf"({_WEEKDAY.pattern}){_TO}(?:(?:a|le|al|el|und|incl) )?({_WEEKDAY.pattern})", re.IGNORECASE
)
_GROUP: Final = re.compile("|".join(rf"(?<![^\W\d_]){word}" for word in _GROUPS), re.IGNORECASE)
_NAMES: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_DATE: Final = re.compile(
    rf"(?<!\d)(?:(?P<d1>\d\d?)(?:st|nd|rd|th|er|\.)?\s(?:of |de |del )?(?P<m1>{_NAMES})\.?,?"
    rf"(?:\s(?:de |del )?(?P<y1>\d{{4}}))?"
    rf"|(?P<y2>\d{{4}})[-年/](?P<m2>\d\d?)[-月/](?P<d2>\d\d?)日?|(?P<d3>\d\d?)[./](?P<m3>\d\d?)[./](?P<y3>\d{{4}}))(?!\d)"
    rf"|(?<![^\W\d_])(?P<m4>{_NAMES})\.?\s(?P<d4>\d\d?)(?:st|nd|rd|th)?(?:,?\s(?P<y4>\d{{4}}))?(?![\d:])",
    re.IGNORECASE,
)
# "12 to" of "12 to 15 May 2026".
_FIRST: Final = re.compile(r"(?<!\d)(\d\d?)\.?(?:\s?[-–]\s?|\s(?:to|and|bis|und|au|et|al|y)\s)$")
SPANS: Final = {86400.0: "days", 604800.0: "weeks", 2629800.0: "months", 31557600.0: "years"}


@dataclass(frozen=True, slots=True)
class Day:
    """A date as it is written, with year 0 where none is stated."""

    year: int
    month: int
    day: int
    written: str
    start: int
    end: int

    def when(self) -> date | None:
        """The date; None if it has no year, or is none."""
        try:
            return date(self.year, self.month, self.day)
        except ValueError:
            return None


@remembered
def days(text: str) -> tuple[Day, ...]:
    """The dates of `text` that have at least a day and a month."""
    return tuple(day for match in _DATE.finditer(text) for day in _days(match))


def _days(match: re.Match[str]) -> Iterator[Day]:
    year, month, day = next(
        (match[f"y{n}"], match[f"m{n}"], match[f"d{n}"]) for n in "1234" if match[f"d{n}"] is not None
    )
    number = MONTHS.get(month.casefold()) or int(month)
    if not (1 <= number <= 12 and 1 <= int(day) <= 31):
        return
    found = Day(int(year or 0), number, int(day), match.group().strip(" ,."), match.start(), match.end())
    if first := _FIRST.search(match.string, max(0, match.start() - 10), match.start()):
        yield replace(found, day=int(first[1]), start=first.start(), end=first.end())
    yield found


def later(begin: date, n: float, seconds: float) -> date | None:
    """The date `n` days, weeks, months or years, of so many `seconds` each, after `begin`; None if there is none."""
    try:
        moved: date = begin + relativedelta(**{SPANS[seconds]: int(n)})
    except (KeyError, ValueError, OverflowError):
        return None
    return moved


def apart(begin: date, end: date) -> Iterator[tuple[int, float]]:
    """How far `end` is from `begin`, in days, with and without its own, and in whole weeks, months and years."""
    n = (end - begin).days
    yield from ((n, 86400.0), (n + 1, 86400.0))
    for last in (end, end + timedelta(days=1) if end < date.max else end):
        between = relativedelta(last, begin)
        if not between.days:
            yield between.years * 12 + between.months, 2629800.0
            if not between.months:
                yield between.years, 31557600.0
        if (last - begin).days % 7 == 0:
            yield (last - begin).days // 7, 604800.0


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week, 0 for Monday, as it stands in a text."""

    number: int
    written: str
    start: int


def weekdays(text: str) -> tuple[Weekday, ...]:
    """The days of the week that `text` names."""
    return tuple(Weekday(_number(each.group()), each.group(), each.start()) for each in _WEEKDAY.finditer(text))


@remembered
def weekdays_in(text: str) -> frozenset[int]:
    """The days of the week that `text` names, with those between them and those of "daily" or "weekend"."""
    found = {each.number for each in weekdays(text)}
    for each in _RANGE.finditer(text):
        first, last = _number(each[1]), _number(each[2])
        found.update(n % 7 for n in range(first, last + (7 if last < first else 0) + 1))
    for each in _GROUP.finditer(text):
        found.update(_GROUPS[each.group().casefold()])
    return frozenset(found)


def _number(word: str) -> int:
    return "一二三四五六日".index(word[1]) if word[0] == "周" else _WEEKDAYS[word.casefold()]
