"""PDF: pages as their readers see them."""

from workers.knowledge.parsers.pdf.document import parse

__all__ = ["parse"]
