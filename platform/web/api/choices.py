"""The answers to one request, each of a run of its own: started, written side by side, and shown in a format."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from gpts.runs.overrides import Overrides
from web.api import program_runs
from web.api.answers import RunAnswer, usage_of
from web.api.auth import caller
from web.api.completions import SamplingRequest
from web.api.errors import Problem, openai_shape
from web.api.messages import ProgramMessage
from web.api.program_runs import outcome, sse, streamed
from web.api.repeats import RepeatableRequest
from web.runs import log
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.events import AnswerPiece, Relay, events
from web.runs.model_facts import model_facts
from web.runs.models import Run

# Names the parameters of the request that have no effect.
IGNORED_HEADER: Final = "X-Ignored-Parameters"
_END: Final = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers: its place, its run, and the part of the request that it answers."""

    index: int
    run: Run
    asked: RepeatableRequest


class WireFormat(Protocol):
    """Shows answers: a body with all of them, or server-sent events of their beginnings, pieces and ends.

    `close` has the events after all answers, `failed` the last one instead. All but `piece` and `failed` may query.
    """

    def whole(self, answers: Sequence[RunAnswer]) -> Any: ...
    def begin(self, choice: Choice) -> Iterable[str]: ...
    def piece(self, choice: Choice, piece: AnswerPiece) -> str: ...
    def end(self, choice: Choice, answer: RunAnswer) -> Iterable[str]: ...
    def close(self, answers: Sequence[RunAnswer]) -> Iterable[str]: ...
    def failed(self, problem: Problem) -> str: ...


class Chunks:
    """What OpenAI's two formats of completions share: objects with the id of the first run, the usage and the end."""

    def __init__(self, body: SamplingRequest, kind: str, name: str, first: Run) -> None:
        self.wants_usage = body.wants_usage
        self.same: dict[str, Any] = {
            "id": f"{name}-{first.id.hex}",
            "object": kind,
            "created": int(first.created.timestamp()),
            "model": first.message.conversation.gpt.slug,
        }

    def close(self, answers: Sequence[RunAnswer]) -> Iterator[str]:
        """The usage, if `stream_options.include_usage` asks for it."""
        if self.wants_usage:
            yield sse({**self.same, "choices": [], "usage": usage_of(*answers).model_dump()})
        yield "data: [DONE]\n\n"

    def failed(self, problem: Problem) -> str:
        """The error in OpenAI's shape."""
        return sse(openai_shape(problem)[1])


async def respond(
    request: HttpRequest,
    response: HttpResponse,
    body: SamplingRequest,
    way: str,
    messages: Sequence[ProgramMessage],
    show: Callable[[Sequence[Choice]], WireFormat],
    *,
    is_kept: bool = False,
) -> Any:
    """What is sent for a request: an answer to each message, each of a run of its own, whole or as a stream.

    A caller without a key who disconnects stops the runs. Raises ApiError, Refused.
    """
    user = caller(request)
    asked = RepeatableRequest.of(request, way, body.model_dump_json(exclude={"stream", "stream_options"}))
    slot = await take_stream(user.pk) if body.stream else None
    files = await program_runs.files_of(user, messages[0])

    def start(index: int, message: ProgramMessage) -> Run:
        overrides = seeded(body.overrides(), index)  # checks schemas, which takes time: not in the event loop
        return program_runs.start(user, body.model, message, overrides, files, is_kept, body.inputs)

    starts = [partial(start, index, message) for index, message in enumerate(messages)]
    async with begun(asked, *starts) as choices:
        facts = await in_database(model_facts, choices[0].run.version.spec().model.engine)
        await close_connection()
        answering = Answering(choices, show(choices), facts.context_tokens, body.in_parallel)
        whole = await answering.whole() if slot is None else sse_response(answering.stream(), slot)
        name_ignored(response if slot is None else whole, body.without_effect(facts.ignores))
        return whole


def name_ignored(response: HttpResponseBase, names: Iterable[str]) -> None:
    """Tell the caller in a header which parameters had no effect."""
    if ignored := ", ".join(names):
        response.headers[IGNORED_HEADER] = ignored


@asynccontextmanager
async def begun(asked: RepeatableRequest, *starts: Callable[[], Run]) -> AsyncIterator[list[Choice]]:
    """The answers to the request, one for each of `starts`: all of them or none.

    Their runs are stopped if the caller leaves while they are created, or before its response begins. Raises what
    `starts` raise.
    """
    creating = asyncio.ensure_future(in_database(_created, asked, starts))
    try:
        yield await asyncio.shield(creating)
    except asyncio.CancelledError:
        await leave(await creating)
        raise


def _created(asked: RepeatableRequest, starts: Sequence[Callable[[], Run]]) -> list[Choice]:
    if len(starts) == 1:
        return [Choice(0, asked.run(starts[0]), asked)]
    parts = [asked.part(index) for index in range(len(starts))]
    with transaction.atomic():
        return [
            Choice(index, part.run(start), part)
            for index, (part, start) in enumerate(zip(parts, starts, strict=True))
        ]


def seeded(overrides: Overrides, index: int) -> Overrides:
    """The settings of the answer number `index`: with one seed, all would be the same."""
    return overrides if overrides.seed is None else overrides.model_copy(update={"seed": overrides.seed ^ index})


async def leave(choices: Iterable[Choice]) -> None:
    """Stop the runs whose answers nobody gets any more."""
    await asyncio.gather(*(choice.asked.was_left(choice.run) for choice in choices))


class Answering:
    """The runs that answer a request, in a format. `in_parallel`: an answer may have several calls at once."""

    def __init__(
        self, choices: Sequence[Choice], shown: WireFormat, context_tokens: int | None, in_parallel: bool
    ) -> None:
        self._choices, self._shown = choices, shown
        self._context_tokens, self._in_parallel = context_tokens, in_parallel
        self._over: dict[int, RunAnswer] = {}

    async def whole(self) -> Any:
        """All answers, once they are over.

        Raises ApiError if one failed or waits for a person; those after it are stopped.
        """
        left = list(self._choices)
        try:
            while left:
                choice = left.pop(0)
                steps = await program_runs.finished_steps(choice.run, choice.asked)
                said = outcome(steps, self._context_tokens)
                self._over[choice.index] = RunAnswer(choice.run, steps, said, self._in_parallel)
        finally:
            await leave(left)
        return await in_database(self._whole, list(self._over.values()))

    def _whole(self, answers: Sequence[RunAnswer]) -> Any:
        for answer in answers:
            answer.keep(answer.said.text)
        return self._shown.whole(answers)

    async def stream(self) -> AsyncGenerator[str]:
        """Yield the events of all answers as they come.

        If one fails or waits for a person, what the format makes of that is the last event; the others are stopped.
        """
        last = ""

        def fail(problem: Problem) -> str:
            nonlocal last
            last = self._shown.failed(problem)
            return last

        streams = [streamed(each.run, each.asked, self._events(each), fail) for each in self._choices]
        coming = {asyncio.ensure_future(anext(stream, _END)): stream for stream in streams}
        try:
            while coming and not last:
                for task in (await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED))[0]:
                    stream = coming.pop(task)
                    if event := task.result():
                        coming[asyncio.ensure_future(anext(stream, _END))] = stream
                        if not last:
                            yield event
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)
            for stream in streams:
                await stream.aclose()
        if not last:
            answers = [self._over[choice.index] for choice in self._choices]
            last = await in_database(lambda: "".join(self._shown.close(answers)))
        if last:
            yield last

    async def _events(self, choice: Choice) -> AsyncIterator[str]:
        """Yield the events of one answer. Raises what `events` and `outcome` raise."""
        relay, text = Relay(), ""
        if begin := await in_database(lambda: "".join(self._shown.begin(choice))):
            yield begin
        async for event in events(choice.run.id):
            piece = relay.take(event)
            if piece and (sent := self._shown.piece(choice, piece)):
                yield sent
            text += piece.text if piece else ""
        yield await in_database(self._end, choice, relay, text)

    def _end(self, choice: Choice, relay: Relay, text: str) -> str:
        """The events that are left once the run is over, of which `text` was sent."""
        steps = log.read(choice.run.id)
        said = outcome(steps, self._context_tokens)
        rest = AnswerPiece() if said.finish == "cancelled" else relay.rest(said.text)
        answer = self._over[choice.index] = RunAnswer(choice.run, steps, said, self._in_parallel, relay.before)
        answer.keep(text + rest.text)
        piece = self._shown.piece(choice, rest) if rest.text else ""
        return "".join([piece, *self._shown.end(choice, answer)])
