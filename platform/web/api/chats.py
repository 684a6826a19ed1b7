"""`/api/conversations/…`: versions of messages and answers, what waits, links and exports; feedback on runs."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts.models import User
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, OWN_LISTED, ProblemDetails
from web.api.paging import Pages, SearchText
from web.api.reading import RequestBody
from web.api.runs import BUSY, state_of
from web.api.shapes_runs import ConversationCard, NewMessage, RunState
from web.builder.access import access_gpt, access_own_gpt
from web.runs import copies, exports, feedback, finding, queued, services, sharing
from web.runs.access import access_chat, access_conversation, access_run, answered_by, message_in
from web.runs.branches import shown_in
from web.runs.models import Conversation
from web.runs.models_chats import Feedback, QueuedMessage, Share

router = Router(tags=["Chats"])
CONVERSATION = "/conversations/{uuid:conversation_id}"
ExportFormat = Literal["json", "md", "pdf"]


class PlaceInChat(RequestBody):
    """A place in a chat."""

    run: UUID | None = Field(None, description="An answer; the last one shown if omitted.")


class EditedMessage(RequestBody):
    """Another version of a message."""

    text: Text = Field(description="May be empty if files stay.")
    attachments: list[UUID] | None = Field(
        None, max_length=100, description="Which of its files stay; all if omitted."
    )


@router.post("/conversations/{uuid:conversation_id}/regenerate", response={202: RunState, **INVALID, **BUSY})
def regenerate(request: HttpRequest, conversation_id: UUID, run: UUID | None = None) -> Status[dict[str, Any]]:
    """Answer a message of a chat again: that of `run`, or the last one shown. Both answers are kept."""
    conversation = _writable(caller(request), conversation_id)
    return Status(202, state_of(services.regenerate(answered_by(conversation, run))))


@router.post(
    "/conversations/{uuid:conversation_id}/messages/{uuid:message_id}", response={202: RunState, **INVALID, **BUSY}
)
def edit_message(
    request: HttpRequest, conversation_id: UUID, message_id: UUID, edited: EditedMessage
) -> Status[dict[str, Any]]:
    """Send another version of a message. The first one and what follows it are kept, in a branch of their own."""
    conversation = _writable(caller(request), conversation_id)
    message = message_in(conversation, id=message_id)
    return Status(202, state_of(services.edit(message, edited.text, edited.attachments)))


@router.post("/conversations/{uuid:conversation_id}/fork", response={201: ConversationCard, **INVALID, **BUSY})
def fork_conversation(request: HttpRequest, conversation_id: UUID, place: PlaceInChat) -> Status[Conversation]:
    """Copy a chat, up to the answer `run`, into a new one."""
    conversation = access_chat(caller(request), conversation_id)
    wanted = place.run or shown_in(conversation)
    if wanted is None:
        raise Http404("Answer not found.")
    return Status(201, copies.fork(conversation, wanted))


def _writable(user: User, conversation_id: UUID) -> Conversation:
    conversation = access_conversation(user, conversation_id)
    if conversation.origin == Conversation.Origin.DELEGATION:
        raise Http404("Conversation not found.")
    access_gpt(user, conversation.gpt.slug)  # who may read the chat need not have access any more
    return conversation


class ChatExcerpt(Schema):
    """Where words were found; `run` shows it: `PATCH` the conversation with it as `shown`."""

    conversation: UUID = Field(validation_alias="conversation.id")
    title: str = Field(validation_alias="conversation.title")
    run: UUID
    is_answer: bool
    before: str
    found: str
    after: str


class FoundTexts(Schema):
    """What was found; there are no further pages."""

    items: list[ChatExcerpt]
    next: None = None


@router.get("/conversations/search", response={200: FoundTexts, **OWN_LISTED})
def search_messages(request: HttpRequest, q: SearchText = "") -> dict[str, list[finding.Hit]]:
    """Your messages and the answers to them that hold all words of `q`, newest first: at most 40."""
    return {"items": finding.find(caller(request), q.strip())}


class QueuedShape(Schema):
    """A message that waits; `error` tells why it could not be sent, and is empty otherwise."""

    id: UUID
    text: str
    error: str
    created: datetime


@router.get(f"{CONVERSATION}/queue", response={200: list[QueuedShape], **LISTED})
@paginate(Pages, oldest_first=True)
def list_queue(request: HttpRequest, conversation_id: UUID) -> QuerySet[QueuedMessage]:
    """The messages that wait in a chat, at most five."""
    return access_conversation(caller(request), conversation_id).queued.all()


@router.post(f"{CONVERSATION}/queue", response={201: QueuedShape, **INVALID, **BUSY})
def queue_message(request: HttpRequest, conversation_id: UUID, new: NewMessage) -> Status[QueuedMessage]:
    """Send a message once the answer in progress has ended; at once if there is none."""
    conversation = _writable(caller(request), conversation_id)
    return Status(201, queued.add(conversation, new.text, new.attachments, new.mention, new.stay))


@router.post(f"{CONVERSATION}/queue/{{uuid:queued_id}}/now", response={200: list[QueuedShape], **DENIED})
def send_now(request: HttpRequest, conversation_id: UUID, queued_id: UUID) -> QuerySet[QueuedMessage]:
    """Stop the answer in progress and send this message; what still waits is returned."""
    conversation = access_conversation(caller(request), conversation_id)
    queued.send_now(queued.access(conversation, queued_id))
    return conversation.queued.all()


@router.delete(f"{CONVERSATION}/queue/{{uuid:queued_id}}", response={204: None, **DENIED})
def withdraw(request: HttpRequest, conversation_id: UUID, queued_id: UUID) -> Status[None]:
    """Take a message back that waits."""
    queued.withdraw(queued.access(access_conversation(caller(request), conversation_id), queued_id))
    return Status(204, None)


class NewShare(RequestBody):
    """A link to a chat as it is now."""

    audience: Literal["people", "public"] = Field(
        "people", description="People who are signed in here, or anyone with the link."
    )
    run: UUID | None = Field(None, description="The last answer to show; default: the last one shown.")


class ShareShape(Schema):
    """A link to a chat as it was."""

    id: int
    url: str
    audience: str
    conversation: UUID = Field(validation_alias="conversation_id")
    run: UUID = Field(validation_alias="run_id")
    created: datetime


@router.get(f"{CONVERSATION}/shares", response={200: list[ShareShape], **LISTED})
@paginate(Pages)
def list_shares(request: HttpRequest, conversation_id: UUID) -> QuerySet[Share]:
    """The links to a chat that were not revoked, newest first."""
    return access_conversation(caller(request), conversation_id).shares.filter(revoked=None)


@router.post(f"{CONVERSATION}/shares", response={201: ShareShape, **INVALID, **BUSY})
def create_share(request: HttpRequest, conversation_id: UUID, new: NewShare) -> Status[Share]:
    """Share a chat as it is now: its messages and answers, without files, sources or your name."""
    return Status(201, sharing.create(access_chat(caller(request), conversation_id), new.audience, new.run))


@router.delete(f"{CONVERSATION}/shares/{{int:share_id}}", response={204: None, **DENIED})
def revoke_share(request: HttpRequest, conversation_id: UUID, share_id: int) -> Status[None]:
    """End a link."""
    share = access_conversation(caller(request), conversation_id).shares.filter(id=share_id).first()
    if share is None:
        raise Http404("Link not found.")
    sharing.revoke(share)
    return Status(204, None)


@router.get(
    f"{CONVERSATION}/export",
    response={200: dict[str, Any], 503: ProblemDetails, **INVALID},
    openapi_extra={"responses": {200: {"content": {"application/pdf": {}, "text/markdown": {}}}}},
)
def export_chat(request: HttpRequest, conversation_id: UUID, format: ExportFormat = "json") -> Any:
    """The versions of a chat's messages and answers that are shown, with their sources.

    400 for `pdf` if the chat is too long, or in a script for which this site has no font.
    """
    conversation = access_chat(caller(request), conversation_id)
    match format:
        case "json":
            return exports.as_data(conversation)
        case "md":
            return HttpResponse(exports.as_markdown(conversation), content_type="text/markdown; charset=utf-8")
        case "pdf":
            return HttpResponse(exports.as_pdf(conversation), content_type="application/pdf")


class NewFeedback(RequestBody):
    """What you think of an answer."""

    is_good: bool
    reasons: list[Text] = Field([], max_length=20, description=str(feedback.REASONS))
    text: Annotated[Text, Field(max_length=feedback.TEXT_CHARS)] = ""
    shows_chat: bool = Field(False, description="The GPT's creator may read the chat up to this answer.")


class FeedbackShape(Schema):
    """What you think of an answer."""

    is_good: bool
    reasons: list[str]
    text: str
    shows_chat: bool


@router.put("/runs/{uuid:run_id}/feedback", response={200: FeedbackShape, **INVALID})
def give_feedback(request: HttpRequest, run_id: UUID, new: NewFeedback) -> Feedback:
    """Rate the answer of your run, for the creator of its GPT; it replaces what you said before."""
    run = access_run(caller(request), run_id)
    return feedback.give(run, new.is_good, new.reasons, new.text, new.shows_chat)


class SharedTurnShape(Schema):
    """A message and its answer."""

    question: str
    answer: str


class ReceivedFeedback(Schema):
    """Feedback on your GPT. `turns` is the chat up to the answer, empty unless the person shared it with you."""

    is_good: bool
    reasons: list[str]
    text: str
    created: datetime
    turns: list[SharedTurnShape]


@router.get("/gpts/{slug}/feedback", response={200: list[ReceivedFeedback], **LISTED})
@paginate(Pages, each=feedback.for_creator)
def read_feedback(request: HttpRequest, slug: str) -> QuerySet[Feedback]:
    """The feedback on your GPT, newest first, without whose it is."""
    return feedback.received(access_own_gpt(caller(request), slug))


@router.delete("/runs/{uuid:run_id}/feedback", response={204: None, **DENIED})
def take_feedback_back(request: HttpRequest, run_id: UUID) -> Status[None]:
    """Take your feedback back."""
    feedback.take_back(access_run(caller(request), run_id))
    return Status(204, None)
