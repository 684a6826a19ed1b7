"""The JSON of the files of GPTs in `/api`, their passages, and how they are used."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from gpts.knowledge import corrections
from gpts.knowledge.documents import Finding, Notice, Unit
from gpts.values import Text
from web.api.reading import RequestBody
from web.builder.files import n_ahead
from web.builder.knowledge import QUESTION_CHARS


class File(Schema):
    """A knowledge file; `status` goes from received through parsing and embedding to ready, quarantined or failed.

    `findings` of severity "quarantine" are left out until you accept them; the file is "quarantined" if nothing else
    is in it. A "hint" may be dropped, and is used as untrusted text otherwise. A "note" is always left out.
    """

    id: UUID
    name: str
    size: int = Field(description="Bytes.")
    status: Literal["received", "parsing", "embedding", "ready", "quarantined", "failed", "cancelled"]
    is_settled: bool = Field(description="Whether reading is over: ready, quarantined, failed or cancelled.")
    n_ahead: int = Field(description="Files ahead of this one, while it waits.")
    n_read: int = Field(description="Pages read so far; 0 if unknown.")
    n_done: int = Field(description="Chunks embedded so far.")
    n_chunks: int
    n_pages: int = Field(description="0 if the format has no pages.")
    n_tokens: int
    seconds_left: int | None = Field(description="Estimated; null while unknown.")
    unit: Unit = Field(description="What counts as a page.")
    language: str = Field(description="ISO 639-1; empty if unknown.")
    notices: list[Notice]
    findings: list[Finding]
    decisions: dict[str, Literal["drop", "accept"]] = Field(description="Your decisions, by finding id.")
    replaces: UUID | None = Field(
        validation_alias="replaces_id", description="The file that this one replaces once it is ready."
    )
    in_use: bool = Field(description="Whether the draft answers from it, also while it is being indexed again.")
    error: str
    created: datetime

    @staticmethod
    def resolve_is_settled(file: Any) -> bool:
        return file.status in file.SETTLED

    @staticmethod
    def resolve_n_ahead(file: Any) -> int:
        return n_ahead(file) if file.status == "received" else 0

    @staticmethod
    def resolve_in_use(file: Any) -> bool:
        return bool(file.segment)


class DecisionsShape(RequestBody):
    """Your decisions on a file's findings, by finding id. Other findings keep their earlier decisions."""

    decisions: dict[str, Literal["drop", "accept"]] = Field(
        min_length=1, examples=[{"3f9a0c1b2d4e": "drop", "77a01be4c9d2": "accept"}]
    )


class FilePassage(Schema):
    """A passage of a file: a paragraph, list or table as it was read, with your corrections."""

    original: str = Field(description="The text as it was read, which identifies the passage.")
    text: str = Field(description="The text in use.")
    dropped: bool
    pinned: bool = Field(description="The model gets it with every question.")
    also_asked: list[str] = Field(description="Questions that you added, by which it is found.")
    heading: str
    page: int | None


class FilePassages(Schema):
    """Passages of a file from `start` on; those you dropped come first."""

    items: list[FilePassage]
    next: int | None = Field(description="The `start` of the next ones; null at the end.")


class PassageCorrection(RequestBody):
    """What to change about the passage that was read as `original`. What you leave out is as it was read."""

    original: Annotated[Text, Field(min_length=1, max_length=corrections.MOST_CHARS)]
    text: Annotated[Text, Field(max_length=corrections.MOST_CHARS)] = ""
    dropped: bool = False
    pinned: bool = False
    also_asked: list[Annotated[Text, Field(max_length=corrections.QUESTION_CHARS)]] = Field(
        [], max_length=corrections.MOST_QUESTIONS
    )


class KnowledgeQuestion(RequestBody):
    """A test question for a draft's knowledge."""

    question: Annotated[Text, Field(min_length=1, max_length=QUESTION_CHARS)]


class PassagePlace(Schema):
    """Where a passage is. `unit` says what `page` counts; null if the format has no pages."""

    file_id: UUID
    file_name: str
    page: int | None
    unit: Unit
    heading: str


class RankedPassage(PassagePlace):
    """A passage that a question found. `meaning` is the cosine, `words` the BM25 score, `score` combines them."""

    text: str = Field(description="The first 700 characters.")
    start: int = Field(description="In characters of the file's text.")
    end: int
    untrusted: bool
    score: float
    meaning: float
    words: float | None = Field(description="Null if it shares no word with the question.")
    given: bool = Field(description="Whether it would be sent to the model.")
    why_not: str


class FoundPassages(Schema):
    """The passages found for a question, best first. `reason` gives the numbers behind `covered`."""

    covered: bool
    reason: str
    passages: list[RankedPassage]
    whole: bool = Field(description="The model reads these files completely, so nothing is searched.")
    declines: bool = Field(description="An uncovered question is declined, not answered from general knowledge.")
    n_more: int = Field(description="Lower-scoring passages that are not listed.")


class UnusedPassage(PassagePlace):
    """A passage that no question has found yet."""

    text: str


class Repeat(Schema):
    """A passage that appears in several places, word for word (`exact`) or nearly."""

    exact: bool
    text: str
    places: list[PassagePlace]


class KnowledgeHealth(Schema):
    """How the draft's knowledge is used. Counts come from finished runs and include no one's questions."""

    n_files: int
    n_chunks: int
    n_tokens: int
    n_searches: int = Field(description="Questions in finished runs, without previews.")
    n_passages: int
    n_used: int
    n_unused: int
    unused: list[UnusedPassage] = Field(description="Some of the passages that no question has found yet.")
    compared: bool = Field(description="False if there are too many to compare by meaning.")
    n_repeats: int
    repeats: list[Repeat]
