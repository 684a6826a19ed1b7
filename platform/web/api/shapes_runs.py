"""The JSON of runs and conversations in `/api`."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field

from gpts.knowledge.documents import Citation, SentenceSupport
from gpts.knowledge.sections import Section
from gpts.runs.status import Status
from gpts.runs.steps import ApprovalRequest, Coverage, Delegator, FileRef
from gpts.safety.labels import Origin
from gpts.values import Text
from web.api.answers import WITHHELD, TokenUsage
from web.api.reading import RequestBody
from web.runs.citations import ShownPage

OrNull = Annotated[str | None, BeforeValidator(lambda text: text or None)]
CLOSEST: Final = "What of the files is closest to a question that an answer without citations declines."


class NewMessage(RequestBody):
    """A message to a GPT."""

    text: Text = Field(description="May be empty if files are attached.")
    attachments: list[UUID] = Field([], max_length=100, description="Ids of files from `POST /api/attachments`.")
    mention: Text = Field("", max_length=200, description="Slug of another GPT that answers this message.")
    stay: bool = Field(False, description="The mentioned GPT also answers later messages (see `DELETE …/guest`).")


class NewRun(NewMessage):
    """A message to a GPT, and where it belongs."""

    conversation: UUID | None = Field(None, description="The conversation to continue; a new one if omitted.")
    after: UUID | None = Field(None, description="The answer (a run) it follows; the last one shown if omitted.")
    preview: bool = Field(False, description="Send it to your own draft; the chat is not saved.")
    version: int | None = Field(
        None, ge=1, lt=2**31, description="For a new preview: a published version instead of the draft."
    )
    engine: Text | None = Field(None, max_length=200, description="For a new preview: another model.")
    builds: bool = Field(False, description="Send it to the builder of your own draft, which fills in its fields.")
    temporary: bool = Field(False, description="A new chat that isn’t listed and isn’t kept.")
    project: UUID | None = Field(None, description="The project in which a new chat begins.")
    inputs: dict[str, Any] = Field({}, description="Values of the GPT’s inputs, by name, for a new conversation.")


class StepShape(Schema):
    """An entry in the run's log; `data` depends on its `kind`."""

    seq: int
    kind: str
    created: datetime
    data: dict[str, Any]


class PendingApproval(ApprovalRequest):
    """A request that waits for approval, and the run it belongs to: this one or a child run."""

    run: UUID


class CreatorQuestionShape(Schema):
    """A question that you sent to the creator of a GPT. It was dismissed if it is closed and has no answer."""

    text: str
    created: datetime
    answer: OrNull
    closed: datetime | None


class QueuePlace(Schema):
    """How many runs are taken before yours, by people in turns, and about how long that takes."""

    ahead: int
    wait_s: int | None = Field(description="Seconds; null if it can't be estimated yet.")


class RunState(Schema):
    """A run's status. `answer` is null until there is one; `error` says why a failed run has none.

    `support` says how far the GPT's files support each sentence of the answer; supported and partly supported
    sentences have a citation, `not_checked` ones are in a language that cannot be compared with the files', or too
    much to compare.
    `status` is also `requires_action` while a child run waits for a person and this run only waits for it.
    """

    id: UUID
    gpt: str = Field(description="The GPT that answers; may be one mentioned in the message.")
    conversation: UUID
    delegated_by: list[Delegator] = Field(
        description="The GPTs that delegated it, outermost first; empty for your own messages."
    )
    status: Status
    queue: QueuePlace | None = Field(description="Its place in the queue while it waits for a worker.")
    created: datetime
    ended: datetime | None
    answer: str | None
    citations: list[Citation]
    support: list[SentenceSupport]
    n_withheld: int = Field(description=WITHHELD)
    withheld: list[str]
    closest: list[Citation] = Field(description=CLOSEST)
    coverage: Coverage | None
    label: Origin | None
    may_ask_creator: bool = Field(description="Whether the GPT's creator takes it: `POST …/creator-question`.")
    creator_question: CreatorQuestionShape | None
    error: str | None
    approvals: list[PendingApproval] = Field(
        description="Pending requests of this run and its child runs; a person answers at `/runs/{run}/`."
    )
    files: list[FileRef] = Field(description="Files created by tools; see `GET /api/attachments/{id}`.")
    usage: TokenUsage
    first_token_ms: int | None = Field(description="Time from the model's start to its first token, in milliseconds.")
    steps: list[StepShape]


class CitedPage(ShownPage):
    """A quoted page as a picture of `width` times `height` pixels, at the URL `picture`.

    `boxes` are the quoted words on it: x, y, width and height in pixels from the top left.
    """

    picture: str


class CitedPassage(Schema):
    """A citation with its source. All positions count characters of the file's text, as `citation.start` does.

    `section` is the text around the quote. `pages` is empty if the format has no pages, or for the reason in
    `trouble`. `download` is the file's URL if the GPT's creator allows downloads.
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


class ApprovalAnswer(RequestBody):
    """A person's answer to an approval request of their run."""

    call_id: Text
    allowed: bool
    remember: bool = Field(False, description="Also allow similar calls later, if the request offers it.")
    answers: dict[str, Any] | None = Field(None, description="The answers to a `form`, by the field’s name.")
    dismissed: bool = Field(False, description="The form was closed, neither answered nor declined.")
    digest: str = Field("", description="The request's digest, to make sure it hasn't changed.")


class AttachmentShape(Schema):
    """A file in a conversation. `mime` is detected from its content.

    A file that you attach is read before it can be sent: its text, with text recognition for scans and pictures.
    """

    id: UUID
    name: str
    mime: str
    size: int = Field(description="Bytes.")
    status: Literal["reading", "ready", "unreadable"] = Field(validation_alias="reading")
    error: OrNull = Field(description="Why it is `unreadable`.")
    n_read: int = Field(description="Pages read so far.")
    n_pages: int = Field(description="0 if the format has no pages, or while unknown.")
    n_tokens: int = Field(description="Length of its text; 0 until it is read.")
    notices: list[str] = Field(description="What was left out or may be wrong.")

    @staticmethod
    def resolve_notices(file: Any) -> list[str]:
        return list(file.all_notices)


class QuotaUse(Schema):
    """How much of a limit is used, by the day if it `renews`."""

    kind: Literal[
        "messages",
        "tokens",
        "pictures",
        "audio_s",
        "visitors",
        "runs",
        "streams",
        "sandbox_sessions",
        "gpts",
        "storage_mb",
        "schedules",
        "keys",
    ]
    used: int
    limit: int | None = Field(description="Null for no limit.")
    renews: datetime | None


class StandingPermission(Schema):
    """One GPT can call one tool at one host without your approval, unless it has read external content."""

    id: int
    gpt: str = Field(validation_alias="gpt.slug")
    tool: str
    host: str
    title: str
    created: datetime


class ConversationCard(Schema):
    """One of your conversations. `guest` is a mentioned GPT that answers instead of the conversation's own."""

    id: UUID
    gpt: str = Field(validation_alias="gpt.slug")
    guest: str | None
    title: str
    created: datetime
    changed: datetime
    project: UUID | None = Field(validation_alias="project_id")
    inputs: dict[str, Any] = Field(description="Values of the GPT’s inputs, by name.")
    pinned: bool
    archived: bool

    @staticmethod
    def resolve_pinned(conversation: Any) -> bool:
        return conversation.pinned is not None

    @staticmethod
    def resolve_archived(conversation: Any) -> bool:
        return conversation.archived is not None

    @staticmethod
    def resolve_guest(conversation: Any) -> str | None:
        return str(conversation.guest.slug) if conversation.guest else None


class ConversationTurn(Schema):
    """A message and an answer, by `gpt`.

    `answers` are all answers to the message, `versions` the messages in its place after editing, each by its newest
    answer: `PATCH` the conversation with `shown` to see another.
    """

    id: UUID
    versions: list[UUID]
    answers: list[UUID]
    text: str
    created: datetime
    gpt: str
    run: UUID
    status: Status
    answer: str | None
    citations: list[Citation]
    support: list[SentenceSupport]
    closest: list[Citation] = Field(description=CLOSEST)


class ConversationWithTurns(ConversationCard):
    """A conversation with its messages."""

    messages: list[ConversationTurn] = Field(validation_alias="turns")


class ConversationChange(RequestBody):
    """What changes of a conversation."""

    title: Annotated[Text, Field(min_length=1, max_length=120)] | None = None
    shown: UUID | None = Field(None, description="An answer (a run): the newest branch with it is shown.")
    pinned: bool | None = None
    archived: bool | None = None
    project: UUID | Literal[""] | None = Field(None, description="The project to move it to; an empty text for none.")


Labelled = Annotated[Origin | None, BeforeValidator(lambda label: label and label.origin)]
Used = Annotated[TokenUsage, BeforeValidator(TokenUsage.of)]


class CallWithoutRun(Schema):
    """A delegation without a run on this site: refused, or to an agent at `host`."""

    call_id: str
    name: str
    task: str
    host: OrNull = Field(description="Null for a GPT on this site.")
    error: OrNull = Field(
        validation_alias="why_not", description="Why it has no answer; null while waiting and once it has one."
    )


class RunTree(Schema):
    """A run and, in `children`, its child runs; `call_id` is the parent run's call.

    A run with several parents appears in full under the first; elsewhere `joined` is true, its `children` are left
    out and its usage, which counts once, is 0. `usage` is the run's own, `total_usage` includes its children's.
    """

    id: UUID = Field(validation_alias="run.id")
    call_id: OrNull = Field(description="Null at the top.")
    gpt: str = Field(validation_alias="gpt.slug")
    name: str
    task: str
    status: Status
    depth: int = Field(validation_alias="run.depth", description="Number of delegations above it.")
    joined: bool
    created: datetime = Field(validation_alias="run.created")
    ended: datetime | None = Field(validation_alias="run.ended")
    seconds: Annotated[float, AfterValidator(lambda seconds: round(seconds, 3))] = Field(
        description="So far, while it isn't over."
    )
    usage: Used = Field(validation_alias="tokens")
    total_usage: Used = Field(validation_alias="total")
    label: Labelled = Field(description="Null until it has an answer.")
    answer: OrNull
    citations: list[Citation]
    error: OrNull
    approvals: list[ApprovalRequest] = Field(
        validation_alias="pending", description="Pending requests of this run only."
    )
    others: list[CallWithoutRun]
    children: list["RunTree"]
