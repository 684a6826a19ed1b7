"""PPTX: slides."""

from workers.knowledge.parsers.pptx.document import parse

__all__ = ["parse"]
