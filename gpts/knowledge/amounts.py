"""The numbers of a text with what they measure: "£380" is a price, "25 mm" a length, "11.8 %" a share."""

import math
import re
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Final

from gpts.knowledge.days import days
from gpts.knowledge.figures import CURRENCIES, StatedFigure, figures
from gpts.knowledge.quantities import UNITS
from gpts.knowledge.remembering import remembered
from gpts.knowledge.terms import STOP_WORDS

_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)")
# "13.30" may be a time of day.
_DOTTED: Final = re.compile(r"([1-9]|1\d|2[0-4])\.([0-5]\d)")
_CODE: Final = re.compile(r"[a-zA-Z](?:-|\d-)?$")
_YEAR: Final = re.compile(r"(?:1[5-9]|20)\d\d")
_DECIMALS: Final = re.compile(r"\d[.,](\d{1,6})$")
_GAP: Final = r"[ \u00a0\u202f-]{0,2}"
_PERCENT: Final = re.compile(rf"{_GAP}(?:%|％|per ?cent\b|prozent\b|por ciento\b|pour ?cent\b)", re.IGNORECASE)
_BEFORE_PERCENT: Final = re.compile(r"(?:百分之|%\)?: ?)$")
_MONEY: Final = "|".join(sorted(map(re.escape, (*CURRENCIES, "元", "欧元", "美元")), key=len, reverse=True))
_AFTER_MONEY: Final = re.compile(rf"{_GAP}({_MONEY})(?![a-zà-ÿ])", re.IGNORECASE)
_BEFORE_MONEY: Final = re.compile(rf"(?<![^\W\d_])({_MONEY})[)\]]?:?[ \u00a0]?$", re.IGNORECASE)
_MEASURES: Final = "|".join(
    sorted((re.escape(unit) for unit, (kind, _) in UNITS.items() if kind != "price"), key=len, reverse=True)
)
_UNIT: Final = re.compile(rf"{_GAP}(?:(?:US|square|cubic) )?(?:of )?({_MEASURES})(?![a-zà-ÿ²³/])", re.IGNORECASE)
_SQUARE: Final = re.compile(r"[ -]?(?:square|sq\.?) (?:foot|feet|ft|metres?|meters?|m)\b", re.IGNORECASE)
_HEAD_UNIT: Final = re.compile(rf"[(\[]({_MEASURES})[)\]]: ?$", re.IGNORECASE)
_TO: Final = re.compile(r"\s?(?:[-–]|to|until|and|bis|und|à|et|a|y|至|到)\s?")
_NEXT: Final = re.compile(rf"{_GAP}([^\W\d_]+)")
_WORD: Final = re.compile(r"[^\W\d_]+")
_HAN_MONEY: Final = {"元": "cny", "欧元": "eur", "美元": "usd"}
# Zero of a scale that does not begin at it, in units of its base: 0 °F is -17.78 °C.
_ZERO: Final = {"°f": -32 / 1.8, "℉": -32 / 1.8}
# Words between a number and its unit: "5 working days".
_BETWEEN: Final = 24
# More figures are in no sentence that says something.
_MOST_FIGURES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as it is `written`, what it may be, and what it measures.

    `kind` is "price", "percent", "clock", "year", "code", one of the kinds of `quantities`, or "" if it is not known,
    perhaps as it `is_count` of what the next word names. Its unit is `scale` of the base of its kind, from `zero`; a
    time of day is in minutes. `code` is that of a currency.
    """

    written: str
    values: tuple[float, ...]
    decimals: int
    start: int
    end: int
    kind: str = ""
    scale: float = 1.0
    zero: float = 0.0
    code: str = ""
    unit: str = ""
    is_count: bool = False
    figure: StatedFigure = field(default=StatedFigure((), frozenset()), compare=False)

    def base(self, value: float) -> float:
        """`value` of this unit in units of its kind's base."""
        return value * self.scale + self.zero

    def unbased(self, value: float) -> float:
        """`value` of the base in this unit."""
        return (value - self.zero) / self.scale


@remembered
def amounts(text: str) -> tuple[Amount, ...]:
    """The amounts of `text` in order, without the parts of dates; none if there are very many."""
    if len(all_figures := figures(text)) > _MOST_FIGURES:
        return ()
    taken = [(day.start, day.end) for day in days(text)]
    found = []
    for figure in sorted(all_figures, key=lambda each: each.start):
        while taken and taken[0][1] <= figure.start:
            taken.pop(0)
        if not taken or figure.start < taken[0][0]:
            found += _amounts(figure, text)
    return tuple(map(_as_clock, found, [*found[1:], *found[:1]], repeat(text)))


def _as_clock(amount: Amount, following: Amount, text: str) -> Amount:
    """The 9 of "9 to 18 h" is a time of day as well."""
    between = text[amount.end : following.start]
    if amount.kind or following.kind != "clock" or len(between) > _BETWEEN or not _TO.fullmatch(between):
        return amount
    hour = amount.values[0] + (12 if following.values[0] - amount.values[0] * 60 > 720 else 0)
    return replace(amount, kind="clock", values=(hour * 60,), scale=60.0, is_count=False) if hour < 24 else amount


def _amounts(figure: StatedFigure, text: str) -> list[Amount]:
    read = sorted({form for way in figure.ways or (figure.gives,) if len(way) == 1 for form in way})
    values = tuple(float(form) for form in read if _NUMBER.fullmatch(form))
    written = text[figure.start : figure.end]
    place = (figure.start, figure.end)
    found = []
    stated = sorted(read, key=lambda form: form not in figure.gives)
    clocks = tuple(int(each[1]) * 60.0 + int(each[2]) for each in map(_CLOCK.fullmatch, stated) if each)
    if not clocks and (dotted := _DOTTED.fullmatch(written)):
        clocks = (int(dotted[1]) * 60.0 + int(dotted[2]),)
    if clocks:
        found.append(Amount(written, clocks, 0, *place, "clock", 60.0, figure=figure))
    if values:
        mark = _DECIMALS.search(written)
        decimals = len(mark[1]) if mark and (len(values) == 1 or written[0] == "0") and _is_decimal(written) else 0
        kind, scale, zero, code, unit = _measure(text, *place)
        is_count = not kind and bool(
            (word := _NEXT.match(text, figure.end)) and len(word[1]) > 2 and word[1].casefold() not in STOP_WORDS
        )
        found.append(Amount(written, values, decimals, *place, kind, scale, zero, code, unit, is_count, figure))
    if not found and figure.ways and not any(form.startswith("month ") for form in figure.gives):
        found.append(Amount(written, (math.nan,), 0, *place, "code", figure=figure))  # a version, or too long
    return found


def _is_decimal(written: str) -> bool:
    """Whether the last mark of a number, which has one reading, is that of decimals: not in "1,234,500"."""
    marks = [char for char in written if char in ".,"]
    return len(marks) == 1 or marks[-1] != marks[-2]


def _measure(text: str, start: int, end: int) -> tuple[str, float, float, str, str]:
    """What the number at this place measures: kind, scale, zero, currency and unit."""
    before = text[max(0, start - 14) : start]
    if text[start:end].endswith(("h", "H")):
        return "time", 3600.0, 0.0, "", "h"
    if _PERCENT.match(text, end) or _BEFORE_PERCENT.search(before):
        return "percent", 1.0, 0.0, "", ""
    if money := _BEFORE_MONEY.search(before) or _AFTER_MONEY.match(text, end):
        name = money[1].casefold()
        return "price", 1.0, 0.0, _HAN_MONEY.get(name) or CURRENCIES[name], ""
    if square := _SQUARE.match(text, end):
        return "area", 0.09290304 if "f" in square.group() else 1.0, 0.0, "", ""
    if _CODE.search(before):
        return "code", 1.0, 0.0, "", ""
    if unit := _UNIT.match(text, end) or _HEAD_UNIT.search(before):
        if unit[1] == "年" and _YEAR.fullmatch(text, start, end):
            return "year", 1.0, 0.0, "", ""
        return (*UNITS[unit[1].casefold()], _ZERO.get(unit[1].casefold(), 0.0), "", unit[1])
    return "year" if _YEAR.fullmatch(text, start, end) else "", 1.0, 0.0, "", ""


def noun_after(amount: Amount, text: str) -> str:
    """The word after an amount, case-folded."""
    found = _NEXT.match(text, amount.end)
    return found[1].casefold() if found else ""


def kinds_after(amount: Amount, text: str) -> frozenset[tuple[str, float]]:
    """What an amount of a source may measure, in which unit, also by the next words; empty if it may be anything.

    "5 working days" and the 2 of "2 or 3 days" are times; in a cell, or at the end, a number may be anything.
    """
    if amount.kind:
        return frozenset(((amount.kind, amount.scale),))
    following = text[amount.end : amount.end + _BETWEEN]
    if not _WORD.match(following.lstrip(" -\u00a0")):
        return frozenset()
    names = (word.casefold() for word in _WORD.findall(following)[:2])
    return frozenset((("", 1.0), *(UNITS[name] for name in names if name in UNITS)))
