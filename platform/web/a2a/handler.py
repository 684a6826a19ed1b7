"""Handles A2A requests to GPTs with runs: workers advance them, so any process can read, follow and cancel a task.

The SDK's own handler would keep tasks in the memory of one process and run them there.
"""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.request_handlers.request_handler import RequestHandler, validate_request_params
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
)
from a2a.utils.errors import (
    A2AError,
    ExtendedAgentCardNotConfiguredError,
    InternalError,
    InvalidParamsError,
    InvalidRequestError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length, validate_history_length, validate_page_size
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import Http404
from google.protobuf.json_format import MessageToDict

from web.a2a.following import events, updates
from web.a2a.tasks import attached, context_of, in_state, task_of, text_of
from web.accounts.models import User
from web.builder.models import Gpt
from web.runs import services
from web.runs.connections import in_database
from web.runs.errors import Refused, RunOver
from web.runs.file_reading import until_read
from web.runs.models import Conversation, Run
from web.runs.programs import conversation_of, run_of

logger = logging.getLogger(__name__)

PAGE_SIZE: Final = 50
CONTEXT_CHARS: Final = 200
NOT_FOUND: Final = "Task not found."
NO_STATUS: Final = "There is no such task status."
ENDED: Final = "This task has already ended."
CONTINUE: Final = (
    "This task has ended. To go on from it, send a message with the context id {context}, and no task id."
)
BUSY: Final = "This task takes no messages while it is in progress. Follow it, or cancel it."


@contextmanager
def protocol_errors() -> Iterator[None]:
    """Raises errors of the site as those of the protocol; an unexpected one is logged and its text not sent."""
    try:
        yield
    except A2AError:
        raise
    except Http404 as error:
        raise TaskNotFoundError(str(error) or None) from error
    except RunOver as error:
        raise TaskNotCancelableError(ENDED) from error
    except Refused as error:
        # Only what is no message at all is an invalid request; limits have no code of their own.
        kind = InvalidRequestError if error.status == 429 else InvalidParamsError
        raise kind(str(error), data={"status": str(error.status)}) from error
    except Exception as error:
        logger.exception("an A2A request failed")
        raise InternalError("Something went wrong. The error was logged; try again later.") from error


class RunHandler(RequestHandler):
    """Handles requests to one GPT from one person's program. `asks_no_status`: for tasks of a status that is none."""

    def __init__(self, user: User, gpt: Gpt, asks_no_status: bool = False) -> None:
        self._user, self._gpt, self._asks_no_status = user, gpt, asks_no_status

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task | Message:
        """The task of a new run, once it is over or waits for a person; immediately if the caller asks for that."""
        with protocol_errors():
            validate_history_length(params.configuration)
            run = await self._start(params.message)
            if not params.configuration.return_immediately:
                async for _ in events(run):
                    pass
            return apply_history_length(await in_database(task_of, run), params.configuration)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """Yield the task of a new run, then its updates. A caller who disconnects does not end it."""
        with protocol_errors():
            validate_history_length(params.configuration)
            run = await self._start(params.message)
            yield apply_history_length(await in_database(task_of, run), params.configuration)
            async for update in updates(run):
                yield update

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """Yield the task now, then its updates from now on."""
        with protocol_errors():
            run = await in_database(self._run, params.id)
            if run.is_over:
                raise UnsupportedOperationError("This task has ended. Read it with GetTask.")
            yield await in_database(task_of, run)
            async for update in updates(run):
                yield update

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """The task now."""
        with protocol_errors():
            validate_history_length(params)
            run = await in_database(self._run, params.id)
            return apply_history_length(await in_database(task_of, run), params)

    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task | None:
        """The task, cancelled."""
        with protocol_errors():
            run = await in_database(self._run, params.id)
            if not await in_database(services.cancel_run, run):
                raise TaskNotCancelableError(ENDED)
            return await in_database(task_of, run)

    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """A page of the person's tasks with this agent, changed last first."""
        with protocol_errors():
            if self._asks_no_status:
                raise InvalidParamsError(NO_STATUS)
            validate_history_length(params)
            if params.HasField("page_size"):
                validate_page_size(params.page_size)
            return await in_database(self._list, params)

    async def _start(self, message: Message) -> Run:
        """The queued run that answers `message`, once its files are read. Raises A2AError, Refused."""
        context_id = await in_database(self._context, message)
        text = text_of(message)
        files = [file.id for file in await in_database(attached, self._user, message.parts)]
        await until_read(files)
        inputs = MessageToDict(message.metadata).get("inputs") if message.HasField("metadata") else None
        return await in_database(self._send, text, context_id, files, inputs if isinstance(inputs, dict) else {})

    def _context(self, message: Message) -> str:
        """The context that the message goes on with; empty for a new one. Raises Http404, A2AError."""
        if not message.task_id:
            referred = [self._run(task_id) for task_id in message.reference_task_ids]
            return message.context_id or next(map(context_of, reversed(referred)), "")
        run = self._run(message.task_id)
        if message.context_id not in ("", context_of(run)):
            raise InvalidParamsError("The task belongs to another context.")
        text = CONTINUE.format(context=context_of(run)) if run.is_over else BUSY
        raise UnsupportedOperationError(text)

    def _send(self, text: str, context_id: str, files: list[UUID], inputs: dict[str, Any]) -> Run:
        if len(context_id) > CONTEXT_CHARS or not context_id.isprintable():
            raise InvalidParamsError(f"A context id has up to {CONTEXT_CHARS} characters, all of them printable.")
        try:
            with transaction.atomic():
                return services.start_run(self._conversation(context_id, inputs), text, attachments=files)
        except IntegrityError:  # another message began the same context at the same time
            return services.start_run(self._conversation(context_id, inputs), text, attachments=files)

    def _conversation(self, context_id: str, inputs: dict[str, Any]) -> Conversation:
        """The conversation that the context is; a new one for an id of the caller's choice."""
        if known := self._in_context(Conversation.objects.all(), "", context_id).first():
            return conversation_of(self._user, self._gpt, known.id)
        new = conversation_of(self._user, self._gpt, None, inputs)
        new.external_id = context_id
        return new

    def _in_context(self, rows: QuerySet[Any], path: str, context_id: str) -> QuerySet[Any]:
        """Those of the rows whose conversation, at `path`, is one of this person and GPT with this context id."""
        of = {"owner": self._user, "gpt": self._gpt, "deleted": None, "origin": Conversation.Origin.API}
        named = Q(**{f"{path}external_id": context_id}) if context_id else Q(pk=None)
        with suppress(ValueError):
            named |= Q(**{f"{path}id": UUID(context_id), f"{path}external_id": ""})
        return rows.filter(named, **{f"{path}{name}": value for name, value in of.items()})

    def _run(self, task_id: str) -> Run:
        """The run of a task that the person has with this GPT. Raises Http404."""
        try:
            return run_of(self._user, self._gpt, UUID(task_id))
        except (ValueError, Http404):
            raise Http404(NOT_FOUND) from None

    def _list(self, params: ListTasksRequest) -> ListTasksResponse:
        runs, size, start = self._matching(params), params.page_size or PAGE_SIZE, 0
        if params.page_token:
            if not params.page_token.isdecimal() or len(params.page_token) > 9:
                raise InvalidParamsError("Invalid page token.")
            start = int(params.page_token)
        total = runs.count()
        tasks = [task_of(run, params.include_artifacts) for run in runs[start : start + size]]
        page = [apply_history_length(task, params) for task in tasks]
        more = str(start + size) if start + size < total else ""
        return ListTasksResponse(tasks=page, next_page_token=more, page_size=size, total_size=total)

    def _matching(self, params: ListTasksRequest) -> QuerySet[Run]:
        mine = Run.objects.filter(owner=self._user, message__conversation__gpt=self._gpt)
        runs = mine.filter(message__conversation__deleted=None, message__conversation__origin=Conversation.Origin.API)
        if params.context_id:
            runs = self._in_context(runs, "message__conversation__", params.context_id)
        if params.status:
            runs = in_state(runs, params.status)
        # The time of the task's status, see `status_of`.
        runs = runs.alias(changed=Coalesce("ended", "created"))
        if params.HasField("status_timestamp_after"):
            runs = runs.filter(changed__gt=params.status_timestamp_after.ToDatetime(UTC))
        return runs.select_related("message__conversation").order_by("-changed", "-id")

    async def on_create_task_push_notification_config(self, params: Any, context: ServerCallContext) -> Any:
        """Raises: this site sends no push notifications."""
        raise PushNotificationNotSupportedError

    on_get_task_push_notification_config = on_create_task_push_notification_config
    on_list_task_push_notification_configs = on_create_task_push_notification_config
    on_delete_task_push_notification_config = on_create_task_push_notification_config

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> Any:
        """Raises: there is no extended card."""
        raise ExtendedAgentCardNotConfiguredError
