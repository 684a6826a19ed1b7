"""HTML: pages as browsers show them."""

from workers.knowledge.parsers.html.document import parse

__all__ = ["parse"]
