"""Files over HTTP: attachments and files made by tools, pictures of cited pages, and cited files."""

from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from web.runs.citations import Cited, access_citation, download, etag, picture
from web.runs.errors import NotShown, Refused
from web.runs.files import PICTURES, access_file, attach, remove
from web.runs.models import ConversationFile
from web.worker_texts import said

SIGNED_OUT: Final = gettext_noop("You’re signed out. Sign in in another tab, then attach it again.")
# A picture never changes, but who may see it does: the browser revalidates each time, and gets a 304.
_PRIVATE: Final = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
# If a browser displays a file anyway, nothing in it runs or loads.
_INERT: Final = {**_PRIVATE, "Content-Security-Policy": "sandbox; default-src 'none'"}


@require_POST
def attach_file(request: HttpRequest) -> JsonResponse:
    """Store one file for the message being written, to be read by a worker; the response has its id."""
    if not request.user.is_authenticated:
        return JsonResponse({"error": gettext(SIGNED_OUT)}, status=401)
    upload = request.FILES.get("file")
    if upload is None or isinstance(upload, list):
        return JsonResponse({"error": gettext("Choose a file to attach.")}, status=400)
    try:
        file = attach(request.user, upload.name or "file", upload.chunks())
    except Refused as error:
        return JsonResponse({"error": str(error)}, status=error.status)
    return JsonResponse(_chip(file), status=201)


@never_cache
@require_safe
def file_status(request: HttpRequest, file_id: UUID) -> JsonResponse:
    """How far an attached file of the person's own is read, as JSON."""
    return JsonResponse(_chip(access_file(request.user, file_id)))


@require_POST
def remove_file(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Remove a file of the person's own that was not sent; reading it stops."""
    if not request.user.is_authenticated:
        raise Http404(gettext("File not found."))
    remove(request.user, file_id)
    return HttpResponse(status=204)


def _chip(file: ConversationFile) -> dict[str, Any]:
    """What the composer shows of the file, and where to follow and remove it. `share` is how much of it is read."""
    done, total = (file.n_done, file.n_chunks) if file.n_chunks else (file.n_read, file.n_pages)
    facts = {"id": str(file.id), "name": file.name, "size": file.size, "mime": file.mime, "state": file.reading}
    shown = {"progress": file.progress, "share": done / total if total else None, "extent": file.extent}
    urls = {"url": reverse("file_status", args=[file.id]), "remove": reverse("file_remove", args=[file.id])}
    return {**facts, **shown, **urls, "error": said(file.error), "notices": file.all_notices}


@require_safe
def run_file(request: HttpRequest, file_id: UUID) -> FileResponse:
    """A file of the person's own."""
    return file_response(access_file(request.user, file_id), "download" in request.GET)


@require_safe
def citation_picture(request: HttpRequest, run_id: UUID, number: int, page: int) -> HttpResponse | FileResponse:
    """The picture of a page. 404 unless the reader may see the page."""
    try:
        return picture_response(request, access_citation(request.user, run_id, number), page)
    except NotShown as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")


@require_safe
def citation_file(request: HttpRequest, run_id: UUID, number: int) -> FileResponse:
    """The cited file as a download. 404 unless the creator of the GPT lets people download its files."""
    return cited_file_response(access_citation(request.user, run_id, number))


def file_response(file: ConversationFile, download: bool) -> FileResponse:
    """The file: pictures may be shown inline; anything else is a download."""
    if file.mime not in PICTURES or download:
        return _download(file.path, file.name)
    return FileResponse(file.path.open("rb"), filename=file.name, content_type=file.mime, headers=_INERT)


def cited_file_response(cited: Cited) -> FileResponse:
    """The cited file as a download under its original name. Raises Http404."""
    name = "".join(character for character in cited.citation.file_name if character.isprintable())
    return _download(download(cited), name or "file")


def _download(path: Path, name: str) -> FileResponse:
    kind = "application/octet-stream"  # that no program opens by itself
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=kind, headers=_INERT)


def picture_response(request: HttpRequest, cited: Cited, page: int) -> HttpResponse | FileResponse:
    """The picture of a page, or 304 if the browser has it. Raises Http404, NotShown."""
    path = picture(cited, page)
    headers = {**_PRIVATE, "ETag": etag(cited, page)}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponseNotModified(headers=headers)
    return FileResponse(path.open("rb"), content_type="image/webp", headers=headers)
