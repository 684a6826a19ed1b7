"""DOCX, read in body order: headings by style, lists, tables. Hidden runs, deletions and comments are not content."""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Final

import docx
from docx.document import Document as DocxDocument
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import XMLSyntaxError

from gpts.knowledge.documents import Document
from workers.knowledge.errors import BrokenFile, EntitiesRefused
from workers.knowledge.parsers.outline import Outline

_HEADING_STYLE: Final = re.compile(r"(?:heading|überschrift|titre|título)\s*([1-9])", re.I)
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
_SKIPPED: Final = frozenset(
    map(qn, ("w:del", "w:moveFrom", "w:instrText", "w:delText", "w:txbxContent", "w:drawing"))
)
_HIDDEN: Final = frozenset(map(qn, ("w:vanish", "w:webHidden")))
_W: Final = {name: qn(f"w:{name}") for name in ("p", "tbl", "r", "rPr", "t", "tab", "br", "cr", "sdt", "val")}


def parse(data: bytes) -> Document:
    """The document in a DOCX file."""
    refuse_entities(data)
    try:
        source = docx.Document(BytesIO(data))
    except (KeyError, ValueError, XMLSyntaxError, zipfile.BadZipFile) as error:
        raise BrokenFile from error
    outline = Outline(title=source.core_properties.title or "")
    items: list[str] = []
    for block in _blocks(source):
        if isinstance(block, Paragraph) and _is_item(block):
            items.append("- " + " ".join(_text(block).split()))
            continue
        outline.lines("\n".join(items))
        items.clear()
        if isinstance(block, Table):
            outline.table(_rows(block))
        else:
            _add(outline, block)
    outline.lines("\n".join(items))
    return outline.document()


def refuse_entities(data: bytes) -> None:
    """Raise EntitiesRefused if an XML part of the archive has a document type, where entities are declared."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith((".xml", ".rels")):
                part = archive.read(entry)
                # UTF-16 parts show the same letters once their zero bytes are gone.
                if _DOCTYPE.search(part.replace(b"\0", b"")[:100_000]):
                    raise EntitiesRefused


def _blocks(source: DocxDocument) -> Iterator[Paragraph | Table]:
    """Paragraphs and tables in reading order, also those inside content controls."""
    pending = list(source.element.body)
    while pending:
        element = pending.pop(0)
        if element.tag == _W["p"]:
            yield Paragraph(element, source._body)
        elif element.tag == _W["tbl"]:
            yield Table(element, source._body)
        elif element.tag == _W["sdt"]:
            pending[:0] = [child for content in element.iter(qn("w:sdtContent")) for child in content][:10_000]


def _add(outline: Outline, paragraph: Paragraph) -> None:
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    level = _HEADING_STYLE.match(style)
    if level:
        outline.heading(_text(paragraph), int(level.group(1)))
    elif style == "Title":
        outline.title = outline.title or _text(paragraph)
        outline.text(_text(paragraph))
    else:
        outline.text(_text(paragraph))


def _is_item(paragraph: Paragraph) -> bool:
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    properties = paragraph._p.pPr
    numbered = properties is not None and properties.numPr is not None
    return (
        (numbered or style.startswith("List")) and not _HEADING_STYLE.match(style) and bool(_text(paragraph).strip())
    )


def _text(paragraph: Paragraph) -> str:
    """What the paragraph shows: inserted text and links too, not deleted or hidden text, field codes or comments."""
    return "".join(_pieces(paragraph._p))


def _pieces(element) -> Iterator[str]:  # type: ignore[no-untyped-def]  # lxml elements have no types
    for child in element:
        if child.tag in _SKIPPED or (child.tag == _W["r"] and _is_hidden(child)):
            continue
        if child.tag == _W["t"]:
            yield child.text or ""
        elif child.tag in (_W["tab"], _W["br"], _W["cr"]):
            yield " "
        elif child.tag != _W["rPr"]:
            yield from _pieces(child)


def _is_hidden(run) -> bool:  # type: ignore[no-untyped-def]  # lxml elements have no types
    properties = run.find(_W["rPr"])
    if properties is None:
        return False
    return any(each.tag in _HIDDEN and each.get(_W["val"]) not in ("0", "false", "off") for each in properties)


def _rows(table: Table) -> list[list[str]]:
    return [[_cell_text(cell) for cell in row.cells] for row in table.rows]


def _cell_text(cell) -> str:  # type: ignore[no-untyped-def]  # python-docx has no type for merged cells
    inner = [" ".join(_cell_text(each) for row in nested.rows for each in row.cells) for nested in cell.tables]
    return " ".join([*(_text(paragraph) for paragraph in cell.paragraphs), *inner])
