"""`/v1/chat/completions`: OpenAI's chat completions, whole and streamed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from gpts.runs.steps import Finished, Log
from web.accounts.models import User
from web.api import completions, program_runs
from web.api.answers import extras, reasoning_of, usage_of
from web.api.auth import caller
from web.api.completions import (
    AnswerMessage,
    Completion,
    CompletionChoice,
    CompletionRequest,
    annotations,
    completion_id,
    finish_reason,
)
from web.api.errors import OpenAiErrorBody, Problem, openai_shape
from web.api.functions import CallOfFunction, calls_for_caller
from web.api.messages import ProgramMessage
from web.api.program_runs import KEEP_ALIVE, keep, outcome, sse
from web.api.relay import Relay, pieces
from web.api.repeats import RepeatableRequest
from web.runs import log
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.model_facts import model_facts
from web.runs.models import Run

router = Router()
# Names the parameters of the request that have no effect.
IGNORED_HEADER: Final = "X-Ignored-Parameters"


@router.post(
    "/chat/completions",
    response={200: Completion, **dict.fromkeys((400, 401, 403, 404, 413, 429, 500), OpenAiErrorBody)},
    description=completions.DESCRIPTION,
    summary="Ask a GPT",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": {}}}}}},
)
async def create_chat_completion(request: HttpRequest, response: HttpResponse, body: CompletionRequest) -> Any:
    """The answer of a run, whole or as a stream. A caller without a key who disconnects stops the run."""
    body.check()
    user, message = caller(request), body.message()
    asked = RepeatableRequest.of(request, "v1", body.model_dump_json(exclude={"stream", "stream_options"}))
    slot = await take_stream(user.pk) if body.stream else None
    files = await program_runs.files_of(user, message)
    async with program_runs.begun(asked, partial(start, user, body, message, files)) as run:
        facts = await in_database(model_facts, run.version.spec().model.engine)
        await close_connection()
        answering = Answering(run, body.parallel_tool_calls is not False, facts.context_tokens)
        ignored = ", ".join(body.without_effect(facts.ignores))
        if slot is None:
            name_ignored(response, ignored)
            return await complete(answering, asked)
        wants_usage = bool(body.stream_options and body.stream_options.include_usage)
        streaming = sse_response(
            program_runs.streamed(run, asked, _events(answering, wants_usage), _error_event), slot
        )
        name_ignored(streaming, ignored)
        return streaming


def name_ignored(response: HttpResponseBase, names: str) -> None:
    """Tell the caller in a header which parameters had no effect."""
    if names:
        response.headers[IGNORED_HEADER] = names


def start(user: User, body: CompletionRequest, message: ProgramMessage, files: Sequence[UUID] = ()) -> Run:
    """The queued run that answers the request. Raises ApiError, Refused."""
    return program_runs.start(user, body.model, message, body.overrides(), files)


@dataclass(frozen=True, slots=True)
class Answering:
    """The run that answers a request. `in_parallel`: it may make several calls of the caller's functions at once."""

    run: Run
    in_parallel: bool
    context_tokens: int | None

    def calls(self, answer: Finished) -> list[CallOfFunction]:
        """The calls for the caller to make."""
        return calls_for_caller(answer.tool_calls, self.run.id.hex, self.in_parallel)


async def complete(answering: Answering, asked: RepeatableRequest) -> Completion:
    """The whole answer, once it is finished. Raises ApiError if the run failed or waits for a person."""
    run = answering.run
    steps = await program_runs.finished_steps(run, asked)
    answer = outcome(steps, answering.context_tokens)
    await keep(run, answer, steps, answer.text, answering.in_parallel)
    message = AnswerMessage(
        content=answer.text or (None if answer.tool_calls else ""),
        reasoning_content=reasoning_of(steps),
        annotations=annotations(run, answer),
        tool_calls=answering.calls(answer) or None,
    )
    return Completion(
        id=completion_id(run),
        created=int(run.created.timestamp()),
        model=run.message.conversation.gpt.slug,
        choices=[CompletionChoice(message=message, finish_reason=finish_reason(answer.finish))],
        usage=await in_database(usage_of, run, steps),
        guildhall=extras(run, answer, steps),
    )


def _error_event(problem: Problem) -> str:
    return sse(openai_shape(problem)[1])


async def _events(answering: Answering, wants_usage: bool) -> AsyncIterator[str]:
    """Yield the whole stream. Raises what `pieces` and `outcome` raise."""
    run, relay = answering.run, Relay()
    chunk = Chunks(run, wants_usage)
    yield chunk.delta({"role": "assistant", "content": "", "refusal": None})
    text = ""
    async for delta in pieces(run.id, relay):
        text += delta.get("content", "")
        yield chunk.delta(delta) if delta else KEEP_ALIVE
    steps = await in_database(log.read, run.id)
    answer = outcome(steps, answering.context_tokens)
    rest = "" if answer.finish == "cancelled" else relay.rest(answer.text)
    await keep(run, answer, steps, text + rest, answering.in_parallel)
    cited = [each.model_dump() for each in annotations(run, answer, relay.before)]
    if rest or cited:
        yield chunk.delta({"content": rest, **({"annotations": cited} if cited else {})})
    for index, call in enumerate(answering.calls(answer)):
        yield chunk.call(index, call)
    yield chunk.end(answer, steps, relay.before)
    if wants_usage:
        yield chunk.usage((await in_database(usage_of, run, steps)).model_dump())
    yield "data: [DONE]\n\n"


class Chunks:
    """The `chat.completion.chunk` objects of one stream, as server-sent events."""

    def __init__(self, run: Run, wants_usage: bool) -> None:
        self._run = run
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
        about = {"run_id": str(self._run.id), "gpt": self._run.gpt.slug, "coverage": None, **facts}
        return sse({**self._same, "choices": [choice], **self._no_usage, "guildhall": about})

    def call(self, index: int, call: CallOfFunction) -> str:
        """The chunks of one call: its id and name first, then its arguments, as OpenAI's clients expect."""
        function = {"name": call.function.name, "arguments": ""}
        begin = {"index": index, "id": call.id, "type": "function", "function": function}
        written = {"index": index, "function": {"arguments": call.function.arguments}}
        return self.delta({"tool_calls": [begin]}) + self.delta({"tool_calls": [written]})

    def end(self, answer: Finished, steps: Log, before: int) -> str:
        """The chunk with the finish reason."""
        return self.delta({}, finish_reason(answer.finish), **extras(self._run, answer, steps, before).model_dump())

    def usage(self, usage: dict[str, int]) -> str:
        """The chunk for `stream_options.include_usage`, without choices."""
        return sse({**self._same, "choices": [], "usage": usage})
