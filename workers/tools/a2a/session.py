"""One task given to a remote agent through the official SDK: send, follow or poll until it is over, cancel if not.

Agents are strangers: calls go to the origin that the creator saw and nowhere else, answers are bounded, waits end,
and a task that nobody waits for any more is cancelled there.
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
from workers.egress import EgressConfig, EgressError, FetchLimits, Response, guarded_async_transport
from workers.tools import ToolContext, ToolError
from workers.tools.a2a.answers import add_piece
from workers.tools.a2a.cards import BINDINGS, fetch_card, origin_of
from workers.tools.actions.answers import failure
from workers.tools.credentials import Credential, scrub
from workers.tools.watching import BrokenOff, watched

MAX_ANSWER_BYTES: Final = 16_000_000
CANCEL_S: Final = 5.0
FIRST_POLL_S: Final = 0.5
LAST_POLL_S: Final = 5.0
PROGRESS_CHARS: Final = 120
OUTPUT_MODES: Final = ("text/plain", "text/markdown", "application/json", "image/png", "image/jpeg", "text/csv")
OPEN: Final = (TaskState.TASK_STATE_UNSPECIFIED, TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING)
WAITS: Final = (TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED)


class RefusedThere(Exception):
    """The agent did not take the task; the message is its own, a stranger's text."""


def ask(
    egress: EgressConfig, agent: RemoteAgent, lent: Credential, task: str, context: ToolContext
) -> Task | Message:
    """What came of the task. Raises ToolError, RefusedThere, and what `context.check` raises.

    A task that is not over then is cancelled there.
    """
    ends = monotonic() + context.deadline_s
    card = fetch_card(egress, agent.card_url, lent, context.check)
    if origin_of(card.supported_interfaces[0].url) != origin_of(agent.url):
        raise ToolError(
            f"The Agent Card of {agent.name} has moved away from {host_of(agent.url)}. The GPT's creator has to look"
            " at it and read it again."
        )
    call = _Call(egress, agent, card, lent, context)
    try:
        return watched(partial(call.run, task), max(ends - monotonic(), 0.1), context.check)
    except TimeoutError:
        raise ToolError(f"{agent.name} did not answer within {context.deadline_s:.0f} seconds.") from None
    except BrokenOff as broken:
        context.check()  # telling of the progress may have found out first that nobody waits any more
        raise _told(agent, lent, broken.causes[0]) from None
    finally:
        call.give_up()


class _Call:
    """A task under way: `task` is what is known of it by now, `reply` the message that answered in its place."""

    def __init__(
        self, egress: EgressConfig, agent: RemoteAgent, card: AgentCard, lent: Credential, context: ToolContext
    ) -> None:
        self.egress = egress
        self.agent, self.card, self.lent, self.context = agent, card, lent, context
        self.task = Task()
        self.reply: Message | None = None

    async def run(self, text: str) -> Task | Message:
        """The task once it is over or waits for something, or the message that answers it."""
        streams = self.card.capabilities.streaming
        configuration = SendMessageConfiguration(accepted_output_modes=OUTPUT_MODES, return_immediately=not streams)
        message = new_text_message(text, role=Role.ROLE_USER)
        async with self._http() as http:
            client = self._client(http)
            await self._send(client, SendMessageRequest(message=message, configuration=configuration))
            if self.is_open and not self.task.id:
                raise ToolError(f"{self.agent.name} gave an answer that makes no sense.")
            wait_s = FIRST_POLL_S
            while self.is_open:
                await anyio.sleep(wait_s)
                wait_s = min(wait_s * 1.5, LAST_POLL_S)
                self._know(await client.get_task(GetTaskRequest(id=self.task.id)))
        return self.reply or self.task

    async def _send(self, client: Client, request: SendMessageRequest) -> None:
        """Send the message and follow what comes of it, as long as the agent tells."""
        try:
            async with aclosing(client.send_message(request)) as events:  # type: ignore[type-var]
                async for event in events:
                    self._take(event)
                    if not self.is_open:
                        return
        except A2AClientError:
            if not self.task.id:
                raise  # else it is under way there, whatever became of the stream

    @property
    def is_open(self) -> bool:
        """Whether the agent may still be at it."""
        return self.reply is None and self.task.status.state in OPEN

    def _take(self, event: StreamResponse) -> None:
        match event.WhichOneof("payload"):
            case "message":
                self.reply = event.message
            case "task":
                self._know(event.task)
            case "status_update":
                self.task.id = event.status_update.task_id
                self.task.status.CopyFrom(event.status_update.status)
                self._tell()
            case "artifact_update":
                self.task.id = event.artifact_update.task_id
                add_piece(self.task, event.artifact_update)

    def _know(self, task: Task) -> None:
        self.task.CopyFrom(task)
        self._tell()

    def _tell(self) -> None:
        """Tell the reader how far the agent is, in its own words if it has some."""
        words = " ".join(get_message_text(self.task.status.message).split())
        working = self.task.status.state == TaskState.TASK_STATE_WORKING
        text = scrub(words, self.lent)[:PROGRESS_CHARS] or ("is at it" if working else "")
        if text and self.is_open:
            self.context.progress(f"{self.agent.name}: {text}")

    def give_up(self) -> None:
        """Have the agent stop, if it is still at it or waits for what it will not get. Waits CANCEL_S at most."""
        if self.task.id and (self.is_open or self.task.status.state in WAITS):
            try:
                watched(self._cancel, CANCEL_S)
            except (TimeoutError, BrokenOff):
                return  # it was asked; what it does is its own affair

    async def _cancel(self) -> None:
        async with self._http() as http:
            await self._client(http).cancel_task(CancelTaskRequest(id=self.task.id))

    def _client(self, http: httpx.AsyncClient) -> Client:
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=list(BINDINGS))
        return ClientFactory(config).create(self.card)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=_Pinned(self.egress, self.agent, self.lent),
            headers={"User-Agent": self.egress.user_agent},
            timeout=httpx.Timeout(30.0, read=self.context.deadline_s),
            follow_redirects=False,
            trust_env=False,
        )


class _Pinned(httpx.AsyncBaseTransport):
    """The guard, for one origin alone: whatever a card or the SDK makes of it, key and task go nowhere else."""

    def __init__(self, egress: EgressConfig, agent: RemoteAgent, lent: Credential) -> None:
        self._home, self._lent = origin_of(agent.url), lent
        self._inner = guarded_async_transport(egress, FetchLimits(max_bytes=MAX_ANSWER_BYTES))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to come."""
        if origin_of(str(request.url)) != self._home:
            raise httpx.ConnectError("The agent is called at its own address only.", request=request)
        request.headers.update(self._lent.headers)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _told(agent: RemoteAgent, lent: Credential, error: BaseException) -> Exception:
    """Why the agent gave no answer. Words of its own go into a RefusedThere only."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, httpx.HTTPStatusError):
            return ToolError(failure(Response(cause.response.status_code, {}, b"", ""), host_of(agent.url), None))
        if isinstance(cause, EgressError):
            return ToolError(f"Couldn't connect to {agent.name}: {scrub(str(cause), lent)}")
        if isinstance(cause, httpx.TransportError):
            return ToolError(f"The connection to {agent.name} at {host_of(agent.url)} was lost.")
        cause = cause.__cause__ or cause.__context__
    # The client's own errors are about answers that it cannot read, but for codes of errors that it does not know.
    if isinstance(error, A2AError) and (not isinstance(error, A2AClientError) or "JSON-RPC Error" in error.message):
        return RefusedThere(error.message)
    return ToolError(f"{agent.name} gave an answer that makes no sense.")
