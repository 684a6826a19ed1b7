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
# Two letters or digits in a row, a sign of a script without letters of its own, or a code of letters and digits.
_WORD: Final = re.compile(
    r"[^\W\d_]{2}|\d{2}|[\u3040-\u9fff\uac00-\ud7af]|(?=[\w./-]*\d)(?=[\w./-]*[^\W\d_])[\w./-]{3,}"
)
_RIGHT_TO_LEFT: Final = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# Signs of formulas, and sides of an equation; "n = 25" and "≤ 5" do stand in tables.
_FORMULA: Final = re.compile(r"^=|=$|[{}⇒⇔∀-∑∓-∖√-≇≉-≣≦-⋿⟀-⟯⨀-⫿]")


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


def is_right_to_left(text: str) -> bool:
    """Whether most letters of `text` belong to scripts that are written from the right."""
    return 2 * len(_RIGHT_TO_LEFT.findall(text)) > sum(map(str.isalpha, text))


def is_plausible(cell: str) -> bool:
    """Whether `cell` holds what cells of tables hold, a number, a word or a code, and not a part of a formula."""
    return is_number(cell) or (bool(_WORD.search(cell)) and not _FORMULA.search(cell))


def is_tick(cell: str) -> bool:
    """Whether `cell` may be a tick, cross or arrow, which many tables and formulas are full of."""
    return len(cell) == 1 and not cell.isdigit()


def holds_words_or_is_full(cells: Rows) -> bool:
    """Whether words stand among the numbers, or at least few places are empty; the axes of a chart have neither."""
    filled = [cell for row in cells for cell in row if cell]
    n_words = sum(is_plausible(cell) and not is_number(cell) for cell in filled)
    return n_words >= 2 or len(filled) >= 0.7 * sum(map(len, cells))
