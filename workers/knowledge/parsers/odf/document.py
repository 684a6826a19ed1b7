"""ODT, ODS and ODP: what LibreOffice shows, read from content.xml. Pages are sheets in ODS and slides in ODP.

odfdo, the best maintained library for these files, parses XML without our limits, expands repeated cells (16,384
columns by a million rows in ordinary sheets) and doesn't tell hidden sections, hidden styles and tracked deletions
from other text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from gpts.knowledge.documents import Document
from workers.isolation.errors import BrokenFile
from workers.knowledge.archives import Archive
from workers.knowledge.parsers.colours import WHITE
from workers.knowledge.parsers.grids import Grid
from workers.knowledge.parsers.odf import DRAW, OFFICE, PRESENTATION, STYLE, SVG, TABLE, TEXT
from workers.knowledge.parsers.odf.scene import Scene
from workers.knowledge.parsers.odf.styles import HIDDEN, LEAST_CM, OdfStyles, TextLook, length
from workers.knowledge.parsers.ooxml import number
from workers.knowledge.parsers.outline import Outline, flat, take_properties, tells_something

MAX_CELLS: Final = 1_000_000
_MAX_SPACES: Final = 100
# A row or cell repeated more often than this is formatting, not content.
_MAX_REPEATS: Final = 1_000
_MAX_CELL_REPEATS: Final = 50
# Narrower columns that are empty only set a table out: as in xlsx, where it is four characters.
_SPACER_CM: Final = 0.9
_CUT: Final = "The file has more than 1,000,000 cells. The rest weren't read."
# Elements inside text that aren't part of it.
_ASIDES: Final = frozenset(
    [f"{OFFICE}annotation", f"{OFFICE}annotation-end", f"{TEXT}tracked-changes", f"{TEXT}note-citation",
     f"{TEXT}ruby-text", f"{DRAW}object", f"{SVG}title", f"{SVG}desc", f"{PRESENTATION}notes",
     f"{TEXT}bookmark", f"{TEXT}hidden-text"]
)  # fmt: skip
_ROW_GROUPS: Final = frozenset(f"{TABLE}table-{name}" for name in ("header-rows", "row-group", "rows"))
_NOT_PRINTED: Final = frozenset([f"{TEXT}sequence-decls", f"{OFFICE}forms", f"{TABLE}shapes", f"{OFFICE}annotation"])


def parse(data: bytes) -> Document:
    """The document in an ODT, ODS or ODP file."""
    archive = Archive(data)
    root = archive.xml("content.xml")
    styles = archive.xml("styles.xml") if "styles.xml" in archive else None
    body = root.find(f"{OFFICE}body")
    content = body[0] if body is not None and len(body) else None
    if content is None:
        raise BrokenFile
    outline = Outline()
    outline.title = take_properties(outline, archive.xml("meta.xml") if "meta.xml" in archive else None)
    reader = _ContentReader(outline, OdfStyles(styles, root))
    kind = content.tag.removeprefix(OFFICE)
    if kind == "spreadsheet":
        outline.unit = "sheet"
        for page, table in enumerate(content.iterfind(f"{TABLE}table"), 1):
            reader.sheet(table, page)
    elif kind in ("presentation", "drawing"):
        outline.unit = "slide"
        for page, slide in enumerate(content.iterfind(f"{DRAW}page"), 1):
            reader.slide(slide, page, styles)
    else:
        reader.blocks(content, TextLook(ground=WHITE))
        reader.running_texts(styles)
    for reason, texts in reader.left_out.items():
        outline.leave_out(" ".join(texts), reason)
    return outline.document()


class _ContentReader:
    """Reads the content in order; `page` is the number of the sheet or slide."""

    def __init__(self, outline: Outline, styles: OdfStyles) -> None:
        self.outline, self.styles = outline, styles
        self.page: int | None = None
        self.n_cells = 0
        self.tricks: dict[str, list[str]] = {}
        self.left_out: dict[str, list[str]] = {"comments": [], "tracked deletions": [], "hidden text": []}
        # Frames and notes attached to the current paragraph.
        self.attached: list[tuple[Any, TextLook]] = []

    def blocks(self, element: Any, look: TextLook) -> None:
        """Add what is inside `element`, in order."""
        for child in element:
            name = child.tag.removeprefix(TEXT)
            if name == "h":
                level = min(9, max(1, number(child.get(f"{TEXT}outline-level"), 1)))
                self.outline.heading(self._paragraph(child, look), level, self.page)
                self._attachments()
            elif name == "p":
                self.outline.text(self._paragraph(child, look), self.page)
                self._attachments()
            elif name == "list":
                self.outline.lines("\n".join(self._items(child, look, 0)), self.page)
                self._attachments()
            elif name == "tracked-changes":
                deletions = child.iter(f"{TEXT}deletion")
                self.left_out["tracked deletions"] += [text for each in deletions for text in _texts(each)]
            elif name == "section" and child.get(f"{TEXT}display") == "none":
                self._leave_out(_texts(child))
            elif child.tag == f"{TABLE}table":
                self._table(child, look)
            elif child.tag.startswith(DRAW):
                self._frame(child, look)
            elif child.tag not in _NOT_PRINTED:
                self.blocks(child, look)

    def sheet(self, table: Any, page: int) -> None:
        """Add a sheet of a spreadsheet, or leave it out if it is hidden."""
        self.page = page
        name = table.get(f"{TABLE}name", "")
        grid, hidden = self._grid(table, TextLook(ground=WHITE))
        if self.styles.value("table", table.get(f"{TABLE}style-name", ""), f"{TABLE}display") == "false":
            self.outline.leave_out(" ".join([name, *grid.texts()]), "a hidden sheet", page)
            return
        self.outline.heading(name, 1, page)
        grid.write(self.outline, page)
        self._flush_tricks()
        self.outline.leave_out(" ".join(hidden.texts()), "hidden rows and columns", page)
        for shapes in table.iterfind(f"{TABLE}shapes"):
            self.blocks(shapes, TextLook())

    def slide(self, slide: Any, page: int, styles: Any) -> None:
        """Add a slide under its title, then its notes; or leave it out if it is hidden."""
        self.page = page
        style = slide.get(f"{DRAW}style-name", "")
        if self.styles.value("drawing-page", style, f"{PRESENTATION}visibility") == "hidden":
            self.outline.leave_out(" ".join(_texts(slide)), "a hidden slide", page)
            return
        scene = Scene.of(slide, styles, self.styles)
        frames = [each for each in slide if each.tag != f"{PRESENTATION}notes"]
        titles = [each for each in frames if each.get(f"{PRESENTATION}class") == "title"]
        lines = [self._paragraph(line, scene.look(each)) for each in titles for line in each.iter(f"{TEXT}p")]
        title = flat(" ".join(lines))
        self.outline.heading(title if 0 < len(title) <= 200 else f"Slide {page}", 1, page)
        self._attachments()
        others = [each for each in frames if each not in titles]
        for frame in sorted(others, key=lambda each: (length(each, "y"), length(each, "x"))):
            self.blocks([frame], scene.look(frame))
        for notes in slide.iterfind(f"{PRESENTATION}notes"):
            texts = [text for each in notes.iterfind(f"{DRAW}frame") for text in _texts(each)
                     if each.get(f"{PRESENTATION}class") == "notes"]  # fmt: skip
            if texts:
                self.outline.heading("Notes", 2, page)
                self.outline.lines("\n".join(texts), page)

    def running_texts(self, styles: Any) -> None:
        """Add the texts of headers and footers, once, after everything else."""
        parts = styles.iter(f"{STYLE}header", f"{STYLE}footer") if styles is not None else ()
        texts = dict.fromkeys(text for part in parts for text in _texts(part) if sum(map(str.isalpha, text)) > 6)
        if texts:
            self.outline.heading("Header and footer", 1)
            self.outline.lines("\n".join(texts))

    def _paragraph(self, element: Any, look: TextLook) -> str:
        if any(each.get(f"{TEXT}is-hidden") == "true" for each in element.iter(f"{TEXT}hidden-paragraph")):
            self.left_out["hidden text"].append("".join(element.itertext()))
            return ""
        look = self.styles.look("paragraph", element.get(f"{TEXT}style-name", ""), look)
        return flat("".join(self._pieces(element, look)))

    def _pieces(self, element: Any, look: TextLook) -> Iterator[str]:
        yield from self._seen(element.text, look)
        for child in element:
            name = child.tag.removeprefix(TEXT)
            if name == "s":
                yield " " * min(_MAX_SPACES, max(1, number(child.get(f"{TEXT}c"), 1)))
            elif name in ("tab", "line-break"):
                yield " "
            elif name == "note" or child.tag.startswith(DRAW):
                self.attached.append((child, look))
            elif child.tag == f"{OFFICE}annotation":
                self.left_out["comments"] += _texts(child)
            elif name in ("hidden-text", "hidden-paragraph"):
                self.left_out["hidden text"].append(child.get(f"{TEXT}string-value") or "".join(child.itertext()))
            elif name == "span":
                yield from self._pieces(child, self.styles.look("text", child.get(f"{TEXT}style-name", ""), look))
            elif child.tag not in _ASIDES:
                yield from self._pieces(child, look)
            yield from self._seen(child.tail, look)

    def _seen(self, text: str | None, look: TextLook) -> Iterator[str]:
        if not text or not text.strip():
            yield text or ""
        elif trick := look.trick():
            self.tricks.setdefault(trick, []).append(text)
        else:
            yield text

    def _attachments(self) -> None:
        """Add what is attached to the current paragraph, and its hidden text."""
        self._flush_tricks()
        attached, self.attached = self.attached, []
        for element, look in attached:
            if element.tag == f"{TEXT}note":
                citation = element.findtext(f"{TEXT}note-citation") or ""
                kind = "Endnote" if element.get(f"{TEXT}note-class") == "endnote" else "Footnote"
                text = " ".join(_texts(element.find(f"{TEXT}note-body")))
                self.outline.text(f"{kind} {citation}: {text}" if text else "", self.page)
            else:
                self._frame(element, look)

    def _leave_out(self, hidden: Iterable[str]) -> None:
        n_before = len(self.left_out["hidden text"])
        self.left_out["hidden text"] += hidden
        if len(self.left_out["hidden text"]) > n_before:
            self.outline.removed("hidden text")

    def _flush_tricks(self) -> None:
        tricks, self.tricks = self.tricks, {}
        if not tells_something(" ".join(tricks.get(HIDDEN, []))):
            self._leave_out(tricks.pop(HIDDEN, []))
        self.outline.tricks(tricks, self.page)

    def _items(self, element: Any, look: TextLook, depth: int) -> Iterator[str]:
        for item in element:
            if item.tag not in (f"{TEXT}list-item", f"{TEXT}list-header"):
                continue
            texts: list[str] = []
            for child in item:
                if child.tag == f"{TEXT}list":
                    yield from _item(texts, depth)
                    texts = []
                    yield from self._items(child, look, depth + 1)
                else:
                    texts.append(self._paragraph(child, look))
            yield from _item(texts, depth)

    def _frame(self, element: Any, look: TextLook) -> None:
        """Add a text box, a shape or a group; pictures have no text."""
        if element.tag in _ASIDES:
            return
        if _is_outside(element, "x", "width") or _is_outside(element, "y", "height"):
            self.outline.invisible(" ".join(_texts(element)), "it is outside the page", self.page)
            return
        is_filled, ground = self.styles.fill(element.get(f"{DRAW}style-name", ""))
        is_bare = element.tag in (f"{DRAW}frame", f"{DRAW}text-box") and not is_filled
        on_slide = self.outline.unit == "slide"
        self.blocks(element, look if is_bare and on_slide else replace(look, ground=ground))

    def _table(self, table: Any, look: TextLook) -> None:
        grid, hidden = self._grid(table, look)
        grid.spread()
        width = max((max(row) for row in grid.rows.values()), default=-1) + 1
        self.outline.table(
            [[row.get(at, "") for at in range(width)] for _, row in sorted(grid.rows.items())], self.page
        )
        self._leave_out(hidden.texts())
        self._attachments()

    def _grid(self, table: Any, look: TextLook) -> tuple[Grid, Grid]:
        """The cells of a table that are shown, and those that are hidden."""
        shown, hidden = Grid(), Grid()
        self._add_columns(table, shown)
        at = 0
        for row in _rows(table):
            repeats = max(1, number(row.get(f"{TABLE}number-rows-repeated"), 1))
            is_low = self.styles.is_closed("table-row", row.get(f"{TABLE}style-name", ""), "row-height")
            if is_low or row.get(f"{TABLE}visibility") in ("collapse", "filter"):
                shown.hidden_rows |= set(range(at, at + min(repeats, _MAX_REPEATS)))
            cells = list(self._cells(row, look, shown, at))
            for offset in range(min(repeats, _MAX_REPEATS) if cells else 0):
                for column, text in cells:
                    if self.n_cells >= MAX_CELLS:
                        self.outline.notice(_CUT, missing="cells")
                        return shown, hidden
                    self.n_cells += 1
                    (hidden if shown.is_hidden(at + offset, column) else shown).put(at + offset, column, text)
            at += repeats
        return shown, hidden

    def _add_columns(self, table: Any, grid: Grid) -> None:
        """Tell `grid` the columns that are hidden or only set the table out."""
        at = 0
        for column in table.iter(f"{TABLE}table-column"):
            repeats = max(1, number(column.get(f"{TABLE}number-columns-repeated"), 1))
            style = ("table-column", column.get(f"{TABLE}style-name", ""), "column-width")
            if self.styles.is_closed(*style) or column.get(f"{TABLE}visibility") in ("collapse", "filter"):
                grid.hidden_columns.append((at, at + repeats - 1))
            elif self.styles.is_closed(*style, _SPACER_CM):
                grid.spacers.append((at, at + repeats - 1))
            at += repeats

    def _cells(self, row: Any, look: TextLook, grid: Grid, at: int) -> Iterator[tuple[int, str]]:
        column = 0
        for cell in row:
            if cell.tag not in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
                continue
            repeats = max(1, number(cell.get(f"{TABLE}number-columns-repeated"), 1))
            text = self._cell_text(cell, look) if cell.tag == f"{TABLE}table-cell" else ""
            if text:
                for offset in range(min(repeats, _MAX_CELL_REPEATS)):
                    yield column + offset, text
                down, right = (number(cell.get(f"{TABLE}number-{name}-spanned"), 1) for name in ("rows", "columns"))
                if down > 1 or right > 1:
                    grid.merged.append((at, column, at + down - 1, column + right - 1))
            column += repeats

    def _cell_text(self, cell: Any, look: TextLook) -> str:
        look = self.styles.look("table-cell", cell.get(f"{TABLE}style-name", ""), look)
        if self.styles.hides_text(cell.get(f"{TABLE}style-name", "")):
            look = replace(look, transparent=True)
        texts = []
        for child in cell:
            if child.tag in (f"{TEXT}p", f"{TEXT}h"):
                texts.append(self._paragraph(child, look))
            elif child.tag == f"{OFFICE}annotation":
                self.left_out["comments"] += _texts(child)
            elif child.tag == f"{TEXT}list":
                texts += [line.strip() for line in self._items(child, look, 0)]
            elif child.tag == f"{TABLE}table":
                texts.append(" ".join(_texts(child)))
        return " ".join(text for text in texts if text)


def _rows(table: Any) -> Iterator[Any]:
    for child in table:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in _ROW_GROUPS:
            yield from _rows(child)


def _item(texts: list[str], depth: int) -> Iterator[str]:
    if text := flat(" ".join(texts)):
        yield f"{'  ' * depth}- {text}"


def _texts(element: Any) -> Iterator[str]:
    """The texts of the paragraphs inside, hidden or not."""
    paragraphs = element.iter(f"{TEXT}p", f"{TEXT}h") if element is not None else ()
    return filter(None, (flat("".join(each.itertext())) for each in paragraphs))


def _is_outside(frame: Any, start: str, size: str) -> bool:
    """Whether a frame ends before the page begins, begins after any page ends (60 cm), or has no size."""
    place, extent = length(frame, start), length(frame, size)
    return 0 < extent < LEAST_CM or place > 60 or (place < 0 and place + extent <= 0)
