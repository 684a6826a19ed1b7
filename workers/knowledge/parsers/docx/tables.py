"""The cells of a DOCX table, with the colours and text formats that its style gives them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from workers.knowledge.parsers.colours import Colour
from workers.knowledge.parsers.docx.paragraphs import ParagraphContext
from workers.knowledge.parsers.docx.styles import VAL, DocxStyles, W, is_low
from workers.knowledge.parsers.ooxml import attribute, is_on, number

WRAPPERS: Final = frozenset(f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"))
# The most columns that Word allows.
_MAX_SPAN: Final = 63
# A table with more text in a cell is for page layout.
_LAYOUT_CELL_CHARS: Final = 1_000
# Bits of an old-style tblLook value (ECMA-376, 17.7.6).
_LOOK_BITS: Final = {"firstRow": 0x20, "lastRow": 0x40, "firstColumn": 0x80, "lastColumn": 0x100}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell at its first column; `continues` if it is merged with the one above."""

    element: Any
    column: int
    span: int
    continues: bool
    context: ParagraphContext


@dataclass(frozen=True, slots=True)
class Row:
    """A row of cells; `left_out` says why it is hidden, "" if it isn't."""

    cells: tuple[Cell, ...]
    left_out: str = ""


def rows_of(table: Any, styles: DocxStyles, context: ParagraphContext) -> list[Row]:
    """The rows of a table, each cell with its context."""
    rows = list(inside(table, f"{W}tr"))
    style = _TableStyle(table, styles, context, len(rows))
    return [_row(row, index, style) for index, row in enumerate(rows)]


def is_layout(rows: list[Row]) -> bool:
    """Whether a table is for page layout, so that its cells should be read one after the other."""
    if all(len(row.cells) <= 1 for row in rows):
        return True
    cells = [cell.element for row in rows for cell in row.cells]
    if any(cell.find(f".//{W}tbl") is not None for cell in cells):
        return True
    return any(sum(len(text.text or "") for text in cell.iter(f"{W}t")) > _LAYOUT_CELL_CHARS for cell in cells)


def inside(element: Any, tag: str) -> Iterator[Any]:
    """The children with this tag, including those inside content controls and tracked changes."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in WRAPPERS:
            yield from inside(child, tag)


def _row(row: Any, index: int, style: "_TableStyle") -> Row:
    properties = row.find(f"{W}trPr")
    reason = ""
    if properties is not None:
        reason = "deleted text" if properties.find(f"{W}del") is not None else ""
        is_hidden = is_low(properties.find(f"{W}trHeight"), "val", "hRule")
        reason = "hidden table rows" if is_hidden or is_on(properties.find(f"{W}hidden"), VAL) else reason
    column = _span(properties, "gridBefore", 0)
    cells = []
    elements = list(inside(row, f"{W}tc"))
    for position, element in enumerate(elements):
        own = element.find(f"{W}tcPr")
        merge = own.find(f"{W}vMerge") if own is not None else None
        span = max(1, _span(own, "gridSpan", 1))
        continues = merge is not None and merge.get(VAL, "continue") == "continue"
        context = style.context(own, index, position == 0, position == len(elements) - 1)
        cells.append(Cell(element, column, span, continues, context))
        column += span
    return Row(tuple(cells), reason)


def _span(properties: Any, name: str, default: int) -> int:
    return min(_MAX_SPAN, max(0, number(attribute(properties, f"{W}{name}", VAL), default)))


class _TableStyle:
    """The colours and text formats that a table and its style give to cells."""

    def __init__(self, table: Any, styles: DocxStyles, context: ParagraphContext, n_rows: int) -> None:
        self._styles, self._outer, self._n_rows = styles, context, n_rows
        properties = table.find(f"{W}tblPr")
        self._chain = list(styles.chain(attribute(properties, f"{W}tblStyle", VAL)))
        self._look = properties.find(f"{W}tblLook") if properties is not None else None
        self._own = styles.shading(properties)

    def context(self, cell: Any, row: int, is_first: bool, is_last: bool) -> ParagraphContext:
        """The colours behind a cell with these properties, and the run properties that the table's style sets."""
        regions = [
            region
            for region, name, applies in (
                ("firstRow", "firstRow", row == 0),
                ("lastRow", "lastRow", row == self._n_rows - 1),
                ("firstCol", "firstColumn", is_first),
                ("lastCol", "lastColumn", is_last),
            )
            if applies and self._has(name)
        ]
        is_shaded, colour = self._styles.shading(cell)
        grounds = (colour,) if is_shaded else self._grounds(regions)
        return ParagraphContext(grounds, (*self._outer.under, *self._text(regions)))

    def _has(self, name: str) -> bool:
        if self._look is None:
            return True
        written = self._look.get(f"{W}{name}")
        if written is not None:
            return written in ("1", "true", "on")
        value = self._look.get(VAL, "ffff")
        try:
            return bool(int(value, 16) & _LOOK_BITS[name])
        except ValueError:
            return True

    def _grounds(self, regions: list[str]) -> tuple[Colour, ...]:
        for region in regions:
            if found := self._shades(region):
                return found
        bands = [colour for band in ("band1Horz", "band2Horz", "band1Vert", "band2Vert") for colour in
                 self._shades(band)]  # fmt: skip
        properties = (style.find(f"{W}{name}") for style in self._chain for name in ("tcPr", "tblPr"))
        whole = [colour for is_shaded, colour in map(self._styles.shading, properties) if is_shaded]
        own = [self._own[1]] if self._own[0] else []
        behind = whole[:1] or own or list(self._outer.grounds)
        return (*bands, *behind)

    def _shades(self, region: str) -> tuple[Colour, ...]:
        for style in self._chain:
            for part in style.iterfind(f"{W}tblStylePr[@{W}type='{region}']"):
                is_shaded, colour = self._styles.shading(part.find(f"{W}tcPr"))
                if is_shaded:
                    return (colour,)
        return ()

    def _text(self, regions: list[str]) -> Iterator[Any]:
        for style in reversed(self._chain):
            whole = style.find(f"{W}rPr")
            if whole is not None:
                yield whole
        for region in reversed(regions):
            for style in reversed(self._chain):
                yield from style.iterfind(f"{W}tblStylePr[@{W}type='{region}']/{W}rPr")
