"""Groups the lines of a page into headings and paragraphs by letter size and weight, gaps, indents and list marks."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from statistics import median
from typing import Final

from workers.knowledge.parsers.outline import Outline, flat
from workers.knowledge.parsers.runs import runs
from workers.knowledge.parsers.words import TextPiece, same_line

LineStyle = tuple[float, bool]

# The least ratio of a heading's letter size to the body's.
HEADING_SIZE: Final = 1.15
_HEADING_CHARS: Final = 120
_MAX_HEADING_STYLES: Final = 5
# A larger gap, as a multiple of the usual one, begins a paragraph.
_PARAGRAPH_GAP: Final = 1.35
# A header or footer is on at least this share of the pages (left and right pages differ) and on at least three.
_RUNNING_SHARE: Final = 0.3
_RUNNING_PAGES: Final = 3
# Longer lines at the edge are text, even if several pages begin with the same sentence.
_RUNNING_CHARS: Final = 90
_SENTENCE_END: Final = re.compile(r"[.!?:;。！？][\"'”’»)\]]*$")
_ITEM: Final = re.compile(r"(?:[-•▪●◦–*‣■□➢✓]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
# The dots between a chapter's title and its page number would fill whole chunks.
_LEADERS: Final = re.compile(r" ?(?:\. ?){5,}|…{3,}")
# Japanese and Chinese with punctuation, which have no spaces between words.
_UNSPACED: Final = re.compile(r"[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]")
_RIGHT_TO_LEFT: Final = re.compile(r"[\u0590-\u08ff]")


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text with its letter size and place on the page, in points from the top left."""

    text: str
    size: float
    left: float
    right: float
    baseline: float
    bold: bool = False

    @property
    def style(self) -> LineStyle:
        """Size, rounded as sizes of one style vary a bit, and weight, which tell headings from text."""
        return round(self.size * 2) / 2, self.bold


def lines_of(pieces: Sequence[TextPiece]) -> list[tuple[TextLine, TextPiece]]:
    """The lines made of `pieces` in the order given, each with its first piece."""
    rows = runs(pieces, lambda row, piece: not same_line(row[-1], piece) or piece.x0 < row[-1].x0)
    return [(_line(row), row[0]) for row in rows]


def _line(row: Sequence[TextPiece]) -> TextLine:
    main = max(row, key=lambda piece: len(piece.text))
    return TextLine(
        _LEADERS.sub(" … ", " ".join(piece.text for piece in row)),
        main.size,
        row[0].x0,
        row[-1].x1,
        main.baseline,
        all(piece.bold for piece in row),
    )


def running_lines(pages: Sequence[Sequence[TextLine]]) -> Callable[[TextLine], bool]:
    """A predicate for headers, footers and page numbers: lines that many of `pages` repeat at an edge."""
    edges = Counter(key for lines in pages for key in {running_key(line.text) for line in _edge_lines(lines)})
    often = {key for key, n in edges.items() if n >= max(_RUNNING_PAGES, _RUNNING_SHARE * len(pages))}
    sizes: Counter[float] = Counter()
    for line in chain.from_iterable(pages):
        sizes[line.size] += len(line.text)
    # Larger letters are a title, which slides may repeat.
    largest = HEADING_SIZE * max(sizes, key=lambda size: sizes[size], default=0.0)
    at_edge = {id(line) for lines in pages for line in _edge_lines(lines) if line.size < largest}
    return lambda line: id(line) in at_edge and running_key(line.text) in often


def _edge_lines(lines: Sequence[TextLine]) -> list[TextLine]:
    """The lines on the two highest and two lowest baselines."""
    heights = sorted({round(line.baseline) for line in lines})
    edges = {*heights[:2], *heights[-2:]}
    return [line for line in lines if round(line.baseline) in edges and len(line.text) <= _RUNNING_CHARS]


def running_key(text: str) -> str:
    """`text` without what differs between pages: numbers."""
    return re.sub(r"\d+|\b[ivxlc]+$", "#", text)


def heading_styles(pages: Sequence[Sequence[TextLine]]) -> list[LineStyle]:
    """The styles of headings, largest first, at most five; the most common style is the body's."""
    by_style: Counter[LineStyle] = Counter()
    for line in chain.from_iterable(pages):
        by_style[line.style] += len(line.text)
    if not by_style:
        return []
    (body, body_is_bold), _ = by_style.most_common(1)[0]
    rare = [style for style, n in by_style.items() if n < 0.2 * by_style.total()]
    found = [
        (size, bold)
        for size, bold in rare
        if size >= body * HEADING_SIZE or (bold and not body_is_bold and size >= body)
    ]
    return sorted(found, reverse=True)[:_MAX_HEADING_STYLES]


def paragraphs(lines: Sequence[TextLine]) -> Iterator[list[TextLine]]:
    """`lines` grouped into headings, paragraphs and list items."""
    gaps = [b.baseline - a.baseline for a, b in pairwise(lines)]
    usual = median([gap for gap in gaps if gap > 0] or [0.0])
    return runs(lines, lambda paragraph, line: _begins_paragraph(paragraph, line, usual))


def _begins_paragraph(paragraph: list[TextLine], line: TextLine, usual: float) -> bool:
    last = paragraph[-1]
    gap = line.baseline - last.baseline
    if line.bold != last.bold or abs(line.size - last.size) > 0.1 * last.size or _ITEM.match(line.text):
        return True
    if gap > _PARAGRAPH_GAP * max(usual, line.size) or gap < -line.size:
        # A paragraph continues in the next column only in mid-sentence.
        return gap > 0 or bool(_SENTENCE_END.search(last.text))
    if not _SENTENCE_END.search(last.text) or _RIGHT_TO_LEFT.search(last.text):
        return False
    widest = max(each.right for each in paragraph)
    ended_short = last.right < widest - 2 * line.size
    indented = line.left > last.left + 0.8 * line.size
    return ended_short or indented


def write_paragraph(outline: Outline, paragraph: list[TextLine], styles: Sequence[LineStyle], page: int) -> None:
    """Add `paragraph` to `outline`, as a heading if it has a heading's style."""
    text = joined([line.text for line in paragraph])
    style = paragraph[0].style
    is_short = (
        len(text) <= _HEADING_CHARS and bool(re.search(r"[^\W\d_]{2}", text)) and not text.endswith((".", ",", ";"))
    )
    if style in styles and is_short:
        outline.heading(text, styles.index(style) + 1, page)
    else:
        outline.text(text, page)


def joined(lines: Sequence[str]) -> str:
    """The lines as one; a hyphenated word is joined if its second part is in lower case."""
    text = ""
    for line in lines:
        if re.search(r"[^\W\d_]-$", text) and line[:1].islower():
            text = text[:-1] + line
        elif _UNSPACED.fullmatch(text[-1:]) and _UNSPACED.fullmatch(line[:1]):
            text += line
        else:
            text += (" " if text else "") + line
    return flat(text)
