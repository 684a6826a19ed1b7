"""The answers to one request, each of a run of its own: begun, written side by side and stopped together."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from gpts.runs.overrides import Overrides
from gpts.runs.steps import Finished, Log
from web.api import program_runs
from web.api.errors import Problem
from web.api.program_runs import outcome, streamed
from web.api.repeats import RepeatableRequest
from web.runs.connections import in_database
from web.runs.models import Run

Start = Callable[[], Run]
_END: Final = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers: its place, its run, and the part of the request that it answers."""

    index: int
    run: Run
    asked: RepeatableRequest


@asynccontextmanager
async def begun(asked: RepeatableRequest, *starts: Start) -> AsyncIterator[list[Choice]]:
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


def _created(asked: RepeatableRequest, starts: Sequence[Start]) -> list[Choice]:
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


async def finished(choices: Sequence[Choice], context_tokens: int | None) -> list[tuple[Log, Finished]]:
    """The steps and the answer of each, once all are over.

    Raises ApiError if one failed or waits for a person; those after it are stopped.
    """
    made, left = [], list(choices)
    try:
        while left:
            choice = left.pop(0)
            steps = await program_runs.finished_steps(choice.run, choice.asked)
            made.append((steps, outcome(steps, context_tokens)))
    finally:
        await leave(left)
    return made


async def side_by_side(
    choices: Sequence[Choice],
    events: Callable[[Choice], AsyncIterator[str]],
    failed: Callable[[Problem], str],
    end: Callable[[], AsyncIterator[str]],
) -> AsyncGenerator[str]:
    """Yield the `events` of all answers as they come, and then the `end`.

    If one fails or waits for a person, what `failed` makes of that is the last event, and the others are stopped.
    """
    last = ""

    def fail(problem: Problem) -> str:
        nonlocal last
        last = failed(problem)
        return last

    streams = [streamed(each.run, each.asked, events(each), fail) for each in choices]
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
    if last:
        yield last
    else:
        async for event in end():
            yield event
