"""Words with their place on a page, from a text layer or from text recognition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from workers.knowledge.parsers.runs import runs

# The largest distance of two baselines on one line, as a share of the letter size; includes raised digits.
_SAME_BASELINE: Final = 0.45
# A gap of this many letter sizes separates cells of a table or columns of text. Word spaces of justified text are
# smaller, gaps between columns of numbers seldom are.
WIDE_GAP: Final = 0.95


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box in points from the top left of the page as it is shown (y grows downwards)."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    baseline: float
    size: float
    bold: bool = False
    # The file begins a line with this word.
    begins_line: bool = False


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Neighbouring words of one line without a wide gap: a line of text, or a line in a table's cell."""

    words: tuple[Word, ...]
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    baseline: float
    size: float
    bold: bool

    @property
    def middle(self) -> float:
        return (self.x0 + self.x1) / 2


def piece_of(words: Sequence[Word]) -> TextPiece:
    """The piece made of `words` in the order given."""
    main = max(words, key=lambda word: (len(word.text), word.size))
    return TextPiece(
        tuple(words),
        " ".join(word.text for word in words),
        min(word.x0 for word in words),
        min(word.y0 for word in words),
        max(word.x1 for word in words),
        max(word.y1 for word in words),
        main.baseline,
        main.size,
        all(word.bold for word in words if any(map(str.isalnum, word.text))) and any(word.bold for word in words),
    )


def pieces_of(words: Iterable[Word]) -> list[TextPiece]:
    """The pieces made of `words`, in the order given."""
    return [piece_of(line) for line in runs(words, lambda line, word: not _continues(line[-1], word))]


def _continues(last: Word, word: Word) -> bool:
    size = max(last.size, word.size)
    if not same_line(last, word):
        return False
    # Right-to-left words come in reading order, each left of the one before.
    gap = max(word.x0 - last.x1, last.x0 - word.x1)
    return gap <= WIDE_GAP * size and not (word.begins_line and gap < -0.5 * size)


def same_line(a: Word | TextPiece, b: Word | TextPiece) -> bool:
    """Whether two words or pieces are on one line."""
    return abs(a.baseline - b.baseline) <= _SAME_BASELINE * max(a.size, b.size)


def rows_of(pieces: Iterable[TextPiece]) -> list[list[TextPiece]]:
    """`pieces` in rows from the top down, each from left to right."""
    ordered = sorted(pieces, key=lambda each: (each.baseline, each.x0))
    rows = runs(ordered, lambda row, piece: not same_line(row[0], piece))
    return [sorted(row, key=lambda each: each.x0) for row in rows]
