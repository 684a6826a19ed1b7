"""The download of everything of one's own."""

from collections.abc import AsyncIterator, Iterator

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.accounts import audit
from web.accounts.requests import PersonRequest
from web.builder.exports import zipped
from web.chat.own_data import entries
from web.runs.connections import in_database


@never_cache
@require_safe
@login_required
@reauthentication_required
def exporting(request: PersonRequest) -> HttpResponse:
    """A page that stays while the browser downloads: from the page that asks for a password it would seem stuck."""
    return render(request, "account/exporting.html")


@never_cache
@require_safe
@login_required
@reauthentication_required
def export(request: PersonRequest) -> StreamingHttpResponse:
    """One's account, chats, memories, GPTs and files, written while they are sent. Asks for the password first."""
    audit.record(audit.Act.PERSON_EXPORTED, request.user, request.user)
    response = StreamingHttpResponse(_in_threads(zipped(entries(request.user))), content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="guildhall-data.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, each with its queries in a thread: Django would put all of a plain iterator into memory first."""
    while (chunk := await in_database(next, chunks, None)) is not None:
        yield chunk
