"""`GET /v1/chat/completions` and below: chat completions that their callers had stored (`store`)."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Func, QuerySet, TextField, Value
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.steps import UserMessage
from gpts.values import Text
from web.accounts.models import User
from web.api.answers import RunAnswer
from web.api.attribute_filters import MetadataChange
from web.api.auth import caller
from web.api.completions import Completion, CompletionRequest, completion_of
from web.api.cursors import Deleted, ItemList, OldestFirst, RowPage, listed, page_of
from web.api.errors import ERRORS, ApiError
from web.api.messages import CALLER_INSTRUCTIONS
from web.api.models import Response
from web.api.program_runs import outcome
from web.runs import log
from web.runs.deletion import delete_conversation
from web.runs.events import file_url
from web.runs.files import PICTURES
from web.runs.models import Run

router = Router()
METADATA: Final = re.compile(r"metadata\[(.{1,64})\]")
# How OpenAI's clients send a mapping in a query.
METADATA_QUERY: Final = {
    "parameters": [
        {
            "in": "query",
            "name": "metadata",
            "style": "deepObject",
            "description": "Only completions with these values.",
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    ]
}


class StoredCompletion(Completion):
    """A stored chat completion."""

    metadata: dict[str, str]


class StoredCompletionList(RowPage):
    """A page of your stored chat completions."""

    data: list[StoredCompletion]


class CompletionPage(OldestFirst):
    """Which stored completions to list."""

    model: Text | None = Field(None, description="Only those of this GPT, by its slug.")


def store(runs: Sequence[Run], body: CompletionRequest) -> None:
    """Keep the completion whose answers these runs are."""
    request = {
        "runs": [str(run.id) for run in runs],
        "metadata": body.metadata or {},
        "parallel_tool_calls": body.in_parallel,
    }
    same = {"owner": runs[0].owner, "run": runs[0], "is_chat": True}
    Response.objects.get_or_create(**same, defaults={"request": request})


def access_completion(user: User, name: str) -> Response:
    """The stored completion of `user` with this id. Raises ApiError."""
    found = re.fullmatch(r"chatcmpl-([0-9a-f]{32})", name)
    row = Response.objects.chats_of(user).filter(run=UUID(found[1])).first() if found else None
    if row is None:
        text = f"Chat completion “{name[:80]}” not found. Only those that were requested with “store” are kept."
        raise ApiError(404, text, None, "not_found")
    return row


def _shown(row: Response) -> StoredCompletion:
    related = ("message__conversation__gpt", "version__gpt")
    runs = Run.objects.filter(id__in=row.request["runs"]).select_related(*related).order_by("created", "id")
    logs = ((run, log.read(run.id)) for run in runs)
    in_parallel = row.request["parallel_tool_calls"]
    made = completion_of([RunAnswer(run, steps, outcome(steps), in_parallel) for run, steps in logs])
    return StoredCompletion(**dict(made), metadata=row.request["metadata"])


@router.get("/chat/completions", response={200: StoredCompletionList, **ERRORS}, openapi_extra=METADATA_QUERY)
def list_chat_completions(request: HttpRequest, page: Query[CompletionPage]) -> Any:
    """Your stored chat completions, the oldest first unless `order` is `desc`."""
    user = caller(request)
    rows = Response.objects.chats_of(user)
    if page.model:
        rows = rows.filter(run__message__conversation__gpt__slug=page.model)
    wanted = {found[1]: request.GET[name] for name in request.GET if (found := METADATA.fullmatch(name))}
    return page_of(_with(rows, wanted), page, lambda name: access_completion(user, name), _shown)


class _Metadata(Func):
    """The value of a key in the metadata of a row; Django takes keys of digits for places in lists."""

    output_field = TextField()
    template = "(SELECT value FROM JSON_EACH(%(expressions)s)"
    arg_joiner = ", '$.metadata') WHERE key = "

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """The same for PostgreSQL."""
        template = "JSONB_EXTRACT_PATH_TEXT(%(expressions)s)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=", 'metadata', ")


def _with(rows: "QuerySet[Any]", metadata: Mapping[str, str]) -> "QuerySet[Any]":
    """Those of the rows whose metadata has these values."""
    for number, (key, value) in enumerate(metadata.items()):
        rows = rows.annotate(**{f"metadata_{number}": _Metadata("request", Value(key))}).filter(
            **{f"metadata_{number}": value}
        )
    return rows


@router.get("/chat/completions/{completion_id}", response={200: StoredCompletion, **ERRORS})
def get_chat_completion(request: HttpRequest, completion_id: str) -> StoredCompletion:
    """A stored chat completion."""
    return _shown(access_completion(caller(request), completion_id))


@router.post("/chat/completions/{completion_id}", response={200: StoredCompletion, **ERRORS})
def update_chat_completion(request: HttpRequest, completion_id: str, body: MetadataChange) -> StoredCompletion:
    """Change the metadata of a stored chat completion."""
    row = access_completion(caller(request), completion_id)
    row.request["metadata"] = body.metadata or {}
    row.save(update_fields=["request"])
    return _shown(row)


@router.delete("/chat/completions/{completion_id}", response={200: Deleted, **ERRORS})
def delete_chat_completion(request: HttpRequest, completion_id: str) -> Deleted:
    """Delete a stored chat completion with all that was sent for it."""
    row = access_completion(caller(request), completion_id)
    for run in Run.objects.filter(id__in=row.request["runs"]).select_related("message__conversation"):
        delete_conversation(run.message.conversation)
    row.delete()
    return Deleted(id=completion_id, object="chat.completion.deleted")


@router.get("/chat/completions/{completion_id}/messages", response={200: ItemList, **ERRORS})
def list_chat_completion_messages(request: HttpRequest, completion_id: str, page: Query[OldestFirst]) -> Any:
    """The messages that the completion answers."""
    row = access_completion(caller(request), completion_id)
    first = log.first(row.run_id)
    question = PromptMessage(role="user", content=first.text)
    messages = [_message(each) for each in (*first.earlier, question, *first.later)]
    messages[len(first.earlier)] |= {"content_parts": _parts(first)}
    return listed([{"id": f"{completion_id}-{n}", **each} for n, each in enumerate(messages)], page)


def _message(message: PromptMessage) -> dict[str, Any]:
    """The message as it was sent, as far as that is known: `developer` is `system`."""
    text = message.content.removeprefix(CALLER_INSTRUCTIONS)
    role = message.role if text == message.content else "system"
    calls = [_call(each) for each in message.tool_calls]
    return {
        "role": role,
        "content": text,
        "name": message.name or None,
        "content_parts": None,
        **({"tool_calls": calls} if calls else {}),
        **({"tool_call_id": message.call_id} if message.call_id else {}),
    }


def _call(call: MessageCall) -> dict[str, Any]:
    written = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    return {"id": call.call_id, "type": "function", "function": written}


def _parts(first: UserMessage) -> list[dict[str, Any]] | None:
    """The parts of a question with pictures; OpenAI's format has none for other files."""
    urls = [file_url(file.id) for file in first.attachments if file.mime in PICTURES]
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"type": "text", "text": first.text}, *pictures] if pictures else None
