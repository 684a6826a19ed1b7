"""`/api/gpts/{slug}/files` and `…/knowledge`: the knowledge of the caller's own GPT."""

from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from ninja import File as Upload
from ninja import Query, Router, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate

from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, ApiError, ProblemDetails
from web.api.paging import Pages
from web.api.shapes_files import (
    DecisionsShape,
    File,
    FilePassages,
    FoundPassages,
    KnowledgeHealth,
    KnowledgeQuestion,
    PassageCorrection,
)
from web.builder import files, passages
from web.builder.access import access_draft
from web.builder.knowledge import ask_knowledge, read_health
from web.builder.models_files import KnowledgeFile

router = Router(tags=["Knowledge files"])
WRONG_STATE = {**DENIED, 409: ProblemDetails}
UNAVAILABLE = {503: ProblemDetails}


def access_draft_file(request: HttpRequest, slug: str, file_id: UUID) -> KnowledgeFile:
    """A file in a draft that the caller edits. Raises Http404 for any other."""
    return files.access_file(access_draft(caller(request), slug), file_id)


@router.get("/gpts/{slug}/files", response={200: list[File], **LISTED})
@paginate(Pages, oldest_first=True)
def list_files(request: HttpRequest, slug: str) -> QuerySet[KnowledgeFile]:
    """The files in your draft and their status."""
    return access_draft(caller(request), slug).files.filter(removed=None)


@router.post("/gpts/{slug}/files", response={201: File, **INVALID})
def add_file(request: HttpRequest, slug: str, file: Upload[UploadedFile]) -> Status[KnowledgeFile]:
    """Add a file (multipart field `file`). It is indexed in the background; an identical one is not added again."""
    gpt = access_draft(caller(request), slug)
    return Status(201, files.add_file(gpt, (file.name or "file").replace("\x00", ""), file.chunks()))


@router.get("/gpts/{slug}/files/{uuid:file_id}", response={200: File, **DENIED})
def read_file(request: HttpRequest, slug: str, file_id: UUID) -> KnowledgeFile:
    """A file's status."""
    return access_draft_file(request, slug, file_id)


@router.delete("/gpts/{slug}/files/{uuid:file_id}", response={204: None, **DENIED})
def remove_file(request: HttpRequest, slug: str, file_id: UUID) -> Status[None]:
    """Remove a file from the draft. Published versions keep it until you publish again."""
    files.remove_file(access_draft_file(request, slug, file_id))
    return Status(204, None)


@router.post("/gpts/{slug}/files/{uuid:file_id}/retry", response={202: File, **WRONG_STATE})
def retry_file(request: HttpRequest, slug: str, file_id: UUID) -> Status[KnowledgeFile]:
    """Index a failed or cancelled file again."""
    file = access_draft_file(request, slug, file_id)
    if not files.retry_file(file):
        raise ApiError(409, "Only failed or cancelled files can be retried.", code="not_failed")
    file.refresh_from_db()
    return Status(202, file)


@router.post("/gpts/{slug}/files/{uuid:file_id}/cancel", response={200: File, **WRONG_STATE})
def cancel_file(request: HttpRequest, slug: str, file_id: UUID) -> KnowledgeFile:
    """Stop indexing a file. It stays in the draft and can be retried or removed."""
    file = access_draft_file(request, slug, file_id)
    if not files.cancel_file(file):
        raise ApiError(409, "This file is not being indexed.", code="not_under_way")
    file.refresh_from_db()
    return file


@router.post(
    "/gpts/{slug}/files/{uuid:file_id}/decide", response={200: File, **INVALID}, summary="Drop or accept findings"
)
def decide(request: HttpRequest, slug: str, file_id: UUID, choices: DecisionsShape) -> KnowledgeFile:
    """Drop or accept the findings in a file.

    Where this changes what is used of the file, it is indexed again. Decisions can be changed later; the previous
    index stays in use until the new one is ready.
    """
    return files.decide(access_draft_file(request, slug, file_id), choices.decisions)


@router.get("/gpts/{slug}/files/{uuid:file_id}/passages", response={200: FilePassages, **INVALID, **UNAVAILABLE})
def read_passages(
    request: HttpRequest, slug: str, file_id: UUID, start: Annotated[int, Query(ge=0, le=10**8)] = 0
) -> dict[str, Any]:
    """The passages of a file, as they are in use."""
    return passages.passages(access_draft_file(request, slug, file_id), caller(request), start)


@router.post("/gpts/{slug}/files/{uuid:file_id}/passages", response={200: File, **INVALID})
def correct_passage(request: HttpRequest, slug: str, file_id: UUID, correction: PassageCorrection) -> KnowledgeFile:
    """Correct or drop a passage, or add questions by which it is found; the file is indexed again.

    Corrections stay when you replace the file, where the text is the same.
    """
    return passages.correct(access_draft_file(request, slug, file_id), correction.model_dump())


@router.post("/gpts/{slug}/files/{uuid:file_id}/replace", response={201: File, **INVALID})
def replace_file(request: HttpRequest, slug: str, file_id: UUID, file: Upload[UploadedFile]) -> Status[KnowledgeFile]:
    """Replace this file with another one (multipart field `file`).

    The old file stays in use until the new one is ready, and permanently if the new one fails.
    """
    old = access_draft_file(request, slug, file_id)
    return Status(201, files.replace_file(old, (file.name or "file").replace("\x00", ""), file.chunks()))


@router.get("/gpts/{slug}/knowledge", response={200: KnowledgeHealth, **DENIED, **UNAVAILABLE})
def read_knowledge(request: HttpRequest, slug: str) -> dict[str, Any]:
    """How your draft's knowledge is used, with duplicate passages and passages that no question has found yet."""
    gpt = access_draft(caller(request), slug)
    draft = gpt.files.filter(removed=None)
    totals = draft.exclude(segment="").aggregate(
        n_chunks=Sum("n_chunks", default=0), n_tokens=Sum("n_tokens", default=0)
    )
    return {"n_files": draft.count(), **totals, **read_health(gpt, caller(request))}


@router.post(
    "/gpts/{slug}/knowledge/ask", response={200: FoundPassages, **INVALID, **UNAVAILABLE}, summary="Test a question"
)
def ask(request: HttpRequest, slug: str, test: KnowledgeQuestion) -> dict[str, Any]:
    """The passages found for a question, and why each would be sent to the model or not."""
    return ask_knowledge(access_draft(caller(request), slug), test.question, caller(request))
