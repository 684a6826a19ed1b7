"""Whether figures that no source states follow from ones that it does, by simple arithmetic.

"Two nights cost 2 × 185 = 370 euros": only figures that are stated around the result count, so that one that is made
up is seldom right by chance; and what follows may be used in turn.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Final

from gpts.knowledge.figures import StatedFigure, currencies, figures, forms

# Figures around a result beyond which a sum of all of them, and results of three, would be right by chance.
_MOST: Final = 8
# Figures around a result beyond which nothing is calculated.
_TOO_MANY: Final = 40
# Of what is multiplied one number may be a count that nobody stated, such as the months of half a year.
_MOST_COUNTED: Final = 31
# Months of a year, days of a week and working days, hours and minutes.
_OFTEN: Final = (2, 5, 7, 12, 24, 60)
_TIMES: Final = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d+)?)[^\d\n.;]{0,12}[×x*·][^\d\n.;]{0,12}(\d+(?:[.,]\d+)?)")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)")
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,6})?")


@dataclass(slots=True)
class _Known:
    """The numbers, and the times of day in minutes, that are known."""

    numbers: set[float] = field(default_factory=set)
    times: set[int] = field(default_factory=set)

    def add(self, figure: StatedFigure) -> None:
        numbers, times = _values(figure)
        self.numbers |= numbers
        self.times |= times


def figures_follow(claim: str, source: str, around: str) -> bool:
    """Whether each figure of `claim` is in `source` or follows from ones of `around`, a text with `claim`, that are.

    Not if it names a currency that `source`, which has others, does not.
    """
    given_in = currencies(source)
    if given_in and not currencies(claim) <= given_in:
        return False
    given = forms(source)
    known, unknown, wanted = _Known(), list[StatedFigure](), figures(claim)
    for each in (*wanted, *figures(around)):
        if each.ways and not each.is_in(given):
            unknown.append(each)
        else:
            known.add(each)
    counts = _counts(known, around)
    unknown = [each for each in unknown if _values(each)[0].isdisjoint(counts)]
    while followed := [each for each in unknown if _follows(each, known)]:
        for each in followed:
            known.add(each)
        unknown = [each for each in unknown if each not in followed]
    return not any(each in unknown for each in wanted)


def _values(figure: StatedFigure) -> tuple[set[float], set[int]]:
    """The numbers that a figure may be, and the times of day, in minutes: "13.30" is either."""
    read = {form for way in figure.ways or (figure.gives,) if len(way) == 1 for form in way}
    numbers = {float(form) for form in read if _NUMBER.fullmatch(form)}
    clock = [found for form in read if (found := _CLOCK.fullmatch(form))]
    times = {int(found[1]) * 60 + int(found[2]) for found in clock}
    return numbers, times | {_as_time(number) for number in numbers if _as_time(number) >= 0}


def _as_time(number: float) -> int:
    """The time of day that "13.30" may mean, in minutes; -1 for a number that is none."""
    hours, minutes = int(number), round((number - int(number)) * 100)
    return hours * 60 + minutes if 0 < hours < 25 and 0 < minutes < 60 else -1


def _follows(figure: StatedFigure, known: _Known) -> bool:
    numbers, times = _values(figure)
    if len(known.numbers) > _TOO_MANY:
        return False
    found = list(_numbers_from(known))
    if any(_is_same(number, result) for number in numbers for result in found):
        return True
    moved = {time + sign * minutes for time in known.times for minutes in _minutes(known) for sign in (1, -1)}
    return not times.isdisjoint({int(each) % 1440 for each in moved})


def _counts(known: _Known, around: str) -> set[float]:
    """The small whole numbers that known ones are multiplied by."""
    found = (pair for each in _TIMES.findall(around) for pair in (each, each[::-1]))
    counted = (one for one, other in found if float(other.replace(",", ".")) in known.numbers)
    return {float(each) for each in counted if each.isdecimal() and int(each) <= _MOST_COUNTED}


def _minutes(known: _Known) -> Iterable[float]:
    return {scale * number for number in known.numbers for scale in (1, 60)}


def _numbers_from(known: _Known) -> Iterator[float]:
    """What two known numbers or times give, three of few, and the sum of all of few."""
    for one, other in permutations(known.numbers, 2):
        yield from (one + other, one - other, one * other, one / other if other else one)
        yield from (one * other / 100, one * (100 - other) / 100, one * (100 + other) / 100)
    yield from (result for one in known.numbers for n in _OFTEN for result in (one * n, one / n))
    for one, other in combinations(known.times, 2):
        apart = abs(one - other)
        yield from (apart, apart / 60, apart // 60, apart % 60)
    if len(known.numbers) <= _MOST:
        yield sum(known.numbers)
        for one, other, third in permutations(known.numbers, 3):
            yield from (one + other + third, one * other + third, one * other - third, (one + other) * third)


def _is_same(stated: float, result: float) -> bool:
    """Whether `stated` is `result`, rounded as it may be: to whole numbers if it is large, or to two digits."""
    return abs(stated - result) < 0.006 or (result >= 100 and stated == round(result))
