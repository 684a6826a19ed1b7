"""The values that knowledge is made of, from a parsed file to the passage that an answer cites."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """One paragraph, list item, table or heading's body, in reading order.

    `heading` is the path of headings above it ("Care > Watering"), empty at the top. `page` counts from 1, None
    where the format has no pages.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    heading: str = ""
    page: int | None = None


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
    decides whether knowledge covers the question.
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
    score: float = 0.0
    cosine: float = 0.0


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
