"""RTF: paragraphs, headings by style, lists and table rows. Hidden text, deletions and comments are left out."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from gpts.knowledge.documents import Document
from workers.isolation.errors import BrokenFile
from workers.knowledge.parsers.colours import WHITE, Colour, blends
from workers.knowledge.parsers.outline import Outline, flat
from workers.knowledge.parsers.rtf.tokens import PLAIN, GroupState, RtfFile, TextRun

_SMALLEST_HALF_POINTS: Final = 2
_LEAST_CHARS: Final = 4


def parse(data: bytes) -> Document:
    """The document in an RTF file."""
    source = data.lstrip().decode("latin-1")
    if not source.startswith("{\\rtf"):
        raise BrokenFile
    file = RtfFile(source)
    builder = _DocumentBuilder(file, Outline())
    for run in file.runs():
        builder.add(run)
    return builder.finished()


@dataclass(slots=True)
class _DocumentBuilder:
    """Collects the current paragraph, list, row and table."""

    file: RtfFile
    outline: Outline
    text: list[str] = field(default_factory=list)
    state: GroupState = PLAIN
    items: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    unseen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, run: TextRun) -> None:
        """Add a run, or end the current paragraph, cell or row."""
        if run.ends == "par":
            self._end_par(run.state)
        elif run.ends == "cell":
            self.cells.append("".join(self.text))
            self.text.clear()
        elif run.ends == "row":
            self.rows.append([*self.cells, *filter(str.strip, ["".join(self.text)])])
            self.cells.clear()
            self.text.clear()
        elif run.state.is_comment:
            self.left_out["comments"].append(run.text)
        elif run.state.is_deleted:
            self.left_out["tracked deletions"].append(run.text)
        elif run.state.is_hidden:
            self.left_out["hidden text"].append(run.text)
            self.outline.removed("hidden text")
        elif trick := self._trick(run):
            self.unseen[trick].append(run.text)
        else:
            self.text.append(f" ({run.text.strip()}) " if run.state.is_note and run.text.strip() else run.text)
            self.state = run.state if run.text.strip() else self.state

    def _end_par(self, state: GroupState) -> None:
        if state.is_note or state.is_comment or (state.in_table and (self.cells or self.text)):
            self.text.append(" ")
            return
        self.state = state
        self._end_paragraph()

    def _end_paragraph(self) -> None:
        """Add the current paragraph, after the table or list before it if it isn't part of that."""
        text = "".join(self.text)
        self.text.clear()
        if text.strip() or self.unseen:
            self._end_table()
        level = self.file.headings.get(self.state.style) or self.state.outline_level + 1
        if text.strip() and (self.state.list_id or flat(text).startswith(("•", "·", "- "))):
            self.items.append(_item(text))
        elif text.strip():
            self._end_list()
            if 0 < level <= 9:
                self.outline.heading(text, level)
            elif "\n" in text.strip():
                self.outline.lines("\n".join(flat(line) for line in text.splitlines()))
            else:
                self.outline.text(text)
        self._add_unseen()

    def _add_unseen(self) -> None:
        if not self.unseen:
            return
        self._end_list()
        for reason, texts in self.unseen.items():
            text = "".join(texts)
            if len(text.strip()) >= _LEAST_CHARS:
                self.outline.invisible(text, reason)
        self.unseen.clear()

    def _end_list(self) -> None:
        self.outline.lines("\n".join(self.items))
        self.items.clear()

    def _end_table(self) -> None:
        """Add the current rows, and the list before them."""
        if self.cells:
            self.rows.append([*self.cells])
            self.cells.clear()
        if self.rows:
            self._end_list()
            self.outline.table(self.rows)
            self.rows = []

    def finished(self) -> Document:
        """The document, with a note for each kind of text that was left out."""
        self._end_paragraph()
        self._end_table()
        self._end_list()
        for reason, texts in self.left_out.items():
            self.outline.leave_out("".join(texts), reason)
        self.outline.title = self.file.title
        return self.outline.document()

    def _trick(self, run: TextRun) -> str:
        """How the run is hidden from readers, "" if it is visible."""
        if not run.text.strip():
            return ""
        if run.state.half_points <= _SMALLEST_HALF_POINTS or run.state.is_unreadable:
            return "text that is too small to read"
        if run.state.is_away:
            return "text off the page, or in lines without height"
        colour, background = self._rgb(run.state.colour), self._rgb(run.state.background)
        if background is None:
            return "white on white" if blends(colour, WHITE) and not self.file.has_shading else ""
        return "text in the colour of its background" if blends(colour, background) else ""

    def _rgb(self, number: int) -> Colour:
        return self.file.colours[number] if 0 < number < len(self.file.colours) else None


def _item(text: str) -> str:
    """A list item, with a mark if the file has none."""
    words = flat(text)
    bare = words.lstrip("•·▪◦-\uf0b7 ")
    numbered = words[:1].isdigit() or (len(words) > 2 and words[1] in ".)")
    return words if numbered else f"- {bare}"
