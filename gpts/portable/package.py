"""`gpt.json`, the heart of an exported GPT. Its JSON Schema is published; unknown fields are refused, not ignored.

It never holds a secret: of authentication it says which kind there is. What the importing person has to look at
themselves is not in it either: accepted findings, tools of MCP servers and whether they are trusted.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails, from_json

from gpts.knowledge.corrections import Correction
from gpts.portable.errors import NotImportable
from gpts.spec.actions import MAX_ACTIONS, MAX_OPERATIONS, NAME_CHARS, AuthKind
from gpts.spec.embedding import MAX_ORIGINS
from gpts.spec.gpt import (
    DESCRIPTION_CHARS,
    INSTRUCTIONS_CHARS,
    LEAST_TOP_P,
    MAX_DELEGATES,
    MAX_REPLY_TOKENS,
    MAX_TEMPERATURE,
    STARTER_CHARS,
    STARTERS,
    WHEN_CHARS,
    Unsupported,
)
from gpts.spec.gpt import NAME_CHARS as GPT_NAME_CHARS
from gpts.spec.inputs import MAX_INPUTS, Input
from gpts.spec.sources import LEAST_HOURS, MOST_HOURS, MOST_SOURCES, SourceSettings
from gpts.values import ShortText, Text

FORMAT: Final = "guildhall-gpt"
VERSION: Final = 1
MANIFEST: Final = "gpt.json"
MAX_MANIFEST_BYTES: Final = 5_000_000
MAX_FILES: Final = 1_000
_SHOWN_ERRORS: Final = 3
FORMER_MAX_TOKENS: Final = 400

Url = Annotated[Text, Field(max_length=2_000)]
# Within the archive. Nothing is written under this name.
EntryPath = Annotated[Text, Field(min_length=1, max_length=300)]
ServiceName = Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)]


class Part(BaseModel):
    """A part of `gpt.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Authentication(Part):
    """How calls authenticate. The key or client secret has to be entered where it is imported."""

    kind: AuthKind = "none"
    header: Annotated[Text, Field(max_length=80)] = ""
    client_id: ShortText = ""
    authorize_url: Url = ""
    token_url: Url = ""
    revoke_url: Url = ""
    scope: ShortText = ""
    token_auth: Literal["post", "basic"] = "post"  # noqa: S105 - a method, no secret


class PackedAction(Part):
    """An action. `operations` are those that the GPT can call, all that fit if it is null."""

    name: Annotated[Text, Field(max_length=NAME_CHARS)] = ""
    document: EntryPath = Field(description="Path of the OpenAPI document in the archive.")
    document_url: Url = ""
    server: Annotated[Text, Field(max_length=500)] = ""
    operations: Annotated[tuple[ShortText, ...], Field(max_length=MAX_OPERATIONS)] | None = None
    auth: Authentication = Authentication()
    privacy_url: ShortText = ""


class PackedServer(Part):
    """An MCP server: its URL, or a program of the site. Its tools are listed again."""

    name: ServiceName
    url: Url = ""
    command: Annotated[tuple[ShortText, ...], Field(max_length=40)] = ()
    auth: Authentication = Authentication()
    privacy_url: ShortText = ""


class PackedAgent(Part):
    """A remote A2A agent. Its card is read again."""

    name: ServiceName
    card_url: Url
    when: Annotated[Text, Field(max_length=WHEN_CHARS)] = ""
    timeout_s: int = Field(120, ge=1, le=600)
    auth: Authentication = Authentication()
    privacy_url: ShortText = ""


class PackedDelegate(Part):
    """A GPT that it can ask, by its slug and name where it was exported."""

    slug: Annotated[Text, Field(min_length=1, max_length=70)]
    name: Annotated[Text, Field(max_length=GPT_NAME_CHARS)] = ""
    when: Annotated[Text, Field(max_length=WHEN_CHARS)] = ""


class PackedFile(Part):
    """A knowledge file. `dropped` are findings that its creator left out, `accepted` counts those they let in."""

    name: Annotated[Text, Field(min_length=1, max_length=255)]
    path: EntryPath
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    dropped: Annotated[tuple[ShortText, ...], Field(max_length=10_000)] = ()
    accepted: int = Field(0, ge=0)
    corrections: Annotated[tuple[Correction, ...], Field(max_length=500)] = ()
    attributes: Annotated[dict[ShortText, str | float | bool], Field(max_length=16)] = {}


class PackedSource(Part):
    """A source of knowledge, without its secret. It is paused until its new creator resumes it."""

    settings: SourceSettings
    hours: int = Field(24, ge=LEAST_HOURS, le=MOST_HOURS)
    publishes: bool = True


class PackedWidget(Part):
    """How its widget looks and what it allows. It is off, with a key and a secret of its own."""

    origins: Annotated[tuple[ShortText, ...], Field(max_length=MAX_ORIGINS)] = ()
    only_signed: bool = False
    label: Annotated[Text, Field(min_length=1, max_length=40)] = "Ask us"
    colour: Annotated[str, Field(pattern="^#[0-9a-f]{6}$")] = "#1d5c4a"
    side: Literal["right", "left"] = "right"
    theme: Literal["auto", "light", "dark"] = "auto"
    messages_a_day: int = Field(500, ge=1, le=1_000_000)
    messages_a_visitor: int = Field(50, ge=1, le=1_000_000)


class PackedModel(Part):
    """Its model, by the name that the exporting site gave it, and how that samples."""

    engine: Annotated[Text, Field(max_length=40)] = ""
    temperature: float = Field(0.2, ge=0, le=MAX_TEMPERATURE)
    top_p: float = Field(0.95, ge=LEAST_TOP_P, le=1)
    # Left out, as sites of earlier releases take no null.
    max_tokens: int | None = Field(None, ge=1, le=MAX_REPLY_TOKENS, exclude_if=lambda value: value is None)

    @field_validator("max_tokens")
    @classmethod
    def _without_former_default(cls, value: int | None) -> int | None:
        """`value`, or None for what files of earlier releases say of every GPT for which nobody chose a limit."""
        return None if value == FORMER_MAX_TOKENS else value


class Package(Part):
    """A GPT as one file: this is `gpt.json` in the archive, which also holds what the paths in it name."""

    format: Literal["guildhall-gpt"] = "guildhall-gpt"
    version: Literal[1] = 1
    exported: Annotated[Text, Field(max_length=40)] = Field("", description="When, as ISO 8601.")
    name: Annotated[Text, Field(min_length=1, max_length=GPT_NAME_CHARS)]
    description: Annotated[Text, Field(max_length=DESCRIPTION_CHARS)] = ""
    instructions: Annotated[Text, Field(max_length=INSTRUCTIONS_CHARS)] = ""
    starters: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=STARTER_CHARS)], ...], Field(max_length=STARTERS)
    ] = ()
    inputs: Annotated[tuple[Input, ...], Field(max_length=MAX_INPUTS)] = ()
    category: Annotated[Text, Field(max_length=20)] = "other"
    language: Annotated[Text, Field(max_length=8)] = ""
    face: Annotated[Text, Field(max_length=20)] = ""
    picture: EntryPath | None = None
    capabilities: Annotated[tuple[ShortText, ...], Field(max_length=100)] = ()
    switches: Annotated[dict[ShortText, bool], Field(max_length=100)] = {}
    unsupported: Unsupported = "mark"
    model: PackedModel = PackedModel()
    files: Annotated[tuple[PackedFile, ...], Field(max_length=MAX_FILES)] = ()
    actions: Annotated[tuple[PackedAction, ...], Field(max_length=MAX_ACTIONS)] = ()
    mcp_servers: Annotated[tuple[PackedServer, ...], Field(max_length=MAX_ACTIONS)] = ()
    remote_agents: Annotated[tuple[PackedAgent, ...], Field(max_length=MAX_DELEGATES)] = ()
    delegates: Annotated[tuple[PackedDelegate, ...], Field(max_length=MAX_DELEGATES)] = ()
    sources: Annotated[tuple[PackedSource, ...], Field(max_length=MOST_SOURCES)] = ()
    widget: PackedWidget | None = None

    def paths(self) -> list[str]:
        """Every path that the archive has to hold."""
        own = [each.path for each in self.files] + [each.document for each in self.actions]
        return own + ([self.picture] if self.picture else [])


def read_package(data: bytes) -> Package:
    """The GPT that `gpt.json` describes. Raises NotImportable, with the field that is wrong."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise NotImportable(f"{MANIFEST} is too large: it can have up to {MAX_MANIFEST_BYTES // 10**6} MB.")
    try:
        # Unlike `json`: no NaN, no halves of surrogate pairs, no unlimited depth.
        value = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise NotImportable(f"{MANIFEST} is not valid JSON.") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise NotImportable(f"{MANIFEST} does not say that it is a GPT: “format” must be “{FORMAT}”.")
    version = value.get("version")
    if isinstance(version, int) and version > VERSION:
        raise NotImportable(
            f"This file has version {version} of the format, and this site reads version {VERSION}. Update the site."
        )
    try:
        package = Package.model_validate(value)
    except ValidationError as error:
        raise NotImportable(_words(error)) from error
    _check_paths(package)
    return package


def _words(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False)
    places = [f"“{'.'.join(map(str, each['loc']))}”: {_message(each)}" for each in found[:_SHOWN_ERRORS]]
    more = f" (and {len(found) - _SHOWN_ERRORS} more)" if len(found) > _SHOWN_ERRORS else ""
    return f"{MANIFEST} is wrong in {'; '.join(places)}{more}."


def _message(error: ErrorDetails) -> str:
    """pydantic counts the characters of a checked text as items."""
    words = error["msg"].removeprefix("Value error, ")
    return words.replace("items after validation", "characters") if isinstance(error["input"], str) else words


def _check_paths(package: Package) -> None:
    seen: set[str] = set()
    for path in package.paths():
        if path == MANIFEST or path in seen:
            raise NotImportable(f"{MANIFEST} names “{path}” twice.")
        seen.add(path)


def schema() -> dict[str, Any]:
    """The JSON Schema of `gpt.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Package.model_json_schema()}
