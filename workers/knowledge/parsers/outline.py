"""Collects blocks in reading order under the path of headings above them, for all parsers."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, Final

from gpts.knowledge.documents import Block, Document, Finding, Notice, Severity, Unit
from gpts.knowledge.marks import Mark, removed
from gpts.safety.findings import excerpt, finding_id
from workers.knowledge.decoding import decoded
from workers.knowledge.parsers.cells import tidied, with_spanned_header
from workers.knowledge.parsers.runs import runs

# The pieces of words in a group of a table's rows with the header line that it repeats: 0.8 to 1.05 of its tokens, so
# that a chunk of 200 holds it and each row stands under its header. Of five ordinary tables, nearly all groups of 600
# characters had more tokens, up to 300 (2026-11).
TABLE_PIECES: Final = 160
# A header takes at most half of them, up to what a chunk can hold of a table.
_MOST_PIECES: Final = 235
_PIECE: Final = re.compile(r"[^\W\d_]{1,5}|\d{1,2}|[^\w\s]")
_HEADING_CHARS: Final = 200
# Invisible control characters, which break JSON viewers and offsets in other languages; tab and newline stay.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
# Hidden text shorter than this only names something ("Picture 3", "Bottom of Form"); scripts without spaces are
# counted in characters.
_TELLING_WORDS: Final = 5
_TELLING_CHARS: Final = 40
# Properties of a document that may hold hidden text.
_DESCRIPTIONS: Final = ("{*}description", "{*}subject", "{*}keywords", "{*}category")
_UNSEEN: Final = "Readers can't see this text: {reason}."
_WORD: Final = re.compile(r"[^\W\d_]{2}")
# Blank lines that are kept in one block of code, as marks; each further mark costs time.
_MAX_BLANKS: Final = 500
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,20}")
# Stands for encoded data (pictures and keys in text) until the block is added: no file can use this character.
DATA: Final = "\ufdd0"
_SPACES: Final = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")


@dataclass(slots=True)
class Outline:
    """The blocks so far and the open headings as (level, text)."""

    title: str = ""
    unit: Unit = "page"
    # Whether headings are marked for the model; not where a parser only takes lines for them, or makes them up.
    marks_headings: bool = True
    blocks: list[Block] = field(default_factory=list)
    path: list[tuple[int, str]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    # Text that was left out, and the quarantined blocks by number, with the reason.
    left_out: list[Finding] = field(default_factory=list)
    suspects: list[tuple[int, str]] = field(default_factory=list)
    # What was removed before the first block.
    _removed: list[str] = field(default_factory=list)

    def heading(self, text: str, level: int, page: int | None = None) -> None:
        """Open a heading of `level` (1 is the top) for the text that follows."""
        text = flat(text.replace(DATA, ""))
        if not text or len(text) > _HEADING_CHARS:
            self.text(text, page)
            return
        self.close(level)
        self.path.append((level, text))
        mark = Mark(start=0, end=0, before="#" * min(level, 6) + " ")
        self._add(text, page, [mark] if self.marks_headings else ())

    def close(self, level: int) -> None:
        """End the headings of `level` and below."""
        while self.path and self.path[-1][0] >= level:
            self.path.pop()

    def text(self, text: str, page: int | None = None) -> None:
        """Add a paragraph, re-flowed into one line."""
        self._add(flat(text), page)

    def lines(self, text: str, page: int | None = None) -> None:
        """Add text that keeps its line breaks and indentation: a list, code, an address."""
        self.listing(((line, None) for line in text.splitlines()), page)

    def code(self, text: str, language: str = "", page: int | None = None) -> None:
        """Add the lines of code in a language."""
        self.listing(((line, fence(language)) for line in text.strip("\n").splitlines()), page)

    def listing(self, lines: Iterable[tuple[str, str | None]], page: int | None = None) -> None:
        """Add lines, each with the line of Markdown that opens its code, if it is code."""
        text, marks = "", list[Mark]()
        for opening, group in groupby(lines, key=itemgetter(1)):
            start = len(text) + bool(text)
            for line in (_CONTROLS.sub("", line).rstrip() for line, _ in group):
                if line:
                    text += f"\n{line}" if text else line
                elif opening is not None and len(marks) < _MAX_BLANKS:
                    marks.append(Mark(start=len(text), end=len(text), before="\n"))
            if opening is not None and start < len(text):
                indent = " " * (len(opening) - len(opening.lstrip()))
                marks.append(Mark(start=start, end=len(text), before=f"{opening}\n", after=f"\n{indent}```"))
        self._add(text, page, marks)

    def removed(self, what: str) -> None:
        """Tell the model that something was removed at this place."""
        if self.blocks:
            self.blocks[-1] = self.blocks[-1].before_removed([what])
        else:
            self._removed.append(what)

    def table(self, rows: list[list[str]], page: int | None = None) -> None:
        """Add a table as groups of rows that each repeat the first one; a title over all columns becomes text."""
        cleaned = tidied([[flat(cell) for cell in row] for row in rows])
        while len(cleaned) > 2 and len(cleaned[0]) > 1 and len(set(cleaned[0])) == 1:
            self.text(cleaned.pop(0)[0], page)
        if not cleaned:
            return
        header, *body = ["| " + " | ".join(row) + " |" for row in with_spanned_header(cleaned)]
        size = n_pieces(header)
        room = max(TABLE_PIECES - size, min(size, _MOST_PIECES - size))
        sizes = {line: n_pieces(line) for line in body}
        for group in list(runs(body, lambda group, line: sum(sizes[each] for each in (*group, line)) > room)) or [[]]:
            self._add("\n".join([header, *group]), page)

    def notice(self, message: str, page: int | None = None, *, missing: str = "") -> None:
        """Tell the owner, once per page, how the file was read, and the model what is `missing` here."""
        notice = Notice(message=message, page=page)
        if notice not in self.notices:
            self.notices.append(notice)
            if missing:
                self.removed(missing)

    def invisible(self, text: str, reason: str, page: int | None = None) -> None:
        """Quarantine text that a trick hides from readers ("white on white") as a separate block."""
        if text := flat(text):
            self.suspects.append((len(self.blocks), _UNSEEN.format(reason=reason)))
            self._add(text, page)

    def tricks(self, hidden: Mapping[str, Sequence[str]], page: int | None = None) -> None:
        """Quarantine hidden texts, given by trick; those without a word are harmless and only noted."""
        for trick, texts in hidden.items():
            text = " ".join(texts)
            if _WORD.search(text):
                self.invisible(text, trick, page)
            else:
                self.leave_out(text, f"characters that readers can't see: {trick}", page)

    def leave_out(self, text: str, reason: str, page: int | None = None, *, marked: bool = True) -> None:
        """Note text that is left out because the file doesn't show it ("a comment", "a hidden sheet").

        It is marked on its page unless `marked` is false; documents without pages call `removed` where it stood.
        """
        if text := flat(text):
            if marked and page is not None:
                self.removed(reason)
            self.left_out.append(self._finding("note", text, f"Left out: {reason}.", page))

    def add_document(self, document: Document, under: int) -> None:
        """Add another document (an attachment, a chapter) with its headings below level `under` and its findings.

        Its page numbers mean nothing here and are dropped.
        """
        quarantined = {
            span: each for each in document.findings if each.severity == "quarantine" for span in each.spans
        }
        for start, block in document.placed():
            if finding := quarantined.get((start, start + len(block.text))):
                self.invisible(block.text, finding.message.removeprefix(_UNSEEN.partition("{")[0]).removesuffix("."))
            elif block.is_heading():
                self.heading(block.text, under + 1 + block.heading.removesuffix(block.text).count(" > "))
            else:
                self._add(block.text, None, block.marks)
        self.left_out += [each for each in document.findings if each.severity == "note"]

    def document(self) -> Document:
        """The document collected so far; without a title, a heading at its start becomes the title."""
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
        for number, message in self.suspects:
            block, start = self.blocks[number], starts[number]
            found = self._finding("quarantine", block.text, message, block.page)
            yield found.model_copy(update={"spans": ((start, start + len(block.text)),), "heading": block.heading})

    def _finding(self, severity: Severity, text: str, message: str, page: int | None) -> Finding:
        return Finding(
            id=finding_id("invisible_text", page, text),
            kind="invisible_text",
            severity=severity,
            message=message,
            excerpt=excerpt(text),
            page=page,
            heading=self._headings(),
        )

    def _headings(self) -> str:
        return " > ".join(text for _, text in self.path)

    def _add(self, text: str, page: int | None, marks: Iterable[Mark] = ()) -> None:
        pieces = text.split(DATA)
        if not (text := "".join(pieces)):
            if pieces[1:]:
                self.removed("data")
            return
        places = accumulate(map(len, pieces[:-1]))
        all_marks = (*marks, *(removed("data", at) for at in places))
        block = Block(text=text, heading=self._headings(), page=page, marks=all_marks)
        self.blocks.append(block.after_removed(self._removed))
        self._removed.clear()


def fence(language: str, indent: str = "") -> str:
    """The line of Markdown that opens code in this language; "" as the language if it is no mere name."""
    return f"{indent}```{language if _LANGUAGE.fullmatch(language) else ''}"


def take_properties(outline: Outline, root: Any) -> str:
    """The title in a document's properties (None if it has none); long descriptions and keywords are left out."""
    title, long = "", []
    for each in root.iter("{*}title", *_DESCRIPTIONS) if root is not None else ():
        text = flat(each.text or "")
        if each.tag.endswith("}title"):
            title = text
        elif tells_something(text):
            long.append(text)
    outline.leave_out(" · ".join(long), "document properties")
    return title


def tells_something(text: str) -> bool:
    """Whether hidden text is more than a name or a number, so that the owner should see it."""
    return len(text.split()) >= _TELLING_WORDS or len(text.strip()) >= _TELLING_CHARS


def text_of(data: bytes, outline: Outline) -> str:
    """`data` as text, with a notice in `outline` about replaced bytes. Raises UnsupportedFormat."""
    text = decoded(data)
    if text.notice:
        outline.notice(text.notice)
    return text.text


def n_pieces(text: str) -> int:
    """About the number of tokens of `text`."""
    return len(_PIECE.findall(text))


def flat(text: str) -> str:
    """`text` on one line, without control characters and doubled spaces."""
    return _SPACES.sub(" ", _CONTROLS.sub("", " ".join(text.split()))).strip()
