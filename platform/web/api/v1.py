"""`/v1`: the OpenAI-compatible API, with a GPT behind each model name."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest
from django.urls import reverse
from ninja import Schema

from gpts.runs.steps import Cancelled, Error, Finished, Log, ToolStarted
from web.accounts.models import User
from web.api import completions, history
from web.api.auth import KeyAuth, caller
from web.api.completions import (
    AnswerMessage,
    Completion,
    CompletionChoice,
    CompletionRequest,
    Extras,
    annotations,
    completion_id,
    file_citation,
    files_of,
    finish_reason,
    reasoning_of,
    usage_of,
)
from web.api.errors import Api, ApiError, OpenAiErrorBody, Problem, handle_errors, openai_shape, problem_of
from web.api.functions import CallOfFunction, calls_for_caller, made_calls
from web.api.reading import StrictParser
from web.api.relay import ApprovalNeeded, Relay, Rewritten, events, pieces
from web.api.repeats import RepeatableRequest
from web.builder.models import Gpt
from web.builder.services import access_published
from web.runs import log, services
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.models import Conversation, Run

v1 = Api(
    title="Guildhall, OpenAI-compatible",
    version="1",
    description="Every GPT you can chat with, as a model. Works with any OpenAI client.",
    urls_namespace="v1",
    auth=KeyAuth(),
    parser=StrictParser(),
    docs_url=None,
)
handle_errors(v1, openai_shape)
ERRORS = {400: OpenAiErrorBody, 401: OpenAiErrorBody, 404: OpenAiErrorBody}


class Model(Schema):
    """A GPT as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    name: str
    description: str


class ModelList(Schema):
    """All models of the key's owner."""

    object: Literal["list"] = "list"
    data: list[Model]


def _model(gpt: Gpt) -> Model:
    live = gpt.live
    return Model(
        id=gpt.slug,
        created=int(gpt.created.timestamp()),
        owned_by=gpt.owner.shown_name,
        name=live.name,
        description=live.description,
    )


@v1.get("/models", response={200: ModelList, 401: OpenAiErrorBody})
def list_models(request: HttpRequest) -> ModelList:
    """The published GPTs that the key's owner can chat with: in the store, their own and shared by link."""
    gpts = (
        Gpt.objects.chattable_by(caller(request)).filter(published__isnull=False).select_related("owner", "published")
    )
    return ModelList(data=[_model(gpt) for gpt in gpts.order_by("created", "id")])


@v1.get("/models/{model}", response={200: Model, 401: OpenAiErrorBody, 404: OpenAiErrorBody})
def get_model(request: HttpRequest, model: str) -> Model:
    """One of these models."""
    return _model(access_model(caller(request), model))


def access_model(user: User, slug: str) -> Gpt:
    """The published GPT that `user` may chat with. Raises ApiError as OpenAI's API does for an unknown model."""
    try:
        return access_published(user, slug)
    except Http404:
        text = f"Model “{slug[:80]}” not found, or you can’t use it."
        raise ApiError(404, text, "model", "model_not_found") from None


@v1.post(
    "/chat/completions",
    response={200: Completion, **ERRORS, **dict.fromkeys((403, 413, 429, 500), OpenAiErrorBody)},
    description=completions.DESCRIPTION,
    summary="Ask a GPT",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}},
)
async def create_chat_completion(request: HttpRequest, body: CompletionRequest) -> Any:
    """The answer of a run, whole or as a stream. A caller without a key who disconnects stops the run."""
    asked = RepeatableRequest.of(request, "v1", body.model_dump_json(exclude={"stream", "stream_options"}))
    slot = await take_stream(caller(request).pk) if body.stream else None
    run = await in_database(asked.run, partial(start, caller(request), body))
    await close_connection()
    if slot is None:
        return await complete(run, asked, body.parallel_tool_calls is not False)
    wants_usage = bool(body.stream_options and body.stream_options.include_usage)
    answer = chunks(run, asked, wants_usage, body.parallel_tool_calls is not False)
    return sse_response(answer, slot)


def start(user: User, body: CompletionRequest) -> Run:
    """The queued run that answers the request, in a hidden conversation of its own. Raises ApiError, Refused."""
    body.check()
    text, earlier, later = body.turn()
    gpt, overrides = access_model(user, body.model), body.overrides()
    with transaction.atomic():  # a refused run leaves no conversation behind
        conversation = services.start_conversation(user, gpt, Conversation.Origin.API)
        replies = history.label_of_replies(user, gpt, (*earlier, *later))
        return services.start_run(conversation, text, earlier, overrides, later=later, replies_label=replies)


async def complete(run: Run, asked: RepeatableRequest, in_parallel: bool) -> Completion:
    """The whole answer, once it is finished. Raises ApiError if the run failed or waits for a person."""
    try:
        async for _ in events(run.id):
            pass
    except ApprovalNeeded as needed:  # the run continues without this request
        await in_database(asked.came_to_wait, run)
        raise approval_required(run, needed.run_id) from needed
    except asyncio.CancelledError:  # the caller disconnected
        await in_database(asked.was_left, run)
        raise
    steps = await in_database(log.read, run.id)
    await in_database(asked.was_answered, run)
    answer = outcome(steps)
    await keep(run, answer, steps, answer.text, in_parallel)
    message = AnswerMessage(
        content=answer.text or (None if answer.tool_calls else ""),
        reasoning_content=reasoning_of(steps),
        annotations=annotations(answer.text, answer.citations),
        tool_calls=calls_for_caller(answer.tool_calls, run.id.hex, in_parallel) or None,
    )
    return Completion(
        id=completion_id(run),
        created=int(run.created.timestamp()),
        model=run.message.conversation.gpt.slug,
        choices=[CompletionChoice(message=message, finish_reason=finish_reason(answer.finish))],
        usage=await in_database(usage_of, run, steps),
        guildhall=Extras(run_id=str(run.id), gpt=run.gpt.slug, **facts_of(answer, steps)),
    )


async def keep(run: Run, answer: Finished, steps: Log, text: str, in_parallel: bool) -> None:
    """Recognise the reply when it comes back, unless it was stopped: its label is unknown then."""
    if isinstance(steps[-1], Finished):
        calls = made_calls(answer.tool_calls, in_parallel)
        await in_database(history.keep_reply, run, text, answer, calls)


def facts_of(answer: Finished, steps: Log) -> dict[str, Any]:
    """The fields of `Extras` on a finished answer."""
    return {
        "coverage": answer.coverage,
        "support": list(answer.support),
        "closest": [file_citation(each) for each in answer.closest],
        "files": files_of(steps),
    }


def approval_required(run: Run, waiting_id: UUID) -> ApiError:
    """The error for a run that waits until a person approves a call of the run `waiting_id`, which may be itself."""
    text = (
        f"The run {waiting_id} needs a person's approval for a call, which they give at"
        f" {settings.SITE_URL}{reverse('run_part', args=[waiting_id])}. Then send this request again for the answer,"
        f" or read it at /api/runs/{run.id}."
    )
    # Not 409, after which official clients send the request again by themselves (openai 2, `_should_retry`).
    return ApiError(403, text, code="approval_required")


def outcome(steps: Log) -> Finished:
    """The run's answer; if it was stopped, the text so far. Raises ApiError if it failed.

    After a call with an effect, a client that sent the request again by itself would repeat the effect.
    """
    match steps[-1]:
        case Finished() as answer:
            return answer
        case Cancelled(text=text):
            return Finished(text=text, finish="cancelled")
        case Error(message=message):
            acted = any(isinstance(step, ToolStarted) for step in steps)
            raise ApiError(500, message, code="run_failed", is_final=acted)
    raise ApiError(500, "The run ended without an answer.", code="run_failed")


async def chunks(run: Run, asked: RepeatableRequest, wants_usage: bool, in_parallel: bool) -> AsyncGenerator[str]:
    """Yield server-sent events. If the stream ends early, for any reason but an approval, the run is stopped.

    A run that the caller can come back for, with the request's key, goes on if the caller leaves.
    """
    over = False
    try:
        async for event in _events(run, wants_usage, in_parallel):
            yield event
        over = True
        await in_database(asked.was_answered, run)
    except ApprovalNeeded as needed:
        over = True
        await in_database(asked.came_to_wait, run)
        yield _sse(openai_shape(approval_required(run, needed.run_id).problem)[1])
    except Exception as error:  # noqa: BLE001 - the status is sent already, so the error goes into the stream
        # First, because a caller who disconnects on reading the error interrupts what follows.
        await in_database(services.cancel_run, run)
        over = True
        problem = Problem(500, str(error), code="answer_rewritten") if isinstance(error, Rewritten) else None
        yield _sse(openai_shape(problem or problem_of(error))[1])
    finally:
        if not over:
            await in_database(asked.was_left, run)


async def _events(run: Run, wants_usage: bool, in_parallel: bool) -> AsyncIterator[str]:
    chunk, relay = Chunks(run, wants_usage), Relay()
    yield chunk.delta({"role": "assistant", "content": "", "refusal": None})
    text = ""
    async for delta in pieces(run.id, relay):
        text += delta.get("content", "")
        yield chunk.delta(delta) if delta else ": still here\n\n"
    steps = await in_database(log.read, run.id)
    answer = outcome(steps)
    rest = "" if answer.finish == "cancelled" else relay.rest(answer.text)
    await keep(run, answer, steps, text + rest, in_parallel)
    cited = [each.model_dump() for each in annotations(answer.text, answer.citations, relay.before)]
    if rest or cited:
        yield chunk.delta({"content": rest, **({"annotations": cited} if cited else {})})
    for index, call in enumerate(calls_for_caller(answer.tool_calls, run.id.hex, in_parallel)):
        yield chunk.call(index, call)
    yield chunk.end(answer, steps)
    if wants_usage:
        yield chunk.usage((await in_database(usage_of, run, steps)).model_dump())
    yield "data: [DONE]\n\n"


class Chunks:
    """The `chat.completion.chunk` objects of one stream, as server-sent events."""

    def __init__(self, run: Run, wants_usage: bool) -> None:
        self._about: dict[str, Any] = {"run_id": str(run.id), "gpt": run.gpt.slug}
        self._same = {
            "id": completion_id(run),
            "object": "chat.completion.chunk",
            "created": int(run.created.timestamp()),
            "model": run.message.conversation.gpt.slug,
        }
        self._no_usage = {"usage": None} if wants_usage else {}

    def delta(self, delta: dict[str, Any], finish: str | None = None, **facts: Any) -> str:
        """A piece of the answer. `facts` go under "guildhall"."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        extras = {**self._about, "coverage": None, **facts}
        return _sse({**self._same, "choices": [choice], **self._no_usage, "guildhall": extras})

    def call(self, index: int, call: CallOfFunction) -> str:
        """The chunks of one call: its id and name first, then its arguments, as OpenAI's clients expect."""
        function = {"name": call.function.name, "arguments": ""}
        begin = {"index": index, "id": call.id, "type": "function", "function": function}
        written = {"index": index, "function": {"arguments": call.function.arguments}}
        return self.delta({"tool_calls": [begin]}) + self.delta({"tool_calls": [written]})

    def end(self, answer: Finished, steps: Log) -> str:
        """The chunk with the finish reason."""
        extras = Extras(**self._about, **facts_of(answer, steps)).model_dump()
        return self.delta({}, finish_reason(answer.finish), **extras)

    def usage(self, usage: dict[str, int]) -> str:
        """The chunk for `stream_options.include_usage`, without choices."""
        return _sse({**self._same, "choices": [], "usage": usage})


def _sse(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
