"""Parsers by MIME type: each turns a file's bytes into a Document. To add one, write the module and list it here."""

from importlib import import_module
from typing import Final

from gpts.knowledge.documents import Document
from gpts.safety.screening import screened
from workers.isolation.errors import NoText
from workers.knowledge import sniffing, text_types

# Part of a segment's address: raise it whenever a parser's text for the same bytes changes.
PARSER_VERSION: Final = 13

_PICTURES: Final = (sniffing.PNG, sniffing.JPEG, sniffing.WEBP, sniffing.TIFF, sniffing.BMP, sniffing.GIF)
PARSERS: dict[str, str] = {
    text_types.TEXT: "workers.knowledge.parsers.text",
    text_types.MARKDOWN: "workers.knowledge.parsers.markdown",
    text_types.HTML: "workers.knowledge.parsers.html.document",
    text_types.CSV: "workers.knowledge.parsers.delimited",
    text_types.JSON: "workers.knowledge.parsers.structured",
    text_types.JSONL: "workers.knowledge.parsers.structured",
    text_types.EML: "workers.knowledge.parsers.eml",
    sniffing.EPUB: "workers.knowledge.parsers.epub",
    sniffing.RTF: "workers.knowledge.parsers.rtf.document",
    text_types.SOURCE: "workers.knowledge.parsers.source",
    sniffing.PDF: "workers.knowledge.parsers.pdf.document",
    **dict.fromkeys(_PICTURES, "workers.knowledge.parsers.image"),
    sniffing.DOCX: "workers.knowledge.parsers.docx.document",
    sniffing.PPTX: "workers.knowledge.parsers.pptx.document",
    sniffing.XLSX: "workers.knowledge.parsers.xlsx.document",
    **dict.fromkeys((sniffing.ODT, sniffing.ODS, sniffing.ODP), "workers.knowledge.parsers.odf.document"),
}


def parse(data: bytes, kind: str = "") -> Document:
    """The screened document in `data`, whose MIME type is `kind` or detected. Raises a FileError."""
    parser = import_module(PARSERS[kind or sniffing.sniff(data)])
    document: Document = parser.parse(data)
    if not any(block.text.strip() for block in document.blocks):
        raise NoText
    return screened(document)
