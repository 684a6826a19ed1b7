"""`/api/gpts/{slug}/files`: the knowledge of one's own GPT."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import File as Upload
from ninja import Router, Status
from ninja.files import UploadedFile

from web.api.auth import caller
from web.api.gpts import DENIED, INVALID
from web.api.shapes import File
from web.builder import files
from web.builder.models import KnowledgeFile
from web.builder.services import access_own_gpt

router = Router(tags=["Knowledge files"])


def access_own_file(request: HttpRequest, slug: str, file_id: UUID) -> KnowledgeFile:
    """A file in the draft of the caller's own GPT. Raises Http404 for any other."""
    file = access_own_gpt(caller(request), slug).files.filter(id=file_id, removed=None).first()
    if file is None:
        raise Http404("There is no such file in this GPT.")
    return file


@router.get("/gpts/{slug}/files", response={200: list[File], **DENIED})
def list_files(request: HttpRequest, slug: str) -> QuerySet[KnowledgeFile]:
    """The files in your draft, with how far each is indexed."""
    return access_own_gpt(caller(request), slug).files.filter(removed=None)


@router.post("/gpts/{slug}/files", response={201: File, **INVALID})
def add_file(request: HttpRequest, slug: str, file: Upload[UploadedFile]) -> Status[KnowledgeFile]:
    """Add a file (multipart field `file`). It is indexed in the background; one known already stays as it is."""
    gpt = access_own_gpt(caller(request), slug)
    return Status(201, files.add_file(gpt, (file.name or "file").replace("\x00", ""), file.chunks()))


@router.get("/gpts/{slug}/files/{uuid:file_id}", response={200: File, **DENIED})
def read_file(request: HttpRequest, slug: str, file_id: UUID) -> KnowledgeFile:
    """How far a file is."""
    return access_own_file(request, slug, file_id)


@router.delete("/gpts/{slug}/files/{uuid:file_id}", response={204: None, **DENIED})
def remove_file(request: HttpRequest, slug: str, file_id: UUID) -> Status[None]:
    """Take a file out of the draft. Published versions keep it until you publish again."""
    files.remove_file(access_own_file(request, slug, file_id))
    return Status(204, None)


@router.post("/gpts/{slug}/files/{uuid:file_id}/retry", response={202: File, **DENIED})
def retry_file(request: HttpRequest, slug: str, file_id: UUID) -> Status[KnowledgeFile]:
    """Index a failed file once more; one that has not failed stays as it is."""
    file = access_own_file(request, slug, file_id)
    files.retry_file(file)
    file.refresh_from_db()
    return Status(202, file)
