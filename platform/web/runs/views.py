"""A run over HTTP: its events, cancelling it, and answering its approval requests."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from web.runs import services, stream
from web.runs.connections import in_database, let_go_of_database, sse_response
from web.runs.errors import Refused, RunOver
from web.runs.models import Run


async def sse(run_id: UUID, last_id: str) -> AsyncIterator[str]:
    """The run's events as server-sent events; the Redis entry id is the SSE id, so `Last-Event-ID` resumes."""
    async for entry_id, event in stream.follow(run_id, last_id):
        if not event:
            yield ": still here\n\n"
        elif entry_id:
            yield f"id: {entry_id}\ndata: {json.dumps(event)}\n\n"
        else:
            yield f"data: {json.dumps(event)}\n\n"


def event_stream(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    """The streaming response for a run that the caller may follow."""
    last_id = request.headers.get("Last-Event-ID", "")
    known = last_id if last_id.replace("-", "", 1).isdecimal() else ""
    return sse_response(sse(run_id, known))


@require_GET
async def events(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    """Follow one's own run. Authorised first; no database connection is held while it streams."""
    run = await in_database(services.access_run, await request.auser(), run_id)
    await let_go_of_database()
    return event_stream(request, run.id)


def _own_run(request: HttpRequest, run_id: UUID) -> Run:
    return services.access_run(request.user, run_id)


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """Cancel one's own run; no effect on a run that is over."""
    return JsonResponse({"cancelled": services.cancel_run(_own_run(request, run_id))})


@require_POST
def approve(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Allow or decline the pending call `call_id` of one's own run; with `remember`, later ones like it too.

    A script gets JSON; a plain form is redirected to the chat.
    """
    run, told = _own_run(request, run_id), request.POST
    allowed, remember = told.get("allowed") == "true", told.get("remember") == "true"
    try:
        services.answer_approval(run, told.get("call_id", ""), allowed, remember, told.get("digest", ""))
    except (Refused, RunOver) as error:
        return _answered(request, run, {"error": str(error)}, 409)
    return _answered(request, run, {"allowed": allowed}, 200)


def _answered(request: HttpRequest, run: Run, answer: dict[str, object], status: int) -> HttpResponse:
    if request.accepts("text/html") and "application/json" not in request.headers.get("Accept", ""):
        if "error" in answer:
            messages.error(request, str(answer["error"]))
        return redirect("chat", (run.root or run).message.conversation_id)
    return JsonResponse(answer, status=status)
