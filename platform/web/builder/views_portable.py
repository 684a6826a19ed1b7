"""Copies of a GPT, and a GPT as a file."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gpts.portable.package import schema
from web.accounts.models import User
from web.accounts.quotas import QuotaExceeded
from web.accounts.requests import PersonRequest
from web.builder import duplicates, exports
from web.builder.access import access_settings
from web.builder.models import Gpt
from web.builder.versions import access_version
from web.builder.views import of_draft, state_response


@require_POST
@login_required
def duplicate(request: PersonRequest, slug: str) -> HttpResponse:
    """Copy a GPT, and go to the form of the copy."""
    gpt = access_settings(request.user, slug)
    try:
        copy = duplicates.duplicate(request.user, gpt)
    except QuotaExceeded as error:
        messages.error(request, error.messages[0])
        return redirect("gpts")
    messages.success(request, gettext("This is your copy of {name}.").format(name=gpt.name))
    return redirect("gpt_edit", copy.slug)


@never_cache
@require_safe
@login_required
def export(request: PersonRequest, slug: str) -> HttpResponseBase:
    """The draft of a GPT as a file, or its published `version`."""
    gpt = access_settings(request.user, slug)
    try:
        return export_response(gpt, request.GET.get("version", ""), request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("gpt_edit", gpt.slug)


def export_response(gpt: Gpt, number: str, reader: User) -> StreamingHttpResponse:
    """The draft as a file for `reader`, or the version with this number.

    Raises Http404, and ValidationError if a file is lost.
    """
    if number and not (number.isdecimal() and len(number) < 9):
        raise Http404(f"{gpt.name} has no such version.")
    version = access_version(gpt, number=int(number)) if number else None
    chunks = exports.export(gpt, version, reader=reader).chunks()
    response = StreamingHttpResponse(_in_thread(chunks), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{exports.file_name(gpt, version)}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _in_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, each made in a thread: Django would put all of a plain iterator into memory first."""
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk


@require_POST
@of_draft
def forget_import(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """Hide what is left to do after an import."""
    Gpt.objects.filter(id=gpt.id).update(imported={})
    gpt.imported = {}
    return state_response(request, gpt)


@require_safe
def file_schema(request: HttpRequest) -> JsonResponse:
    """The JSON Schema of `gpt.json` in exported GPTs."""
    return JsonResponse(schema(), content_type="application/schema+json", json_dumps_params={"indent": 1})
