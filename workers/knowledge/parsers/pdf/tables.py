"""Tables of a PDF page, found by their ruling lines (`ruled`) or by alignment alone (`aligned`), and their headers.

Both need only the words that a reader sees (`visibility`). pdfplumber sees hidden words too, reads 12.6 pages/s
(measured 2026-11) and guesses where tables without lines are.
"""

import re
from dataclasses import dataclass
from typing import Final

from workers.knowledge.parsers.cells import YEAR, Rows, is_number
from workers.knowledge.parsers.words import TextPiece

# Two letters or digits in a row, a CJK character, or a code of letters and digits.
_WORD: Final = re.compile(
    r"[^\W\d_]{2}|\d{2}|[\u3040-\u9fff\uac00-\ud7af]|(?<![\w./-])(?=[\w./-]*\d)(?=[\w./-]*[^\W\d_])[\w./-]{3,}"
)
_RIGHT_TO_LEFT: Final = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# Signs of formulas and sides of equations; "n = 25" and "≤ 5" occur in tables.
_FORMULA: Final = re.compile(r"^=|=$|[{}⇒⇔∀-∑∓-∖√-≇≉-≣≦-⋿⟀-⟯⨀-⫿]")
_MAX_HEADER_ROWS: Final = 4


@dataclass(frozen=True, slots=True)
class Table:
    """A table's rows, its header first, and the pieces of text that they are made of."""

    rows: Rows
    pieces: tuple[TextPiece, ...]
    # The x of each column, to recognise the table when it continues on the next page.
    columns: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def is_right_to_left(text: str) -> bool:
    """Whether most letters of `text` belong to right-to-left scripts."""
    return 2 * len(_RIGHT_TO_LEFT.findall(text)) > sum(map(str.isalpha, text))


def is_plausible(cell: str) -> bool:
    """Whether `cell` holds a number, a word or a code, as cells of tables do, and not a part of a formula."""
    return is_number(cell) or (bool(_WORD.search(cell)) and not _FORMULA.search(cell))


def is_tick(cell: str) -> bool:
    """Whether `cell` may be a tick, cross or arrow; tables and formulas have many."""
    return len(cell) == 1 and not cell.isdigit()


def holds_words_or_is_full(cells: Rows) -> bool:
    """Whether there are words among the numbers, or few empty cells; the axes of a chart have neither."""
    filled = [cell for row in cells for cell in row if cell]
    n_words = sum(is_plausible(cell) and not is_number(cell) for cell in filled)
    return n_words >= 2 or len(filled) >= 0.7 * sum(map(len, cells))


def captioned(rows: Rows) -> tuple[tuple[str, ...], Rows]:
    """The texts that span the whole table above its header, and the other rows."""
    notes: list[str] = []
    while len(rows) > 2 and len(rows[0]) > 2 and len({cell for cell in rows[0] if cell}) == 1:
        if sum(map(bool, rows[1])) < 2:
            break
        notes.append(next(cell for cell in rows[0] if cell))
        rows = rows[1:]
    return tuple(notes), rows


def header_rows(cells: Rows) -> int:
    """The number of header rows: those before the first row of a label with numbers."""
    for i, row in enumerate(cells[: _MAX_HEADER_ROWS + 1]):
        values = [cell for cell in row[1:] if cell]
        numbers = [cell for cell in values if is_number(cell) and not YEAR.fullmatch(cell)]
        if row[0] and numbers and len(numbers) >= 0.5 * len(values):
            return i
        if is_number(row[0]) and not YEAR.fullmatch(row[0]) and numbers:
            return i
    n = 1
    while n < min(_MAX_HEADER_ROWS, len(cells) - 1) and sum(map(bool, cells[n])) == 1 and not cells[n][0]:
        n += 1
    return n
