"""DOCX: what Word prints, in the order of the body; footnotes, text boxes and charts follow their paragraph.

Where a page of a Word file begins is up to the program that shows it, so blocks have no page numbers.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.colours import WHITE, Colour, from_hex
from workers.knowledge.parsers.docx.paragraphs import ParagraphContent, ParagraphContext, ParagraphReader, is_wide
from workers.knowledge.parsers.docx.styles import DocxStyles, Numbering, W, style_of
from workers.knowledge.parsers.docx.tables import WRAPPERS, Cell, Row, inside, is_layout, rows_of
from workers.knowledge.parsers.ooxml import Package, R, Theme, add_graphic, is_on
from workers.knowledge.parsers.outline import Outline, flat, take_properties, tells_something

# Short bold lines count as headings in a file that has no others.
_BOLD_HEADING_CHARS: Final = 80
_PAGE_NUMBER: Final = re.compile(r"\D{0,12}\d{0,9}(?:\s*(?:/|\w{1,4})\s*\d{1,9})?\W*")
_LIST_STYLE: Final = re.compile(r"toc \d|table of figures|list(?! paragraph)", re.I)
_NOTE_KINDS: Final = {"footnote": "footnotes", "endnote": "endnotes"}
_ANCHOR: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}anchor"


def parse(data: bytes) -> Document:
    """The document in a DOCX file."""
    package = Package(data)
    outline = Outline()
    outline.title = take_properties(outline, package.root("", "core-properties"))
    root = package.archive.xml(package.main)
    reader = _BodyReader(package, outline)
    body = root.find(f"{W}body")
    if body is not None:
        references = body.iter(f"{W}headerReference", f"{W}footerReference")
        names = dict.fromkeys(package.target(package.main, each.get(f"{R}id")) for each in references)
        running = [package.archive.xml(name) for name in names if name]
        reader.paragraphs.picture_behind = reader.always_behind = any(
            is_wide(anchor) for part in running for anchor in part.iter(_ANCHOR)
        )
        reader.bold_headings = not any(reader.styles.level(paragraph) for paragraph in body.iter(f"{W}p"))
        reader.blocks(body, ParagraphContext((_page_colour(package, root),)))
        reader.flush()
        reader.running_texts(running)
    reader.note_left_out()
    return outline.document()


class _BodyReader:
    """Reads the body in order; items of a list gather until something else follows."""

    def __init__(self, package: Package, outline: Outline) -> None:
        self.package, self.outline = package, outline
        theme = Theme.of(package.root(package.main, "theme"))
        self.styles = DocxStyles(package.root(package.main, "styles"), theme)
        self.numbering = Numbering(package.root(package.main, "numbering"))
        self.paragraphs = ParagraphReader(self.styles, theme)
        self.notes = {kind: _notes(package.root(package.main, name)) for kind, name in _NOTE_KINDS.items()}
        self.items: list[str] = []
        self.bold_headings = self.always_behind = False
        self.vanished: list[str] = []
        self.hidden_rows: list[str] = []

    def blocks(self, element: Any, context: ParagraphContext) -> None:
        """Add the paragraphs and tables inside `element`."""
        for child in element:
            if child.tag == f"{W}p":
                self._paragraph(child, context)
            elif child.tag == f"{W}tbl":
                self.flush()
                self._table(rows_of(child, self.styles, context))
            elif child.tag == f"{W}altChunk":
                self.outline.notice("An embedded file was left out. Upload it separately.", missing="attachment")
            elif child.tag in WRAPPERS:
                self.blocks(child, context)
            elif child.tag in (f"{W}del", f"{W}moveFrom"):
                self.paragraphs.deleted.append(" ".join(_texts(child)))

    def flush(self) -> None:
        """End the list gathered so far."""
        self.outline.lines("\n".join(self.items))
        self.items.clear()

    def running_texts(self, parts: list[Any]) -> None:
        """Add the texts of headers and footers, once, after everything else."""
        paragraphs = (paragraph for part in parts for paragraph in part.iter(f"{W}p"))
        content = (flat(self.paragraphs.read(each, ParagraphContext((None,))).text) for each in paragraphs)
        if texts := dict.fromkeys(text for text in content if not _PAGE_NUMBER.fullmatch(text)):
            self.outline.heading("Header and footer", 1)
            self.outline.lines("\n".join(texts))

    def note_left_out(self) -> None:
        """Leave out the file's content other than text, with one note for each kind."""
        comments = self.package.root(self.package.main, "comments")
        descriptions = filter(tells_something, dict.fromkeys(self.paragraphs.descriptions))
        for texts, reason in (
            (_texts(comments), "comments"),
            (self.paragraphs.deleted, "tracked deletions"),
            (self.vanished, "hidden text"),
            (self.hidden_rows, "hidden table rows"),
            (self.paragraphs.codes, "field codes"),
            (descriptions, "picture descriptions"),
        ):
            self.outline.leave_out(" ".join(texts), reason)

    def _paragraph(self, element: Any, context: ParagraphContext) -> None:
        self.paragraphs.picture_behind |= self.always_behind
        content = self.paragraphs.read(element, context)
        text = flat(content.text)
        level = self._level(element, content, text)
        list_id, depth = self.styles.numbering_of(element)
        style = self.styles.name(style_of(element))
        is_item = bool(list_id or _LIST_STYLE.match(style)) and not level
        label = self.numbering.label(list_id, depth) if list_id and text else ""
        if text and is_item:
            label = label or ("" if list_id or style.lower().startswith("t") else "-")
            self.items.append("  " * depth + f"{label} {text}".strip())
        elif text:
            self.flush()
            if style.lower() == "title":
                self.outline.title = self.outline.title or text
            numbered = f"{label} {text}" if label not in ("", "-") else text
            if level:
                self.outline.heading(numbered, level)
            else:
                self.outline.text(numbered)
        self._attached(content)

    def _level(self, element: Any, content: ParagraphContent, text: str) -> int:
        if level := self.styles.level(element):
            return level
        is_bold = self.bold_headings and content.all_bold and len(text) <= _BOLD_HEADING_CHARS
        if not is_bold or not re.search(r"[^\W\d_]{2}", text) or text[-1] in ".,;:!?":
            return 0
        return int(not self.styles.numbering_of(element)[0])

    def _attached(self, content: ParagraphContent) -> None:
        """Add what is attached to a paragraph after it."""
        if content.boxes or content.notes or content.tricks or content.graphics:
            self.flush()
        self.outline.tricks(content.tricks)
        vanished = "".join(content.vanished)
        if tells_something(vanished):
            self.outline.invisible(vanished, "it is formatted as hidden text")
        elif vanished.strip():
            # A few words are an index mark or a form's name.
            self.vanished.append(vanished)
            self.outline.removed("hidden text")
        for box, context, trick in content.boxes:
            if trick:
                self.outline.invisible(" ".join(_texts(box)), trick)
            else:
                self.blocks(box, context)
                self.flush()
        for graphic in content.graphics:
            add_graphic(self.outline, self.package, self.package.main, graphic)
        for kind, note_id in content.notes:
            if note := self.notes[kind].pop(note_id, None):
                number, element = note
                parts = [self.paragraphs.read(each, ParagraphContext((WHITE,))) for each in element.iter(f"{W}p")]
                text = flat(" ".join(each.text for each in parts))
                self.outline.text(f"{kind.capitalize()} {number}: {text}" if text else "")
                for part in parts:
                    self._attached(part)

    def _table(self, rows: list[Row]) -> None:
        shown = [row for row in rows if not row.left_out]
        for row in rows:
            if row.left_out:
                if "hidden" in row.left_out:
                    self.outline.removed("hidden table rows")
                aside = self.hidden_rows if "hidden" in row.left_out else self.paragraphs.deleted
                aside += [text for cell in row.cells for text in _texts(cell.element)]
        if is_layout(shown):
            for cell in (cell for row in shown for cell in row.cells):
                self.blocks(cell.element, cell.context)
                self.flush()
            return
        attached: list[ParagraphContent] = []
        self.outline.table(self._grid(shown, attached))
        for content in attached:
            self._attached(content)

    def _grid(self, rows: list[Row], attached: list[ParagraphContent]) -> list[list[str]]:
        above: dict[int, str] = {}
        grid = []
        for row in rows:
            texts: dict[int, str] = {}
            for cell in row.cells:
                text = above.get(cell.column, "") if cell.continues else self._cell_text(cell, attached)
                texts |= {cell.column + offset: text for offset in range(cell.span)}
            above = texts
            grid.append([texts.get(column, "") for column in range(max(texts, default=-1) + 1)])
        return grid

    def _cell_text(self, cell: Cell, attached: list[ParagraphContent]) -> str:
        contents = [self.paragraphs.read(each, cell.context) for each in inside(cell.element, f"{W}p")]
        attached += contents
        return " ".join(text for text in (flat(content.text) for content in contents) if text)


def _texts(element: Any) -> Iterator[str]:
    """The texts of the paragraphs inside, hidden or not."""
    for paragraph in element.iter(f"{W}p"):
        if text := flat("".join(each.text or "" for each in paragraph.iter(f"{W}t", f"{W}delText"))):
            yield text


def _notes(root: Any) -> dict[str, tuple[int, Any]]:
    """Footnotes or endnotes by id, with their number, without separators (which have a type)."""
    notes = [each for each in root if each.get(f"{W}type") in (None, "normal")]
    return {each.get(f"{W}id", ""): (number, each) for number, each in enumerate(notes, 1)}


def _page_colour(package: Package, root: Any) -> Colour:
    """The colour of the page, which is shown only if the settings say so."""
    ground, settings = root.find(f"{W}background"), package.root(package.main, "settings")
    if ground is None or not is_on(settings.find(f"{W}displayBackgroundShape"), f"{W}val"):
        return WHITE
    return from_hex(ground.get(f"{W}color"))
