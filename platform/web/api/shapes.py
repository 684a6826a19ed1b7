"""What `/api` takes and gives about GPTs and their files, as JSON. Of runs: `shapes_runs`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from ninja import Schema
from ninja.pagination import LimitOffsetPagination
from pydantic import Field

from gpts.knowledge.documents import Finding, Notice, Unit
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import DESCRIPTION_CHARS, INSTRUCTIONS_CHARS, NAME_CHARS, STARTER_CHARS, STARTERS
from web.api.reading import Text
from web.builder.agents import agent_card_url
from web.builder.files import n_ahead
from web.builder.knowledge import QUESTION_CHARS

SharingLevel = Literal["me", "link", "store"]
CategoryName = Literal["writing", "research", "programming", "education", "work", "home", "other"]
if TYPE_CHECKING:
    CapabilityKey = str
else:
    CapabilityKey = Literal[tuple(CAPABILITIES)]
Starter = Annotated[Text, Field(min_length=1, max_length=STARTER_CHARS)]
Name = Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)]


class Pages(LimitOffsetPagination):
    """`limit` items from `offset` on, with their whole `count`."""

    class Input(Schema):
        """Which items of a list to give."""

        limit: int = Field(50, ge=1, le=100)
        offset: int = Field(0, ge=0, le=1_000_000)


class GptChange(Schema):
    """The fields of a draft to change; those left out stay."""

    name: Name | None = None
    description: Annotated[Text, Field(max_length=DESCRIPTION_CHARS)] | None = None
    instructions: Annotated[Text, Field(max_length=INSTRUCTIONS_CHARS)] | None = None
    starters: Annotated[list[Starter], Field(max_length=STARTERS)] | None = None
    category: CategoryName | None = None
    only_from_knowledge: bool | None = None
    capabilities: list[CapabilityKey] | None = Field(None, description="Those that are switched on.")
    delegates_to_all: bool | None = Field(
        None, description="Whether each question goes to every GPT that it may ask."
    )
    delegates_to_store: bool | None = Field(None, description="Whether it may look for a GPT to ask in the store.")
    files_downloadable: bool | None = Field(None, description="Whether people who chat may download the files.")
    a2a: bool | None = Field(None, description="Whether programs elsewhere may call it as an A2A agent.")
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, le=8_192, description="Longest reply, in tokens.")

    def fields(self) -> dict[str, Any]:
        """What was given, by the name of the model's field."""
        return self.model_dump(exclude_none=True)


class GptPatch(GptChange):
    """Changes to the draft, and who may chat with the published version; publishing is a request of its own."""

    sharing: SharingLevel | None = None


class NewGpt(GptChange):
    """A GPT to make. Only its name is needed."""

    name: Name


class GptCard(Schema):
    """A GPT as those see it who may chat with it."""

    slug: str
    name: str
    description: str
    starters: list[str]
    category: CategoryName
    capabilities: list[CapabilityKey] = Field(description="Of the draft, where it is yours; else of what people get.")
    delegates_to_all: bool = Field(
        description="Whether each question goes to every GPT that it may ask, as people get it."
    )
    delegates_to_store: bool = Field(
        description="Whether it may look for a GPT to ask in the store, as people get it."
    )
    creator: str = Field(validation_alias="owner.shown_name")
    created: datetime
    published: int | None = Field(description="Number of the version that people get; null before publishing.")

    @staticmethod
    def resolve_delegates_to_all(gpt: Any) -> bool:
        return bool(gpt.published.spec().delegates_to_all if gpt.published else gpt.delegates_to_all)

    @staticmethod
    def resolve_delegates_to_store(gpt: Any) -> bool:
        return bool(gpt.published.spec().delegates_to_store if gpt.published else gpt.delegates_to_store)

    @staticmethod
    def resolve_published(gpt: Any) -> int | None:
        return gpt.published.number if gpt.published else None


class OwnGpt(GptCard):
    """A GPT as its owner edits it: the draft."""

    instructions: str
    only_from_knowledge: bool
    files_downloadable: bool
    a2a: bool = Field(description="Whether programs elsewhere may call it as an A2A agent; see `agent_card`.")
    temperature: float
    max_tokens: int
    delegates_to_all: bool = Field(description="Whether each question goes to every GPT that the draft may ask.")
    delegates_to_store: bool = Field(description="Whether the draft may look for a GPT to ask in the store.")
    sharing: SharingLevel
    changed: datetime
    link: str | None = Field(description="The secret address to share, while shared by link.")
    agent_card: str | None = Field(description="The address of its Agent Card, while programs may call it.")

    @staticmethod
    def resolve_delegates_to_all(gpt: Any) -> bool:
        return bool(gpt.delegates_to_all)

    @staticmethod
    def resolve_delegates_to_store(gpt: Any) -> bool:
        return bool(gpt.delegates_to_store)

    @staticmethod
    def resolve_link(gpt: Any) -> str | None:
        return settings.SITE_URL + reverse("gpt_link", args=[gpt.link_secret]) if gpt.link_secret else None

    @staticmethod
    def resolve_agent_card(gpt: Any) -> str | None:
        return agent_card_url(gpt) or None


class Publication(Schema):
    """How to publish. Without `sharing` it stays as it was."""

    sharing: SharingLevel | None = None


class Version(Schema):
    """A published, immutable version."""

    number: int
    created: datetime
    current: bool


class File(Schema):
    """A knowledge file; `status` goes from received through parsing and embedding to ready, quarantined or failed.

    A quarantined file waits until each of its `findings` of severity "quarantine" has a decision. A
    "hint" may be dropped, and is used as untrusted text otherwise. The text of a "note" is left out in any case.
    """

    id: UUID
    name: str
    size: int = Field(description="Bytes.")
    status: Literal["received", "parsing", "embedding", "ready", "quarantined", "failed", "cancelled"]
    n_ahead: int = Field(description="Files that are read before this one, while it waits.")
    n_read: int = Field(description="Pages read so far; 0 where the format cannot tell.")
    n_done: int = Field(description="Chunks embedded so far.")
    n_chunks: int
    n_pages: int = Field(description="0 where the format has no pages.")
    n_tokens: int
    seconds_left: int | None = Field(description="At the rate so far; null while that cannot be told.")
    unit: Unit = Field(description="What is counted as a page.")
    language: str = Field(description="ISO 639-1; empty if unknown.")
    notices: list[Notice]
    findings: list[Finding]
    decisions: dict[str, Literal["drop", "accept"]] = Field(description="Yours, by the finding's id.")
    replaces: UUID | None = Field(
        validation_alias="replaces_id", description="The file that leaves the draft once this one is ready."
    )
    in_use: bool = Field(description="Whether chats with the draft are answered from it, be it read again or not.")
    error: str
    created: datetime

    @staticmethod
    def resolve_n_ahead(file: Any) -> int:
        return n_ahead(file) if file.status == "received" else 0

    @staticmethod
    def resolve_in_use(file: Any) -> bool:
        return bool(file.segment)


class DecisionsShape(Schema):
    """Your choice on findings of a file, by the finding's id. Others keep what you chose before."""

    decisions: dict[str, Literal["drop", "accept"]] = Field(
        min_length=1, examples=[{"3f9a0c1b2d4e": "drop", "77a01be4c9d2": "accept"}]
    )


class Question(Schema):
    """What to ask a draft's knowledge."""

    question: Annotated[Text, Field(min_length=1, max_length=QUESTION_CHARS)]


class PassagePlace(Schema):
    """Where a passage stands. `unit` says what `page` counts; null where the format has no pages."""

    file_id: UUID
    file_name: str
    page: int | None
    unit: Unit
    heading: str


class RankedPassage(PassagePlace):
    """A passage that a question found. `meaning` is the cosine, `words` the BM25 score, `score` the two together."""

    text: str = Field(description="Its first 700 characters.")
    start: int = Field(description="Characters of the file's text.")
    end: int
    untrusted: bool
    score: float
    meaning: float
    words: float | None = Field(description="Null where it shares no word with the question.")
    given: bool = Field(description="Whether the model would get it to read.")
    why_not: str


class Asked(Schema):
    """What a draft's knowledge holds for a question, best first. `reason` gives the numbers behind `covered`."""

    covered: bool
    reason: str
    passages: list[RankedPassage]
    n_more: int = Field(description="Passages that scored lower and are not listed.")


class UnusedPassage(PassagePlace):
    """A passage that no question has found yet."""

    text: str


class Repeat(Schema):
    """A passage that stands in several files: in the same words (`exact`), or nearly."""

    exact: bool
    text: str
    places: list[PassagePlace]


class KnowledgeHealth(Schema):
    """How the draft's knowledge fares. Counts of passages come from finished runs; nobody's words are in it."""

    n_files: int
    n_chunks: int
    n_tokens: int
    n_searches: int = Field(description="Questions of finished runs, previews aside.")
    n_passages: int
    n_used: int
    n_unused: int
    unused: list[UnusedPassage] = Field(description="Some of those that no question found yet.")
    compared: bool = Field(description="False where there are too many to compare their meaning.")
    n_repeats: int
    repeats: list[Repeat]
