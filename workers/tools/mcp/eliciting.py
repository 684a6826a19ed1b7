"""Answers a server that asks the person for fields while a call of its tool is in progress (MCP elicitation).

The server is not trusted: forms are limited (`gpts/runs/forms.py`), shown one at a time, and only MAX_FORMS a call.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import anyio
from anyio import to_thread
from mcp.types import INVALID_PARAMS, ElicitRequestFormParams, ElicitResult, ErrorData

from gpts.runs.form_requests import FormRefused, read_schema
from gpts.runs.forms import Form
from gpts.runs.steps import Approval
from workers.tools.credentials import Credential, scrub
from workers.tools.watching import Silence

MAX_FORMS: Final = 10


class Limits:
    """Ends a call that takes too long or is silent; the time that a person takes to answer does not count."""

    def __init__(self, silence: Silence, timeout_s: float, check: Callable[[], None]) -> None:
        self._silence, self._check, self._ends_at = silence, check, monotonic() + timeout_s
        self._asks = False

    def check(self) -> None:
        """Raises TimeoutError, ToolError, and what the run's own check raises."""
        self._check()
        if self._asks:
            return
        self._silence.check()
        if monotonic() > self._ends_at:
            raise TimeoutError

    @contextmanager
    def person_asked(self) -> Iterator[None]:
        """No time passes while the block runs."""
        began, self._asks = monotonic(), True
        try:
            yield
        finally:
            self._asks = False
            self._ends_at += monotonic() - began
            self._silence.heard()


class Elicitor:
    """Shows the forms of the server at `asker` with `ask`, which waits for the person in a thread of its own."""

    def __init__(self, ask: Callable[[Form], Approval], asker: str, credential: Credential, limits: Limits) -> None:
        self._ask, self._asker, self._credential, self._limits = ask, asker, credential, limits
        self._one_at_a_time = anyio.Lock()
        self._n_forms = 0

    async def __call__(self, context: Any, params: Any) -> ElicitResult | ErrorData:
        """What the person answered. Addresses that a server wants opened are always declined."""
        if not isinstance(params, ElicitRequestFormParams):
            return ElicitResult(action="decline")
        try:
            form = self._read(params)
        except FormRefused as refused:
            return ErrorData(code=INVALID_PARAMS, message=str(refused))
        async with self._one_at_a_time:
            self._n_forms += 1
            if self._n_forms > MAX_FORMS:
                return ErrorData(code=INVALID_PARAMS, message=f"A call can show up to {MAX_FORMS} forms.")
            with self._limits.person_asked():
                answer = await to_thread.run_sync(self._ask, form, abandon_on_cancel=True)
        if answer.allowed:
            return ElicitResult(action="accept", content=answer.answers)
        return ElicitResult(action="cancel" if answer.dismissed or answer.expired else "decline")

    def _read(self, params: ElicitRequestFormParams) -> Form:
        """The form, without secrets that come back. Raises FormRefused."""
        text = scrub(json.dumps([params.message, params.requested_schema]), self._credential)
        message, schema = json.loads(text)
        return read_schema(message, schema, self._asker)
