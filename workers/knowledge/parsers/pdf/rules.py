"""Finds the grids that ruling lines draw on a PDF page."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from workers.knowledge.parsers.pdf.characters import Numbers, matrix_of, objects
from workers.knowledge.parsers.runs import runs

# Charts and maps have tens of thousands of paths, none of which are table rules.
_MAX_PATHS: Final = 6_000
_MAX_SEGMENTS: Final = 40
# In points: a filled box this thin counts as a line, and lines this close meet.
_THIN: Final = 2.5
_MEET: Final = 3.0
_MIN_LENGTH: Final = 4.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line at `at` (y if it is horizontal, else x) from `start` to `end`, in points as shown."""

    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class RuledGrid:
    """Lines that cross: the ascending x and y where columns and rows meet, and the rules themselves."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    level: tuple[Rule, ...]
    upright: tuple[Rule, ...]

    def parts_across(self, x: float, y: float) -> bool:
        """Whether there is a vertical rule at `x` at the height `y`."""
        return any(abs(rule.at - x) <= _MEET and rule.start - _MEET <= y <= rule.end + _MEET for rule in self.upright)

    def parts_down(self, x: float, y: float) -> bool:
        """Whether there is a horizontal rule at `y` across `x`."""
        return any(abs(rule.at - y) <= _MEET and rule.start - _MEET <= x <= rule.end + _MEET for rule in self.level)


def grids(page: pdfium.PdfPage, to_shown: Numbers) -> list[RuledGrid]:
    """The grids of at least two columns and two rows on `page`."""
    level, upright = _rules(page, to_shown)
    found = []
    for level_part, upright_part in _connected(_joined(level), _joined(upright)):
        if not level_part or not upright_part:
            continue
        # Many tables are open at their sides, so the longest lines give their extent.
        xs = _places(upright_part, [min(each.start for each in level_part), max(each.end for each in level_part)])
        ys = _places(level_part, [min(each.start for each in upright_part), max(each.end for each in upright_part)])
        if len(xs) >= 3 and len(ys) >= 3:
            found.append(RuledGrid(xs, ys, tuple(level_part), tuple(upright_part)))
    return found


def _rules(page: pdfium.PdfPage, to_shown: Numbers) -> tuple[list[Rule], list[Rule]]:
    level: list[Rule] = []
    upright: list[Rule] = []
    width, height = page.get_size()
    for n, (handle, matrix) in enumerate(objects(page.raw, pdfium_c.FPDF_PAGEOBJ_PATH, _MAX_PATHS, depth=3)):
        if n >= _MAX_PATHS:
            return [], []
        for points in _outlines(handle):
            shown = _placed(points, handle, matrix, to_shown)
            for (x0, y0), (x1, y1) in _edges(shown):
                x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
                if y1 - y0 <= _THIN and _MIN_LENGTH <= x1 - x0 <= width + 1:
                    level.append(Rule((y0 + y1) / 2, x0, x1))
                elif x1 - x0 <= _THIN and _MIN_LENGTH <= y1 - y0 <= height + 1:
                    upright.append(Rule((x0 + x1) / 2, y0, y1))
    return level, upright


def _outlines(handle: Any) -> Iterator[list[tuple[float, float]]]:
    """The straight outlines of a path; none if it has curves or too many corners for a rule."""
    n = pdfium_c.FPDFPath_CountSegments(handle)
    if n < 2 or n > _MAX_SEGMENTS:
        return
    outlines: list[list[tuple[float, float]]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for i in range(n):
        segment = pdfium_c.FPDFPath_GetPathSegment(handle, i)
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        if kind == pdfium_c.FPDF_SEGMENT_BEZIERTO:
            return
        pdfium_c.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        if kind == pdfium_c.FPDF_SEGMENT_MOVETO or not outlines:
            outlines.append([])
        outlines[-1].append((x.value, y.value))
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            outlines[-1].append(outlines[-1][0])
    yield from outlines


def _placed(points: Sequence[tuple[float, float]], handle: Any, matrix: Any, to_shown: Numbers) -> list[list[float]]:
    whole = matrix_of(handle) if matrix is None else matrix @ matrix_of(handle)
    shown: list[list[float]] = (np.array([(x, y, 1.0) for x, y in points]) @ whole.T @ to_shown.T).tolist()
    return shown


def _edges(points: Sequence[Sequence[float]]) -> Iterator[tuple[Sequence[float], Sequence[float]]]:
    """The sides of an outline; a thin box is a single line along its middle."""
    if len(points) < 2:
        return
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if len(points) >= 4 and min(max(xs) - min(xs), max(ys) - min(ys)) <= _THIN:
        yield (min(xs), min(ys)), (max(xs), max(ys))
        return
    yield from pairwise(points)


def _joined(rules: list[Rule]) -> list[Rule]:
    """`rules`, with those on one line that touch or overlap joined."""
    joined: list[Rule] = []
    for rule in sorted(rules, key=lambda each: (round(each.at), each.start)):
        last = joined[-1] if joined else None
        if last and abs(last.at - rule.at) <= 1.5 and rule.start <= last.end + _MEET:
            joined[-1] = Rule(last.at, last.start, max(last.end, rule.end))
        else:
            joined.append(rule)
    return joined


def _connected(level: list[Rule], upright: list[Rule]) -> Iterator[tuple[list[Rule], list[Rule]]]:
    """The rules grouped by whether they cross each other."""
    if len(level) * len(upright) > 250_000 or not level or not upright:
        return
    at_y, x0, x1 = np.array([(each.at, each.start, each.end) for each in level]).T
    at_x, y0, y1 = np.array([(each.at, each.start, each.end) for each in upright]).T
    crosses = (
        (at_y[:, None] >= y0 - _MEET)
        & (at_y[:, None] <= y1 + _MEET)
        & (at_x[None, :] >= x0[:, None] - _MEET)
        & (at_x[None, :] <= x1[:, None] + _MEET)
    )
    unseen = set(range(len(level)))
    while unseen:
        rows, n_before = {unseen.pop()}, 0
        while len(rows) > n_before:
            n_before = len(rows)
            columns = np.flatnonzero(crosses[list(rows)].any(axis=0)).tolist()
            rows |= set(np.flatnonzero(crosses[:, columns].any(axis=1)).tolist())
        unseen -= rows
        yield [level[i] for i in sorted(rows)], [upright[i] for i in columns]


def _places(rules: Sequence[Rule], ends: Sequence[float]) -> tuple[float, ...]:
    places = sorted([*(rule.at for rule in rules), *ends])
    return tuple(first for first, *_ in runs(places, lambda near, at: at - near[0] > _MEET))
