"""Work that a worker computes for programs: in pieces, with which the people who wait take turns."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async

from web import rpc
from web.accounts.models import User
from web.admission import Admission, Line, to_its_end
from web.runs.connections import close_connection, take_stream

# While the worker computes one piece, the next is on its way.
AT_ONCE: Final = 2
# How long a piece may take, which is about a second, when files are read as well.
TIMEOUT_S: Final = 60.0
_turns: Final = Admission(AT_ONCE, of_line=AT_ONCE)

Pieces = Sequence[tuple[str, ...]]
# Given the number of a piece and its payload; may raise to end the work.
Take = Callable[[int, dict[str, Any]], None]


async def compute(user: User, task: str, pieces: Pieces, take: Take) -> None:
    """Give `take` the payload of the RpcTask `task` for the arguments in each of `pieces`, as it comes.

    Until then the person holds a stream. Raises TooManyStreams, NoResult, and what `take` raises.
    """
    slot = await take_stream(user.pk)
    try:
        await close_connection()
        await _all(user, task, pieces, take)
    finally:
        slot.free()


async def _all(user: User, task: str, pieces: Pieces, take: Take) -> None:
    left = iter(enumerate(pieces))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(_compute(Line(f"person-{user.pk}", writes=False), task, left, take))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _compute(line: Line, task: str, left: Iterator[tuple[int, tuple[str, ...]]], take: Take) -> None:
    call = sync_to_async(rpc.call, thread_sensitive=False)
    for number, arguments in left:
        await _turns.wait(line)
        try:
            payload = await to_its_end(call(task, *arguments, queue="index", timeout_s=TIMEOUT_S))
        finally:
            _turns.leave(line)
        take(number, payload)
