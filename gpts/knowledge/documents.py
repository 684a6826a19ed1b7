"""The values that knowledge is made of, from a parsed file to the passage that an answer cites."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """One heading, paragraph, list or group of table rows, in reading order.

    `heading` is the path of headings that it stands under ("Care > Watering"), empty at the top; a heading's own
    block ends its own path. `page` counts from 1, None where the format has no pages. A line break inside `text`
    ends a sentence; wrapped lines are re-flowed by the parser.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    heading: str = ""
    page: int | None = None

    def is_heading(self) -> bool:
        """Whether this block is a heading itself rather than text under one."""
        return bool(self.text) and (self.heading == self.text or self.heading.endswith(" > " + self.text))


class Document(BaseModel):
    """A parsed file. Its canonical text is its blocks joined by blank lines; all offsets count in that text."""

    model_config = ConfigDict(frozen=True)

    title: str
    blocks: tuple[Block, ...]

    def text(self) -> str:
        """The canonical text, in which chunks and citations give character ranges."""
        return "\n\n".join(block.text for block in self.blocks)


class Chunk(BaseModel):
    """A piece of a document that is embedded and retrieved as one. `start`/`end` index `Document.text()`."""

    model_config = ConfigDict(frozen=True)

    text: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None


class Passage(BaseModel):
    """A chunk that was retrieved for a question, with where it came from and how well it matched.

    `score` is the fused score in 0..1 and orders passages; `cosine` is the dense similarity alone in -1..1 and
    decides whether knowledge covers the question. `page_breaks` gives the offset at which each further page begins
    inside the passage, with its number.
    """

    model_config = ConfigDict(frozen=True)

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
    score: float = 0.0
    cosine: float = 0.0

    def page_at(self, offset: int) -> int | None:
        """The page on which `offset` of the document's text lies."""
        return next((page for start, page in reversed(self.page_breaks) if start <= offset), self.page)


class Citation(BaseModel):
    """A sentence of an answer tied to the passage that supports it.

    `tag` is the number shown to the reader, from 1, one per passage. `answer_start`/`answer_end` index the answer;
    `quote` is literal text of the document at `start`..`end` of its canonical text.
    """

    model_config = ConfigDict(frozen=True)

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
