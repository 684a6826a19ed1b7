"""`/v1/chat/completions`: OpenAI's chat completions, whole and streamed."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.steps import Finished, Log
from web.accounts.models import User
from web.api import completions, program_runs, stored_completions
from web.api.answers import TokenUsage, extras, usage_of
from web.api.auth import caller
from web.api.choices import Choice, begun, finished, seeded, side_by_side
from web.api.completions import (
    ChoiceLogprobs,
    Completion,
    CompletionRequest,
    annotations,
    completion_id,
    completion_of,
    finish_reason,
)
from web.api.errors import OpenAiErrorBody
from web.api.functions import CallOfFunction, calls_for_caller
from web.api.messages import ProgramMessage
from web.api.program_runs import KEEP_ALIVE, keep, outcome, sse
from web.api.relay import Relay, pieces
from web.api.repeats import RepeatableRequest
from web.runs import log
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.model_facts import model_facts
from web.runs.models import Run

router = stored_completions.router
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
    """The answers of runs, whole or as a stream. A caller without a key who disconnects stops the runs."""
    body.check()
    user, message = caller(request), body.message()
    asked = RepeatableRequest.of(request, "v1", body.model_dump_json(exclude={"stream", "stream_options"}))
    slot = await take_stream(user.pk) if body.stream else None
    files = await program_runs.files_of(user, message)
    starts = [partial(start, user, body, message, files, index) for index in range(body.n or 1)]
    async with begun(asked, *starts) as choices:
        facts = await in_database(model_facts, choices[0].run.version.spec().model.engine)
        await close_connection()
        completing = Completing(body, choices, facts.context_tokens)
        ignored = ", ".join(body.without_effect(facts.ignores))
        if slot is None:
            name_ignored(response, ignored)
            return await completing.whole()
        streaming = sse_response(completing.stream(), slot)
        name_ignored(streaming, ignored)
        return streaming


def name_ignored(response: HttpResponseBase, names: str) -> None:
    """Tell the caller in a header which parameters had no effect."""
    if names:
        response.headers[IGNORED_HEADER] = names


def start(
    user: User, body: CompletionRequest, message: ProgramMessage, files: Sequence[UUID] = (), index: int = 0
) -> Run:
    """The queued run of the answer number `index` to the request. Raises ApiError, Refused."""
    overrides = seeded(body.overrides(), index)
    is_kept = bool(body.store)
    return program_runs.start(user, body.model, message, overrides, files, is_kept=is_kept, inputs=body.inputs)


@dataclass(frozen=True, slots=True)
class Answering:
    """The run of an answer. `in_parallel`: it may make several calls of the caller's functions at once."""

    run: Run
    in_parallel: bool
    context_tokens: int | None

    def calls(self, answer: Finished) -> list[CallOfFunction]:
        """The calls for the caller to make."""
        return calls_for_caller(answer.tool_calls, self.run.id.hex, self.in_parallel)


class Completing:
    """The runs that answer a request."""

    def __init__(self, body: CompletionRequest, choices: Sequence[Choice], context_tokens: int | None) -> None:
        self._body, self._choices, self._context_tokens = body, choices, context_tokens
        self._wants_usage = bool(body.stream_options and body.stream_options.include_usage)
        self._chunks = [Chunks(choices[0].run, each, self._wants_usage) for each in choices]
        self._over: list[tuple[Run, Log]] = []

    async def whole(self) -> Completion:
        """All answers, once they are finished. Raises ApiError if one failed or waits for a person."""
        made = await finished(self._choices, self._context_tokens)
        answers = [(choice.run, *each) for choice, each in zip(self._choices, made, strict=True)]
        for run, steps, answer in answers:
            await keep(run, answer, steps, answer.text, self._body.in_parallel)
        await self._store()
        return await in_database(completion_of, answers, self._body.in_parallel)

    def stream(self) -> AsyncGenerator[str]:
        """Yield all answers side by side as server-sent events."""
        return side_by_side(self._choices, self._events, program_runs.error_event, self._end)

    async def _events(self, choice: Choice) -> AsyncIterator[str]:
        """Yield one answer. Raises what `pieces` and `outcome` raise."""
        run, relay, chunk = choice.run, Relay(), self._chunks[choice.index]
        answering = Answering(run, self._body.in_parallel, self._context_tokens)
        yield chunk.delta({"role": "assistant", "content": "", "refusal": None})
        text = ""
        async for delta in pieces(run.id, relay):
            text += delta.get("content", "")
            yield chunk.delta(delta, relay.tokens.take(delta.get("content", ""))) if delta else KEEP_ALIVE
        steps = await in_database(log.read, run.id)
        answer = outcome(steps, answering.context_tokens)
        rest = "" if answer.finish == "cancelled" else relay.rest(answer.text)
        await keep(run, answer, steps, text + rest, answering.in_parallel)
        cited = [each.model_dump() for each in annotations(run, answer, relay.before)]
        if rest or cited:
            more = {"annotations": cited} if cited else {}
            yield chunk.delta({"content": rest, **more}, relay.tokens.take(rest))
        for index, call in enumerate(answering.calls(answer)):
            yield chunk.call(index, call)
        self._over.append((run, steps))
        yield chunk.end(answer, steps, relay.before)

    async def _end(self) -> AsyncIterator[str]:
        await self._store()
        if self._wants_usage:
            yield self._chunks[0].usage(await in_database(usage_of, *self._over))
        yield "data: [DONE]\n\n"

    async def _store(self) -> None:
        if self._body.store:
            await in_database(stored_completions.store, [each.run for each in self._choices], self._body)


class Chunks:
    """The `chat.completion.chunk` objects of one answer, as server-sent events; all have the id of the `first`."""

    def __init__(self, first: Run, choice: Choice, wants_usage: bool) -> None:
        self._run, self._index = choice.run, choice.index
        self._about = {"run_id": str(choice.run.id), "gpt": choice.run.gpt.slug, "coverage": None}
        self._same = {
            "id": completion_id(first),
            "object": "chat.completion.chunk",
            "created": int(first.created.timestamp()),
            "model": first.message.conversation.gpt.slug,
        }
        self._no_usage = {"usage": None} if wants_usage else {}

    def delta(
        self, delta: dict[str, Any], tokens: Sequence[TokenLogprob] = (), finish: str | None = None, **facts: Any
    ) -> str:
        """A piece of the answer, with its tokens. `facts` go under "guildhall"."""
        likely = ChoiceLogprobs.of(tokens)
        logprobs = likely.model_dump() if likely else None
        choice = {"index": self._index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return sse({**self._same, "choices": [choice], **self._no_usage, "guildhall": {**self._about, **facts}})

    def call(self, index: int, call: CallOfFunction) -> str:
        """The chunks of one call: its id and name first, then its arguments, as OpenAI's clients expect."""
        function = {"name": call.function.name, "arguments": ""}
        begin = {"index": index, "id": call.id, "type": "function", "function": function}
        written = {"index": index, "function": {"arguments": call.function.arguments}}
        return self.delta({"tool_calls": [begin]}) + self.delta({"tool_calls": [written]})

    def end(self, answer: Finished, steps: Log, before: int) -> str:
        """The chunk with the finish reason."""
        facts = extras(self._run, answer, steps, before).model_dump()
        return self.delta({}, finish=finish_reason(answer.finish), **facts)

    def usage(self, usage: TokenUsage) -> str:
        """The chunk for `stream_options.include_usage`, without choices."""
        return sse({**self._same, "choices": [], "usage": usage.model_dump()})
