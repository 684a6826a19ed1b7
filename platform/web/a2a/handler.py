"""The SDK's request handler over runs: every method of the protocol that a GPT supports.

The SDK's own handler keeps tasks in the memory of one process and runs them there. Here workers advance runs and the
log keeps them, so any process of the site can read, follow and cancel any task.
"""

from collections.abc import AsyncGenerator
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
    ExtendedAgentCardNotConfiguredError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length, validate_history_length, validate_page_size
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from web.a2a.errors import spoken
from web.a2a.following import events, updates
from web.a2a.messages import attached, words_of
from web.a2a.tasks import STATES, task_of
from web.accounts.models import User
from web.builder.models import Gpt
from web.runs import services
from web.runs.connections import in_database
from web.runs.models import Conversation, Run

PAGE_SIZE: Final = 50
NO_SUCH_TASK: Final = "Task not found."


class RunHandler(RequestHandler):
    """Handles requests to one GPT from one person's program."""

    def __init__(self, user: User, gpt: Gpt) -> None:
        self._user, self._gpt = user, gpt

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task | Message:
        """The task of a new run, once it is over or waits for a person; at once if the caller asks for that."""
        with spoken():
            validate_history_length(params.configuration)
            run = await in_database(self._start, params.message)
            if not params.configuration.return_immediately:
                async for _ in events(run):
                    pass
            return apply_history_length(await in_database(task_of, run), params.configuration)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """Yield the task of a new run, then its updates. A caller who disconnects does not end it."""
        with spoken():
            validate_history_length(params.configuration)
            run = await in_database(self._start, params.message)
            yield apply_history_length(await in_database(task_of, run), params.configuration)
            async for update in updates(run):
                yield update

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """Yield the task now, then its updates from now on."""
        with spoken():
            run = await in_database(self._run, params.id)
            if run.is_over:
                raise UnsupportedOperationError("This task has ended. Read it with GetTask.")
            yield await in_database(task_of, run)
            async for update in updates(run):
                yield update

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """The task now."""
        with spoken():
            validate_history_length(params)
            run = await in_database(self._run, params.id)
            return apply_history_length(await in_database(task_of, run), params)

    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task | None:
        """The task, cancelled."""
        with spoken():
            run = await in_database(self._run, params.id)
            if not await in_database(services.cancel_run, run):
                raise TaskNotCancelableError("This task has already ended.")
            return await in_database(task_of, run)

    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """A page of the person's tasks with this agent, newest first."""
        with spoken():
            validate_history_length(params)
            if params.HasField("page_size"):
                validate_page_size(params.page_size)
            return await in_database(self._list, params)

    def _start(self, message: Message) -> Run:
        """The queued run that answers `message`. Raises A2AError, Refused."""
        if message.task_id:
            raise UnsupportedOperationError(
                "Tasks take no further messages. Send a new message in the same context, without a task id."
            )
        text = words_of(message)
        with transaction.atomic():  # a refused run leaves no conversation behind
            conversation = self._conversation(message.context_id)
            files = [file.id for file in attached(self._user, message.parts)]
            return services.start_run(conversation, text, attachments=files)

    def _conversation(self, context_id: str) -> Conversation:
        if not context_id:
            return services.start_conversation(self._user, self._gpt, Conversation.Origin.API)
        try:
            conversation = services.access_conversation(self._user, UUID(context_id))
        except (ValueError, Http404):
            conversation = None
        ours = conversation is not None and conversation.origin == Conversation.Origin.API
        if conversation is None or not ours or conversation.gpt_id != self._gpt.id:
            raise InvalidParamsError("Context not found. Leave it out to start a new one.")
        return conversation

    def _run(self, task_id: str) -> Run:
        """The run of a task that the person has with this GPT. Raises Http404."""
        try:
            run = services.access_run(self._user, UUID(task_id))
        except (ValueError, Http404):
            raise Http404(NO_SUCH_TASK) from None
        if run.message.conversation.gpt_id != self._gpt.id:
            raise Http404(NO_SUCH_TASK)
        return run

    def _list(self, params: ListTasksRequest) -> ListTasksResponse:
        runs, size, start = self._listed(params), params.page_size or PAGE_SIZE, 0
        if params.page_token:
            if not params.page_token.isdecimal() or len(params.page_token) > 9:
                raise InvalidParamsError("Invalid page token.")
            start = int(params.page_token)
        total = runs.count()
        told = [task_of(run, params.include_artifacts) for run in runs[start : start + size]]
        page = [apply_history_length(task, params) for task in told]
        more = str(start + size) if start + size < total else ""
        return ListTasksResponse(tasks=page, next_page_token=more, page_size=size, total_size=total)

    def _listed(self, params: ListTasksRequest) -> QuerySet[Run]:
        mine = Run.objects.filter(owner=self._user, message__conversation__gpt=self._gpt)
        runs = mine.filter(message__conversation__deleted=None, message__conversation__origin=Conversation.Origin.API)
        if params.context_id:
            try:
                runs = runs.filter(message__conversation=UUID(params.context_id))
            except ValueError:
                return runs.none()
        if params.status:
            runs = runs.filter(status__in=[status for status, state in STATES.items() if state == params.status])
        return runs.select_related("message__conversation").order_by("-created", "-id")

    async def on_create_task_push_notification_config(self, params: Any, context: ServerCallContext) -> Any:
        """Raises: this site sends no push notifications."""
        raise PushNotificationNotSupportedError

    on_get_task_push_notification_config = on_create_task_push_notification_config
    on_list_task_push_notification_configs = on_create_task_push_notification_config
    on_delete_task_push_notification_config = on_create_task_push_notification_config

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> Any:
        """Raises: there is no extended card."""
        raise ExtendedAgentCardNotConfiguredError
