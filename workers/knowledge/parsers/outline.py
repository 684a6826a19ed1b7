"""Collects blocks in reading order under the path of headings above them; every parser writes through it."""

import re
from dataclasses import dataclass, field
from typing import Final

from gpts.knowledge.documents import Block, Document

# Rows of a table that share one repeated header line: about half a chunk of short cells.
TABLE_GROUP_CHARS: Final = 600
_HEADING_CHARS: Final = 200
# Controls that no reader sees and that break JSON viewers and offsets of other languages; tab and newline stay.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
_SPACES: Final = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")


@dataclass(slots=True)
class Outline:
    """Blocks so far and the open headings as (level, text)."""

    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    path: list[tuple[int, str]] = field(default_factory=list)

    def heading(self, text: str, level: int, page: int | None = None) -> None:
        """Open a heading of `level` (1 is the top); text that follows stands under it."""
        text = flat(text)
        if not text or len(text) > _HEADING_CHARS:
            self.text(text, page)
            return
        while self.path and self.path[-1][0] >= level:
            self.path.pop()
        self.path.append((level, text))
        self._add(text, page)

    def text(self, text: str, page: int | None = None) -> None:
        """Add a paragraph, re-flowed into one line."""
        self._add(flat(text), page)

    def lines(self, text: str, page: int | None = None) -> None:
        """Add text whose line breaks and indentation mean something: a list, code, an address."""
        kept = [_CONTROLS.sub("", line).rstrip() for line in text.splitlines()]
        self._add("\n".join(line for line in kept if line), page)

    def table(self, rows: list[list[str]], page: int | None = None) -> None:
        """Add a table as groups of rows, each group under the table's first row."""
        cleaned = [[flat(cell) for cell in row] for row in rows if any(cell.strip() for cell in row)]
        if not cleaned:
            return
        header, *body = ["| " + " | ".join(row) + " |" for row in cleaned]
        group: list[str] = []
        for line in body:
            if group and sum(map(len, group)) + len(line) > TABLE_GROUP_CHARS:
                self._add("\n".join([header, *group]), page)
                group = []
            group.append(line)
        self._add("\n".join([header, *group]), page)

    def document(self) -> Document:
        """What was collected; the title falls back on a first heading that stands before all text."""
        first = self.blocks[0] if self.blocks else None
        title = self.title or (first.text if first and first.is_heading() else "")
        return Document(title=flat(title)[:_HEADING_CHARS], blocks=tuple(self.blocks))

    def _add(self, text: str, page: int | None) -> None:
        if text:
            self.blocks.append(Block(text=text, heading=" > ".join(text for _, text in self.path), page=page))


def flat(text: str) -> str:
    """`text` on one line, without control characters and doubled spaces."""
    return _SPACES.sub(" ", _CONTROLS.sub("", " ".join(text.split()))).strip()
