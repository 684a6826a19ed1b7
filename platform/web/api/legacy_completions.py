"""`/v1/completions`, which came before chats: each prompt is a question to the GPT, answered by a run of its own."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, ClassVar, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.overrides import Overrides
from gpts.runs.steps import Finished, Log
from gpts.values import Text
from web.api import program_runs
from web.api.answers import Extras, TokenUsage, extras, logprobs_of, usage_of
from web.api.auth import caller
from web.api.chat_completions import name_ignored
from web.api.choices import Choice, begun, finished, seeded, side_by_side
from web.api.completions import SamplingRequest, finish_reason
from web.api.errors import ApiError, OpenAiErrorBody
from web.api.messages import ProgramMessage
from web.api.program_runs import KEEP_ALIVE, keep, outcome, sse
from web.api.relay import Relay, pieces
from web.api.repeats import RepeatableRequest
from web.runs import log
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.model_facts import model_facts
from web.runs.models import Run

router = Router()

# Answers to one request, which are written side by side.
MAX_CHOICES: Final = 16
DESCRIPTION: Final = (
    "For programs that know no chats. Each prompt is a question to the GPT `model`, as in chat completions, with its"
    f" instructions and files; `n` answers to each, up to {MAX_CHOICES} altogether. `echo` puts the prompt before its"
    " answer. Refused: `suffix`, a `best_of` other than `n`, and prompts of"
    " tokens, whose numbers stand for other words in each model."
)


class PromptRequest(SamplingRequest):
    """A request for completions."""

    refused: ClassVar[dict[str, list[Any]]] = {"suffix": [""]}

    prompt: Text | list[Text | int | list[int]] = Field(description="A text, or several.")
    n: int | None = Field(None, ge=1, le=MAX_CHOICES, description="Answers to each prompt. Default: 1.")
    best_of: int | None = Field(None, ge=1, le=MAX_CHOICES, description="Default: n, and nothing else.")
    echo: bool | None = False
    logprobs: int | None = Field(
        None, ge=0, le=5, description="How likely the tokens were, and so many likeliest ones."
    )

    def overrides(self) -> Overrides:
        """The same, with what only these have."""
        return super().overrides().model_copy(update={"top_logprobs": self.logprobs})

    def prompts(self) -> list[str]:
        """The question of each choice. Raises ApiError."""
        given = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        texts = [each for each in given if isinstance(each, str)]
        if len(texts) != len(given):
            raise ApiError(400, "Prompts of tokens are not supported. Send texts.", "prompt", "unsupported_value")
        if not texts or not all(text.strip() for text in texts):
            raise ApiError(400, "A prompt is empty.", "prompt", "invalid_value")
        n = self.n or 1
        if self.best_of not in (None, n):
            raise ApiError(400, "“best_of” can only be “n”: no answer is left out.", "best_of", "unsupported_value")
        if n * len(texts) > MAX_CHOICES:
            text = f"{n * len(texts)} answers to one request; up to {MAX_CHOICES} are allowed."
            raise ApiError(400, text, "prompt", "invalid_value")
        return [text for text in texts for _ in range(n)]


class TextLogprobs(Schema):
    """How likely each token of an answer was to the model, with its place in the text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]

    @classmethod
    def of(cls, tokens: Sequence[TokenLogprob], start: int) -> "TextLogprobs | None":
        """Those of these tokens, of which the first begins at `start`; None if there are none."""
        if not tokens:
            return None
        lengths = accumulate((len(token.text) for token in tokens[:-1]), initial=start)
        return cls(
            tokens=[token.text for token in tokens],
            token_logprobs=[token.logprob for token in tokens],
            top_logprobs=[{each.text: each.logprob for each in token.top} for token in tokens],
            text_offset=[*lengths],
        )


class TextChoice(Schema):
    """An answer. `guildhall` has what OpenAI's format doesn't cover, such as the citations."""

    index: int
    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: Literal["stop", "length"]
    guildhall: Extras


class TextCompletion(Schema):
    """The answers. With `stream`, their pieces are such objects in server-sent events."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[TextChoice]
    usage: TokenUsage


@router.post(
    "/completions",
    response={200: TextCompletion, **dict.fromkeys((400, 401, 403, 404, 413, 429, 500), OpenAiErrorBody)},
    description=DESCRIPTION,
    summary="Complete prompts",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": {}}}}}},
)
async def create_completion(request: HttpRequest, response: HttpResponse, body: PromptRequest) -> Any:
    """The answers to the prompts, whole or as a stream."""
    body.check()
    user, prompts = caller(request), body.prompts()
    asked = RepeatableRequest.of(
        request, "v1/completions", body.model_dump_json(exclude={"stream", "stream_options"})
    )
    slot = await take_stream(user.pk) if body.stream else None
    overrides = body.overrides()
    starts = [
        partial(
            program_runs.start, user, body.model, ProgramMessage(text), seeded(overrides, index), inputs=body.inputs
        )
        for index, text in enumerate(prompts)
    ]
    async with begun(asked, *starts) as choices:
        facts = await in_database(model_facts, choices[0].run.version.spec().model.engine)
        await close_connection()
        ignored = ", ".join(body.without_effect(facts.ignores))
        prompting = Prompting(body, prompts, choices, facts.context_tokens)
        if slot is None:
            name_ignored(response, ignored)
            return await prompting.whole()
        streaming = sse_response(prompting.stream(), slot)
        name_ignored(streaming, ignored)
        return streaming


class Prompting:
    """The runs that answer a request."""

    def __init__(
        self, body: PromptRequest, prompts: Sequence[str], choices: Sequence[Choice], context_tokens: int | None
    ) -> None:
        self._choices, self._context_tokens = choices, context_tokens
        self._before = prompts if body.echo else [""] * len(prompts)
        self._wants_usage = bool(body.stream_options and body.stream_options.include_usage)
        first = choices[0].run
        self._same: dict[str, Any] = {
            "id": f"cmpl-{first.id.hex}",
            "object": "text_completion",
            "created": int(first.created.timestamp()),
            "model": first.message.conversation.gpt.slug,
        }
        self._over: list[tuple[Run, Log]] = []

    async def whole(self) -> TextCompletion:
        """All answers, once they are finished. Raises ApiError if one failed or waits for a person."""
        made = zip(self._choices, await finished(self._choices, self._context_tokens), strict=True)
        choices = [await self._made(choice, *each) for choice, each in made]
        return TextCompletion(**self._same, choices=choices, usage=await in_database(usage_of, *self._over))

    def stream(self) -> AsyncGenerator[str]:
        """Yield all answers side by side as server-sent events."""
        return side_by_side(self._choices, self._pieces, program_runs.error_event, self._end)

    async def _pieces(self, choice: Choice) -> AsyncIterator[str]:
        relay = Relay()
        if before := self._before[choice.index]:
            yield self._piece(choice, before)
        n_sent = len(before)
        async for delta in pieces(choice.run.id, relay):
            text = delta.get("content", "")
            likely = TextLogprobs.of(relay.tokens.take(text), n_sent)
            yield self._piece(choice, text, likely) if text else KEEP_ALIVE
            n_sent += len(text)
        steps = await in_database(log.read, choice.run.id)
        answer = outcome(steps, self._context_tokens)
        if rest := "" if answer.finish == "cancelled" else relay.rest(answer.text):
            yield self._piece(choice, rest, TextLogprobs.of(relay.tokens.take(rest), n_sent))
        end = await self._made(choice, steps, answer, relay.before)
        yield self._piece(choice, "", finish=end.finish_reason, guildhall=end.guildhall.model_dump())

    async def _end(self) -> AsyncIterator[str]:
        if self._wants_usage:
            usage = await in_database(usage_of, *self._over)
            yield sse({**self._same, "choices": [], "usage": usage.model_dump()})
        yield "data: [DONE]\n\n"

    def _piece(
        self, choice: Choice, text: str, likely: TextLogprobs | None = None, finish: str | None = None, **facts: Any
    ) -> str:
        logprobs = likely.model_dump() if likely else None
        piece = {"index": choice.index, "text": text, "logprobs": logprobs, "finish_reason": finish, **facts}
        return sse({**self._same, "choices": [piece]})

    async def _made(self, choice: Choice, steps: Log, answer: Finished, sent_before: int = 0) -> TextChoice:
        """The finished answer, whose usage counts. `sent_before`: characters of earlier replies in a stream."""
        await keep(choice.run, answer, steps, answer.text, in_parallel=False)
        self._over.append((choice.run, steps))
        before = self._before[choice.index]
        return TextChoice(
            index=choice.index,
            text=before + answer.text,
            logprobs=TextLogprobs.of(logprobs_of(steps, answer), len(before)),
            finish_reason="length" if finish_reason(answer.finish) == "length" else "stop",
            guildhall=extras(choice.run, answer, steps, len(before) + sent_before),
        )
