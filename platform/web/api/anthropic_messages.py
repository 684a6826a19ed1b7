"""`/v1/messages`: Anthropic's Messages, whole and streamed. The runs are those of chat completions."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from gpts.runs.steps import Finished, FinishReason
from web.accounts.models import User
from web.api.answers import Extras, RunAnswer, estimated_prompt, tokens_of
from web.api.anthropic_requests import MessagesRequest
from web.api.anthropic_tools import check_server_tools
from web.api.auth import caller
from web.api.choices import Choice, respond
from web.api.errors import AnthropicErrorBody, Problem, anthropic_shape
from web.api.messages import arguments_of
from web.api.program_runs import access_model
from web.runs import log
from web.runs.connections import in_database
from web.runs.events import AnswerPiece

router = Router()
STOP_REASONS: Final[dict[FinishReason, str]] = {
    "length": "max_tokens",
    "deadline": "max_tokens",
    "tool_calls": "tool_use",
}


class AnthropicUsage(Schema):
    """Input and output tokens of this answer."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


class AnthropicMessage(Schema):
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
    usage: AnthropicUsage
    guildhall: Extras | None = None


@router.post(
    "/messages",
    response={200: AnthropicMessage, **dict.fromkeys((400, 401, 403, 404, 413, 429, 500), AnthropicErrorBody)},
    summary="Ask a GPT (Anthropic’s Messages)",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": {}}}}}},
)
async def create_message(request: HttpRequest, response: HttpResponse, body: MessagesRequest) -> Any:
    """The answer of a run, whole or as a stream. A caller who disconnects stops the run.

    The key may come as `x-api-key`.
    """
    completion = body.as_completion()
    if body.server_tools:
        await in_database(_check_server_tools, caller(request), body)
    show = partial(MessageEvents, body.wants_thinking)
    return await respond(request, response, completion, "messages", [completion.message()], show)


def _check_server_tools(user: User, body: MessagesRequest) -> None:
    """Raises ApiError for tools of the server that the GPT doesn't have."""
    version = access_model(user, body.model).published
    assert version
    check_server_tools(body.server_tools, version.spec())


class MessageEvents:
    """An answer as a message, and as the events of its content, block after block."""

    def __init__(self, wants_thinking: bool, choices: Sequence[Choice]) -> None:
        self._run, self._wants_thinking = choices[0].run, wants_thinking
        self._index, self._open = -1, ""

    def whole(self, answers: Sequence[RunAnswer]) -> AnthropicMessage:
        """The message."""
        [answer] = answers
        thought, text = answer.reasoning if self._wants_thinking else None, answer.said.text
        content: list[dict[str, Any]] = [
            *([{"type": "thinking", "thinking": thought, "signature": ""}] if thought else []),
            *([{"type": "text", "text": text, "citations": _citations(answer)}] if text else []),
            *_calls(answer),
        ]
        return self._message(content=content, **_ending(answer.said), usage=_usage(answer), guildhall=answer.extras)

    def begin(self, choice: Choice) -> Iterator[str]:
        """The message without its content."""
        usage = AnthropicUsage(input_tokens=estimated_prompt(log.first(choice.run.id)), output_tokens=0)
        started = self._message(content=[], stop_reason=None, usage=usage)
        yield _event("message_start", message=started.model_dump(exclude={"guildhall"}))
        yield PING

    def piece(self, choice: Choice, piece: AnswerPiece) -> str:
        """A piece of the answer, or of the reasoning if that is wanted."""
        if piece.reasoning:
            return self._add("thinking", piece.reasoning, signature="") if self._wants_thinking else ""
        return self._add("text", piece.text, citations=[]) if piece.text else PING

    def end(self, choice: Choice, answer: RunAnswer) -> Iterator[str]:
        """The citations, the calls and why it ended."""
        for citation in _citations(answer) if self._open == "text" else ():
            yield self._delta("citations_delta", citation=citation)
        for call in _calls(answer):
            yield self._begin({**call, "input": {}})
            yield self._delta("input_json_delta", partial_json=json.dumps(call["input"]))
        yield self._close()
        usage, more = _usage(answer).model_dump(), answer.extras.model_dump(mode="json")
        yield _event("message_delta", delta=_ending(answer.said), usage=usage, guildhall=more)

    def close(self, answers: Sequence[RunAnswer]) -> Iterator[str]:
        """The end."""
        yield _event("message_stop")

    def failed(self, problem: Problem) -> str:
        """The error."""
        return _event("error", error=anthropic_shape(problem)[1]["error"])

    def _message(self, **rest: Any) -> AnthropicMessage:
        return AnthropicMessage(id=f"msg_{self._run.id.hex}", model=self._run.message.conversation.gpt.slug, **rest)

    def _add(self, kind: Literal["text", "thinking"], piece: str, **rest: Any) -> str:
        """A piece of text, in a new block unless the last one is of this kind."""
        begin = self._begin({"type": kind, kind: "", **rest}) if self._open != kind else ""
        return begin + self._delta(f"{kind}_delta", **{kind: piece})

    def _begin(self, block: dict[str, Any]) -> str:
        end = self._close()
        self._index, self._open = self._index + 1, block["type"]
        return end + _event("content_block_start", index=self._index, content_block=block)

    def _delta(self, kind: str, **fields: Any) -> str:
        return _event("content_block_delta", index=self._index, delta={"type": kind, **fields})

    def _close(self) -> str:
        """The end of the last block, if there is any."""
        kind, self._open = self._open, ""
        return _event("content_block_stop", index=self._index) if kind else ""


def _event(kind: str, **data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"


PING: Final = _event("ping")


def _citations(answer: RunAnswer) -> list[dict[str, Any]]:
    """The citations in a form that clients know for sources with a URL."""
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
        for text, url in zip(answer.citations, answer.url_citations, strict=True)
    ]


def _calls(answer: RunAnswer) -> Iterator[dict[str, Any]]:
    for call in answer.calls:
        arguments = arguments_of(call.function.arguments)
        yield {"type": "tool_use", "id": call.id, "name": call.function.name, "input": arguments}


def _ending(said: Finished) -> dict[str, str | None]:
    """Why the answer ended."""
    reason = "stop_sequence" if said.stop_sequence else STOP_REASONS.get(said.finish, "end_turn")
    return {"stop_reason": reason, "stop_sequence": said.stop_sequence or None}


def _usage(answer: RunAnswer) -> AnthropicUsage:
    tokens = tokens_of(answer.run, answer.steps)
    return AnthropicUsage(input_tokens=tokens.prompt, output_tokens=tokens.completion)
