"""Tables of a PDF page: those that ruling lines draw (ruled), and those that only alignment shows (aligned).

This is code of our own because both kinds need the words that a reader sees (visibility), and because pdfplumber, the
kept alternative, reads 12.6 pages/s (measured 2026-11) and guesses where tables without lines are.
"""

import re
from dataclasses import dataclass
from typing import Final

from workers.knowledge.parsers.words import Piece

Rows = list[list[str]]

_NUMBER: Final = re.compile(
    r"[$€£¥(+\-–—−~<>≈±]*\s*\d[\d.,'’\s]*\s*[%)kKmMbB*†‡]*(?:\s*[±(]\s*[\d.]+\)?)?|[-–—]+|n/?a", re.I
)
YEAR: Final = re.compile(r"(?:19|20)\d\d\*?|(?:FY|Q[1-4])\s?\d{2,4}", re.I)


@dataclass(frozen=True, slots=True)
class Table:
    """A table's rows, its header first, and the pieces that it took from the page."""

    rows: Rows
    pieces: tuple[Piece, ...]
    # Where each column stands, to know the same table again on the next page.
    columns: tuple[float, ...] = ()
    has_header: bool = True
    notes: tuple[str, ...] = ()


def is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell))
