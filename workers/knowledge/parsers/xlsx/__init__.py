"""XLSX: sheets."""

from workers.knowledge.parsers.xlsx.document import parse

__all__ = ["parse"]
