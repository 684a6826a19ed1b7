"""`/v1/completions`, which came before chats: each prompt is a question to the GPT, answered by a run of its own."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from gpts.runs.steps import Finished, Log
from gpts.values import Text
from web.accounts.models import User
from web.api import program_runs
from web.api.answers import CompletionDetails, Extras, TokenUsage, extras, usage_of
from web.api.auth import caller
from web.api.chat_completions import name_ignored
from web.api.completions import SamplingRequest, finish_reason
from web.api.errors import ApiError, OpenAiErrorBody, Problem, openai_shape
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
    " answer. `logprobs` has no effect: they are null. Refused: `suffix`, a `best_of` other than `n`, and prompts of"
    " tokens, whose numbers stand for other words in each model."
)


class PromptRequest(SamplingRequest):
    """A request for completions."""

    refused: ClassVar[dict[str, list[Any]]] = {"suffix": [""]}

    prompt: Text | list[Text | int | list[int]] = Field(description="A text, or several.")
    n: int | None = Field(None, ge=1, le=MAX_CHOICES, description="Answers to each prompt. Default: 1.")
    best_of: int | None = Field(None, ge=1, le=MAX_CHOICES, description="Default: n, and nothing else.")
    echo: bool | None = False

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


class TextChoice(Schema):
    """An answer. `guildhall` has what OpenAI's format doesn't cover, such as the citations."""

    index: int
    text: str
    logprobs: None = None
    finish_reason: Literal["stop", "length"]
    guildhall: Extras


class TextCompletion(Schema):
    """The answers. With `stream`, their pieces are such objects in server-sent events, one answer after another."""

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
    slot = await take_stream(user.pk)
    try:
        choices = await in_database(_start, user, body, prompts, asked)
        facts = await in_database(model_facts, choices[0].run.version.spec().model.engine)
        await close_connection()
        ignored = ", ".join(body.without_effect(facts.ignores))
        prompting = Prompting(choices, facts.context_tokens)
        if not body.stream:
            name_ignored(response, ignored)
            return await prompting.whole()
    except BaseException:
        slot.free()
        raise
    wants_usage = bool(body.stream_options and body.stream_options.include_usage)
    streaming = sse_response(prompting.events(wants_usage), slot)
    name_ignored(streaming, ignored)
    return streaming


@dataclass(frozen=True, slots=True)
class Choice:
    """The run of one answer, as it can be repeated, and the text before the answer."""

    index: int
    run: Run
    asked: RepeatableRequest
    before: str


def _start(user: User, body: PromptRequest, prompts: Sequence[str], asked: RepeatableRequest) -> list[Choice]:
    """The queued runs, all or none. Raises ApiError, Refused."""
    choices, overrides = [], body.overrides()
    with transaction.atomic():
        for index, prompt in enumerate(prompts):
            part = asked.part(index)
            run = part.run(partial(program_runs.start, user, body.model, ProgramMessage(prompt), overrides))
            choices.append(Choice(index, run, part, prompt if body.echo else ""))
    return choices


class Prompting:
    """The runs that answer a request."""

    def __init__(self, choices: Sequence[Choice], context_tokens: int | None) -> None:
        self._choices, self._context_tokens = choices, context_tokens
        first = choices[0].run
        self._same: dict[str, Any] = {
            "id": f"cmpl-{first.id.hex}",
            "object": "text_completion",
            "created": int(first.created.timestamp()),
            "model": first.message.conversation.gpt.slug,
        }
        self._usages: list[TokenUsage] = []
        self._is_broken = False

    async def whole(self) -> TextCompletion:
        """All answers, once they are finished. Raises ApiError if one failed or waits for a person."""
        made, left = [], list(self._choices)
        try:
            while left:
                choice = left.pop(0)
                steps = await program_runs.finished_steps(choice.run, choice.asked)
                made.append(await self._made(choice, steps))
        finally:
            await _leave(left)
        return TextCompletion(**self._same, choices=made, usage=self._usage())

    async def events(self, wants_usage: bool) -> AsyncGenerator[str]:
        """Yield the whole stream: all are written side by side, and sent one after the other."""
        left = list(self._choices)
        try:
            while left and not self._is_broken:
                choice = left.pop(0)
                answer = program_runs.streamed(choice.run, choice.asked, self._pieces(choice), self._failed)
                async with aclosing(answer) as events:
                    async for event in events:
                        if self._is_broken:  # first, because a caller may leave on reading the error
                            await _leave(left)
                            left = []
                        yield event
        finally:
            await _leave(left)
        if not self._is_broken:
            if wants_usage:
                yield sse({**self._same, "choices": [], "usage": self._usage().model_dump()})
            yield "data: [DONE]\n\n"

    async def _pieces(self, choice: Choice) -> AsyncIterator[str]:
        relay = Relay()
        if choice.before:
            yield self._piece(choice, choice.before)
        async for delta in pieces(choice.run.id, relay):
            text = delta.get("content", "")
            yield self._piece(choice, text) if text else KEEP_ALIVE
        steps = await in_database(log.read, choice.run.id)
        answer = outcome(steps, self._context_tokens)
        if rest := "" if answer.finish == "cancelled" else relay.rest(answer.text):
            yield self._piece(choice, rest)
        end = await self._made(choice, steps, relay.before)
        yield self._piece(choice, "", end.finish_reason, guildhall=end.guildhall.model_dump())

    def _piece(self, choice: Choice, text: str, finish: str | None = None, **facts: Any) -> str:
        piece = {"index": choice.index, "text": text, "logprobs": None, "finish_reason": finish, **facts}
        return sse({**self._same, "choices": [piece]})

    def _failed(self, problem: Problem) -> str:
        self._is_broken = True
        return sse(openai_shape(problem)[1])

    async def _made(self, choice: Choice, steps: Log, sent_before: int = 0) -> TextChoice:
        """The finished answer, whose usage counts. `sent_before`: characters of earlier replies in a stream."""
        answer: Finished = outcome(steps, self._context_tokens)
        await keep(choice.run, answer, steps, answer.text, in_parallel=False)
        self._usages.append(await in_database(usage_of, choice.run, steps))
        return TextChoice(
            index=choice.index,
            text=choice.before + answer.text,
            finish_reason="length" if finish_reason(answer.finish) == "length" else "stop",
            guildhall=extras(choice.run, answer, steps, len(choice.before) + sent_before),
        )

    def _usage(self) -> TokenUsage:
        """The tokens of all answers."""
        prompt = sum(each.prompt_tokens for each in self._usages)
        written = sum(each.completion_tokens for each in self._usages)
        reasoned = sum(each.completion_tokens_details.reasoning_tokens for each in self._usages)
        return TokenUsage(
            prompt_tokens=prompt,
            completion_tokens=written,
            total_tokens=prompt + written,
            completion_tokens_details=CompletionDetails(reasoning_tokens=reasoned),
        )


async def _leave(choices: Sequence[Choice]) -> None:
    """Stop the runs whose answers nobody gets any more."""
    for choice in choices:
        await in_database(choice.asked.was_left, choice.run)
