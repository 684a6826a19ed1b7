"""The visible strings of a sifted page."""

from collections.abc import Iterator
from typing import Final

from bs4.element import NavigableString, PreformattedString, Tag

BLOCKS: Final = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer h1 "
    "h2 h3 h4 h5 h6 header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul form "
    "nav".split()
)


def strings(tag: Tag) -> Iterator[NavigableString]:
    """The plain strings inside `tag` in order, of however deep a tree, without comments and what is unseen."""
    for child in tag.descendants:
        if isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            yield child


def visible_text(tag: Tag) -> str:
    """The text in `tag` as one line, blocks and line breaks parted by a space."""
    pieces: list[str] = []
    pending: list[object] = [tag]
    while pending:
        node = pending.pop()
        if isinstance(node, str) and not isinstance(node, PreformattedString):
            pieces.append(str(node))
        elif isinstance(node, Tag):
            edge = " " if node.name in BLOCKS or node.name == "br" else ""
            pieces.append(edge)
            pending.append(edge)
            pending += reversed(list(node.children))
    return "".join(pieces)
