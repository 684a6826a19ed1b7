"""`/v1/chat/completions`: OpenAI's chat completions, whole and streamed."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from django.http import HttpRequest
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
from web.api.program_runs import KEEP_ALIVE, ProgramMessage, keep, outcome, sse
from web.api.relay import Relay, pieces
from web.api.repeats import RepeatableRequest
from web.runs import log
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.models import Run

router = Router()


@router.post(
    "/chat/completions",
    response={200: Completion, **dict.fromkeys((400, 401, 403, 404, 413, 429, 500), OpenAiErrorBody)},
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
    in_parallel = body.parallel_tool_calls is not False
    if slot is None:
        return await complete(run, asked, in_parallel)
    wants_usage = bool(body.stream_options and body.stream_options.include_usage)
    return sse_response(program_runs.streamed(run, asked, _events(run, wants_usage, in_parallel), _error_event), slot)


def start(user: User, body: CompletionRequest) -> Run:
    """The queued run that answers the request. Raises ApiError, Refused."""
    body.check()
    return program_runs.start(user, body.model, ProgramMessage(*body.turn()), body.overrides())


async def complete(run: Run, asked: RepeatableRequest, in_parallel: bool) -> Completion:
    """The whole answer, once it is finished. Raises ApiError if the run failed or waits for a person."""
    steps = await program_runs.finished_steps(run, asked)
    answer = outcome(steps)
    await keep(run, answer, steps, answer.text, in_parallel)
    message = AnswerMessage(
        content=answer.text or (None if answer.tool_calls else ""),
        reasoning_content=reasoning_of(steps),
        annotations=annotations(run, answer),
        tool_calls=calls_for_caller(answer.tool_calls, run.id.hex, in_parallel) or None,
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


async def _events(run: Run, wants_usage: bool, in_parallel: bool) -> AsyncIterator[str]:
    """Yield the whole stream. Raises what `pieces` and `outcome` raise."""
    chunk, relay = Chunks(run, wants_usage), Relay()
    yield chunk.delta({"role": "assistant", "content": "", "refusal": None})
    text = ""
    async for delta in pieces(run.id, relay):
        text += delta.get("content", "")
        yield chunk.delta(delta) if delta else KEEP_ALIVE
    steps = await in_database(log.read, run.id)
    answer = outcome(steps)
    rest = "" if answer.finish == "cancelled" else relay.rest(answer.text)
    await keep(run, answer, steps, text + rest, in_parallel)
    cited = [each.model_dump() for each in annotations(run, answer, relay.before)]
    if rest or cited:
        yield chunk.delta({"content": rest, **({"annotations": cited} if cited else {})})
    for index, call in enumerate(calls_for_caller(answer.tool_calls, run.id.hex, in_parallel)):
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
