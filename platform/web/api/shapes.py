"""The JSON of GPTs in `/api`."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.urls import reverse
from ninja import Schema
from pydantic import Field

from gpts.knowledge.languages import LANGUAGES
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import (
    DESCRIPTION_CHARS,
    INSTRUCTIONS_CHARS,
    LEAST_TOP_P,
    MAX_REPLY_TOKENS,
    NAME_CHARS,
    STARTER_CHARS,
    STARTERS,
    Unsupported,
)
from gpts.spec.inputs import MAX_INPUTS, Input
from gpts.values import Text
from web.api.auth import caller
from web.api.reading import RequestBody
from web.builder.access import link_of
from web.builder.agents import agent_card_url
from web.builder.duplicates import keyless
from web.builder.faces import MARKS
from web.builder.models import NOTE_CHARS
from web.builder.pictures import PROMPT_CHARS
from web.store.listing import StoreCard, not_set_up, standing_of

SharingLevel = Literal["me", "link", "store"]
CategoryKey = Annotated[str, Field(max_length=20, description="A key of `GET /api/categories`.")]
CapabilityKey = Literal[*CAPABILITIES]  # type: ignore[valid-type]
FaceKey = Literal["", *MARKS]  # type: ignore[valid-type]
LanguageCode = Literal["", *LANGUAGES]  # type: ignore[valid-type]
LANGUAGE = "The ISO 639-1 code that its creator chose; empty: that of its texts. Takes effect at once."
Starter = Annotated[Text, Field(min_length=1, max_length=STARTER_CHARS)]
Name = Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)]
ENGINE = "The name of its model, of those that your operator offers; empty: the default model."
AT_ONCE = " Takes effect when you publish; turning it off, at once."
TAKES_QUESTIONS = f"Whether people can send you a question it couldn't answer.{AT_ONCE}"
FILES_DOWNLOADABLE = f"Whether people can download cited files, and have tools open its files.{AT_ONCE}"
FACE = "The icon shown without a picture, for everyone at once; empty: chosen by its name."
UNSUPPORTED = (
    "What becomes of sentences that the files don't support, if it answers only from knowledge: `mark` shows them "
    "marked, `fold` and `withhold` leave them out; with `fold` people can open them."
)
A2A = f"Whether it is available as an A2A agent.{AT_ONCE}"

INPUTS = "What people fill in before a chat, and `{{name}}` in instructions and starters stands for."


class GptChange(RequestBody):
    """The draft's fields to change; omitted fields stay as they are."""

    name: Name | None = None
    description: Annotated[Text, Field(max_length=DESCRIPTION_CHARS)] | None = None
    instructions: Annotated[Text, Field(max_length=INSTRUCTIONS_CHARS)] | None = None
    starters: Annotated[list[Starter], Field(max_length=STARTERS)] | None = None
    inputs: Annotated[list[Input], Field(max_length=MAX_INPUTS)] | None = Field(None, description=INPUTS)
    category: CategoryKey | None = None
    language: LanguageCode | None = Field(None, description=LANGUAGE)
    only_from_knowledge: bool | None = None
    unsupported: Unsupported | None = Field(None, description=UNSUPPORTED)
    capabilities: list[CapabilityKey] | None = Field(None, description="The enabled capabilities.")
    delegates_to_all: bool | None = Field(None, description="Whether every question goes to all its delegates.")
    delegates_to_store: bool | None = Field(None, description="Whether it can delegate to GPTs from the store.")
    takes_questions: bool | None = Field(None, description=TAKES_QUESTIONS)
    files_downloadable: bool | None = Field(None, description=FILES_DOWNLOADABLE)
    a2a: bool | None = Field(None, description=A2A)
    engine: Annotated[Text, Field(max_length=40)] | None = Field(None, description=ENGINE)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=LEAST_TOP_P, le=1)
    face: FaceKey | None = Field(None, description=FACE)
    max_tokens: int | None = Field(
        None, ge=1, le=MAX_REPLY_TOKENS, description="Maximum reply length, in tokens; null: automatic."
    )

    def fields(self) -> dict[str, Any]:
        """The given fields, by the model's field names."""
        fields = self.model_dump(exclude_none=True, exclude={"inputs"})
        if "max_tokens" in self.model_fields_set:
            fields["max_tokens"] = self.max_tokens
        if self.inputs is not None:
            fields["inputs"] = [each.model_dump(mode="json", exclude_defaults=True) for each in self.inputs]
        return fields


class GptPatch(GptChange):
    """Changes to the draft, and who can chat with the published version. Publishing is a separate request."""

    sharing: SharingLevel | None = None


class NewGpt(GptChange):
    """A GPT to create. Only the name is required."""

    name: Name


class GptFacts(Schema):
    """What everyone who can chat with a GPT sees of it, and its owner sees of the draft."""

    slug: str
    name: str
    description: str
    starters: list[str]
    inputs: list[Input] = Field(description=INPUTS)
    category: CategoryKey
    language: LanguageCode = Field(description=LANGUAGE)
    capabilities: list[CapabilityKey]
    delegates_to_all: bool = Field(description="Whether every question goes to all its delegates.")
    delegates_to_store: bool = Field(description="Whether it can delegate to GPTs from the store.")
    creator: str = Field(validation_alias="owner.shown_name")
    created: datetime
    picture: str | None = Field(description="The URL of its picture, for API keys too; null if it has none.")
    published: int | None = Field(description="Number of the live version; null before publishing.")
    n_people: int = Field(
        description="How many people have chatted with it; counted every few minutes, like ratings."
    )
    rating: float | None = Field(description="The mean of its ratings, in stars; null without any.")
    n_ratings: int
    reaches: list[str] = Field(description="What the live version can access besides its files, in a few words each.")
    not_set_up: list[str] = Field(description="What the live version needs and this site lacks.")

    @staticmethod
    def resolve_picture(gpt: Any) -> str | None:
        return settings.SITE_URL + reverse("api:read_picture", args=[gpt.slug]) if gpt.picture else None

    @staticmethod
    def resolve_n_people(gpt: Any) -> int:
        return standing_of(gpt).n_people

    @staticmethod
    def resolve_rating(gpt: Any) -> float | None:
        return standing_of(gpt).mean or None

    @staticmethod
    def resolve_n_ratings(gpt: Any) -> int:
        return standing_of(gpt).n_ratings

    @staticmethod
    def resolve_reaches(gpt: Any) -> list[str]:
        return StoreCard(gpt, gpt.published.spec()).reaches if gpt.published else []

    @staticmethod
    def resolve_not_set_up(gpt: Any) -> list[str]:
        return not_set_up(gpt.published.spec()) if gpt.published else []

    @staticmethod
    def resolve_published(gpt: Any) -> int | None:
        return gpt.published.number if gpt.published else None


class GptCard(GptFacts):
    """A GPT as seen by people who can chat with it: the live version. Until it has one, only editors see it."""

    right: Literal["own", "edit"] | None = Field(
        None, description="In the list of those that you can edit: whether it is yours, or shared with you."
    )
    name: str = Field(validation_alias="live.name")
    description: str = Field(validation_alias="live.description")
    starters: list[str] = Field(validation_alias="live.starters")
    inputs: list[Input] = Field(validation_alias="live.inputs", description=INPUTS)
    delegates_to_all: bool = Field(
        validation_alias="live.delegates_to_all", description=GptFacts.model_fields["delegates_to_all"].description
    )
    delegates_to_store: bool = Field(
        validation_alias="live.delegates_to_store",
        description=GptFacts.model_fields["delegates_to_store"].description,
    )

    @staticmethod
    def resolve_capabilities(gpt: Any) -> list[str]:
        return [key for key in gpt.live.capabilities if key in CAPABILITIES]


class ImportedFrom(Schema):
    """Where a draft came from."""

    origin: str = Field(description="In a sentence.")
    todo: list[str] = Field(description="What could not be carried over, or has to be set up.")


class OwnGpt(GptFacts):
    """A GPT as those who can edit it see it: the draft."""

    right: Literal["own", "edit"] = Field(description="Whether it is yours, or shared with you to edit.")
    instructions: str
    only_from_knowledge: bool
    unsupported: Unsupported = Field(description=UNSUPPORTED)
    takes_questions: bool = Field(description=TAKES_QUESTIONS)
    files_downloadable: bool = Field(description=FILES_DOWNLOADABLE)
    a2a: bool = Field(description=A2A)
    engine: str = Field(description=ENGINE)
    temperature: float
    top_p: float
    max_tokens: int | None = Field(description="Maximum reply length, in tokens; null: automatic.")
    face: str = Field(description=FACE)
    sharing: SharingLevel
    publish_when_ready: bool = Field(description="Whether it will be published once its files are ready.")
    changed: datetime
    link: str | None = Field(description="The secret link, while shared by link; for its owner.")
    agent_card: str | None = Field(description="The URL of its Agent Card, if `a2a` is on; works once that is live.")

    imported: ImportedFrom | None = Field(description="What an import left to do; null if it wasn't imported.")

    @staticmethod
    def resolve_imported(gpt: Any) -> dict[str, Any] | None:
        keys = [f"Enter the key or client secret of “{name}”." for name in keyless(gpt)] if gpt.imported else []
        return {"origin": gpt.imported["origin"], "todo": keys + gpt.imported["notes"]} if gpt.imported else None

    @staticmethod
    def resolve_right(gpt: Any, context: Any) -> str:
        return "own" if gpt.owner_id == caller(context["request"]).pk else "edit"

    @staticmethod
    def resolve_link(gpt: Any, context: Any) -> str | None:
        if gpt.owner_id != caller(context["request"]).pk:
            return None
        return link_of(gpt) if gpt.link_secret else None

    @staticmethod
    def resolve_agent_card(gpt: Any) -> str | None:
        return agent_card_url(gpt) or None


class Publication(RequestBody):
    """How to publish. Without `sharing`, sharing stays unchanged."""

    sharing: SharingLevel | None = None
    note: Annotated[Text, Field(max_length=NOTE_CHARS)] = Field(default="", description="What changed, for editors.")


class VersionNote(RequestBody):
    """A note on a version."""

    note: Annotated[Text, Field(max_length=NOTE_CHARS)]


class Version(Schema):
    """A published, immutable version. `author` is empty if only files of its sources changed."""

    number: int
    created: datetime
    note: str
    author: str
    current: bool = Field(description="Whether it is live.")

    @staticmethod
    def resolve_author(version: Any) -> str:
        return version.author.shown_name if version.author else ""

    @staticmethod
    def resolve_current(version: Any) -> bool:
        return bool(version.pk == version.gpt.published_id)


class FieldChange(Schema):
    """A field that differs."""

    label: str
    words: str = Field(description="In short, such as “on → off” or “2 added”.")
    pieces: list[tuple[Literal["same", "gone", "new"], str]]


class VersionChanges(Schema):
    """What restoring a version would change in your draft."""

    changes: list[FieldChange]
    turned_off: list[str] = Field(description="What people may do now, also in the live version, and no longer then.")


class ReplacedDraft(Schema):
    """A draft with unpublished changes that a restored version replaced."""

    id: int
    name: str
    replaced: datetime

    @staticmethod
    def resolve_name(draft: Any) -> str:
        return str(draft.data["name"])


class PicturePrompt(RequestBody):
    """What a generated picture shows."""

    prompt: Annotated[Text, Field(max_length=PROMPT_CHARS)] = Field("", description="Empty: name and description.")
