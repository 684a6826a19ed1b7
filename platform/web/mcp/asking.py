"""Calls of tools: a question starts a run, which the call follows to its end. Stopping the call stops the run.

While the run waits for a person, their client asks them if it can (approvals.py). If it cannot, the call ends and the
run waits; a later call with its id gets the answer.
"""

import json
from contextlib import aclosing
from time import monotonic
from typing import Any, Final
from uuid import UUID

import anyio
from django.http import Http404
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ElicitRequest,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from web.mcp.answers import GptQuestion, failed, result_of, waiting_for
from web.mcp.approvals import Pending, elicitation, pending, take
from web.mcp.callers import Caller, Context, caller_of
from web.mcp.offers import PREFIX, access_offered
from web.runs import log, services, stream
from web.runs.connections import in_database
from web.runs.errors import Refused
from web.runs.models import Run
from web.runs.programs import conversation_of, run_of
from web.runs.stream import Event

# While nothing is to be told, clients hear after so many seconds that the run goes on, and wait longer.
SIGN_S: Final = 5.0


async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
    """The answer of a GPT. What a model can correct is an error in the result, anything else raises MCPError."""
    caller, slug = caller_of(context), params.name.removeprefix(PREFIX)
    if slug == params.name:
        raise MCPError(INVALID_PARAMS, "Unknown tool.")
    state = json.loads(params.request_state or "{}")
    try:
        question = GptQuestion.model_validate(params.arguments or {})
        with anyio.CancelScope(shield=True):  # who leaves now would leave a run behind
            run = await in_database(_run, caller, slug, question, state)
    except ValidationError as error:
        return failed("; ".join(_in_words(each) for each in error.errors()))
    except (Refused, Http404) as error:
        return failed(str(error))
    call = _Call(context, caller, run, state)
    try:
        return await call.result(params.input_responses or {})
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await in_database(services.cancel_run, run)
        raise


def _in_words(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    text = error["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" if place else text


def _run(caller: Caller, slug: str, question: GptQuestion, state: dict[str, Any]) -> Run:
    """The run that answers: a new one, or the one that an earlier call waited for. Raises Refused, Http404."""
    try:
        gpt = access_offered(caller, slug)
    except Http404:
        raise MCPError(INVALID_PARAMS, "Unknown tool.") from None
    if run_id := (UUID(state["run"]) if state else question.run):
        return run_of(caller.user, gpt, run_id)
    conversation = conversation_of(caller.user, gpt, question.conversation, question.inputs)
    return services.start_run(conversation, question.question)


class _Call:
    """One call, which follows `run`; `state` is what the last result left for it, if the person was asked there."""

    def __init__(self, context: Context, caller: Caller, run: Run, state: dict[str, Any]) -> None:
        self._context, self._caller, self._run = context, caller, run
        self._last_id = state.get("last", "")
        self._asked = set(state.get("asked", ()))
        self._sent = {key: ElicitRequest.model_validate(sent) for key, sent in state.get("sent", {}).items()}
        self._n_told, self._told_at = 0, monotonic()

    async def result(self, responses: dict[str, Any]) -> CallToolResult | InputRequiredResult:
        """The answer, or what the client must ask the person first."""
        for each in await in_database(pending, self._run):
            response = responses.get(each.key)
            if each.key not in self._sent or not isinstance(response, ElicitResult):
                continue
            if not await self._take(each, self._sent[each.key], response):
                return self._waits(each)
        while open_requests := await self._follow():
            requests = {each.key: elicitation(self._context, self._caller, each) for each in open_requests}
            if self._context.protocol_version in MODERN_PROTOCOL_VERSIONS and all(requests.values()):
                return self._ask_in_result({key: each for key, each in requests.items() if each})
            for each in open_requests:
                request = requests[each.key]
                if request is None or not self._context.session.can_send_request:
                    return self._waits(each)
                if not await self._take(each, request, await self._ask(request)):
                    return self._waits(each)
        return await in_database(lambda: result_of(self._run, log.read(self._run.id)))

    async def _follow(self) -> list[Pending]:
        """The requests that nobody was asked yet, once there are any; none if the run is over."""
        async with aclosing(stream.follow(self._run.id, self._last_id)) as events:  # type: ignore[type-var]
            async for entry_id, event in events:
                self._last_id = entry_id or self._last_id
                await self._tell(event)
                if not event or event.get("kind") == "approval_request":
                    found = await in_database(pending, self._run)
                    if fresh := [each for each in found if each.key not in self._asked]:
                        return fresh
        return []

    async def _tell(self, event: Event) -> None:
        """Report what the run is doing, and now and then only that it goes on."""
        text = event.get("text", "") if event.get("type") in ("progress", "queue") else event.get("summary", "")
        if text or monotonic() - self._told_at >= SIGN_S:
            self._n_told, self._told_at = self._n_told + 1, monotonic()
            await self._context.session.report_progress(self._n_told, None, text or None)

    async def _ask(self, request: ElicitRequest) -> ElicitResult:
        """The person's answer, for which a client of an earlier version is asked while its call waits."""
        metadata = ServerMessageMetadata(related_request_id=self._context.request_id)
        try:
            return await self._context.session.send_request(request, ElicitResult, metadata=metadata)
        except MCPError:  # it could not ask
            return ElicitResult(action="cancel")

    async def _take(self, asked: Pending, request: ElicitRequest, result: ElicitResult) -> bool:
        """Whether the call goes on after this answer."""
        self._asked.add(asked.key)
        return await in_database(take, self._caller, asked, request, result) != "left"

    def _ask_in_result(self, requests: dict[str, ElicitRequest]) -> InputRequiredResult:
        """What has a client of the current version ask the person, then call again."""
        sent = {key: each.model_dump(mode="json", exclude_none=True) for key, each in requests.items()}
        state = {"run": str(self._run.id), "last": self._last_id, "asked": sorted(self._asked), "sent": sent}
        return InputRequiredResult(input_requests=dict(requests), request_state=json.dumps(state))

    def _waits(self, asked: Pending) -> CallToolResult:
        return waiting_for(asked.run.id, self._run, asked.text)
