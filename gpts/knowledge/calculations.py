"""How figures that no source states follow from ones that it does, by simple arithmetic.

"Two nights cost 2 × 185 = 370 euros": a formula must be right, and have figures that are known. Without one, few
operands are tried: those stated around the result, and those of the sentences of the source that it is closest to.
Where they give so many results that a figure would be among them by chance, none counts. What follows may be used in
turn.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, permutations
from typing import Final

from gpts.knowledge.amounts import Amount, amounts, noun_after
from gpts.knowledge.days import Day, days, weekdays
from gpts.knowledge.figures import figures, forms, in_other_currency
from gpts.knowledge.formulas import formulas, has_wrong_formula
from gpts.knowledge.held import Held, Part, held_in, items_in
from gpts.knowledge.operations import Result, converted, longer_results, moved, results
from gpts.knowledge.proportions import Proportion, proportions
from gpts.knowledge.quantities import UNITS
from gpts.knowledge.terms import stem, terms
from gpts.values import Value

# Figures of a claim, and of what is around it, beyond which nothing is calculated.
_TOO_MANY: Final = 40
_PLAIN_SUM: Final = re.compile(r"[\d.,%()\s]*[+−×÷*/–-][\d.,%()\s+−×÷*/–-]*")
_LONGEST: Final = 4_000
_POOL: Final = 12
# Sentences of the source that are looked at.
_PARTS: Final = 4
# A formula may have counts that nobody stated, such as the months of half a year, beside known ones, and constants.
_MOST_COUNTED: Final = 31
_CONSTANTS: Final = frozenset(
    float(each)
    for each in (
        "52 60 100 360 365 1000 3600 25.4 2.54 0.3048 1.609 1.609344 0.621 0.6214 0.454 0.4536 0.45359237 "
        "2.2 2.20462 2.205 28.35 3.785 0.264 3.6 1.8 32 1.341 0.7457 0.746 10.764 0.0929 4.33 4.345"
    ).split()
)
# How many of two units of time make one, by their seconds.
_IN_UNITS: Final = (
    (60.0, 3600.0, 60),
    (3600.0, 86400.0, 24),
    (86400.0, 604800.0, 7),
    (86400.0, 604800.0, 5),
    (604800.0, 31557600.0, 52),
    (2629800.0, 31557600.0, 12),
)
# The share of the numbers near a figure that may follow beside it.
_CHANCE: Final = 0.2
_RARE: Final = 0.002
_FEWEST: Final = 2
_ABOUT: Final = re.compile(
    r"(?:about|around|roughly|some|approximately|nearly|almost|just \w+|circa|ca\.|etwa|rund|ungefähr|knapp|fast|gut"
    r"|environ|près de|presque|autour de|unos|unas|casi|aproximadamente|alrededor de[l]?"
    r"|cerca de[l]?|大约|约|近|≈|~) ?"
    r"(?:[€£$] ?)?$",
    re.IGNORECASE,
)
# What makes a date or count of its sentence one that is supposed.
_SUPPOSED: Final = re.compile(
    r"\b(?:if|when|for|suppose|assuming|wenn|falls|bei|für|si|en cas|pour|cuando|para|se)\b|如果|若", re.IGNORECASE
)
_LISTED: Final = re.compile(r"\s*(?:[-*+•]|\(?\d{1,2}[.)])\s+(.*)")
_MOST_ITEMS: Final = 30
# What has no currency may be a price if it is written like one: "0.45 a mile".
_TWO_DECIMALS: Final = re.compile(r"\d[.,]\d\d(?!\d)")
# What two of make one, or of which one is half.
_TWICE: Final = re.compile(
    r"\b(?:return|round[ -]trip|both|each way|half"
    r"|hin und zurück|beide|hälfte|aller[ -]retour|moitié|ida y vuelta|mitad)\b"
    r"|往返|一半",
    re.IGNORECASE,
)
# What makes a percentage one of a difference.
_CHANGE: Final = re.compile(
    r"\b(?:more|less|dear|cheap|higher|lower|sav|increas|decreas|gr[eo]w|rise|rose|fell|fall|drop|declin|discount|remain|left"
    r"|free|not|n't|mehr|weniger|teurer|billiger|günstiger|spar|zuwachs|gestiegen|gesunken|rabatt|übrig|frei|nicht|plus|moins"
    r"|économ|hausse|baisse|augment|dimin|reste|pas|más|menos|ahorr|subi|baj|aument|dismin|resta|no)|[增减长升降省贵]",
    re.IGNORECASE,
)
# What makes a date the last one: two years from 1 July on end on 30 June.
_LAST: Final = re.compile(
    r"\b(?:ends?|expires?|until|through|runs?|endet|läuft|bis|fin|termine|jusqu|expire|hasta|termina|finaliza)|为止|结束|到期",
    re.IGNORECASE,
)
# Whole numbers below this are exact unless they are said to be about right.
_SMALL: Final = 20
# Characters between a date and its day of the week.
_BESIDE: Final = 16
# Characters before a date that is supposed.
_BEFORE_DATE: Final = 40
# How far a share in words may be from the exact one.
_NEAR_SHARE: Final = 0.06
_WIDE_SHARE: Final = 0.25
_WIDE: Final = re.compile(
    r"(?:more than|over|almost|nearly|about|less than|under|mehr als|fast|knapp|gut|über|etwa|rund"
    r"|plus d[eu']|presque|près"
    r"|environ|moins d[eu']|más de(?:l)?|casi|menos de|超过|近|约|大约)[ a-zé]{0,12}$",
    re.IGNORECASE,
)


class Derivation(Value):
    """How a figure comes about: as it is written, and the formula of figures that the source states."""

    result: str
    formula: str

    @property
    def in_words(self) -> str:
        """The whole equation, as people read it."""
        return f"{self.formula} = {self.result}"

    @property
    def is_right(self) -> bool:
        """Whether the equation holds as it stands: a figure may follow by a longer way than its formula shows."""
        is_plain = _PLAIN_SUM.fullmatch(self.formula)
        return not has_wrong_formula(self.in_words, has_units=False) and (
            not is_plain or any(formulas(self.in_words))
        )


@dataclass(frozen=True, slots=True)
class _Unknown:
    """The ways to read a figure that does not stand in the source."""

    ways: tuple[Amount, ...]
    in_claim: bool

    @property
    def written(self) -> str:
        return self.ways[0].written


@dataclass(slots=True)
class _Search:
    """What is known of the figures of a claim and of what is around it: those that stand in the source or follow.

    `near` are those of the claim, `said` all, `dates` those of both, `parts` those of the source that are closest.
    """

    claim: str
    around: str
    source: str
    held: Held
    parts: list[Part]
    constants: list[int]
    near: list[Amount] = field(default_factory=list)
    said: list[Amount] = field(default_factory=list)
    dates: list[Day] = field(default_factory=list)
    derived: dict[str, str] = field(default_factory=dict)
    settled: list[_Unknown] = field(default_factory=list)

    def know(self, amount: Amount, *, in_claim: bool) -> None:
        self.said.append(amount)
        if in_claim:
            self.near.append(amount)

    def pools(self) -> Iterator[tuple[list[Amount], list[Day]]]:
        """Amounts that are calculated with together, the closest first, and dates."""
        yield _pool(self.near), self.dates
        for part in self.parts:
            yield _pool([*part.amounts, *self.near]), [*self.dates, *part.days]
        for part in self.parts:
            yield _pool([*part.amounts, *part.following, *self.near]), []
        said = self.said[-_POOL:]
        yield _pool(said), self.dates
        for part in self.parts:
            yield _pool([*part.amounts, *said]), [day for each in self.parts for day in each.days]
        for one, other in combinations(self.parts[:_PARTS], 2):
            yield _pool([*one.amounts, *other.amounts]), []


def derivations(claim: str, source: str, around: str) -> tuple[Derivation, ...] | None:
    """How the figures of `claim` that do not stand in `source` come about; None if one does not follow.

    They may follow from figures of `around`, a text with `claim`, that stand in the source or follow in turn.
    """
    is_too_long = len(claim) > _LONGEST or len(amounts(claim)) > _TOO_MANY
    if is_too_long or in_other_currency(claim, source) or has_wrong_formula(claim):
        return None
    held = held_in(source)
    near = held.near(claim, _PARTS)
    if not any(term.isalpha() and len(term) > 2 for each in near for term in each.terms.intersection(terms(claim))):
        near += held.parts[:_POOL]
    parts = list(dict.fromkeys((*near, *held.near(around, 2), *held.columns_near(claim))))
    search = _Search(claim, around, source, held, parts, _constants(claim, source, parts))
    search.dates += (day for day in (*days(around), *days(claim)) if _is_stated(day, search))
    unknown = [*_unknown(search, around, in_claim=False), *_unknown(search, claim, in_claim=True)]
    while unknown and (followed := _following(search, unknown)):
        unknown = [each for each in unknown if each not in followed]
    is_known = not any(each.in_claim for each in unknown) and _dates_follow(search) and _weekdays_follow(search)
    if not is_known or _miscounts(search) or not all(_holds(search, each) for each in proportions(claim)):
        return None
    return tuple(Derivation(result=result, formula=formula) for result, formula in search.derived.items())


def _constants(claim: str, source: str, parts: Sequence[Part]) -> list[int]:
    """Two, and how many of a unit of time of one text make one of the other: "76 a month" and "a year"."""
    scales = [_scales(text) for text in (claim, " ".join(each.text for each in parts))]
    pairs = {(one, other) for one in scales[0] for other in scales[1]}
    twice = [2] if _TWICE.search(f"{claim}\n{source}") else []
    return [*twice, *(n for one, other, n in _IN_UNITS if (one, other) in pairs or (other, one) in pairs)]


def _scales(text: str) -> set[float]:
    words = (UNITS.get(word, ("", 0.0)) for word in re.findall(r"[^\W\d_]+", text.casefold()))
    return {scale for kind, scale in words if kind == "time"} | {
        scale for unit, (kind, scale) in UNITS.items() if kind == "time" and not unit.isascii() and unit in text
    }


def _unknown(search: _Search, text: str, *, in_claim: bool) -> list[_Unknown]:
    """The figures of `text` that do not stand in the source; the others are known by then."""
    by_place: dict[tuple[int, int], list[Amount]] = {}
    in_words = proportions(text)
    for each in amounts(text):
        if any(share.start <= each.start < share.end for share in in_words):
            continue
        by_place.setdefault((each.start, each.end), []).append(each)
    found = []
    for ways in list(by_place.values())[-_TOO_MANY:]:
        standing = [
            each for each in ways if not each.figure.ways or _stands(search, each, text) or _is_unit(search, each)
        ]
        for each in standing:
            if each.figure.ways or each.kind == "time" or each.values[0] > 1:
                search.know(each, in_claim=in_claim)
        if not standing:
            found.append(_Unknown(tuple(ways), in_claim))
    if in_claim or not found:
        return found
    own = {each.written for each in amounts(search.claim)}
    return [each for each in found if each.written not in own]


def _is_unit(search: _Search, amount: Amount) -> bool:
    """Whether it is how many of a unit of time make one that the source names: "seven days" of a week."""
    return amount.kind == "time" and amount.values[0] in search.constants


def _stands(search: _Search, amount: Amount, text: str) -> bool:
    """Whether the source states the amount, of the same kind where it says which."""
    given = forms(search.source)
    if amount.kind == "clock":
        is_stated = amount.figure.is_in(given)
        return is_stated or any(f"{int(each) // 60}:{int(each) % 60:02}" in given for each in amount.values)
    if amount.kind == "code" or not amount.figure.is_in(given):
        return amount.figure.is_in(given)
    kinds = frozenset[tuple[str, float, str]]().union(*(search.held.kinds.get(value, ()) for value in amount.values))
    if amount.is_count and (counted := search.held.nouns.get(stem(noun_after(amount, text)))):
        return not counted.isdisjoint(amount.values)
    if not kinds:
        return amount.kind in ("", "year") or any(char.isalpha() for char in amount.written)
    return not amount.kind or any(_fits(amount, *each) for each in kinds)


def _fits(amount: Amount, kind: str, scale: float, code: str) -> bool:
    """Whether what is of this kind, unit and currency in the source may be `amount`."""
    if kind == "any" or (not kind and amount.kind == "price"):
        return True
    return (kind, scale) == (amount.kind, amount.scale) and (not amount.code or not code or amount.code == code)


def _pool(found: Iterable[Amount]) -> list[Amount]:
    """Each value once, with what it measures where that is known; empty if there are too many."""
    by_value: dict[float, Amount] = {}
    for each in found:
        known = by_value.get(each.values[0])
        if known is None or (each.kind and not known.kind):
            by_value[each.values[0]] = each
    return [each for value, each in by_value.items() if value != 1] if len(by_value) <= _POOL else []


def _following(search: _Search, unknown: Sequence[_Unknown]) -> list[_Unknown]:
    """Those of `unknown` that follow in one step, which are known by then."""
    followed = []
    by_formula = _by_formulas(search)
    tried = list[tuple[list[Result], float]]()
    ways = iter(_tried(search))
    for each in unknown:
        if way := _derived(each, search, by_formula, tried, ways):
            followed.append(each)
            _settle(search, each, *way)
    return followed or _supposed(search, unknown)


def _settle(search: _Search, unknown: _Unknown, amount: Amount, formula: str) -> None:
    search.know(amount, in_claim=unknown.in_claim)
    search.settled.append(unknown)
    if unknown.in_claim and formula:
        search.derived[amount.written] = formula


def _tried(search: _Search) -> Iterator[tuple[list[Result], float]]:
    """What each pool gives, by short ways first, and the share of numbers that it may give beside one by chance."""
    yield converted([*search.said, *(each for part in search.parts for each in part.amounts)]), _CHANCE
    is_change = bool(_CHANGE.search(search.claim))
    for n, (pool, dates) in enumerate(search.pools()):
        found = results(pool, search.constants, dates, adds_times=not n, is_change=is_change)
        found += _counts_of_days(search.held)
        yield found, _CHANCE if n <= 2 * len(search.parts) else _CHANCE / 2
    for pool in (_pool(search.near), _pool(search.said)):
        yield longer_results(pool), _CHANCE / 2
    for part in search.parts[:_PARTS]:
        yield longer_results(_pool([*part.amounts, *search.near])), _RARE


def _derived(
    unknown: _Unknown,
    search: _Search,
    by_formula: dict[float, str],
    tried: list[tuple[list[Result], float]],
    ways: Iterator[tuple[list[Result], float]],
) -> tuple[Amount, str] | None:
    """The reading of a figure that follows, with its formula; `tried` are the results that `ways` gave so far."""
    for amount in unknown.ways:
        for value in amount.values:
            most = 0.5 * 10**-amount.decimals + 1e-9
            if formula := next((text for result, text in by_formula.items() if abs(result - value) <= most), ""):
                return amount, formula
        if count := _counted(amount, search) or _total(amount, search):
            return amount, count
    for found, chance in chain(tuple(tried), _recorded(ways, tried)):
        for amount in unknown.ways:
            if formula := _among(amount, found, chance, search.around):
                return amount, formula
    return None


def _recorded(
    ways: Iterator[tuple[list[Result], float]], tried: list[tuple[list[Result], float]]
) -> Iterator[tuple[list[Result], float]]:
    for each in ways:
        tried.append(each)
        yield each


def _among(amount: Amount, found: Sequence[Result], chance: float, around: str) -> str:
    """The formula of the result that `amount` is, empty if none is, or if it would be by chance."""
    step = _precision(amount, around)
    for value in amount.values:
        alike = [(_in_unit(each, amount), each) for each in found if _is_of_kind(each, amount)]
        is_exact = not amount.decimals and value < _SMALL and not _is_about(amount, around)
        if is_exact and chance < _CHANCE:
            return ""  # small numbers follow from far figures all the time
        most = 0.02 if is_exact else step / 2 + 1e-9
        hits = [each.formula for result, each in alike if abs(result - value) <= most]
        others = {round(result / step) for result, _ in alike if value / 2 <= result <= value * 2}
        if hits and (len(others) - 1) * step <= max(chance * 1.5 * value, _FEWEST * step):
            return min(hits, key=len)
    return ""


def _precision(amount: Amount, around: str) -> float:
    """The step between numbers at the precision that `amount` is written in; "about 1,200" ends in zeros."""
    whole = re.sub(r"[.,'’\s]", "", amount.written)
    zeros = len(whole) - len(whole.rstrip("0")) if not amount.decimals and whole.isdigit() else 0
    is_about = zeros and _is_about(amount, around)
    return float(10 ** min(zeros, max(0, len(whole) - 2))) if is_about else float(10**-amount.decimals)


def _is_about(amount: Amount, around: str) -> bool:
    at = max(0, around.find(amount.written))
    return bool(_ABOUT.search(around, max(0, at - 20), at))


def _is_of_kind(result: Result, amount: Amount) -> bool:
    """Whether a result may be `amount` by what both measure."""
    if result.kind == amount.kind:
        return not result.code or not amount.code or result.code == amount.code
    if amount.kind in ("clock", "code"):
        return amount.kind == "clock" and result.kind == "time"
    if not amount.kind:
        return result.kind in ("", "ratio") or (
            not amount.is_count and result.kind not in ("percent", "clock", "year")
        )
    is_price = amount.kind != "price" or _TWO_DECIMALS.search(result.formula)
    return result.kind in ("", "any") and amount.kind != "percent" and bool(is_price)


def _in_unit(result: Result, amount: Amount) -> float:
    if result.kind == amount.kind or amount.kind == "clock":
        return amount.unbased(result.base)
    return result.value


def _by_formulas(search: _Search) -> dict[float, str]:
    """The numbers of formulas that are right, and made of known figures and counts, with the formula."""
    numbers = {value for each in search.said for value in each.values}
    shares = {value for each in search.said if each.kind == "percent" for value in each.values}
    shares |= {
        value
        for part in search.held.parts
        for each in part.amounts
        if each.kind == "percent"
        for value in each.values
    }
    found: dict[float, str] = {}
    for each in formulas(search.around):
        is_known = all(
            n in numbers or n in found or n in _CONSTANTS or n == int(n) <= _MOST_COUNTED for n in each.operands
        )
        if is_known and each.percentages <= numbers | shares and not numbers.isdisjoint(each.operands):
            found |= {result: each.written for result in each.results if result not in numbers}
    return found


def _counted(amount: Amount, search: _Search) -> str:
    """The items of a list that are as many as `amount`, a whole number without a unit."""
    n = amount.values[0]
    if amount.kind or n != int(n) or not 1 < n <= _MOST_ITEMS:
        return ""
    lists = [*_lists(search.around), items_in(search.claim), *(items_in(each.text) for each in search.parts)]
    return next((", ".join(each) for each in lists if len(each) == n), "")


def _lists(text: str) -> list[list[str]]:
    """The items of each list whose items are lines of `text`."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if item := _LISTED.match(line):
            found[-1].append(item[1][: _POOL * 5].strip(" .;,"))
        elif line.strip():
            found.append([])
    return [each for each in found if each]


def _miscounts(search: _Search) -> bool:
    """Whether the claim announces a list, with a number in words, that has more or fewer items: "Five things:"."""
    ends = search.claim.rstrip(" *_").endswith((":", "："))
    counted = amounts(search.claim)
    if not ends or len(counted) != 1 or not counted[0].written.isalpha() or counted[0].kind:
        return False
    lists = _lists(search.around.partition(search.claim)[2])
    return bool(lists) and 1 < len(lists[0]) != counted[0].values[0]


def _counts_of_days(held: Held) -> list[Result]:
    """How many days of the week a clause of the source names: "from Monday to Saturday" are six."""
    return [Result(n, n * 86400.0, "time", "", clause) for n, clause in held.weeks.items()]


def _total(amount: Amount, search: _Search) -> str:
    """The amounts of the lines before the one with `amount` that add up to it."""
    text, at = search.around, search.around.rfind(search.claim)
    lines = text[: max(0, at)].splitlines()[-_MOST_ITEMS:]
    total, summed = 0.0, list[str]()
    for line in reversed(lines):
        same = [each for each in amounts(line) if each.kind == amount.kind or not (each.kind and amount.kind)]
        if same and same[-1].kind != "clock":
            total += same[-1].values[0]
            summed.insert(0, same[-1].written)
        if len(summed) > 1 and abs(total - amount.values[0]) < 0.006:
            return " + ".join(summed)
    return ""


def _supposed(search: _Search, unknown: Sequence[_Unknown]) -> list[_Unknown]:
    """A count of the claim that nobody stated with what it gives: "a trip of 120 miles is refunded with £54"."""
    own = [each for each in unknown if each.in_claim]
    known = [each for part in search.parts for each in part.amounts]
    for count in [each for each in (*own, *search.settled) if each.in_claim]:
        n = count.ways[-1]
        if n.kind in ("price", "percent", "clock", "code") or n.values[0] != int(n.values[0]):
            continue
        for each in (*own, *(each for each in search.settled if each.in_claim)):
            if each is count or (each not in own and count not in own):
                continue
            if way := _of_count(each, n, known):
                _settle(search, count, n, "")
                _settle(search, each, *way)
                return [count, each]
    return []


def _of_count(unknown: _Unknown, n: Amount, known: Sequence[Amount]) -> tuple[Amount, str] | None:
    """The reading of a figure that is `n` times a known amount, or that for so many of another number."""
    for amount in unknown.ways:
        most = 0.02 if not amount.decimals and amount.values[0] < _SMALL else 0.5 * 10**-amount.decimals + 1e-9
        for each in known:
            if (
                each.values[0] == 1
                or each.kind in ("percent", "clock")
                or not _is_of_kind(Result(0, 0, each.kind, each.code, ""), amount)
            ):
                continue
            whole = n.values[0] * (
                amount.unbased(each.base(each.values[0])) if each.kind == amount.kind else each.values[0]
            )
            for share in (1.0, *(other.values[0] for other in known if not other.kind and other is not each)):
                if share and abs(whole / share - amount.values[0]) <= most:
                    formula = f"{n.written} × {each.written}"
                    return amount, formula if share == 1 else f"{formula} ÷ {share:g}"
    return None


def _dates_follow(search: _Search) -> bool:
    """Whether each date of the claim stands in the source, follows from others by a span, or is supposed."""
    unknown = [day for day in (*days(search.around), *days(search.claim)) if not _is_stated(day, search)]
    own = {(day.year, day.month, day.day) for day in days(search.claim)}
    spans = [
        each
        for each in (*search.said, *(one for part in search.parts for one in part.amounts))
        if each.kind == "time"
    ]
    stated = [day for part in search.parts for day in part.days]
    for day in [day for day in unknown if _is_supposed(day, search)]:
        search.dates.append(day)
    to_last = bool(_LAST.search(search.claim))
    while followed := [
        (day, formula)
        for day in unknown
        if day not in search.dates
        and (
            formula := dict(moved([*search.dates, *stated], spans, to_last=to_last)).get(
                (day.year, day.month, day.day)
            )
        )
    ]:
        for day, formula in followed:
            search.dates.append(day)
            if (day.year, day.month, day.day) in own:
                search.derived[day.written] = formula
    return own <= {(day.year, day.month, day.day) for day in search.dates} and _months_follow(search)


def _is_stated(day: Day, search: _Search) -> bool:
    held = search.held.days
    if (day.year, day.month, day.day) in held or (day.year, day.day, day.month) in held:
        return True
    if not day.year:
        return any((month, number) == (day.month, day.day) for _, month, number in held)
    return (0, day.month, day.day) in held and str(day.year) in forms(search.source)


def _is_supposed(day: Day, search: _Search) -> bool:
    before = search.around[max(0, (at := search.around.find(day.written)) - _BEFORE_DATE) : max(0, at)]
    return bool(day.year and _SUPPOSED.search(before))


def _months_follow(search: _Search) -> bool:
    """Whether each month that the claim names beside a number, of no full date, is in the source or a known date."""
    taken = days(search.claim)
    months = {form for day in search.dates for form in (f"month {day.month}",)}
    return all(
        each.is_in(forms(search.source) | months)
        for each in figures(search.claim)
        if any(form.startswith("month ") for way in each.ways for form in way)
        and not any(day.start <= each.start < day.end for day in taken)
    )


def _weekdays_follow(search: _Search) -> bool:
    """Whether each day of the week of the claim is that of the date beside it, in the source, or of a known date."""
    by_date = {when.weekday(): day.written for day in search.dates if (when := day.when())}
    for each in weekdays(search.claim):
        end = each.start + len(each.written)
        beside = [
            when.weekday()
            for day in days(search.claim)
            if (when := day.when()) and (-2 <= each.start - day.end <= _BESIDE or 0 <= day.start - end <= 4)
        ]
        if beside and each.number not in beside:
            return False
        if not beside and (search.held.weekdays or not by_date):
            continue  # compared clause by clause
        if each.number not in by_date:
            return False
        search.derived[each.written] = by_date[each.number]
    return True


def _holds(search: _Search, proportion: Proportion) -> bool:
    """Whether a share in words is one in the source, of two known amounts, or of what the claim says."""
    if any(each.value == proportion.value for part in search.parts for each in proportions(part.text)):
        return True
    is_wide = _WIDE.search(search.claim, max(0, proportion.start - 24), proportion.start)
    most = _WIDE_SHARE if is_wide else _NEAR_SHARE
    formed = [Amount(f"{each:g}", (each,), 0, 0, 0) for each in _by_formulas(search)]
    for pool in (*(pool for pool, _ in search.pools()), [*search.near, *formed]):
        for one, other in permutations(pool, 2):
            if (one.kind, one.code) != (other.kind, other.code) or not other.values[0]:
                continue
            exact = one.base(one.values[0]) / (other.base(other.values[0]) or 1)
            if abs(exact / proportion.value - 1) <= most:
                search.derived[proportion.written] = f"{one.written} ÷ {other.written}"
                return True
    return False
