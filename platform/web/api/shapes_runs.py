"""The JSON of runs and conversations in `/api`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from gpts.knowledge.documents import Citation, SentenceSupport
from gpts.knowledge.sections import Section
from gpts.runs.steps import ApprovalRequest, Coverage, Delegator, FileRef, Status
from web.api.completions import TokenUsage
from web.api.reading import Text


class NewRun(Schema):
    """A message to a GPT."""

    text: Text
    conversation: UUID | None = Field(None, description="The conversation to continue; a new one if omitted.")
    attachments: list[UUID] = Field([], max_length=100, description="Files of `POST /api/attachments`, by id.")
    preview: bool = Field(False, description="Ask your own draft; the chat is not saved.")
    mention: Text = Field("", max_length=200, description="Slug of another GPT that answers this message.")
    stay: bool = Field(False, description="The mentioned GPT answers until it is dismissed.")


class StepShape(Schema):
    """An entry in the run's log; `data` depends on its `kind`."""

    seq: int
    kind: str
    created: datetime
    data: dict[str, Any]


class PendingApproval(ApprovalRequest):
    """A request that waits for approval, and the run it belongs to: this one or a child run."""

    run: UUID


class RunState(Schema):
    """A run's status. `answer` is null until there is one; `error` says why a failed run has none.

    `support` tells of each sentence of the answer how far the GPT's files support it; supported and partly supported
    ones have a citation. `not_checked` ones are in another language than the files, which cannot be compared.
    `status` is `requires_action` also while the run waits only for a person's answer to a run that it asked for.
    """

    id: UUID
    gpt: str = Field(description="The GPT that answers; may be one mentioned in the message.")
    conversation: UUID
    delegated_by: list[Delegator] = Field(
        description="The GPTs that asked for it, outermost first; empty if you did."
    )
    status: Status
    created: datetime
    ended: datetime | None
    answer: str | None
    citations: list[Citation]
    support: list[SentenceSupport]
    coverage: Coverage | None
    error: str | None
    approvals: list[PendingApproval] = Field(
        description="Pending requests of this run and its child runs; answer with `POST …/approve` on their `run`."
    )
    files: list[FileRef] = Field(description="Files created by tools; see `GET /api/attachments/{id}`.")
    usage: TokenUsage
    first_token_ms: int | None = Field(description="Time from the model's start to its first token, in milliseconds.")
    steps: list[StepShape]


class CitedPage(Schema):
    """A quoted page as a picture of `width` times `height` pixels, at the address `picture`.

    `boxes` are the quoted words on it: x, y, width and height in pixels from the top left.
    """

    page: int
    picture: str
    width: int
    height: int
    boxes: list[tuple[float, float, float, float]]


class CitedPassage(Schema):
    """A citation with its source. All positions count characters of the file's text, as `citation.start` does.

    `section` is the text around the quote in the file's own order. `pages` is empty where the format has no pages, or
    for the reason in `trouble`. `download` is the address of the file, where the GPT's creator gives it out.
    """

    citation: Citation
    passage: str
    passage_start: int
    section: Section
    pages: list[CitedPage]
    n_pages: int = Field(description="Pages of the whole file; 0 if the format has none.")
    trouble: str | None
    download: str | None


class Cancellation(Schema):
    """Whether this request stopped the run; false if it had already ended."""

    cancelled: bool


class ApprovalAnswer(Schema):
    """A person's answer to an approval request of their run."""

    call_id: Text
    allowed: bool
    remember: bool = Field(False, description="Also allow similar calls later, if the request offers it.")
    digest: str = Field("", description="The request's digest, to make sure it hasn't changed.")


class AttachmentShape(Schema):
    """A file in a conversation. `mime` is detected from its content."""

    id: UUID
    name: str
    mime: str
    size: int = Field(description="Bytes.")


class StandingPermission(Schema):
    """One GPT can call one tool at one host without asking you, as long as it has read nothing from outside."""

    id: int
    gpt: str
    tool: str
    host: str
    title: str
    created: datetime

    @staticmethod
    def resolve_gpt(permission: Any) -> str:
        return str(permission.gpt.slug)


class ConversationCard(Schema):
    """One of your conversations. `guest` is another GPT that answers until it is dismissed."""

    id: UUID
    gpt: str
    guest: str | None
    title: str
    created: datetime
    changed: datetime

    @staticmethod
    def resolve_gpt(conversation: Any) -> str:
        return str(conversation.gpt.slug)

    @staticmethod
    def resolve_guest(conversation: Any) -> str | None:
        return str(conversation.guest.slug) if conversation.guest else None


class ConversationTurn(Schema):
    """A message and the state of its newest answer, which `gpt` gave."""

    id: UUID
    text: str
    created: datetime
    gpt: str
    run: UUID
    status: Status
    answer: str | None
    citations: list[Citation]
    support: list[SentenceSupport]


class ConversationWithTurns(Schema):
    """A conversation with its messages. `guest` is another GPT that answers until it is dismissed."""

    id: UUID
    gpt: str
    guest: str | None
    title: str
    created: datetime
    changed: datetime
    messages: list[ConversationTurn]


class Renaming(Schema):
    """A conversation's new title."""

    title: Annotated[Text, Field(min_length=1, max_length=120)]
