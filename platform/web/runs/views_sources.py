"""The bytes behind a citation: pictures of pages and whole files, for readers with access."""

from pathlib import Path
from typing import Final
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

from web.runs.citations import Cited, access_citation, download, etag, picture
from web.runs.errors import NotShown

# A picture never changes, but who may see it does: the browser revalidates each time, and gets a 304.
_PRIVATE: Final = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
# Should a browser show a file regardless, nothing in it runs or loads.
INERT: Final = {**_PRIVATE, "Content-Security-Policy": "sandbox; default-src 'none'"}


@require_safe
def citation_picture(request: HttpRequest, run_id: UUID, number: int, page: int) -> HttpResponse | FileResponse:
    """The picture of a page. 404 unless the reader may see the page."""
    cited = access_citation(request.user, run_id, number)
    try:
        return picture_response(request, cited, page)
    except NotShown as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")


@require_safe
def citation_file(request: HttpRequest, run_id: UUID, number: int) -> FileResponse:
    """The cited file as a download. 404 unless the creator of the GPT lets people download its files."""
    cited = access_citation(request.user, run_id, number)
    return attachment(download(cited), cited)


def picture_response(request: HttpRequest, cited: Cited, page: int) -> HttpResponse | FileResponse:
    """The picture's bytes, or 304 if the browser has them. Raises Http404, NotShown."""
    path = picture(cited, page)
    headers = {**_PRIVATE, "ETag": etag(cited, page)}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponseNotModified(headers=headers)
    return FileResponse(path.open("rb"), content_type="image/webp", headers=headers)


def attachment(path: Path, cited: Cited) -> FileResponse:
    """The file's bytes under its original name, as a download that no program opens by itself."""
    name = "".join(character for character in cited.citation.file_name if character.isprintable())
    kind = "application/octet-stream"
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=name or "file", content_type=kind, headers=INERT
    )
