"""`/api/gpts/{slug}/duplicate`, `…/export` and `/api/import`: copies of GPTs, GPTs as files, imports."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from ninja import File as Upload
from ninja import Form, Router, Schema, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, OWN_LISTED, ProblemDetails
from web.api.paging import Pages
from web.api.shapes import OwnGpt
from web.builder import duplicates
from web.builder.access import access_draft, access_settings
from web.builder.models import Gpt
from web.builder.views_portable import export_response
from web.runs.chat_imports import access_import
from web.runs.imported_chats import undo
from web.runs.importing import MAX_PASTED_CHARS, Taken, bring
from web.runs.models_imports import ChatImport

router = Router(tags=["Import and export"])
ARCHIVE = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
# Without a default of this kind a request needs both.
NO_TEXT: Any = Form("")  # type: ignore[type-arg]
NO_FILES: Any = Upload([])  # type: ignore[type-arg]
UNAVAILABLE = {**INVALID, 429: ProblemDetails, 503: ProblemDetails}


class ChatImportShape(Schema):
    """An import of chats."""

    id: UUID
    name: str
    status: str = Field(description="waiting, running, done or failed.")
    n_new: int
    n_updated: int = Field(description="Imported before, and changed there since.")
    n_known: int = Field(description="Imported before, and unchanged.")
    n_kept: int = Field(description="Changed there, but continued here: left as they are.")
    n_unreadable: int = Field(description="Empty, or not readable.")
    unreadable: list[str] = Field(description="Titles of the first of these.")
    n_left_out: int = Field(description="Pictures, recordings and files, of which only the names are kept.")
    error: str
    created: datetime


class ChatsTakenBack(Schema):
    """What became of the chats that an import brought."""

    n_deleted: int
    n_kept: int = Field(description="Continued here since.")


class ImportedThings(Schema):
    """What an import made: drafts, and imports of chats that a worker reads."""

    gpts: list[OwnGpt]
    chats: list[ChatImportShape]


@router.post("/gpts/{slug}/duplicate", response={201: OwnGpt, 429: ProblemDetails, **DENIED})
def duplicate_gpt(request: HttpRequest, slug: str) -> Status[Gpt]:
    """Copy the draft of a GPT whose settings you can see, without its secrets."""
    return Status(201, duplicates.duplicate(caller(request), access_settings(caller(request), slug)))


@router.get(
    "/gpts/{slug}/export",
    response={200: None, **LISTED},
    openapi_extra={"responses": {200: ARCHIVE}},
)
def export_gpt(
    request: HttpRequest, slug: str, version: Annotated[int | None, Field(ge=1, le=10**8)] = None
) -> StreamingHttpResponse:
    """The draft or a published version as one file, without secrets. Its `gpt.json` follows /gpt-file.schema.json."""
    gpt = access_settings(caller(request), slug)
    return export_response(gpt, str(version) if version else "", caller(request))


@router.delete("/gpts/{slug}/imported", response={204: None, **DENIED})
def forget_imported(request: HttpRequest, slug: str) -> Status[None]:
    """Clear what is left to do after an import (`imported` of the GPT)."""
    gpt = access_draft(caller(request), slug)
    Gpt.objects.filter(id=gpt.id).update(imported={})
    return Status(204, None)


@router.post("/import", response={201: ImportedThings, **UNAVAILABLE})
def import_anything(
    request: HttpRequest,
    text: Annotated[Text, Field(max_length=MAX_PASTED_CHARS)] = NO_TEXT,
    file: list[UploadedFile] = NO_FILES,
) -> Status[Taken]:
    """Import GPTs and chats: files (multipart field `file`, several) or a configuration in the form field `text`.

    What each is, its content says: an exported GPT, a configuration or data export of ChatGPT, models or chats of
    Open WebUI, agents or conversations of LibreChat, a Modelfile. OpenAPI documents and other files go with the one
    GPT that they came with. GPTs become drafts.
    """
    return Status(201, bring(caller(request), text, file))


@router.get("/imports", response={200: list[ChatImportShape], **OWN_LISTED})
@paginate(Pages)
def list_imports(request: HttpRequest) -> QuerySet[ChatImport]:
    """Your imports of chats."""
    return ChatImport.objects.filter(owner=caller(request))


@router.get("/imports/{uuid:import_id}", response={200: ChatImportShape, **DENIED})
def read_import(request: HttpRequest, import_id: UUID) -> ChatImport:
    """How far an import of chats is."""
    return access_import(caller(request), import_id)


@router.delete("/imports/{uuid:import_id}", response={200: ChatsTakenBack, 400: ProblemDetails, **DENIED})
def undo_import(request: HttpRequest, import_id: UUID) -> ChatsTakenBack:
    """Delete an import that is over with the chats that it brought, except those that you continued."""
    n_deleted, n_kept = undo(access_import(caller(request), import_id))
    return ChatsTakenBack(n_deleted=n_deleted, n_kept=n_kept)
