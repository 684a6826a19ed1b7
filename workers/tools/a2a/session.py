"""Runs one task on a remote agent with the official SDK: sends it, streams or polls, and cancels it if unfinished.

Agents are not trusted: calls go only to the origin that the creator saw, responses are limited in size, waits end,
and a task that is no longer needed is cancelled.
"""

from contextlib import aclosing
from functools import partial
from time import monotonic
from typing import Final

import anyio
import httpx
from a2a.client import Client, ClientConfig, ClientFactory
from a2a.client.errors import A2AClientError
from a2a.helpers import get_message_text, new_text_message
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    Task,
    TaskState,
)
from a2a.utils.errors import A2AError

from gpts.spec.actions import host_of
from gpts.spec.gpt import RemoteAgent
from workers.egress import EgressConfig, EgressError, GuardedAsyncTransport, Response
from workers.tools import ToolContext, ToolError
from workers.tools.a2a.answers import add_piece
from workers.tools.a2a.cards import BINDINGS, fetch_card, origin_of
from workers.tools.actions.answers import failure
from workers.tools.credentials import Credential, scrub
from workers.tools.watching import BrokenOff, Silence, watched

MAX_ANSWER_BYTES: Final = 16_000_000
CANCEL_S: Final = 5.0
# A connection on which nothing comes for so long, not even a keep-alive, is given up; a task that is known is polled.
SILENT_S: Final = 60.0
# An agent whose task has not changed for so long is given up, whatever else it sends; one that reports may go on.
PROGRESS_S: Final = 120.0
CONNECT_S: Final = 10.0
FIRST_POLL_S: Final = 0.5
LAST_POLL_S: Final = 5.0
PROGRESS_CHARS: Final = 120
OUTPUT_MODES: Final = ("text/plain", "text/markdown", "application/json", "image/png", "image/jpeg", "text/csv")
OPEN: Final = (TaskState.TASK_STATE_UNSPECIFIED, TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING)
WAITS: Final = (TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED)


class AgentRefused(Exception):
    """The agent refused the task; the message is the agent's own, so it is not trusted."""


def ask(
    egress: EgressConfig, agent: RemoteAgent, credential: Credential, task: str, context: ToolContext
) -> Task | Message:
    """The finished task, or the message that answers it. Cancels an unfinished task.

    Raises ToolError, AgentRefused, and what `context.check` raises.
    """
    ends = monotonic() + context.deadline_s
    card = fetch_card(egress, agent.card_url, credential, context.check)
    if origin_of(card.supported_interfaces[0].url) != origin_of(agent.url):
        raise ToolError(
            f"The Agent Card of {agent.name} no longer points to {host_of(agent.url)}. The GPT's creator has to"
            " review it and read it again."
        )
    call = _AgentCall(egress, agent, card, credential, context)
    try:
        return watched(partial(call.run, task), max(ends - monotonic(), 0.1), call.check)
    except TimeoutError:
        raise ToolError(f"{agent.name} did not answer within {context.deadline_s:.0f} seconds.") from None
    except BrokenOff as broken:
        context.check()  # reporting progress may have failed first because the run was stopped
        raise _error(agent, credential, broken.causes[0]) from None
    finally:
        call.cancel()


class _AgentCall:
    """A running task: `task` is its latest state, `reply` the message that the agent sent instead of a task."""

    def __init__(
        self, egress: EgressConfig, agent: RemoteAgent, card: AgentCard, credential: Credential, context: ToolContext
    ) -> None:
        self.egress = egress
        self.agent, self.card, self.credential, self.context = agent, card, credential, context
        self.task = Task()
        self.reply: Message | None = None
        self._silence = Silence(f"{agent.name} reported no progress", PROGRESS_S)

    def check(self) -> None:
        """Raise ToolError if the agent hangs, and what `context.check` raises."""
        self.context.check()
        self._silence.check()

    async def run(self, text: str) -> Task | Message:
        """The task once it is over or waits for input, or the message that answers it."""
        streams = self.card.capabilities.streaming
        configuration = SendMessageConfiguration(accepted_output_modes=OUTPUT_MODES, return_immediately=not streams)
        message = new_text_message(text, role=Role.ROLE_USER)
        async with self._http() as http:
            client = self._client(http)
            await self._send(client, SendMessageRequest(message=message, configuration=configuration))
            if self.is_open and not self.task.id:
                raise ToolError(f"{self.agent.name} returned an invalid response.")
            wait_s = FIRST_POLL_S
            while self.is_open:
                await anyio.sleep(wait_s)
                wait_s = min(wait_s * 1.5, LAST_POLL_S)
                self._update(await client.get_task(GetTaskRequest(id=self.task.id)))
        return self.reply or self.task

    async def _send(self, client: Client, request: SendMessageRequest) -> None:
        """Send the message and process the stream of events."""
        try:
            async with aclosing(client.send_message(request)) as events:  # type: ignore[type-var]
                async for event in events:
                    self._take(event)
                    if not self.is_open:
                        return
        except A2AClientError:
            if not self.task.id:
                raise  # otherwise the task is running, and is polled

    @property
    def is_open(self) -> bool:
        """Whether the task may still be running."""
        return self.reply is None and self.task.status.state in OPEN

    def _take(self, event: StreamResponse) -> None:
        self._silence.heard()
        match event.WhichOneof("payload"):
            case "message":
                self.reply = event.message
            case "task":
                self._update(event.task)
            case "status_update":
                self.task.id = event.status_update.task_id
                self.task.status.CopyFrom(event.status_update.status)
                self._report()
            case "artifact_update":
                self.task.id = event.artifact_update.task_id
                add_piece(self.task, event.artifact_update)

    def _update(self, task: Task) -> None:
        if task != self.task:
            self._silence.heard()
        self.task.CopyFrom(task)
        self._report()

    def _report(self) -> None:
        """Report the agent's progress to the reader, with its own message if there is one."""
        message = " ".join(get_message_text(self.task.status.message).split())
        working = self.task.status.state == TaskState.TASK_STATE_WORKING
        text = scrub(message, self.credential)[:PROGRESS_CHARS] or ("working" if working else "")
        if text and self.is_open:
            self.context.progress(f"{self.agent.name}: {text}")

    def cancel(self) -> None:
        """Cancel the task if it is running or waits for input. Takes at most CANCEL_S."""
        if self.task.id and (self.is_open or self.task.status.state in WAITS):
            try:
                watched(self._cancel, CANCEL_S)
            except (TimeoutError, BrokenOff):
                return  # best effort

    async def _cancel(self) -> None:
        async with self._http() as http:
            await self._client(http).cancel_task(CancelTaskRequest(id=self.task.id))

    def _client(self, http: httpx.AsyncClient) -> Client:
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=list(BINDINGS))
        return ClientFactory(config).create(self.card)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=_Pinned(self.egress, self.agent, self.credential),
            headers={"User-Agent": self.egress.user_agent},
            timeout=httpx.Timeout(CONNECT_S, read=min(SILENT_S, self.context.deadline_s)),
            follow_redirects=False,
            trust_env=False,
        )


class _Pinned(httpx.AsyncBaseTransport):
    """A guarded transport to one origin: whatever a card or the SDK does, key and task are sent nowhere else."""

    def __init__(self, egress: EgressConfig, agent: RemoteAgent, credential: Credential) -> None:
        self._home, self._credential = origin_of(agent.url), credential
        self._inner = GuardedAsyncTransport(egress, MAX_ANSWER_BYTES)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, with its body unread."""
        if origin_of(str(request.url)) != self._home:
            raise httpx.ConnectError("The agent may only be called at its own address.", request=request)
        request.headers.update(self._credential.headers)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _error(agent: RemoteAgent, credential: Credential, error: BaseException) -> Exception:
    """The exception for a failed call. Only AgentRefused has text of the agent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, httpx.HTTPStatusError):
            return ToolError(failure(Response(cause.response.status_code, {}, b"", ""), host_of(agent.url), None))
        if isinstance(cause, EgressError):
            return ToolError(f"Couldn't connect to {agent.name}: {scrub(str(cause), credential)}")
        if isinstance(cause, httpx.ReadTimeout):
            return ToolError(f"{agent.name} sent nothing for {SILENT_S:.0f} seconds.")
        if isinstance(cause, httpx.TransportError):
            return ToolError(f"The connection to {agent.name} at {host_of(agent.url)} was lost.")
        cause = cause.__cause__ or cause.__context__
    # The client's own errors are about invalid responses, except for JSON-RPC errors with unknown codes.
    if isinstance(error, A2AError) and (not isinstance(error, A2AClientError) or "JSON-RPC Error" in error.message):
        return AgentRefused(error.message)
    return ToolError(f"{agent.name} returned an invalid response.")
