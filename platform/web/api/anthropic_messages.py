"""`/v1/messages`: Anthropic's Messages, whole and streamed. The runs are those of chat completions."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from gpts.runs.steps import Finished, FinishReason, Log
from web.accounts.models import User
from web.api import chat_completions, program_runs
from web.api.answers import Extras, estimated_prompt, extras, reasoning_of, text_citations, url_citations, usage_of
from web.api.anthropic_requests import MessagesRequest
from web.api.anthropic_tools import check_server_tools
from web.api.auth import caller
from web.api.chat_completions import Answering
from web.api.choices import begun
from web.api.completions import CompletionRequest
from web.api.errors import AnthropicErrorBody, Problem, anthropic_shape
from web.api.messages import ProgramMessage, arguments_of
from web.api.program_runs import access_model, keep, outcome
from web.api.relay import Relay, pieces
from web.api.repeats import RepeatableRequest
from web.runs import log
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.model_facts import model_facts
from web.runs.models import Run

router = Router()
STOP_REASONS: Final[dict[FinishReason, str]] = {
    "length": "max_tokens",
    "deadline": "max_tokens",
    "tool_calls": "tool_use",
}


class Usage(Schema):
    """Input and output tokens of this answer."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


class Message(Schema):
    """The answer of a GPT. Its text has citations of type `search_result_location`, whose `source` opens the passage.

    With `stream`, it is sent in Anthropic's events.
    """

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[dict[str, Any]]
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"] | None
    stop_sequence: str | None = None
    usage: Usage
    guildhall: Extras | None = None


@router.post(
    "/messages",
    response={200: Message, **dict.fromkeys((400, 401, 403, 404, 413, 429, 500), AnthropicErrorBody)},
    summary="Ask a GPT (Anthropic’s Messages)",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": {}}}}}},
)
async def create_message(request: HttpRequest, body: MessagesRequest) -> Any:
    """The answer of a run, whole or as a stream. A caller who disconnects stops the run.

    The key may come as `x-api-key`.
    """
    completion = body.as_completion()
    user, message = caller(request), completion.message()
    asked = RepeatableRequest.of(request, "messages", body.model_dump_json(exclude={"stream"}))
    slot = await take_stream(user.pk) if body.stream else None
    files = await program_runs.files_of(user, message)
    making = partial(_start, user, body.server_tools, completion, message, files)
    async with begun(asked, making) as [choice]:
        run = choice.run
        facts = await in_database(model_facts, run.version.spec().model.engine)
        await close_connection()
        answering = Answering(run, body.in_parallel, facts.context_tokens)
        if slot is None:
            return await _complete(answering, asked, body.wants_thinking)
        events = _events(answering, body.wants_thinking)
        return sse_response(program_runs.streamed(run, asked, events, _error_event), slot)


def _start(
    user: User,
    server_tools: Sequence[str],
    completion: CompletionRequest,
    message: ProgramMessage,
    files: Sequence[UUID],
) -> Run:
    """The queued run. Raises ApiError, also for tools of the server that the GPT doesn't have, and Refused."""
    if server_tools:
        version = access_model(user, completion.model).published
        assert version
        check_server_tools(server_tools, version.spec())
    return chat_completions.start(user, completion, message, files)


async def _complete(answering: Answering, asked: RepeatableRequest, wants_thinking: bool) -> Message:
    """The whole answer, once it is finished. Raises ApiError if the run failed or waits for a person."""
    run = answering.run
    steps = await program_runs.finished_steps(run, asked)
    answer = outcome(steps, answering.context_tokens)
    await keep(run, answer, steps, answer.text, answering.in_parallel)
    thought = (reasoning_of(steps) or "") if wants_thinking else ""
    content: list[dict[str, Any]] = [
        *([{"type": "thinking", "thinking": thought, "signature": ""}] if thought else []),
        *([{"type": "text", "text": answer.text, "citations": _citations(run, answer)}] if answer.text else []),
        *_calls(answering, answer),
    ]
    usage, more = await _usage(run, steps), extras(run, answer, steps)
    return _message(run, content=content, **_ending(answer), usage=usage, guildhall=more)


def _message(run: Run, **rest: Any) -> Message:
    return Message(id=f"msg_{run.id.hex}", model=run.message.conversation.gpt.slug, **rest)


async def _events(answering: Answering, wants_thinking: bool) -> AsyncIterator[str]:
    """Yield the whole stream. Raises what `pieces` and `outcome` raise."""
    run, blocks, relay, text = answering.run, Blocks(), Relay(), ""
    usage = Usage(input_tokens=estimated_prompt(await in_database(log.first, run.id)), output_tokens=0)
    started = _message(run, content=[], stop_reason=None, usage=usage)
    yield _event("message_start", message=started.model_dump(exclude={"guildhall"}))
    yield PING
    async for delta in pieces(run.id, relay):
        if wants_thinking and (thought := delta.get("reasoning_content")):
            yield blocks.add("thinking", thought)
        elif piece := delta.get("content"):
            text += piece
            yield blocks.add("text", piece)
        elif not delta:
            yield PING
    steps = await in_database(log.read, run.id)
    answer = outcome(steps, answering.context_tokens)
    rest = "" if answer.finish == "cancelled" else relay.rest(answer.text)
    await keep(run, answer, steps, text + rest, answering.in_parallel)
    if rest:
        yield blocks.add("text", rest)
    for citation in _citations(run, answer) if text or rest else ():
        yield blocks.cite(citation)
    for call in _calls(answering, answer):
        yield blocks.call(call)
    yield blocks.close()
    usage = await _usage(run, steps)
    more = extras(run, answer, steps, relay.before).model_dump(mode="json")
    yield _event("message_delta", delta=_ending(answer), usage=usage.model_dump(), guildhall=more)
    yield _event("message_stop")


class Blocks:
    """The events of a message's content, block after block."""

    def __init__(self) -> None:
        self._index, self._open = -1, ""

    def add(self, kind: Literal["text", "thinking"], piece: str) -> str:
        """A piece of text, in a new block unless the last one is of this kind."""
        rest: dict[str, Any] = {"citations": []} if kind == "text" else {"signature": ""}
        begin = self._begin({"type": kind, kind: "", **rest}) if self._open != kind else ""
        return begin + self._delta({"type": f"{kind}_delta", kind: piece})

    def cite(self, citation: dict[str, Any]) -> str:
        """A citation of the text."""
        return self._delta({"type": "citations_delta", "citation": citation})

    def call(self, call: dict[str, Any]) -> str:
        """A call: its name first, then its arguments."""
        begin = self._begin({**call, "input": {}})
        return begin + self._delta({"type": "input_json_delta", "partial_json": json.dumps(call["input"])})

    def close(self) -> str:
        """The end of the last block, if there is any."""
        kind, self._open = self._open, ""
        return _event("content_block_stop", index=self._index) if kind else ""

    def _begin(self, block: dict[str, Any]) -> str:
        end = self.close()
        self._index, self._open = self._index + 1, block["type"]
        return end + _event("content_block_start", index=self._index, content_block=block)

    def _delta(self, delta: dict[str, Any]) -> str:
        return _event("content_block_delta", index=self._index, delta=delta)


def _event(kind: str, **data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"


PING: Final = _event("ping")


def _error_event(problem: Problem) -> str:
    return _event("error", error=anthropic_shape(problem)[1]["error"])


def _citations(run: Run, answer: Finished) -> list[dict[str, Any]]:
    """The citations in a form that clients know for sources with a URL."""
    named = zip(text_citations(run, answer), url_citations(run, answer), strict=True)
    return [
        {
            "type": "search_result_location",
            "cited_text": text.quote,
            "source": text.url,
            "title": url.title,
            "search_result_index": text.index - 1,
            "start_block_index": 0,
            "end_block_index": 1,
        }
        for text, url in named
    ]


def _calls(answering: Answering, answer: Finished) -> Iterator[dict[str, Any]]:
    for call in answering.calls(answer):
        arguments = arguments_of(call.function.arguments)
        yield {"type": "tool_use", "id": call.id, "name": call.function.name, "input": arguments}


def _ending(answer: Finished) -> dict[str, str | None]:
    """Why the answer ended."""
    reason = "stop_sequence" if answer.stop_sequence else STOP_REASONS.get(answer.finish, "end_turn")
    return {"stop_reason": reason, "stop_sequence": answer.stop_sequence or None}


async def _usage(run: Run, steps: Log) -> Usage:
    used = await in_database(usage_of, (run, steps))
    return Usage(input_tokens=used.prompt_tokens, output_tokens=used.completion_tokens)
