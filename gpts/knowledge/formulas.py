"""The formulas that a text writes out, "2 × 185 = 370": which are right."""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.figures import CURRENCY

_FORMULA: Final = re.compile(r"[\d(][\d., ()+\-−–×x*·/÷]{1,200}+(?:[=≈] *+[\d(][\d., ()+\-−–×x*·/÷]{0,200}+)+")
# "(24 × 380)": what comes to a figure that stands before it.
_IN_BRACKETS: Final = re.compile(r"\((\d[\d., +\-−–×x*·/÷]{2,120}+)\)")
# What is counted: "2 × 4.00 for two tables (with cloth) + tax 1.00 = 9.00".
_REMARK: Final = re.compile(r"(?<=[\w%]) {0,2}\([^()+×*·/÷=]{0,60}\)")
_UNIT: Final = re.compile(r"(?<=[\d)])(?: +(?!x )[^\W\d][^\W\d-]*(?:/[^\W\d]\w{0,9})?){1,4}(?= *[+\-−–×x*·/÷=≈).]|$)")
_LABEL: Final = re.compile(
    r"(?<=[+\-−–×*·/÷=] )(?:[^\W\d][^\W\d-]* ){1,4}(?=[\d(])|(?<![\w-])[A-Z]{1,4}-?\d{1,5} +(?=[\d(])"
)
_SIGNS: Final = str.maketrans({"−": "-", "–": "-", "×": "*", "x": "*", "·": "*", "÷": "/"})
# Thousands set apart by spaces.
_GAP: Final = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
# "2 × 26.00 × 25 % = 13.00"
_PERCENT: Final = re.compile(r"(?<=\d) ?%(?! *\(?\d)")
# "240 − 15 % = 204"
_BY_PERCENT: Final = re.compile(r"(?<![\d.,])(\d[\d.,]{0,15}) {0,2}([+\-−–]) ?(\d[\d.,]{0,8}) ?%(?= *[=≈])")
_OF_100: Final = re.compile(r"(?<!\d)(\d++(?:\.\d++)?) ?/ 100")
# How many of a unit make one of another, which may stand on the two sides of a sign: "480 s = 8 min".
_OF_UNITS: Final = (24.0, 60.0, 3600.0, 1e3, 1024.0, 1e5, 1e6)
_OPERAND: Final = re.compile(r"\d+(?:\.\d+)?")
_OPERATIONS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Formula:
    """A right formula: as it is `written` before the last sign, its operands, percentages and all its results."""

    written: str
    operands: frozenset[float]
    percentages: frozenset[float]
    results: frozenset[float]


def has_wrong_formula(text: str, *, has_units: bool = True) -> bool:
    """Whether the sides of a formula of `text` come to different results.

    With units these may be numbers of different ones: "480 s = 8 min".
    """
    found = (sides for _, sides in map(_sides, _FORMULA.findall(_bare(text))) if all(map(_results, sides)))
    return not all(_is_right(sides, _OF_UNITS if has_units else ()) for sides in found)


def formulas(text: str) -> Iterator[Formula]:
    """The right formulas of `text`; rounded results are right at the precision that they are written in."""
    text = _bare(text)
    for found in _FORMULA.findall(text):
        written, sides = _sides(found)
        results = [_results(side) for side in sides]
        if not all(results) or not _is_right(sides):
            continue
        used, *others = ({float(each) for each in _OPERAND.findall(side)} for side in sides)
        yield Formula(
            written[0].replace(" / 100", " %"),
            frozenset(used),
            frozenset(float(each) for side in sides[:-1] for each in _OF_100.findall(side)),
            frozenset(used.union(*others, *results)),
        )
    for written in _IN_BRACKETS.findall(text):
        side = _plain(written.strip().translate(_SIGNS))
        used = {float(each) for each in _OPERAND.findall(side)}
        if len(used) > 1 and (found_results := _results(side)):
            yield Formula(
                written.strip().replace(" / 100", " %"),
                frozenset(used),
                frozenset(float(each) for each in _OF_100.findall(side)),
                frozenset(used.union(found_results)),
            )


def _bare(text: str) -> str:
    """`text` without what is counted, and with shares in place of percentages."""
    for pattern in (_GAP, CURRENCY, _REMARK, _UNIT, _LABEL):
        text = pattern.sub("", text)
    return _PERCENT.sub(" / 100", _BY_PERCENT.sub(r"\1 × (1 \2 \3 %)", text))


def _sides(formula: str) -> tuple[list[str], list[str]]:
    """The sides of a formula as written, and as they are calculated."""
    written = [side.strip(" .,-").rstrip(" (") for side in formula.replace("≈", "=").split("=")]
    return written, [_plain(side.translate(_SIGNS)) for side in written]


def _is_right(sides: list[str], scales: Sequence[float] = _OF_UNITS) -> bool:
    (exact, *_) = _results(sides[0])
    for side in sides[1:]:
        same = (exact, *(exact / n for n in scales), *(exact * n for n in scales))
        found = next((each for each in same if _is_result(side, each)), None)
        if found is None:
            return False
        exact = found
    return True


def _is_result(side: str, exact: float) -> bool:
    """Whether `side` is `exact`, rounded as it is written: to the decimals of a number, or to two."""
    (value, *_) = _results(side)
    if share := _OF_100.fullmatch(side):
        return bool(abs(value - exact) <= 0.005 * 10 ** -_decimals(share[1]) + 1e-9)
    if _OPERAND.fullmatch(side):
        return bool(abs(value - exact) <= 0.5 * 10 ** -_decimals(side) + 1e-9)
    return abs(value - exact) < 0.006


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])


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
