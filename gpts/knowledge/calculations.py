"""Whether figures that no source states follow from ones that it does, by simple arithmetic.

"Two nights cost 2 × 185 = 370 euros": a formula must be right, and have figures that are known. Without one, only
figures that are stated around the result count, so that one that is made up is seldom right by chance. What follows
may be used in turn.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations, product
from typing import Final

from gpts.knowledge.figures import CURRENCY, StatedFigure, figures, forms, in_other_currency

# Figures around a result beyond which nothing is calculated.
_TOO_MANY: Final = 40
# A formula may have counts that nobody stated, such as the months of half a year, beside known figures.
_MOST_COUNTED: Final = 31
# Months of a year, days of a week and working days, hours and minutes.
_OFTEN: Final = (2, 5, 7, 12, 24, 60)
_FORMULA: Final = re.compile(r"[\d(][\d., ()+\-−–×x*·/÷]{1,200}+(?:= *+[\d(][\d., ()+\-−–×x*·/÷]{0,200}+)+")
# What is counted: "2 × 4.00 for two tables (with cloth) + tax 1.00 = 9.00".
_REMARK: Final = re.compile(r"(?<=\w) {0,2}\([^()+×*·/÷=]{0,60}\)")
_UNIT: Final = re.compile(r"(?<=[\d)])(?: +(?!x )[^\W\d][^\W\d-]*){1,4}(?= *[+\-−–×x*·/÷=)])")
_LABEL: Final = re.compile(
    r"(?<=[+\-−–×*·/÷=] )(?:[^\W\d][^\W\d-]* ){1,4}(?=[\d(])|(?<![\w-])[A-Z]{1,4}-?\d{1,5} +(?=[\d(])"
)
_SIGNS: Final = str.maketrans({"−": "-", "–": "-", "×": "*", "x": "*", "·": "*", "÷": "/"})
# "2 × 26.00 × 25 % = 13.00"
# Thousands set apart by spaces.
_GAP: Final = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
_PERCENT: Final = re.compile(r"(?<=\d) ?%(?! *\(?\d)")
_OF_100: Final = re.compile(r"(?<!\d)(\d++(?:\.\d++)?) ?/ 100")
_SHARE: Final = re.compile(r"(\d{1,2}(?:[.,]\d)?) ?(?:%|percent|prozent|por ciento|pour ?cent)", re.IGNORECASE)
_DURATION: Final = re.compile(r"(\d{1,3})[\s-]?(?:(min)|(?:h\b|hour|std|stunde|heure|hora))", re.IGNORECASE)
_OPERAND: Final = re.compile(r"\d+(?:\.\d+)?")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)")
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_OPERATIONS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(slots=True)
class _Known:
    """The numbers, and the times of day in minutes, that are known, and the numbers of them that sources state.

    `durations` are those of the source, in minutes, `shares` its percentages.
    """

    durations: set[int]
    shares: set[float]
    stated: frozenset[float] = frozenset()
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
    if in_other_currency(claim, source):
        return False
    given, wanted, unknown = forms(source), figures(claim), list[StatedFigure]()
    durations = {int(n) * (1 if minutes else 60) for n, minutes in _DURATION.findall(source)}
    known = _Known(durations, {float(share.replace(",", ".")) for share in _SHARE.findall(source)})
    for each in (*wanted, *figures(around)):
        if each.ways and not each.is_in(given) and not _is_clock_in(each, given):
            unknown.append(each)
        else:
            known.add(each)
    known.stated = frozenset(known.numbers)
    while followed := _following(unknown, known, around):
        for each in followed:
            known.add(each)
        unknown = [each for each in unknown if each not in followed]
    return not any(each in unknown for each in wanted)


def _is_clock_in(figure: StatedFigure, given: frozenset[str]) -> bool:
    """Whether it may be a time of day that a source has in another notation: "19.30" of "19:30"."""
    return any(f"{time // 60}:{time % 60:02}" in given for time in _values(figure)[1])


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


def _following(unknown: Sequence[StatedFigure], known: _Known, around: str) -> list[StatedFigure]:
    """Those of `unknown` that follow in one step."""
    if not unknown:
        return []
    in_formulas = _in_formulas(around, known)
    known.numbers |= in_formulas
    is_calculated = len(known.numbers) <= _TOO_MANY
    results = sorted(set(_numbers_from(known))) if is_calculated else []
    moved = _times_from(known) if is_calculated else set[int]()
    followed = []
    for each in unknown:
        numbers, times = _values(each)
        is_result = any(_is_same(*pair) for pair in product(numbers, results))
        if is_result or not numbers.isdisjoint(in_formulas) or not times.isdisjoint(moved):
            followed.append(each)
    return followed


def _times_from(known: _Known) -> set[int]:
    """The known times later or earlier by a duration of the source, or later by a known number of minutes."""
    moved = {time + sign * minutes for time in known.times for minutes in known.durations for sign in (1, -1)}
    moved |= {time + round(number) for time in known.times for number in known.numbers}
    return {each % 1440 for each in moved}


def _in_formulas(text: str, known: _Known) -> set[float]:
    """The numbers of formulas that are right, and made of known figures and counts."""
    found: set[float] = set()
    for pattern in (_GAP, CURRENCY, _REMARK, _UNIT, _LABEL):
        text = pattern.sub("", text)
    text = _PERCENT.sub(" / 100", text)
    for formula in _FORMULA.findall(text):
        sides = [_plain(side.strip(" .,-").rstrip(" (")) for side in formula.translate(_SIGNS).split("=")]
        results = [_results(side) for side in sides]
        is_same = _is_same_share if _OF_100.fullmatch(sides[-1]) else _is_same
        if not all(results) or any(not is_same(results[-1][0], each[0]) for each in results):
            continue
        percentages = {float(each) for side in sides[:-1] for each in _OF_100.findall(side)}
        if not percentages <= known.numbers | known.shares:
            continue
        used, *others = ({float(each) for each in _OPERAND.findall(side)} for side in sides)
        is_known = all(each in known.numbers or each == 100 or each == int(each) <= _MOST_COUNTED for each in used)
        if is_known and not known.stated.isdisjoint(used):
            found |= used.union(*others, *results)
    return found


def _plain(side: str) -> str:
    """One side of a formula with points before decimals, and no other marks in its numbers."""
    return re.sub(r"(?<=\d),(?=\d\d?(?!\d))", ".", re.sub(r"(?<=\d)[,.](?=\d{3}(?!\d))", "", side))


def _results(side: str) -> list[float]:
    """What one side of a formula comes to, and then each of its parts; empty if it cannot be calculated."""
    try:
        whole = ast.parse(side, mode="eval").body
        return [_calculated(each) for each in ast.walk(whole) if isinstance(each, ast.expr)]
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return []


def _calculated(node: ast.expr) -> float:
    """Raises ValueError for what is no arithmetic."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_calculated(node.left), _calculated(node.right))
    raise ValueError(ast.dump(node))


def _numbers_from(known: _Known) -> Iterator[float]:
    """What two known numbers or times give, or a number and one that is often used."""
    for one, other in permutations(known.numbers, 2):
        yield from (one + other, one - other, one * other, one / other if other else one)
        yield from (one * other / 100, one * (100 - other) / 100, one * (100 + other) / 100)
    for one, share in product(known.numbers, known.shares):
        yield from (one * share / 100, one * (100 - share) / 100)
    yield from (result for one in known.numbers for n in _OFTEN for result in (one * n, one / n))
    for one, other in combinations(known.times, 2):
        apart = abs(one - other)
        yield from (apart, apart / 60, apart // 60, apart % 60)


def _is_same(stated: float, result: float) -> bool:
    """Whether `stated` is `result`, rounded as it may be: to whole numbers if it is large, or to two digits."""
    return abs(stated - result) < 0.006 or (result >= 100 and stated == round(result))


def _is_same_share(stated: float, result: float) -> bool:
    """Whether the percentage `stated`, as a share, is `result` rounded to whole per cent or a tenth."""
    return min(abs(stated - round(result, digits)) for digits in (2, 3)) < 1e-6
