"""Runs asynchronous requests from a thread, and cancels them when the run was stopped."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

import anyio

from workers.tools import ToolError

T = TypeVar("T")
CHECK_EVERY_S: Final = 0.25


class Silence:
    """Ends a call of which nothing is heard for `limit_s`. `what` begins the message: "Parts Clerk sent nothing"."""

    def __init__(self, what: str, limit_s: float) -> None:
        self._what, self._limit_s = what, limit_s
        self._heard_at = monotonic()

    def heard(self) -> None:
        """Something came."""
        self._heard_at = monotonic()

    def check(self) -> None:
        """Raise ToolError if nothing came for too long."""
        if monotonic() - self._heard_at > self._limit_s:
            raise ToolError(f"{self._what} for {self._limit_s:g} seconds.")


class BrokenOff(Exception):
    """The work failed; `causes` are the errors that ended it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.causes = leaves(error)


def watched(work: Callable[[], Awaitable[T]], timeout_s: float, check: Callable[[], None] = lambda: None) -> T:
    """The result of `work`. Raises TimeoutError after `timeout_s`, BrokenOff, and what `check` raises.

    `check` is called every CHECK_EVERY_S and cancels `work` by raising.
    """
    return anyio.run(_watched, work, timeout_s, check)


async def _watched(work: Callable[[], Awaitable[T]], timeout_s: float, check: Callable[[], None]) -> T:
    answer: list[T] = []
    stopped: list[Exception] = []

    async def watch(scope: anyio.CancelScope) -> None:
        while True:
            await anyio.sleep(CHECK_EVERY_S)
            try:
                check()
            except Exception as error:  # noqa: BLE001 - carried out of the task group as it is
                stopped.append(error)
                scope.cancel()

    with anyio.fail_after(timeout_s):
        async with anyio.create_task_group() as group:
            group.start_soon(watch, group.cancel_scope)
            try:
                answer.append(await work())
            except Exception as error:  # noqa: BLE001 - carried out of the task group as it is
                stopped.append(BrokenOff(error))
            group.cancel_scope.cancel()
    if stopped:
        raise stopped[0]
    return answer[0]


def leaves(error: BaseException) -> tuple[BaseException, ...]:
    """The errors in an exception group, at any depth; any other error itself."""
    if isinstance(error, BaseExceptionGroup):
        return tuple(leaf for each in error.exceptions for leaf in leaves(each))
    return (error,)
