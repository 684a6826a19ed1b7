"""What the pages of MCP servers in a chat (MCP Apps) ask of their own servers, for the person whose chat it is only.

Each is a row that stays with the chat, whether or not anything came of it. Who may ask is decided here; what may be
done, and what the person must allow, by the worker that does it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext

from gpts.runs.steps import AppView, ToolResult
from gpts.spec.actions import CALL_TIMEOUT_S
from web import rpc
from web.accounts import quotas
from web.accounts.models import User
from web.builder.models import Gpt
from web.runs import log
from web.runs.access import access_run
from web.runs.errors import Refused
from web.runs.models import Run
from web.runs.models_chats import AppCall

MAX_ARGUMENT_CHARS: Final = 20_000
MAX_ADDRESS_CHARS: Final = 2_000
A_MINUTE: Final = 60
PER_RUN: Final = 500
# How long the person may take to allow one; the page waits for it.
WAIT: Final = timedelta(minutes=10)
TIMEOUT_S: Final = CALL_TIMEOUT_S + 10
Status = AppCall.Status


class TooManyCalls(Refused):
    """The app asks too often. Wait a moment."""

    status = 429


class NotWaiting(Refused):
    """This was already answered, or it took too long."""

    status = 409


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """A call, and the server's result, which is not stored."""

    call: AppCall
    result: dict[str, Any] | None = None


def access_app(user: Any, run_id: UUID, call_id: str) -> tuple[Run, AppView]:
    """The app that shows the result of this call in a run of `user`'s own. Raises Http404."""
    run = access_run(user, run_id)
    results = (each for each in log.read(run.id) if isinstance(each, ToolResult) and each.call_id == call_id)
    result = next(results, None)
    if result is None or result.app is None:
        raise Http404(gettext("App not found."))
    return run, result.app


def calls_of(user: User, run_id: UUID, view: str) -> QuerySet[AppCall]:
    """What the app has asked for, oldest first. Raises Http404."""
    run, _ = access_app(user, run_id, view)
    return AppCall.objects.filter(run=run, view=view)


def call_tool(user: User, run_id: UUID, view: str, tool: str, arguments: Mapping[str, Any]) -> AppAnswer:
    """The answer to the app's call of a tool; it waits if the person must allow it. Raises like `read_resource`."""
    if len(json.dumps(arguments)) > MAX_ARGUMENT_CHARS:
        raise Refused(
            gettext("The arguments are too long: up to {max_argument_chars} characters are allowed.").format(
                max_argument_chars=MAX_ARGUMENT_CHARS
            )
        )
    return _perform(_new(user, run_id, AppCall(view=view, tool=tool, arguments=arguments)))


def read_resource(user: User, run_id: UUID, view: str, address: str) -> AppAnswer:
    """The answer to the app's request for a resource of its server. Raises Http404, Refused, NoResult."""
    return _perform(_new(user, run_id, AppCall(view=view, address=address)))


def answer(user: User, run_id: UUID, view: str, call_id: UUID, allowed: bool) -> AppAnswer:
    """Let the app make the call that waits, or not. Raises Http404, Refused, NoResult."""
    run, _ = access_app(user, run_id, view)
    waiting = AppCall.objects.filter(
        id=call_id, run=run, view=view, status=Status.WAITING, created__gt=timezone.now() - WAIT
    )
    if allowed:
        _check_open(user, run)
    facts = {"status": Status.ALLOWED} if allowed else {"status": Status.DECLINED, "ended": timezone.now()}
    if not waiting.update(**facts):
        raise NotWaiting
    call = AppCall.objects.get(id=call_id)
    return _perform(call) if allowed else AppAnswer(call)


def _new(user: User, run_id: UUID, call: AppCall) -> AppCall:
    run, _ = access_app(user, run_id, call.view)
    _check_open(user, run)
    with transaction.atomic():
        quotas.lock(user.id)
        made = AppCall.objects.filter(run__owner=user)
        lately = made.filter(created__gt=timezone.now() - timedelta(minutes=1)).count()
        if lately >= A_MINUTE or made.filter(run=run).count() >= PER_RUN:
            raise TooManyCalls
        call.run = run
        call.save()
    return call


def _check_open(user: User, run: Run) -> None:
    """Raise Refused if the person may not chat any more with the GPTs of the run."""
    gpts = {run.version.gpt_id, (run.root or run).message.conversation.gpt_id}
    if Gpt.objects.chattable_by(user).filter(id__in=gpts).count() < len(gpts):
        raise Refused(gettext("This GPT is no longer shared with you."))


def _perform(call: AppCall) -> AppAnswer:
    payload = rpc.call_for(
        call.run.owner_id, "workers.tasks.call_for_app", str(call.id), queue="tools", timeout_s=TIMEOUT_S
    )
    if refused := payload.get("refused"):
        raise Refused(refused)
    call.refresh_from_db()
    return AppAnswer(call, payload.get("result"))
