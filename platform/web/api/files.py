"""`/api/gpts/{slug}/files` and `…/knowledge`: the knowledge of the caller's own GPT."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from ninja import File as Upload
from ninja import Query, Router, Schema, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate
from pydantic import Field

from gpts.knowledge import corrections
from gpts.knowledge.documents import Finding, Notice, Unit
from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, ApiError, ProblemDetails
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder import files, passages
from web.builder.access import access_draft
from web.builder.files import n_ahead
from web.builder.knowledge import QUESTION_CHARS, ask_knowledge, read_health
from web.builder.models_files import KnowledgeFile

router = Router(tags=["Knowledge files"])
WRONG_STATE = {**DENIED, 409: ProblemDetails}
UNAVAILABLE = {503: ProblemDetails}


class File(Schema):
    """A knowledge file; `status` goes from received through parsing and embedding to ready, quarantined or failed.

    `findings` of severity "quarantine" are left out until you accept them; the file is "quarantined" if nothing else
    is in it. A "hint" may be dropped, and is used as untrusted text otherwise. A "note" is always left out.
    """

    id: UUID
    name: str
    size: int = Field(description="Bytes.")
    status: Literal["received", "parsing", "embedding", "ready", "quarantined", "failed", "cancelled"]
    is_settled: bool = Field(description="Whether reading is over: ready, quarantined, failed or cancelled.")
    n_ahead: int = Field(description="Files ahead of this one, while it waits.")
    n_read: int = Field(description="Pages read so far; 0 if unknown.")
    n_done: int = Field(description="Chunks embedded so far.")
    n_chunks: int
    n_pages: int = Field(description="0 if the format has no pages.")
    n_tokens: int
    seconds_left: int | None = Field(description="Estimated; null while unknown.")
    unit: Unit = Field(description="What counts as a page.")
    language: str = Field(description="ISO 639-1; empty if unknown.")
    notices: list[Notice]
    findings: list[Finding]
    decisions: dict[str, Literal["drop", "accept"]] = Field(description="Your decisions, by finding id.")
    replaces: UUID | None = Field(
        validation_alias="replaces_id", description="The file that this one replaces once it is ready."
    )
    in_use: bool = Field(description="Whether the draft answers from it, also while it is being indexed again.")
    error: str
    created: datetime

    @staticmethod
    def resolve_is_settled(file: Any) -> bool:
        return file.status in file.SETTLED

    @staticmethod
    def resolve_n_ahead(file: Any) -> int:
        return n_ahead(file) if file.status == "received" else 0

    @staticmethod
    def resolve_in_use(file: Any) -> bool:
        return bool(file.segment)


class DecisionsShape(RequestBody):
    """Your decisions on a file's findings, by finding id. Other findings keep their earlier decisions."""

    decisions: dict[str, Literal["drop", "accept"]] = Field(
        min_length=1, examples=[{"3f9a0c1b2d4e": "drop", "77a01be4c9d2": "accept"}]
    )


class FilePassage(Schema):
    """A passage of a file: a paragraph, list or table as it was read, with your corrections."""

    original: str = Field(description="The text as it was read, which identifies the passage.")
    text: str = Field(description="The text in use.")
    dropped: bool
    pinned: bool = Field(description="The model gets it with every question.")
    also_asked: list[str] = Field(description="Questions that you added, by which it is found.")
    heading: str
    page: int | None


class FilePassages(Schema):
    """Passages of a file from `start` on; those you dropped come first."""

    items: list[FilePassage]
    next: int | None = Field(description="The `start` of the next ones; null at the end.")


class PassageCorrection(RequestBody):
    """What to change about the passage that was read as `original`. What you leave out is as it was read."""

    original: Annotated[Text, Field(min_length=1, max_length=corrections.MOST_CHARS)]
    text: Annotated[Text, Field(max_length=corrections.MOST_CHARS)] = ""
    dropped: bool = False
    pinned: bool = False
    also_asked: list[Annotated[Text, Field(max_length=corrections.QUESTION_CHARS)]] = Field(
        [], max_length=corrections.MOST_QUESTIONS
    )


class KnowledgeQuestion(RequestBody):
    """A test question for a draft's knowledge."""

    question: Annotated[Text, Field(min_length=1, max_length=QUESTION_CHARS)]


class PassagePlace(Schema):
    """Where a passage is. `unit` says what `page` counts; null if the format has no pages."""

    file_id: UUID
    file_name: str
    page: int | None
    unit: Unit
    heading: str


class RankedPassage(PassagePlace):
    """A passage that a question found. `meaning` is the cosine, `words` the BM25 score, `score` combines them."""

    text: str = Field(description="The first 700 characters.")
    start: int = Field(description="In characters of the file's text.")
    end: int
    untrusted: bool
    score: float
    meaning: float
    words: float | None = Field(description="Null if it shares no word with the question.")
    given: bool = Field(description="Whether it would be sent to the model.")
    why_not: str


class FoundPassages(Schema):
    """The passages found for a question, best first. `reason` gives the numbers behind `covered`."""

    covered: bool
    reason: str
    passages: list[RankedPassage]
    whole: bool = Field(description="The model reads these files completely, so nothing is searched.")
    declines: bool = Field(description="An uncovered question is declined, not answered from general knowledge.")
    n_more: int = Field(description="Lower-scoring passages that are not listed.")


class UnusedPassage(PassagePlace):
    """A passage that no question has found yet."""

    text: str


class Repeat(Schema):
    """A passage that appears in several places, word for word (`exact`) or nearly."""

    exact: bool
    text: str
    places: list[PassagePlace]


class KnowledgeHealth(Schema):
    """How the draft's knowledge is used. Counts come from finished runs and include no one's questions."""

    n_files: int
    n_chunks: int
    n_tokens: int
    n_searches: int = Field(description="Questions in finished runs, without previews.")
    n_passages: int
    n_used: int
    n_unused: int
    unused: list[UnusedPassage] = Field(description="Some of the passages that no question has found yet.")
    compared: bool = Field(description="False if there are too many to compare by meaning.")
    n_repeats: int
    repeats: list[Repeat]


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
