"""The amounts in the cells of a column, comparable whatever units they are in: "900 g" is less than "1.2 kg"."""

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gpts.knowledge.figures import CURRENCIES, calendar_day

_DATA: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# What a unit measures, and how much of the base it is.
UNITS: Final = {
    unit: (kind, float(scale))
    for kind, units in _DATA.items()
    for scale, names in units.items()
    for unit in names.split()
}
_NUMBER: Final = r"[-−]?\d++(?:[.,'’\u00a0\u202f ]\d++)*+"
_AMOUNT: Final = re.compile(rf"({_NUMBER})(?:\s*(?:[-–]|to|bis|à|a)\s*{_NUMBER})?\s*([^\d\s,;()]*)")
_DECIMAL: Final = {
    mark: re.compile(
        rf"{re.escape(mark)}(?:\d{{1,2}}|\d{{4,}})(?!\d)|{re.escape(other)}\d{{3}}{re.escape(mark)}|\b0{re.escape(mark)}\d"
    )
    for mark, other in ((".", ","), (",", "."))
}
# What may stand before the number of a cell: a currency, "from"; not the letters of a code.
_BEGINS: Final = re.compile(
    rf"(?:\W|{'|'.join(re.escape(each) for each in CURRENCIES if each[0].isalpha())}"
    r"|(?:ca|about|from|ab|de|desde|up to|bis)\b)*\d"
)
_WORD: Final = re.compile(r"[^\W\d]+|[€$£¥₹]")
_MOST_WORDS: Final = 4
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?")
_YEAR: Final = re.compile(r"(?:1[5-9]|20)\d\d")
_HEAD_UNIT: Final = re.compile(r"[(\[]([^()\[\]]++)[)\]]|\bin (\S+)$")
# The share of a column's cells that must be amounts.
_LEAST_SHARE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column's cells, None where a cell has none, and what they measure, "" if that is not known."""

    values: tuple[float | None, ...]
    kind: str = ""


def read_column(name: str, cells: Sequence[str]) -> Column | None:
    """The amounts in `cells` under the header `name`; None if most have none, or if they cannot be compared."""
    mark = next((mark for mark, pattern in _DECIMAL.items() if pattern.search(" ".join(cells))), "")
    read = [_read(cell.strip(), mark) for cell in cells]
    known = [each for each in read if each is not None]
    filled = sum(bool(cell.strip(" -–—")) for cell in cells)
    kinds = Counter(kind for _, kind in known)
    if len(known) < 2 or len(known) < _LEAST_SHARE * filled or len(kinds) > 1:
        return None
    (kind,) = kinds
    if not kind and all(_YEAR.fullmatch(cell.strip()) for cell in cells if cell.strip()):
        kind = "date"
    return Column(tuple(each and each[0] for each in read), kind or _kind_of_head(name))


def _kind_of_head(name: str) -> str:
    """What a column with this name measures, by the unit that it names: "Weight (kg)"."""
    found = _HEAD_UNIT.search(name)
    unit = next(filter(None, found.groups())).strip().casefold() if found else ""
    return "price" if unit in CURRENCIES else UNITS.get(unit, ("", 0))[0]


def _read(cell: str, mark: str) -> tuple[float, str] | None:
    """The value of a cell and what it measures, "" if that is not known; decimals come after `mark`."""
    plain = cell.casefold()
    if (day := calendar_day(cell)) is not None:
        return day, "date"
    if clock := _CLOCK.fullmatch(plain):
        return int(clock[1]) * 60.0 + int(clock[2]), "clock"
    if UNITS.get(plain, ("", 1.0))[1] == 0:
        return 0.0, "price"
    found = _AMOUNT.findall(plain) if _BEGINS.match(plain) else []
    if not found or len(_WORD.findall(plain)) > _MOST_WORDS:
        return None
    if CURRENCIES.keys() & {*_WORD.findall(plain)}:
        return _value(found[0][0], mark), "price"
    units = [UNITS.get(unit, ("", 1.0)) for _, unit in found]
    kind = units[0][0]
    if any(each != kind for each, _ in units) or (len(found) > 1 and not kind):
        return None
    return sum(_value(number, mark) * scale for (number, _), (_, scale) in zip(found, units, strict=True)), kind


def _value(number: str, mark: str) -> float:
    """The value of a number; without decimals in its column, what separates three digits are thousands."""
    plain = re.sub(r"[^\d.,-]", "", number.replace("−", "-"))
    if mark:
        plain = plain.replace("," if mark == "." else ".", "").replace(mark, ".")
    return float(plain if mark else re.sub(r"[.,]", "", plain))
