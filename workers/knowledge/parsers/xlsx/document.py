"""XLSX: each sheet under its name, with values as the sheet shows them. Pages are sheets.

Formulas show their saved values. Hidden sheets, rows and columns and comments are left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from lxml import etree
from openpyxl.styles.colors import COLOR_INDEX
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import column_index_from_string
from openpyxl.utils.escape import unescape

from gpts.knowledge.documents import Document
from workers.isolation.errors import BrokenFile
from workers.knowledge.parsers.colours import MIN_POINTS, WHITE, Colour, blends, from_hex, tinted
from workers.knowledge.parsers.grids import Grid
from workers.knowledge.parsers.ooxml import A, Package, R, Theme, add_graphic, attribute, number
from workers.knowledge.parsers.outline import Outline, flat, take_properties, tells_something
from workers.knowledge.parsers.xlsx.number_formats import hides_text, shown

S: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# The order in which cells number the theme's colours.
_THEME_ORDER: Final = ("lt1", "dk1", "lt2", "dk2", *(f"accent{n}" for n in range(1, 7)), "hlink", "folHlink")
# Cells with content in one file; a sheet of 50,000 rows by 20 columns has as many.
MAX_CELLS: Final = 1_000_000
# A small file can repeat one long text in every cell.
_MAX_CHARS: Final = 20_000_000
# Excel's limits for a cell and a sheet.
_MAX_CELL_CHARS: Final = 32_767
_MAX_ROW, _MAX_COLUMN = 1_048_576, 16_384
_MAX_MERGES: Final = 20_000
# Lower rows (in points) and narrower columns (in characters) show nothing.
_LEAST_SIZE: Final = 0.6
# Narrower columns that are empty only set a table out.
_SPACER_WIDTH: Final = 4.0
_TEXTS: Final = ("inlineStr", "s", "str")
_MAX_CODE_CHARS: Final = 255
_REFERENCE: Final = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_CUT: Final = "The file has more than 1,000,000 cells or 20 million characters. The rest wasn't read."
_NO_VALUES: Final = (
    "Some formulas have no saved value and were left out. Open the file in Excel, save it and upload it again."
)


def parse(data: bytes) -> Document:
    """The document in an XLSX file."""
    package = Package(data)
    outline = Outline(unit="sheet")
    outline.title = take_properties(outline, package.root("", "core-properties"))
    root = package.archive.xml(package.main)
    book = _Book(package, outline, root)
    for page, each in enumerate(root.iterfind(f"{S}sheets/{S}sheet"), 1):
        name = package.target(package.main, each.get(f"{R}id"))
        if not name:
            outline.notice("This sheet is missing from the file.", page, missing="sheet")
        elif "chartsheets/" not in name:
            book.sheet(name, each, page)
        else:
            outline.heading(each.get("name", ""), 1, page)
            book.drawings(name, page)
    return outline.document()


@dataclass(slots=True)
class _Sheet:
    """The cells of one sheet: shown, hidden, and in the colour of their background."""

    grid: Grid = field(default_factory=Grid)
    hidden: Grid = field(default_factory=Grid)
    # Areas with conditional formatting, which may colour cells.
    ruled: list[tuple[int, int, int, int]] = field(default_factory=list)
    # Those among them whose formatting hides text.
    hiding: list[tuple[int, int, int, int]] = field(default_factory=list)
    unseen: dict[tuple[int, int], str] = field(default_factory=dict)


class _Book:
    """Reads the sheets of a workbook."""

    def __init__(self, package: Package, outline: Outline, root: Any) -> None:
        self.package, self.outline = package, outline
        self.since_1904 = attribute(root, f"{S}workbookPr", "date1904") in ("1", "true")
        self.styles = CellStyles(package.root(package.main, "styles"), package.root(package.main, "theme"))
        names = package.related(package.main, "sharedStrings")[:1]
        items = (item for name in names for item in _elements(package, name, f"{S}si"))
        self.strings = [self._rich_text(item) for item in items]
        self.n_cells = self.n_chars = 0

    def sheet(self, name: str, entry: Any, page: int) -> None:
        """Add a sheet, or leave it out if it is hidden."""
        sheet = self._read(name, page)
        if entry.get("state", "visible") != "visible":
            text = " ".join([entry.get("name", ""), *sheet.grid.texts()]) if sheet.grid.rows else ""
            self.outline.leave_out(text, "a hidden sheet", page)
            return
        self.outline.heading(entry.get("name", ""), 1, page)
        sheet.grid.write(self.outline, page)
        self._unseen(sheet, page)
        self.outline.leave_out(" ".join(sheet.hidden.texts()), "hidden rows and columns", page)
        self.drawings(name, page)
        self._comments(name, page)

    def _unseen(self, sheet: _Sheet, page: int) -> None:
        """Quarantine sentences in the colour of their cell; single values are common in ordinary sheets."""
        texts = [text for _, text in sorted(sheet.unseen.items())]
        for text in filter(tells_something, texts):
            self.outline.invisible(text, "it has the same colour as its cell", page)
        rest = [text for text in texts if not tells_something(text)]
        self.outline.leave_out(" ".join(rest), "values in the same colour as their cells", page)

    def drawings(self, name: str, page: int) -> None:
        """Add the text boxes and charts of a sheet."""
        for part in self.package.related(name, "drawing"):
            root = self.package.archive.xml(part)
            for paragraph in root.iter(f"{A}p"):
                self.outline.text("".join(each.text or "" for each in paragraph.iter(f"{A}t")), page)
            add_graphic(self.outline, self.package, part, root, page)

    def _comments(self, name: str, page: int) -> None:
        parts = map(self.package.archive.xml, self.package.related(name, "comments", "threadedComment"))
        texts = [each.text or "" for root in parts for each in root.iter() if each.tag.endswith(("}t", "}text"))]
        self.outline.leave_out(" ".join(texts), "comments", page)

    def _read(self, name: str, page: int) -> _Sheet:
        sheet = _Sheet()
        tags = tuple(f"{S}{each}" for each in ("row", "col", "mergeCell", "conditionalFormatting"))
        next_row = 0
        for element in _elements(self.package, name, *tags):
            kind = element.tag.removeprefix(S)
            if kind == "row":
                next_row = self._row(sheet, element, next_row, page) + 1
            elif kind == "col":
                columns = (number(element.get("min"), 1) - 1, number(element.get("max"), 1) - 1)
                if _is_closed(element, "width", "customWidth"):
                    sheet.grid.hidden_columns.append(columns)
                elif _is_closed(element, "width", "customWidth", _SPACER_WIDTH):
                    sheet.grid.spacers.append(columns)
            elif kind == "mergeCell" and len(sheet.grid.merged) < _MAX_MERGES:
                sheet.grid.merged += _areas(element.get("ref", ""))
            elif kind == "conditionalFormatting":
                areas = _areas(element.get("sqref", ""))[:1_000]
                sheet.ruled += areas
                rules = {number(rule.get("dxfId"), -1) for rule in element.iterfind(f"{S}cfRule")}
                if rules & self.styles.hiding:
                    sheet.hiding += areas
        self._sift(sheet)
        return sheet

    def _row(self, sheet: _Sheet, element: Any, expected: int, page: int) -> int:
        row = number(element.get("r"), expected + 1) - 1
        if _is_closed(element, "ht", "customHeight"):
            sheet.grid.hidden_rows.add(row)
        column = -1
        for cell in element.iterfind(f"{S}c"):
            column = _place(cell.get("r", ""), column + 1)
            if self.n_cells >= MAX_CELLS or self.n_chars >= _MAX_CHARS:
                self.outline.notice(_CUT, missing="cells")
                break
            text, unseen = self._text(cell, page)
            if unseen:
                sheet.unseen[row, column] = unseen
            if not text or not (0 <= row < _MAX_ROW and column < _MAX_COLUMN):
                continue
            self.n_cells += 1
            self.n_chars += len(text)
            if sheet.grid.is_hidden(row, column):
                sheet.hidden.put(row, column, text)
            else:
                sheet.grid.put(row, column, text)
                style = number(cell.get("s"))
                if style in self.styles.unseen or (cell.get("t") in _TEXTS and hides_text(self.styles.code(style))):
                    sheet.unseen[row, column] = text
        return row

    def _text(self, cell: Any, page: int) -> tuple[str, str]:
        """The text of a cell, and what its own formatting hides of it."""
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            inline = cell.find(f"{S}is")
            return self._rich_text(inline) if inline is not None else ("", "")
        if kind == "s":
            index = number(cell.findtext(f"{S}v"), -1)
            return self.strings[index] if 0 <= index < len(self.strings) else ("", "")
        return self._value(cell, kind, page)[:_MAX_CELL_CHARS], ""

    def _rich_text(self, item: Any) -> tuple[str, str]:
        """The text of a shared or inline string that shows, and that which doesn't."""
        hidden = [run for run in item.iterfind(f"{S}r") if self.styles.is_run_unseen(run.find(f"{S}rPr"))]
        unseen = "".join(run.findtext(f"{S}t") or "" for run in hidden)
        for run in hidden:
            item.remove(run)
        return _rich_text(item)[:_MAX_CELL_CHARS], flat(unseen)[:_MAX_CELL_CHARS]

    def _value(self, cell: Any, kind: str, page: int) -> str:
        style = self.styles.code(number(cell.get("s")))
        value = cell.findtext(f"{S}v")
        if not value:
            if kind != "str" and cell.find(f"{S}f") is not None:
                self.outline.notice(_NO_VALUES, page, missing="formulas")
            return ""
        if kind == "b":
            return "TRUE" if value in ("1", "true") else "FALSE"
        if kind in ("str", "e", "d"):
            return value.removesuffix("T00:00:00") if kind == "d" else value
        try:
            return shown(float(value), style, self.since_1904)
        except (ValueError, OverflowError, ArithmeticError):
            return value

    def _sift(self, sheet: _Sheet) -> None:
        """Take unseen cells out of the grid, except short ones that conditional formatting may colour."""
        for row, cells in sheet.grid.rows.items() if sheet.hiding else ():
            for column, text in cells.items():
                if tells_something(text) and _is_in(row, column, sheet.hiding):
                    sheet.unseen[row, column] = text
        for (row, column), text in list(sheet.unseen.items()):
            if _is_in(row, column, sheet.ruled) and not tells_something(text):
                del sheet.unseen[row, column]
            elif sheet.grid.rows.get(row, {}).get(column) == text:
                sheet.grid.rows[row].pop(column)
                if not sheet.grid.rows[row]:
                    del sheet.grid.rows[row]


def _elements(package: Package, part: str, *tags: str) -> Iterator[Any]:
    """The elements with these tags, read one at a time: a whole sheet takes many times its size in memory."""
    source = BytesIO(package.archive.read_xml(part))
    events = etree.iterparse(
        source, ("end",), tag=tags, resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        for _, element in events:
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise BrokenFile from error


def _is_closed(element: Any, size: str, is_set: str, least: float = _LEAST_SIZE) -> bool:
    """Whether a row or column is hidden, or set smaller than `least`, by default too small to show anything."""
    try:
        is_small = element.get(is_set) in ("1", "true") and float(element.get(size, "9")) < least
    except ValueError:
        is_small = False
    return is_small or element.get("hidden") in ("1", "true")


def _is_in(row: int, column: int, areas: list[tuple[int, int, int, int]]) -> bool:
    return any(top <= row <= bottom and left <= column <= right for top, left, bottom, right in areas)


def _rich_text(item: Any) -> str:
    """The text of a shared or inline string, without the phonetic guides of Japanese."""
    parts = [item.findtext(f"{S}t") or "", *(run.findtext(f"{S}t") or "" for run in item.iterfind(f"{S}r"))]
    return str(unescape(flat("".join(parts))))


def _code(declared: Any) -> str:
    """A number format as a workbook declares it; spreadsheets write none longer than 255 characters."""
    code: str = declared.get("formatCode", "")
    return code if len(code) <= _MAX_CODE_CHARS else "General"


def _place(reference: str, expected: int) -> int:
    """The column of a cell; `expected` if the file doesn't name it."""
    found = _REFERENCE.fullmatch(reference)
    return column_index_from_string(found.group(1)) - 1 if found else expected


def _areas(references: str) -> list[tuple[int, int, int, int]]:
    areas = []
    for reference in references.split():
        corners = [(int(row) - 1, column_index_from_string(name) - 1) for name, row in _REFERENCE.findall(reference)]
        if corners:
            areas.append((*corners[0], *corners[-1]))
    return areas


class CellStyles:
    """The formats that cells refer to by number: number formats, and whether text is visible on its cell.

    In cells of the styles `unseen`, text has the colour of the cell or is too small to read; the conditional formats
    `hiding` make it invisible.
    """

    def __init__(self, root: Any, theme: Any) -> None:
        self._theme = Theme.of(theme)
        self._codes: dict[int, str] = {}
        self.unseen: set[int] = set()
        own = {number(each.get("numFmtId")): _code(each) for each in root.iterfind(f".//{S}numFmt")}
        codes = BUILTIN_FORMATS | own
        fonts = dict(enumerate(map(self._font, root.iterfind(f"{S}fonts/{S}font"))))
        fills = dict(enumerate(map(self._fill, root.iterfind(f"{S}fills/{S}fill"))))
        for style, each in enumerate(root.iterfind(f"{S}cellXfs/{S}xf")):
            self._codes[style] = codes.get(number(each.get("numFmtId")), "General")
            colour, size = fonts.get(number(each.get("fontId")), (None, 11.0))
            if blends(colour, fills.get(number(each.get("fillId")), WHITE)) or size <= MIN_POINTS:
                self.unseen.add(style)
        rules = enumerate(root.iterfind(f"{S}dxfs/{S}dxf"))
        self.hiding = {key for key, rule in rules if self._hides(rule)}

    def code(self, style: int) -> str:
        """The number format of cells of this style."""
        return self._codes.get(style, "General")

    def is_run_unseen(self, properties: Any) -> bool:
        """Whether a part of a cell's text with these properties is white or too small to read."""
        if properties is None:
            return False
        colour, points = self._font(properties)
        return blends(colour, WHITE) or points <= MIN_POINTS

    def _hides(self, rule: Any) -> bool:
        font, fill, code = (rule.find(f"{S}{name}") for name in ("font", "fill", "numFmt"))
        ground = self._colour(fill.find(f"{S}patternFill/{S}bgColor")) if fill is not None else WHITE
        is_white = font is not None and blends(self._colour(font.find(f"{S}color")), ground)
        return is_white or (code is not None and hides_text(_code(code)))

    def _font(self, font: Any) -> tuple[Colour, float]:
        try:
            points = float(attribute(font, f"{S}sz", "val", "11"))
        except ValueError:
            points = 11.0
        return self._colour(font.find(f"{S}color")), points

    def _fill(self, fill: Any) -> Colour:
        pattern = fill.find(f"{S}patternFill")
        if pattern is None:
            return None
        kind = pattern.get("patternType", "none")
        if kind == "none":
            return WHITE
        return self._colour(pattern.find(f"{S}fgColor")) if kind == "solid" else None

    def _colour(self, colour: Any) -> Colour:
        """A colour; None if it is a system colour or unknown."""
        if colour is None:
            return None
        try:
            tint = float(colour.get("tint") or 0)
        except ValueError:
            return None
        return tinted(self._plain(colour), 1 - abs(tint), max(0.0, tint))

    def _plain(self, colour: Any) -> Colour:
        if colour.get("rgb"):
            return from_hex(colour.get("rgb"))
        if colour.get("theme"):
            index = number(colour.get("theme"), -1)
            return self._theme.colours.get(_THEME_ORDER[index]) if 0 <= index < len(_THEME_ORDER) else None
        index = number(colour.get("indexed"), -1)
        return from_hex(COLOR_INDEX[index][2:]) if 0 <= index < len(COLOR_INDEX) else None
