"""Files of conversations over HTTP: attached by people, made by tools, served to their owner only."""

from uuid import UUID

from django.http import FileResponse, HttpRequest, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from web.runs.errors import Refused
from web.runs.files import PICTURES, access_file, attach, path_of
from web.runs.models import ConversationFile
from web.runs.views_sources import INERT

SIGNED_OUT = "You’re signed out. Sign in in another tab, then attach it again."


@require_POST
def attach_file(request: HttpRequest) -> JsonResponse:
    """Store one file for the message being written; the response has its id."""
    if not request.user.is_authenticated:
        return JsonResponse({"error": SIGNED_OUT}, status=401)
    upload = request.FILES.get("file")
    if upload is None or isinstance(upload, list):
        return JsonResponse({"error": "Choose a file to attach."}, status=400)
    try:
        file = attach(request.user, upload.name or "file", upload.chunks())
    except Refused as error:
        return JsonResponse({"error": str(error)}, status=error.status)
    return JsonResponse({"id": str(file.id), "name": file.name, "size": file.size, "mime": file.mime}, status=201)


@require_safe
def run_file(request: HttpRequest, file_id: UUID) -> FileResponse:
    """One's own file."""
    return file_response(access_file(request.user, file_id), "download" in request.GET)


def file_response(file: ConversationFile, download: bool) -> FileResponse:
    """The file's bytes: pictures may be shown inline; anything else is a download that no program opens."""
    shown = file.mime in PICTURES and not download
    return FileResponse(
        path_of(file).open("rb"),
        as_attachment=not shown,
        filename=file.name,
        content_type=file.mime if shown else "application/octet-stream",
        headers=INERT,
    )
