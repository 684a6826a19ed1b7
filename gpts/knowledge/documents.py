"""The values of knowledge, from a parsed file to the passage that an answer cites."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import model_validator

from gpts.knowledge.marks import Mark, removed_above, removed_below, with_marks
from gpts.values import Value

# The unit that `page` counts in a document.
Unit = Literal["page", "slide", "sheet"]
FindingKind = Literal[
    "invisible_text",
    "hidden_characters",
    "speaks_to_model",
    # Only stored by earlier releases.
    "differs_from_picture",
    "stuffed_repeats",
]
# "quarantine": left out until the owner accepts it. "hint": used as untrusted text unless the owner drops it.
# "note": already left out of the text.
Severity = Literal["quarantine", "hint", "note"]


class Notice(Value):
    """Something the owner should know about reading the file: a page without text, truncated cells."""

    message: str
    page: int | None = None


class Finding(Value):
    """Text that is invisible to people, or meant to steer a model rather than to inform a reader.

    `id` is stable when the same file is read again. `spans` are the ranges of `Document.text()` that are removed if
    the owner drops it, empty if the text was left out from the start (every "note"). `excerpt` is the text itself,
    shortened in the middle if it is long.
    """

    id: str
    kind: FindingKind
    severity: Severity
    message: str
    excerpt: str
    spans: tuple[tuple[int, int], ...] = ()
    page: int | None = None
    heading: str = ""

    @model_validator(mode="before")
    @classmethod
    def _as_stored_before(cls, data: Any) -> Any:
        """Release 0.1 stored text addressed to a model as a quarantine."""
        if isinstance(data, dict) and data.get("kind") == "speaks_to_model":
            return data | {"severity": "hint"}
        return data


class Block(Value):
    """One heading, paragraph, list or group of table rows, in reading order.

    `heading` is the path of headings above it ("Care > Watering"), empty at the top; a heading's own block ends its
    own path. `page` counts from 1, None if the format has no pages. A line break inside `text` ends a sentence; the
    parser re-flows wrapped lines. `marks` are what the model reads beside its text. `also_asked` are questions that
    its owner added, by which it is found; a `pinned` one is given with every question.
    """

    text: str
    heading: str = ""
    page: int | None = None
    marks: tuple[Mark, ...] = ()
    also_asked: tuple[str, ...] = ()
    pinned: bool = False

    def before_removed(self, left_out: Iterable[str]) -> "Block":
        """The block with marks below it of what was removed there."""
        return self._told(removed_below(what, len(self.text)) for what in left_out)

    def after_removed(self, left_out: Iterable[str]) -> "Block":
        """The block with marks above it of what was removed there."""
        return self._told(map(removed_above, left_out))

    def _told(self, marks: Iterable[Mark]) -> "Block":
        return self.model_copy(update={"marks": tuple(dict.fromkeys((*self.marks, *marks)))})

    def is_heading(self) -> bool:
        """Whether this block is a heading itself rather than text under one."""
        return bool(self.text) and (self.heading == self.text or self.heading.endswith(" > " + self.text))


class Document(Value):
    """A parsed file. Its canonical text is its blocks joined by blank lines; all offsets refer to that text.

    As parsed, it includes suspicious text; `gpts.safety.findings.settled` returns it without what the owner dropped.
    `language` is an ISO 639-1 code, empty if unknown.
    """

    title: str
    blocks: tuple[Block, ...]
    unit: Unit = "page"
    language: str = ""
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()

    def text(self) -> str:
        """The canonical text, to which the ranges of chunks and citations refer."""
        return "\n\n".join(block.text for block in self.blocks)

    def marks(self) -> tuple[Mark, ...]:
        """The marks of all blocks, at offsets of the canonical text."""
        return tuple(mark.moved(start) for start, block in self.placed() for mark in block.marks)

    def placed(self) -> Iterator[tuple[int, Block]]:
        """Each block with its offset in the canonical text."""
        start = 0
        for block in self.blocks:
            yield start, block
            start += len(block.text) + 2


class Chunk(Value):
    """A piece of a document that is embedded and retrieved as one. `start`/`end` index `Document.text()`."""

    text: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None


class Passage(Value):
    """A chunk that was retrieved for a question, with its origin and scores.

    `score` is the fused score in 0..1 and orders passages; `cosine` is the dense similarity alone in -1..1 and
    decides whether knowledge covers the question. `page_breaks` gives the offset at which each further page begins
    inside the passage, with its number, `heading_breaks` that of each further path of headings. `untrusted` marks a
    passage that the owner accepted in spite of a finding, or that is from outside. `url` is the address of a web
    passage, empty for files; if set, `file_id` and `segment` are empty. `gpt` is the name of the GPT that gave it,
    empty if the answering one did; without `file_id` and `url` it is text of that GPT's answer. `marks` are what the
    model reads beside it, at offsets of the document's text. `is_part`: it is the beginning of a long table, whose
    other rows the model reads by calls.
    """

    file_id: str
    file_name: str
    segment: str
    chunk: int
    text: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None
    page_breaks: tuple[tuple[int, int], ...] = ()
    heading_breaks: tuple[tuple[int, str], ...] = ()
    unit: Unit = "page"
    untrusted: bool = False
    url: str = ""
    gpt: str = ""
    marks: tuple[Mark, ...] = ()
    is_part: bool = False
    score: float = 0.0
    cosine: float = 0.0

    def for_model(self) -> str:
        """The text with its marks, as a model reads it."""
        return with_marks(self.text, self.marks, self.start)

    def page_at(self, offset: int) -> int | None:
        """The page that contains `offset` of the document's text."""
        return next((page for start, page in reversed(self.page_breaks) if start <= offset), self.page)

    def heading_at(self, offset: int) -> str:
        """The path of headings at `offset` of the document's text."""
        return next((heading for start, heading in reversed(self.heading_breaks) if start <= offset), self.heading)


class Citation(Value):
    """A sentence of an answer tied to the passage that supports it.

    `tag` is the number shown to the reader, from 1, one per passage. `answer_start`/`answer_end` index the answer;
    `quote` is literal text of the document at `start`..`end` of its canonical text. `gpt` is that of the passage.
    """

    tag: int
    file_id: str
    file_name: str
    segment: str
    chunk: int
    quote: str
    start: int
    end: int
    answer_start: int
    answer_end: int
    heading: str = ""
    page: int | None = None
    unit: Unit = "page"
    untrusted: bool = False
    url: str = ""
    gpt: str = ""

    def as_passage(self) -> Passage:
        """The quote as a passage: for files that were read whole, of which no passages were kept."""
        kept = self.model_dump(exclude={"tag", "quote", "answer_start", "answer_end"})
        return Passage(text=self.quote, **kept)


# "calculated": its figures follow from known ones. "conversation": the person or the creator said it. "quoted": it is
# one of the files', which code chose. "result": a call returned it. "not_checked": the answer and the passages are in
# languages that cannot be compared, or there is too much to compare.
Support = Literal[
    "supported", "partly", "calculated", "conversation", "unsupported", "not_checked", "quoted", "result"
]


class SentenceSupport(Value):
    """Where one sentence of an answer comes from. Only (partly) supported ones have citations.

    `formulas` say how the figures of a calculated one follow.
    """

    answer_start: int
    answer_end: int
    level: Support
    formulas: tuple[str, ...] = ()
