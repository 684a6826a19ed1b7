"""ODT, ODS and ODP: text, sheets and slides of the OpenDocument format."""

from workers.knowledge.parsers.odf.document import parse

__all__ = ["parse"]
