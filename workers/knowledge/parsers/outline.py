"""Collects blocks in reading order under the path of headings above them; every parser writes through it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from gpts.knowledge.documents import Block, Document, Finding, FindingKind, Notice, Severity, Unit
from gpts.safety.findings import excerpt, finding_id
from workers.knowledge.decoding import decoded

# Rows of a table that share one repeated header line: about half a chunk of short cells.
TABLE_GROUP_CHARS: Final = 600
_HEADING_CHARS: Final = 200
# Controls that no reader sees and that break JSON viewers and offsets of other languages; tab and newline stay.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
# Hidden text of fewer words names a thing ("Picture 3", "Bottom of Form"); more of them tell something. Scripts
# without spaces tell as much in this many characters.
_TELLING_WORDS: Final = 5
_TELLING_CHARS: Final = 40
_WORD: Final = re.compile(r"[^\W\d_]{2}")
_SPACES: Final = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")


@dataclass(slots=True)
class Outline:
    """Blocks so far and the open headings as (level, text)."""

    title: str = ""
    unit: Unit = "page"
    blocks: list[Block] = field(default_factory=list)
    path: list[tuple[int, str]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    # Text that was left out, and the numbers of blocks that wait for the owner, each with what it is and why.
    left_out: list[Finding] = field(default_factory=list)
    suspects: list[tuple[int, FindingKind, str]] = field(default_factory=list)

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

    def notice(self, message: str, page: int | None = None) -> None:
        """Tell the owner something about how the file was read; the same words only once a page."""
        notice = Notice(message=message, page=page)
        if notice not in self.notices:
            self.notices.append(notice)

    def invisible(self, text: str, reason: str, page: int | None = None) -> None:
        """Add text that a trick hides from readers ("white on white"); it is quarantined as a block of its own."""
        if text := flat(text):
            self.suspects.append((len(self.blocks), "invisible_text", f"Readers can't see this text: {reason}."))
            self._add(text, page)

    def tricks(self, hidden: Mapping[str, Sequence[str]], page: int | None = None) -> None:
        """Add what tricks hide, texts by trick; numbers and marks without a word steer nobody and are only told."""
        for trick, texts in hidden.items():
            text = " ".join(texts)
            if _WORD.search(text):
                self.invisible(text, trick, page)
            else:
                self.leave_out(text, f"characters that readers can't see: {trick}", page)

    def differs(self, text: str, page: int | None = None) -> None:
        """Add text that stands behind a picture and says something else; quarantined as a block of its own."""
        if text := flat(text):
            message = "The text layer of this page differs from its picture."
            self.suspects.append((len(self.blocks), "differs_from_picture", message))
            self._add(text, page)

    def leave_out(self, text: str, reason: str, page: int | None = None) -> None:
        """Leave text out that the file itself does not show ("a comment", "a hidden sheet"), and tell the owner."""
        if text := flat(text):
            self.left_out.append(self._finding("invisible_text", "note", text, f"Left out: {reason}.", page))

    def document(self) -> Document:
        """What was collected; the title falls back on a first heading that stands before all text."""
        first = self.blocks[0] if self.blocks else None
        title = self.title or (first.text if first and first.is_heading() else "")
        return Document(
            title=flat(title)[:_HEADING_CHARS],
            blocks=tuple(self.blocks),
            unit=self.unit,
            notices=tuple(self.notices),
            findings=(*self._suspicions(), *self.left_out),
        )

    def _suspicions(self) -> Iterator[Finding]:
        starts = list(accumulate((len(block.text) + 2 for block in self.blocks), initial=0))
        for number, kind, message in self.suspects:
            block, start = self.blocks[number], starts[number]
            found = self._finding(kind, "quarantine", block.text, message, block.page)
            yield found.model_copy(update={"spans": ((start, start + len(block.text)),), "heading": block.heading})

    def _finding(self, kind: FindingKind, severity: Severity, text: str, message: str, page: int | None) -> Finding:
        return Finding(
            id=finding_id(kind, page, text),
            kind=kind,
            severity=severity,
            message=message,
            excerpt=excerpt(text),
            page=page,
            heading=" > ".join(text for _, text in self.path),
        )

    def _add(self, text: str, page: int | None) -> None:
        if text:
            self.blocks.append(Block(text=text, heading=" > ".join(text for _, text in self.path), page=page))


def tells_something(text: str) -> bool:
    """Whether hidden text is more than a name or a number, and so worth an owner's attention."""
    return len(text.split()) >= _TELLING_WORDS or len(text.strip()) >= _TELLING_CHARS


def text_of(data: bytes, outline: Outline) -> str:
    """`data` as text; `outline` gets a notice about bytes that had to be replaced. Raises UnsupportedFormat."""
    text = decoded(data)
    if text.notice:
        outline.notice(text.notice)
    return text.text


def flat(text: str) -> str:
    """`text` on one line, without control characters and doubled spaces."""
    return _SPACES.sub(" ", _CONTROLS.sub("", " ".join(text.split()))).strip()
