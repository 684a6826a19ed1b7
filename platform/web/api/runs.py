"""`/api/runs` and `/api/conversations`: send messages to GPTs and read the answers."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, StreamingHttpResponse
from ninja import File as Upload
from ninja import Router, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate

from gpts.runs.steps import Cancelled, Error, Finished, Log, ModelReply, load_step
from web.accounts.models import User
from web.api.answers import TokenUsage, tokens_of
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, OWN, OWN_LISTED, ProblemDetails
from web.api.paging import Pages, SearchText
from web.api.repeats import RepeatableRequest
from web.api.shapes_runs import (
    ApprovalAnswer,
    AttachmentShape,
    Cancellation,
    ConversationCard,
    ConversationChange,
    ConversationWithTurns,
    NewRun,
    QuotaUse,
    RunState,
    RunTree,
    StandingPermission,
)
from web.builder.access import access_draft, access_gpt
from web.builder.versions import version_to_try
from web.runs import approving, branches, building, deletion, fair_queue, files, permissions, projects, services
from web.runs.access import access_conversation, access_run
from web.runs.approving import FormAction
from web.runs.connections import close_connection, in_database
from web.runs.creator_questions import may_be_sent, taking_questions
from web.runs.events import made_files
from web.runs.models import Conversation, ConversationFile, ConversationQuerySet, Permission, Run, StepRow
from web.runs.quota_use import Use, use_of
from web.runs.trees import Node, delegated_by, status_of_tree, tree_of, waiting
from web.runs.views import event_stream
from web.runs.views_files import file_response

router = Router(tags=["Runs and conversations"])
BUSY = {409: ProblemDetails, 429: ProblemDetails}


@router.post("/gpts/{slug}/runs", response={202: RunState, **INVALID, **BUSY})
def start_run(request: HttpRequest, slug: str, new: NewRun) -> Status[dict[str, Any]]:
    """Send a message. For the answer, follow the run's events or poll the run until it is over.

    Another GPT answers if `mention` names one, or if the text begins with “@slug” or “@name”. While an attachment is
    still being read, this returns 409: send again once its status is no longer `reading`. A file that is `unreadable`
    is refused with 400, unless the GPT has a capability or action that opens files. Requests with the same
    `Idempotency-Key` header get the same run.
    """
    asked = RepeatableRequest.of(request, "runs", slug, new.model_dump_json())
    return Status(202, state_of(asked.run(partial(_start, caller(request), slug, new))))


def _start(user: User, slug: str, new: NewRun) -> Run:
    if new.builds:
        return building.send(user, access_draft(user, slug), new.text, new.attachments)
    if new.conversation:
        conversation = _continued(user, slug, new.conversation)
        if new.after:
            branches.show(conversation, new.after, exactly=True)
        return _send(conversation, new)
    with transaction.atomic():  # a refused run leaves no copies of files behind
        return _send(_new_conversation(user, slug, new), new)


def _send(conversation: Conversation, new: NewRun) -> Run:
    attached = files.within(conversation, new.attachments)
    return services.start_run(conversation, new.text, attachments=attached, mention=new.mention, stay=new.stay)


def _continued(user: User, slug: str, conversation_id: UUID) -> Conversation:
    conversation = access_conversation(user, conversation_id)
    if conversation.gpt_id != access_gpt(user, slug).id:
        raise Http404("This conversation is with another GPT.")
    if conversation.origin == Conversation.Origin.DELEGATION:
        raise Http404("Conversation not found.")
    return conversation


def _new_conversation(user: User, slug: str, new: NewRun) -> Conversation:
    if new.preview:
        own = access_draft(user, slug)
        version = version_to_try(own, new.version, new.engine, by=user)
        return services.start_conversation(user, own, Conversation.Origin.PREVIEW, inputs=new.inputs, version=version)
    origin = Conversation.Origin.TEMPORARY if new.temporary else Conversation.Origin.CHAT
    project = projects.access(user, new.project) if new.project else None
    return services.start_conversation(user, access_gpt(user, slug), origin, project, new.inputs)


@router.get("/runs/{uuid:run_id}", response={200: RunState, **DENIED})
def read_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """Your run's status, log and answer."""
    return state_of(access_run(caller(request), run_id))


def state_of(run: Run) -> dict[str, Any]:
    """The run with its log, as `RunState`."""
    rows = list(StepRow.objects.filter(run=run))
    steps: Log = tuple(load_step(row.data) for row in rows)
    asked = getattr(run.message, "creator_question", None)
    first_token_ms = next((step.first_token_ms for step in steps if isinstance(step, ModelReply)), None)
    return {
        "id": run.id,
        "gpt": run.gpt.slug,
        "conversation": run.message.conversation_id,
        "delegated_by": delegated_by(run),
        "status": status_of_tree(run),
        "queue": fair_queue.place_of(run.id),
        "created": run.created,
        "ended": run.ended,
        **_ending(steps[-1]),
        "may_ask_creator": asked is None and may_be_sent(run, steps) and bool(taking_questions(run.owner, [run.gpt])),
        "creator_question": asked,
        "approvals": [{**request.model_dump(), "run": each.id} for each, request in waiting(run)],
        "files": made_files(steps),
        "usage": TokenUsage.of(tokens_of(run, steps)),
        "first_token_ms": first_token_ms,
        "steps": [
            {"seq": row.seq, "kind": row.kind, "created": row.created, "data": step.model_dump(mode="json")}
            for row, step in zip(rows, steps, strict=True)
        ],
    }


def _ending(last: Any) -> dict[str, Any]:
    """The answer or error of a run by its last step."""
    answer = last.text if isinstance(last, Finished | Cancelled) else None
    finished = last if isinstance(last, Finished) else None
    return {
        "answer": answer,
        "citations": finished.citations if finished else (),
        "support": finished.support if finished else (),
        "n_withheld": finished.n_withheld if finished else 0,
        "withheld": finished.withheld if finished else (),
        "closest": finished.closest if finished else (),
        "coverage": finished.coverage if finished else None,
        "label": finished.label.origin if finished else None,
        "error": last.message if isinstance(last, Error) else None,
    }


@router.get("/runs/{uuid:run_id}/tree", response={200: RunTree, **DENIED})
def read_tree(request: HttpRequest, run_id: UUID) -> Node:
    """Your run and all its child runs, with the time, usage and sources of each."""
    return tree_of(access_run(caller(request), run_id))


@router.get(
    "/runs/{uuid:run_id}/events",
    response={200: None, **DENIED},
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": {}}}}}},
)
async def follow_run(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    """The run's events as server-sent events, ending with `done`. `Last-Event-ID` resumes after that event."""
    run = await in_database(access_run, caller(request), run_id)
    await close_connection()
    return await event_stream(request, run)


@router.post("/runs/{uuid:run_id}/cancel", response={200: Cancellation, **DENIED})
def cancel_run(request: HttpRequest, run_id: UUID) -> dict[str, bool]:
    """Stop your run. The text shown so far is kept."""
    return {"cancelled": services.cancel_run(access_run(caller(request), run_id))}


@router.post(
    "/runs/{uuid:run_id}/approve",
    response={200: ApprovalAnswer, **INVALID, **BUSY},
)
def answer_approval(request: HttpRequest, run_id: UUID, answer: ApprovalAnswer) -> ApprovalAnswer:
    """Approve or decline a call of your run; with `remember`, also allow similar calls later.

    A request with a `form` is a question: send `answers`, or decline. 422 says which of them don’t fit.

    Only with your browser session, or with a key that was created with “Can approve actions”.
    """
    run = access_run(caller(request), run_id)
    if answer.answers is not None or answer.dismissed:
        action: FormAction = "accept" if answer.allowed else "cancel" if answer.dismissed else "decline"
        approving.answer_form(run, answer.call_id, action, lambda form: answer.answers or {}, answer.digest)
    else:
        approving.answer_approval(run, answer.call_id, answer.allowed, answer.remember, answer.digest)
    return answer


@router.post(
    "/attachments", response={201: AttachmentShape, 429: ProblemDetails, **INVALID}, summary="Upload an attachment"
)
def attach(request: HttpRequest, file: Upload[UploadedFile]) -> Status[ConversationFile]:
    """Upload a file (multipart field `file`). Send its id with a message within a day, once it is read.

    Reading takes about a second, a scan up to three seconds per page: poll `GET /api/attachments/{id}/status`.
    """
    return Status(201, files.attach(caller(request), (file.name or "file").replace("\x00", ""), file.chunks()))


@router.get("/attachments/{uuid:attachment_id}/status", response={200: AttachmentShape, **DENIED})
def read_attachment_status(request: HttpRequest, attachment_id: UUID) -> ConversationFile:
    """How far your file is read, and why it can't be."""
    return files.access_file(caller(request), attachment_id)


@router.get(
    "/attachments/{uuid:attachment_id}",
    response={200: None, **DENIED},
    openapi_extra={"responses": {200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}}},
)
def read_attachment(request: HttpRequest, attachment_id: UUID) -> FileResponse:
    """Download a file that you attached or that one of your runs created."""
    return file_response(files.access_file(caller(request), attachment_id), download=True)


@router.delete("/attachments/{uuid:attachment_id}", response={204: None, **DENIED})
def remove_attachment(request: HttpRequest, attachment_id: UUID) -> Status[None]:
    """Remove a file that you haven't sent; reading it stops."""
    files.remove(caller(request), attachment_id)
    return Status(204, None)


@router.get("/usage", response={200: list[QuotaUse], **OWN})
def read_own_usage(request: HttpRequest) -> list[Use]:
    """What you use of each of your limits. Over a limit, requests get 429 with `insufficient_quota`."""
    return use_of(caller(request))


@router.get("/permissions", response={200: list[StandingPermission], **OWN_LISTED})
@paginate(Pages)
def list_permissions(request: HttpRequest) -> QuerySet[Permission]:
    """What GPTs can do for you without asking, newest first."""
    return permissions.permissions_of(caller(request))


@router.delete("/permissions/{int:permission_id}", response={204: None, **DENIED})
def revoke_permission(request: HttpRequest, permission_id: int) -> Status[None]:
    """Revoke a permission: the GPT asks again."""
    permissions.revoke(caller(request), permission_id)
    return Status(204, None)


@router.get("/conversations", response={200: list[ConversationCard], **OWN_LISTED})
@paginate(Pages)
def list_conversations(
    request: HttpRequest, q: SearchText = "", archived: bool | None = False
) -> ConversationQuerySet:
    """Your chats, newest first, without previews and chat completions; with `q` in the title or the GPT's name."""
    return Conversation.objects.chats_of(caller(request), q.strip(), archived).select_related("gpt", "guest")


@router.get("/conversations/{uuid:conversation_id}", response={200: ConversationWithTurns, **DENIED})
def read_conversation(request: HttpRequest, conversation_id: UUID) -> Conversation:
    """One of your chats with its messages."""
    conversation = access_conversation(caller(request), conversation_id)
    conversation.turns = turns(conversation)  # type: ignore[attr-defined]
    return conversation


def turns(conversation: Conversation) -> list[dict[str, Any]]:
    """Each message of the branch that is shown with the state of its run, oldest first, in four queries."""
    known = branches.Branches(conversation)
    path = known.up_to(known.shown)
    runs = Run.objects.select_related("version__gpt", "message").in_bulk(path)
    endings = StepRow.objects.filter(run__in=path, kind__in=("finished", "cancelled"))
    last = {run_id: load_step(data) for run_id, data in endings.values_list("run", "data")}
    shown = []
    for run in (runs[id] for id in path):
        ending = _ending(last.get(run.id))
        facts = {"id": run.message.id, "text": run.message.text, "created": run.message.created}
        versions = {
            "versions": known.versions_of_message(run.id).runs,
            "answers": known.versions_of_answer(run.id).runs,
        }
        answered = {name: ending[name] for name in ("answer", "citations", "support", "closest")}
        shown.append({**facts, **versions, "gpt": run.gpt.slug, "run": run.id, "status": run.status, **answered})
    return shown


@router.patch("/conversations/{uuid:conversation_id}", response={200: ConversationCard, **INVALID, **BUSY})
def change_conversation(request: HttpRequest, conversation_id: UUID, change: ConversationChange) -> Conversation:
    """Rename, pin, archive or move a chat, or show the branch with an answer."""
    conversation = access_conversation(caller(request), conversation_id)
    with transaction.atomic():
        if change.shown:
            branches.show(conversation, change.shown)
        if change.title is not None:
            services.rename_conversation(conversation, change.title)
        if change.pinned is not None:
            services.mark_conversation(conversation, "pinned", change.pinned)
        if change.archived is not None:
            services.mark_conversation(conversation, "archived", change.archived)
        if change.project is not None:
            wanted = projects.access(caller(request), change.project) if change.project else None
            projects.move(conversation, wanted)
    return conversation


@router.delete("/conversations/{uuid:conversation_id}/guest", response={204: None, **DENIED})
def dismiss_guest(request: HttpRequest, conversation_id: UUID) -> Status[None]:
    """Dismiss the mentioned GPT, so that the chat's own GPT answers again."""
    services.dismiss_guest(access_conversation(caller(request), conversation_id))
    return Status(204, None)


@router.delete("/conversations/{uuid:conversation_id}", response={204: None, **DENIED})
def delete_conversation(request: HttpRequest, conversation_id: UUID) -> Status[None]:
    """Delete a chat and stop its runs."""
    deletion.delete_conversation(access_conversation(caller(request), conversation_id))
    return Status(204, None)
