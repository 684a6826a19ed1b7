"""Runs over HTTP: events, cancelling and approvals; the pages of permanent permissions and of a GPT's usage."""

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.builder.access import access_own_gpt
from web.builder.sign_ins import sign_ins_of
from web.runs import approving, feedback, permissions, services, stream
from web.runs.access import access_run, may_see_draft
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.errors import Refused, RunOver, TooManyStreams
from web.runs.models import Run
from web.runs.quota_use import use_of
from web.runs.usage import usage_of

USAGE_DAYS = (7, 30, 90)


async def sse(run_id: UUID, last_id: str) -> AsyncGenerator[str]:
    """The run's events as server-sent events; the Redis entry id is the SSE id, so `Last-Event-ID` resumes."""
    async for entry_id, event in stream.follow(run_id, last_id):
        if not event:
            yield ": still here\n\n"
        elif entry_id:
            yield f"id: {entry_id}\ndata: {json.dumps(event)}\n\n"
        else:
            yield f"data: {json.dumps(event)}\n\n"


async def event_stream(request: HttpRequest, run: Run) -> StreamingHttpResponse:
    """The events for the run's owner, after the client's `Last-Event-ID`. Raises TooManyStreams.

    The caller checks access.
    """
    last_id = request.headers.get("Last-Event-ID", "")
    may = partial(may_see_draft, (run.root or run).message.conversation)
    return sse_response(sse(run.id, last_id), await take_stream(run.owner_id), may)


@require_GET
async def events(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """Stream the events of a run of the person's own; no database connection is held meanwhile."""
    run = await in_database(access_run, await request.auser(), run_id)
    await close_connection()
    try:
        return await event_stream(request, run)
    except TooManyStreams as error:  # the page tries again
        return JsonResponse({"error": str(error)}, status=error.status, headers={"Retry-After": "5"})


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """Cancel a run of the person's own; no effect on a run that is over."""
    return JsonResponse({"cancelled": services.cancel_run(access_run(request.user, run_id))})


@require_POST
def approve(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Allow or decline the pending call `call_id`; with `remember`, allow similar calls later too.

    A script gets JSON; a plain form is redirected to the chat, or to the run's page if a program began it.
    """
    run, form = access_run(request.user, run_id), request.POST
    allowed, remember = form.get("allowed") == "true", form.get("remember") == "true"
    try:
        approving.answer_approval(run, form.get("call_id", ""), allowed, remember, form.get("digest", ""))
    except (Refused, RunOver) as error:
        return answered(request, run, {"error": str(error)}, 409)
    return answered(request, run, {"allowed": allowed}, 200)


def answered(request: HttpRequest, run: Run, answer: dict[str, object], status: int) -> HttpResponse:
    """What a script gets, or where a plain form leads: to the chat, or the run's page if a program began it."""
    if request.accepts("text/html") and "application/json" not in request.headers.get("Accept", ""):
        if "error" in answer:
            messages.error(request, str(answer["error"]))
        conversation = (run.root or run).message.conversation
        return redirect("chat", conversation.id) if conversation.is_chat else redirect("run_part", run.id)
    return JsonResponse(answer, status=status)


@never_cache
@login_required
@require_safe
def list_permissions(request: HttpRequest) -> HttpResponse:
    """The page where people see and end their permanent permissions, and their sign-ins to services of actions."""
    given = {"permissions": permissions.permissions_of(request.user), "sign_ins": sign_ins_of(request.user)}
    return render(request, "runs/permissions.html", given)


@login_required
@require_POST
def revoke_permission(request: HttpRequest, permission_id: int) -> HttpResponse:
    """Revoke one permission; from now on its GPT asks again."""
    permissions.revoke(request.user, permission_id)
    messages.success(request, gettext("Permission revoked."))
    return redirect("permissions")


@never_cache
@login_required
@require_safe
def own_usage(request: PersonRequest) -> HttpResponse:
    """The page that shows people what they use of their quotas."""
    uses = use_of(request.user)
    daily, others = [use for use in uses if use.renews], [use for use in uses if not use.renews]
    sections = [(gettext("Today"), daily), (gettext("In use"), others)]
    return render(request, "account/usage.html", {"sections": sections, "now": timezone.now()})


@login_required
@require_safe
def usage(request: HttpRequest, slug: str) -> HttpResponse:
    """The page that shows creators how much their GPT is used."""
    gpt = access_own_gpt(request.user, slug)
    chosen = request.GET.get("days", "")
    days = next((days for days in USAGE_DAYS if str(days) == chosen), 30)
    since = timezone.now() - timedelta(days=days)
    n_good, n_bad = feedback.counts(gpt, since)
    newest = feedback.received(gpt).filter(changed__gte=since)[: feedback.MAX_SHOWN]
    context = {"gpt": gpt, "usage": usage_of(gpt, days), "periods": USAGE_DAYS, "n_good": n_good, "n_bad": n_bad}
    return render(request, "runs/usage.html", {**context, "feedback": feedback.for_creator(newest)})
