"""RTF: rich text."""

from workers.knowledge.parsers.rtf.document import parse

__all__ = ["parse"]
