"""DOCX: Word documents."""

from workers.knowledge.parsers.docx.document import parse

__all__ = ["parse"]
