"""What a few amounts and dates give by one or two operations, with the formula of each result."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations, permutations
from typing import Final

from gpts.knowledge.amounts import Amount
from gpts.knowledge.days import SPANS, Day, apart, later

# Operands of which three are combined at once.
_FEW: Final = 6
_WEEK: Final = 604800.0


@dataclass(frozen=True, slots=True)
class Result:
    """A number that follows: in its own unit and in the base of its `kind`; a "ratio" has no unit."""

    value: float
    base: float
    kind: str
    code: str
    formula: str


@dataclass(frozen=True, slots=True)
class _Term:
    """An operand or what two of them give."""

    value: float
    kind: str
    scale: float
    zero: float
    code: str
    text: str
    is_sum: bool = False
    is_count: bool = False

    def result(self) -> Result:
        return Result(self.value, self.value * self.scale + self.zero, self.kind, self.code, self.text)

    def factor(self) -> str:
        return f"({self.text})" if self.is_sum else self.text


def results(
    pool: Sequence[Amount],
    constants: Sequence[int],
    dates: Sequence[Day],
    *,
    adds_times: bool = True,
    is_change: bool = True,
) -> list[Result]:
    """What one or two of `pool`, one and one of `constants`, all of one kind, or two of `dates` give.

    Sums and differences of two durations only with `adds_times`, those of percentages only if `is_change`.
    """
    pool = [each for each in pool if each.kind != "code"]
    terms = [_term(each, value) for each in pool for value in each.values[: 1 if each.kind == "clock" else None]]
    found = list[Result]()
    found += (each for one in terms for n in constants for each in _by_constant(one, n))
    found += (
        each.result()
        for one, other in permutations(terms, 2)
        for each in _pair(one, other, is_change=is_change)
        if adds_times or not each.is_sum or one.kind != "time"
    )
    found += _of_all(terms)
    between = _between(dates)
    found += (each.result() for each in between)
    found += (
        each.result() for span in between for one in terms if one.kind == "price" for each in _products(span, one)
    )
    return found


def converted(pool: Iterable[Amount]) -> list[Result]:
    """The measured amounts themselves, which may be stated in another unit."""
    return [
        replace(_term(each, value), text=f"{each.written} {each.unit}".strip()).result()
        for each in pool
        if each.kind
        for value in each.values
    ]


def longer_results(pool: Sequence[Amount]) -> list[Result]:
    """What three or four of a few amounts give: a product and a sum, or a share of a product."""
    terms = [_term(each, each.values[0]) for each in pool if each.kind not in ("code", "clock", "year")]
    if len(terms) > _FEW:
        return []
    products = [(n, m, each) for n, m in combinations(range(len(terms)), 2) for each in _products(terms[n], terms[m])]
    found = [
        each.result()
        for n, m, product in products
        for k, third in enumerate(terms)
        if k not in (n, m)
        for each in (
            *_sums(product, third),
            *_sums(third, product),
            *_products(product, third),
            *_shares(product, third),
        )
    ]
    found += (
        each.result()
        for (n, m, one), (k, q, other) in permutations(products, 2)
        if len({n, m, k, q}) >= 3
        for each in _sums(one, other)
    )
    found += (
        each.result()
        for one, other in permutations(range(len(terms)), 2)
        for total in _sums(terms[one], terms[other])
        for k, third in enumerate(terms)
        if k not in (one, other)
        for each in (*_products(total, third), *_shares(total, third), *_sums(total, third))
    )
    return found


def _term(amount: Amount, value: float) -> _Term:
    return _Term(value, amount.kind, amount.scale, amount.zero, amount.code, amount.written, is_count=amount.is_count)


def _by_constant(one: _Term, n: int) -> Iterator[Result]:
    if one.kind in ("clock", "percent", "temperature", "year", "code") or (n == 2 and not one.kind):
        return
    for value, sign in ((one.value * n, "×"), (one.value / n, "÷")):
        kind = "" if one.kind == "time" else one.kind
        yield Result(value, value * one.scale, kind, one.code, f"{one.factor()} {sign} {n}")


def _pair(one: _Term, other: _Term, *, is_change: bool) -> Iterator[_Term]:
    if "clock" in (one.kind, other.kind):
        yield from _of_clocks(one, other)
        return
    yield from _sums(one, other)
    if "year" in (one.kind, other.kind):
        return
    yield from _products(one, other)
    yield from _shares(one, other)
    if one.kind != "percent" and other.kind == "percent":
        share = other.value / 100
        for factor, text in ((share, ""), (1 - share, "100 % − "), (1 + share, "100 % + ")):
            formula = f"{one.factor()} × ({text}{other.text} %)" if text else f"{one.factor()} × {other.text} %"
            yield _Term(one.value * factor, one.kind, one.scale, 0.0, one.code, formula)
    if one.kind == other.kind != "percent" and one.code == other.code and other.value:
        base, top = other.value * other.scale, one.value * one.scale
        yield _Term(top / base * 100, "percent", 1.0, 0.0, "", f"{one.text} ÷ {other.text}")
        if not is_change:
            return
        change = f"({one.text} − {other.text}) ÷ {other.text}"
        yield _Term(abs(top - base) / base * 100, "percent", 1.0, 0.0, "", change)


def _sums(one: _Term, other: _Term) -> Iterator[_Term]:
    if one.kind == other.kind == "year":
        if one.value > other.value:
            yield _Term(one.value - other.value, "", 1.0, 0.0, "", f"{one.text} − {other.text}", True)
        return
    if one.kind != other.kind and ((one.kind and other.kind) or one.is_count or other.is_count):
        return
    if one.code and other.code and one.code != other.code:
        return
    measured = one if one.kind else other
    ratio = other.scale / one.scale if one.kind == other.kind else 1.0
    kept = (measured.kind, measured.scale if not one.kind else one.scale, 0.0, measured.code)
    yield _Term(
        one.value + other.value * ratio, *kept, f"{one.text} + {other.factor() if other.is_sum else other.text}", True
    )
    if one.value >= other.value * ratio:
        yield _Term(one.value - other.value * ratio, *kept, f"{one.text} − {other.factor()}", True)


def _products(one: _Term, other: _Term) -> Iterator[_Term]:
    if {"percent", "year", "clock"} & {one.kind, other.kind} or (one.kind == other.kind == "price"):
        return
    price = next((each for each in (one, other) if each.kind == "price"), None)
    if one.kind and other.kind and not price and "time" not in (one.kind, other.kind):
        return
    measured = price or next((each for each in (one, other) if each.kind), one)
    kind = measured.kind if price or not (one.kind and other.kind) else "any"
    text = f"{one.factor()} × {other.factor()}"
    yield _Term(one.value * other.value, kind, measured.scale, 0.0, measured.code, text)


def _shares(one: _Term, other: _Term) -> Iterator[_Term]:
    if not other.value or {"percent", "year", "clock"} & {one.kind, other.kind}:
        return
    text = f"{one.factor()} ÷ {other.factor()}"
    if one.kind and one.kind == other.kind:
        yield _Term(one.value * one.scale / (other.value * other.scale), "ratio", 1.0, 0.0, "", text)
    else:
        kind = one.kind if not (one.kind and other.kind) or one.kind == "price" else "any"
        yield _Term(one.value / other.value, kind, one.scale, 0.0, one.code, text)


def _of_clocks(one: _Term, other: _Term) -> Iterator[_Term]:
    """Times of day, in minutes, later or earlier, and how far two are apart: whole, and as hours and minutes."""
    if one.kind == "clock" and other.kind in ("time", ""):
        minutes = other.value * (other.scale / 60 if other.kind else 1)
        for sign, text in ((1, "+"), (-1, "−")):
            formula = f"{one.text} {text} {other.text}"
            yield _Term((one.value + sign * minutes) % 1440, "clock", 60.0, 0.0, "", formula)
    elif one.kind == other.kind and one.value >= other.value:
        minutes = one.value - other.value
        for part in {minutes, minutes // 60 * 60, minutes % 60}:
            yield _Term(part, "time", 60.0, 0.0, "", f"{one.text} − {other.text}")


def _of_all(terms: Sequence[_Term]) -> Iterator[Result]:
    """The sum and the mean of all that measure the same."""
    for kind, code in {(each.kind, each.code) for each in terms}:
        same = [each for each in terms if (each.kind, each.code) == (kind, code)]
        if len(same) < 2 or kind in ("clock", "percent", "year") or len({each.scale for each in same}) > 1:
            continue
        total, text = sum(each.value for each in same), " + ".join(each.text for each in same)
        scale = same[0].scale
        yield Result(total, total * scale, kind, code, text)
        mean = total / len(same)
        yield Result(mean, mean * scale, kind, code, f"({text}) ÷ {len(same)}")


def _between(dates: Sequence[Day]) -> list[_Term]:
    """How far two dates are apart."""
    known = [(when, each.written) for each in dates if (when := each.when())]
    return [
        _Term(n, "time", scale, 0.0, "", f"{last} − {first}", is_sum=True)
        for (begin, first), (end, last) in permutations(known[:_FEW], 2)
        if begin < end
        for n, scale in apart(begin, end)
    ]


def _last_of_weekly(first: Day, begin: date, span: Amount) -> Iterator[tuple[tuple[int, int, int], str]]:
    if last := later(begin, span.values[0] - 1, _WEEK):
        yield (last.year, last.month, last.day), f"{first.written} + ({span.written} − 1) {span.unit}"


def moved(
    dates: Sequence[Day], spans: Sequence[Amount], *, to_last: bool
) -> Iterator[tuple[tuple[int, int, int], str]]:
    """The dates that are later or earlier than `dates` by `spans`, and the days before them, when a span is over.

    `to_last`: of months and years only these, as what begins on 1 July ends on 30 June.
    """
    for each in dates:
        begin = each.when()
        for span in spans:
            if begin is None or span.scale not in SPANS or span.kind != "time":
                continue
            if span.scale == _WEEK and span.values[0] > 2:  # the last of so many weekly dates
                yield from _last_of_weekly(each, begin, span)
            for sign, text in ((1, "+"), (-1, "−")):
                moved_to = later(begin, sign * span.values[0], span.scale)
                formula = f"{each.written} {text} {span.written} {span.unit}"
                if moved_to and not (to_last and sign > 0 and span.scale > _WEEK):
                    yield (moved_to.year, moved_to.month, moved_to.day), formula
                if moved_to and sign > 0 and moved_to.toordinal() > 1:
                    last = moved_to - timedelta(days=1)
                    yield (last.year, last.month, last.day), f"{formula} − 1 day"
