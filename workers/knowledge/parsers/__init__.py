"""Parsers by MIME type: each turns a file's bytes into a Document. To add one, write the module and its line here."""

from importlib import import_module
from typing import Final

from gpts.knowledge.documents import Document
from workers.knowledge import sniffing
from workers.knowledge.errors import NoText

# Goes into a segment's address: raise it whenever a parser gives another text for the same bytes.
PARSER_VERSION: Final = 3

PARSERS: dict[str, str] = {
    sniffing.TEXT: "workers.knowledge.parsers.text",
    sniffing.MARKDOWN: "workers.knowledge.parsers.markdown",
    sniffing.HTML: "workers.knowledge.parsers.html",
    sniffing.PDF: "workers.knowledge.parsers.pdf",
    sniffing.DOCX: "workers.knowledge.parsers.docx",
}


def parse(data: bytes) -> Document:
    """The document in `data`, whatever its format. `title` is empty if none is inside. Raises a KnowledgeError."""
    parser = import_module(PARSERS[sniffing.sniff(data)])
    document: Document = parser.parse(data)
    if not any(block.text.strip() for block in document.blocks):
        raise NoText
    return document
