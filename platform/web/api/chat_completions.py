"""`/v1/chat/completions`: OpenAI's chat completions, whole and streamed."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from gpts.runs.logprobs import TokenLogprob
from web.api import completions, stored_completions
from web.api.answers import RunAnswer
from web.api.choices import Choice, Chunks, respond
from web.api.completions import (
    ChoiceLogprobs,
    Completion,
    CompletionRequest,
    annotations,
    completion_of,
)
from web.api.errors import OpenAiErrorBody
from web.api.functions import CallOfFunction
from web.api.program_runs import KEEP_ALIVE, sse
from web.runs.events import AnswerPiece

router = stored_completions.router


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
    messages = [body.message()] * (body.n or 1)
    show = partial(ChatChunks, body)
    return await respond(request, response, body, "v1", messages, show, is_kept=bool(body.store))


class ChatChunks(Chunks):
    """Answers as a chat completion and as its chunks."""

    def __init__(self, body: CompletionRequest, choices: Sequence[Choice]) -> None:
        super().__init__(body, "chat.completion.chunk", "chatcmpl", choices[0].run)
        self._body = body
        self._no_usage = {"usage": None} if body.wants_usage else {}

    def whole(self, answers: Sequence[RunAnswer]) -> Completion:
        """The chat completion."""
        self._store(answers)
        return completion_of(answers)

    def begin(self, choice: Choice) -> Iterator[str]:
        """The role."""
        yield self._delta(choice, {"role": "assistant", "content": "", "refusal": None})

    def piece(self, choice: Choice, piece: AnswerPiece) -> str:
        """A piece of the answer, with its tokens, or of the reasoning, in the field of DeepSeek and vLLM."""
        if piece.reasoning:
            return self._delta(choice, {"reasoning_content": piece.reasoning})
        return self._delta(choice, {"content": piece.text}, piece.tokens) if piece.text else KEEP_ALIVE

    def end(self, choice: Choice, answer: RunAnswer) -> Iterator[str]:
        """The citations, the calls and the finish reason."""
        if cited := [each.model_dump() for each in annotations(answer)]:
            yield self._delta(choice, {"content": "", "annotations": cited})
        for index, call in enumerate(answer.calls):
            yield from (self._delta(choice, {"tool_calls": [{"index": index, **part}]}) for part in _parts(call))
        yield self._delta(choice, {}, finish=answer.finish, **answer.extras.model_dump())

    def close(self, answers: Sequence[RunAnswer]) -> Iterator[str]:
        """The same, once the completion is stored."""
        self._store(answers)
        return super().close(answers)

    def _delta(
        self,
        of: Choice,
        delta: dict[str, Any],
        tokens: Sequence[TokenLogprob] = (),
        finish: str | None = None,
        **facts: Any,
    ) -> str:
        """A chunk. `facts` go under "guildhall"."""
        likely = ChoiceLogprobs.of(tokens)
        logprobs = likely.model_dump() if likely else None
        choice = {"index": of.index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        about = {"run_id": str(of.run.id), "gpt": of.run.gpt.slug, "coverage": None, **facts}
        return sse({**self.same, "choices": [choice], **self._no_usage, "guildhall": about})

    def _store(self, answers: Sequence[RunAnswer]) -> None:
        if self._body.store:
            stored_completions.store([each.run for each in answers], self._body)


def _parts(call: CallOfFunction) -> Iterable[dict[str, Any]]:
    """A call in two parts, as OpenAI's clients expect: its id and name first, then its arguments."""
    yield {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": ""}}
    yield {"function": {"arguments": call.function.arguments}}
