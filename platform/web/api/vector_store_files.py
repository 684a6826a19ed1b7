"""`/v1/vector_stores/{id}/files` and `…/file_batches`: the files of vector stores, one by one and many at once."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field

from gpts.values import Text
from web import rpc
from web.api.attribute_filters import Attributes
from web.api.auth import caller
from web.api.cursors import Cursor, Deleted, RowPage, page_of
from web.api.errors import ERRORS, ApiError, OpenAiErrorBody
from web.api.models import FileBatch
from web.api.store_rows import Store, access_store, attach, counts, refs_of, state_of, store_name
from web.api.vector_stores import Chunking, FileCounts, PassageText
from web.builder.files import cancel_reading
from web.builder.models_files import FileToRead

router = Router(tags=["Vector stores"])
State = Literal["in_progress", "completed", "failed", "cancelled"]
REVIEW: Final = "It has hidden or instruction-like text. Decide about it on the page of the GPT."
TIMEOUT_S: Final = 15.0
# Files that one batch adds, as with OpenAI.
AT_ONCE: Final = 2_000
# How long it is known which files were added together.
KEEP_BATCHES: Final = timedelta(days=7)


class FileToAttach(BaseModel):
    """A file of yours, with attributes by which searches can choose it."""

    file_id: Text
    attributes: Attributes | None = None
    chunking_strategy: Chunking | None = None


class FilesToAttach(BaseModel):
    """Files of yours: `file_ids`, all with the same attributes, or `files`, each with its own."""

    file_ids: Annotated[list[Text], Field(min_length=1, max_length=AT_ONCE)] | None = None
    files: Annotated[list[FileToAttach], Field(min_length=1, max_length=AT_ONCE)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: Chunking | None = None

    def attributes_by_file(self) -> dict[str, dict[str, Any]]:
        """The attributes of each file. Raises ApiError."""
        if (self.file_ids is None) == (self.files is None):
            raise ApiError(400, "Give “file_ids” or “files”.", "file_ids", "invalid_value")
        if self.files is not None:
            return {each.file_id: dict(each.attributes or {}) for each in self.files}
        return {name: dict(self.attributes or {}) for name in self.file_ids or ()}


class AttributeChange(BaseModel):
    """The new attributes of a file."""

    attributes: Attributes | None


class LastError(Schema):
    """Why a file can’t be searched."""

    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class OtherChunking(Schema):
    """The site’s own way."""

    type: Literal["other"] = "other"


class StoreFileObject(Schema):
    """A file of a vector store."""

    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int
    vector_store_id: str
    status: State
    last_error: LastError | None
    usage_bytes: int
    attributes: dict[str, bool | int | float | str]
    chunking_strategy: OtherChunking = OtherChunking()


class StoreFileList(RowPage):
    """A page of the files of a vector store."""

    data: list[StoreFileObject]


class FilePage(Cursor):
    """Which files of a store to list."""

    filter: State | None = None


class FileText(Schema):
    """The text of a file as searches read it."""

    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"
    data: list[PassageText]
    has_more: Literal[False] = False
    next_page: None = None


class FileBatchObject(Schema):
    """Files that were added at once."""

    id: str
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int
    vector_store_id: str
    status: State
    file_counts: FileCounts


def _shown(store: Store, file: Any) -> StoreFileObject:
    state: Any = state_of(file.status)
    message = file.error or (REVIEW if file.status == FileToRead.Status.QUARANTINED else "")
    return StoreFileObject(
        id=store.name_of(file),
        created_at=int(file.created.timestamp()),
        vector_store_id=store_name(store),
        status=state,
        last_error=LastError(code="unsupported_file", message=message) if message else None,
        usage_bytes=file.size,
        attributes=file.attributes,
    )


@router.post("/vector_stores/{vector_store_id}/files", response={200: StoreFileObject, **ERRORS})
def create_vector_store_file(request: HttpRequest, vector_store_id: str, body: FileToAttach) -> StoreFileObject:
    """Add a file of yours to a vector store. It can be searched once its status is `completed`."""
    store = access_store(caller(request), vector_store_id)
    [file] = attach(store, {body.file_id: dict(body.attributes or {})})
    return _shown(store, file).model_copy(update={"id": body.file_id})


@router.get("/vector_stores/{vector_store_id}/files", response={200: StoreFileList, **ERRORS})
def list_vector_store_files(request: HttpRequest, vector_store_id: str, page: Query[FilePage]) -> Any:
    """The files of a vector store, the newest first unless `order` is `asc`."""
    store = access_store(caller(request), vector_store_id)
    return _page(store, store.files(), page)


def _page(store: Store, files: "QuerySet[Any]", page: FilePage) -> Any:
    if page.filter:
        files = files.filter(status__in=[each for each in FileToRead.Status if state_of(each) == page.filter])
    return page_of(files, page, store.find, lambda file: _shown(store, file))


@router.get("/vector_stores/{vector_store_id}/files/{file_id}", response={200: StoreFileObject, **ERRORS})
def get_vector_store_file(request: HttpRequest, vector_store_id: str, file_id: str) -> StoreFileObject:
    """One of these files, with its status."""
    store = access_store(caller(request), vector_store_id)
    return _shown(store, store.find(file_id)).model_copy(update={"id": file_id})


@router.post("/vector_stores/{vector_store_id}/files/{file_id}", response={200: StoreFileObject, **ERRORS})
def update_vector_store_file(
    request: HttpRequest, vector_store_id: str, file_id: str, body: AttributeChange
) -> StoreFileObject:
    """Replace the attributes of a file."""
    store = access_store(caller(request), vector_store_id)
    file: Any = store.find(file_id)
    file.attributes = body.attributes or {}
    file.save(update_fields=["attributes"])
    return _shown(store, file).model_copy(update={"id": file_id})


@router.delete("/vector_stores/{vector_store_id}/files/{file_id}", response={200: Deleted, **ERRORS})
def delete_vector_store_file(request: HttpRequest, vector_store_id: str, file_id: str) -> Deleted:
    """Remove a file from a vector store. The upload stays, and so does what a published GPT has of it."""
    store = access_store(caller(request), vector_store_id)
    store.remove(store.find(file_id))
    return Deleted(id=file_id, object="vector_store.file.deleted")


@router.get(
    "/vector_stores/{vector_store_id}/files/{file_id}/content",
    response={200: FileText, **ERRORS, 503: OpenAiErrorBody},
)
def get_vector_store_file_content(request: HttpRequest, vector_store_id: str, file_id: str) -> FileText:
    """The text of a file as searches read it."""
    store = access_store(caller(request), vector_store_id)
    file = store.find(file_id)
    if not file.segment:
        raise ApiError(400, "This file has no text yet.", None, "file_not_completed")
    [ref] = refs_of([file])
    args = "workers.tasks.file_text", ref.model_dump_json()
    found = rpc.call_for(store.owner.pk, *args, queue="model", timeout_s=TIMEOUT_S)
    if found["n_chars"] and not found["text"]:
        raise ApiError(400, f"The text is too long to send: {found['n_chars']:,} characters.", None, "too_long")
    return FileText(data=[PassageText(text=found["text"])])


@router.post("/vector_stores/{vector_store_id}/file_batches", response={200: FileBatchObject, **ERRORS})
def create_file_batch(request: HttpRequest, vector_store_id: str, body: FilesToAttach) -> FileBatchObject:
    """Add many files of yours at once: all of them or none."""
    store = access_store(caller(request), vector_store_id)
    FileBatch.objects.filter(owner=caller(request), created__lt=timezone.now() - KEEP_BATCHES).delete()
    added = attach(store, body.attributes_by_file())
    ids = [str(file.id) for file in added]
    return _batch(store, FileBatch.objects.create(owner=caller(request), store=store.row.id, files=ids))


def _access_batch(request: HttpRequest, vector_store_id: str, name: str) -> tuple[Store, FileBatch]:
    store = access_store(caller(request), vector_store_id)
    found = re.fullmatch(r"vsfb_([0-9a-f]{32})", name)
    own = FileBatch.objects.filter(owner=caller(request), store=store.row.id)
    batch = own.filter(id=UUID(found[1])).first() if found else None
    if batch is None:
        raise ApiError(404, f"Batch “{name[:80]}” not found.", None, "not_found")
    return store, batch


def _files_of(store: Store, batch: FileBatch) -> "QuerySet[Any]":
    return store.files().filter(id__in=batch.files)


def _batch(store: Store, batch: FileBatch) -> FileBatchObject:
    n_files, _ = counts(_files_of(store, batch))
    done: State = "cancelled" if batch.cancelled else "completed"
    return FileBatchObject(
        id=f"vsfb_{batch.id.hex}",
        created_at=int(batch.created.timestamp()),
        vector_store_id=store_name(store),
        status="in_progress" if n_files["in_progress"] else done,
        file_counts=FileCounts(**n_files),
    )


@router.get("/vector_stores/{vector_store_id}/file_batches/{batch_id}", response={200: FileBatchObject, **ERRORS})
def get_file_batch(request: HttpRequest, vector_store_id: str, batch_id: str) -> FileBatchObject:
    """How far the files of a batch are."""
    return _batch(*_access_batch(request, vector_store_id, batch_id))


@router.post(
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel", response={200: FileBatchObject, **ERRORS}
)
def cancel_file_batch(request: HttpRequest, vector_store_id: str, batch_id: str) -> FileBatchObject:
    """Stop reading those files of a batch that are not read yet."""
    store, batch = _access_batch(request, vector_store_id, batch_id)
    if cancel_reading(_files_of(store, batch)):
        batch.cancelled = timezone.now()
        batch.save(update_fields=["cancelled"])
    return _batch(store, batch)


@router.get("/vector_stores/{vector_store_id}/file_batches/{batch_id}/files", response={200: StoreFileList, **ERRORS})
def list_files_of_batch(request: HttpRequest, vector_store_id: str, batch_id: str, page: Query[FilePage]) -> Any:
    """The files of a batch."""
    store, batch = _access_batch(request, vector_store_id, batch_id)
    return _page(store, _files_of(store, batch), page)
