"""`/v1/vector_stores`: OpenAI's vector stores. Each GPT of one's own is one too, whose changes go to the draft."""

from typing import Annotated, Any, Final, Literal

from django.db import transaction
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field, TypeAdapter

from gpts.spec.gpt import KnowledgeRef
from gpts.values import Text
from web import rpc
from web.api.attribute_filters import Filters, Metadata
from web.api.auth import caller
from web.api.cursors import Cursor, Deleted, RowPage, page_of
from web.api.errors import ERRORS, ApiError, OpenAiErrorBody
from web.api.store_rows import (
    GptStore,
    Store,
    access_store,
    attach,
    counts,
    create_store,
    of,
    own_row,
    ready,
    refs_of,
    store_name,
    tables_of,
)
from web.builder.knowledge import ASK_TIMEOUT_S, QUESTION_CHARS

router = Router(tags=["Vector stores"])
DRAFT: Final = "Changes go to the GPT’s draft. Publish it to make them live."
FileIds = Annotated[list[Text], Field(max_length=500)]


class Expiry(BaseModel):
    """How long after its last use a store expires."""

    anchor: Literal["last_active_at"]
    days: int = Field(ge=1, le=365)


class Chunking(BaseModel):
    """How files are cut into passages: the site decides."""

    type: Literal["auto"]


class NewStore(BaseModel):
    """A vector store, with its first files."""

    name: Annotated[Text, Field(max_length=256)] | None = None
    description: Annotated[Text, Field(max_length=512)] | None = None
    metadata: Metadata | None = None
    expires_after: Expiry | None = None
    file_ids: FileIds | None = None
    chunking_strategy: Chunking | None = None


class StoreChange(BaseModel):
    """What to change of a vector store; what is not named stays."""

    name: Annotated[Text, Field(max_length=256)] | None = None
    metadata: Metadata | None = None
    expires_after: Expiry | None = None


class RankingOptions(BaseModel):
    """Which results are good enough. There is one ranker."""

    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: float | None = Field(None, ge=0, le=1)


Question = Annotated[Text, Field(min_length=1, max_length=QUESTION_CHARS)]


class Search(BaseModel):
    """What to search for. `rewrite_query` has no effect: the search takes questions as they are."""

    query: Question | Annotated[list[Question], Field(min_length=1, max_length=5)]
    filters: Filters | None = None
    max_num_results: int = Field(10, ge=1, le=50)
    ranking_options: RankingOptions | None = None
    rewrite_query: bool | None = None


class FileCounts(Schema):
    """How many files are in each state."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class OfGpt(Schema):
    """The GPT whose knowledge a store is, and where changes go."""

    gpt: str
    note: str


class StoreObject(Schema):
    """A vector store. `guildhall` is null unless it is the knowledge of a GPT."""

    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str
    description: str | None
    usage_bytes: int
    file_counts: FileCounts
    status: Literal["expired", "in_progress", "completed"]
    expires_after: Expiry | None
    expires_at: int | None
    last_active_at: int | None
    metadata: dict[str, str]
    guildhall: OfGpt | None


class StoreList(RowPage):
    """A page of your vector stores."""

    data: list[StoreObject]


class PassageText(Schema):
    """A passage."""

    type: Literal["text"] = "text"
    text: str


class FoundFile(Schema):
    """A passage of a file that was found."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, bool | int | float | str]
    content: list[PassageText]


class FoundPage(Schema):
    """What was found, best first."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[FoundFile]
    has_more: Literal[False] = False
    next_page: None = None


def shown(store: Store) -> StoreObject:
    """The store as programs get it."""
    n_files, n_bytes = counts(store.files())
    row = store.row
    facts: dict[str, Any] = {
        "status": "in_progress" if n_files["in_progress"] else "completed",
        "last_active_at": int(row.created.timestamp()),
        "description": row.description or None,
    }
    if isinstance(store, GptStore):
        facts |= {"metadata": {}, "expires_after": None, "expires_at": None}
        facts["guildhall"] = OfGpt(gpt=row.slug, note=DRAFT)
    else:
        days = row.lasts_days
        facts |= {
            "status": "expired" if row.is_expired else facts["status"],
            "last_active_at": int(row.last_active.timestamp()),
            "metadata": row.metadata,
            "expires_after": Expiry(anchor="last_active_at", days=days) if days else None,
            "expires_at": int(row.expires.timestamp()) if row.expires else None,
            "guildhall": None,
        }
    same = {"id": store_name(store), "created_at": int(row.created.timestamp()), "name": row.name}
    return StoreObject(**same, usage_bytes=n_bytes, file_counts=FileCounts(**n_files), **facts)


@router.post("/vector_stores", response={200: StoreObject, **ERRORS})
def create_vector_store(request: HttpRequest, body: NewStore) -> StoreObject:
    """Create a vector store of your own. Its files are read in the background."""
    facts = {"name": body.name or "", "description": body.description or "", "metadata": body.metadata or {}}
    days = body.expires_after.days if body.expires_after else None
    with transaction.atomic():
        store = create_store(caller(request), **facts, lasts_days=days)
        attach(store, {name: {} for name in body.file_ids or ()})
    return shown(store)


@router.get("/vector_stores", response={200: StoreList, **ERRORS})
def list_vector_stores(request: HttpRequest, cursor: Query[Cursor]) -> Any:
    """Your vector stores, those of your GPTs among them; the newest first unless `order` is `asc`."""
    user = caller(request)
    own, gpts = tables_of(user)
    return page_of(own, cursor, lambda name: access_store(user, name, "after").row, lambda row: shown(of(row)), gpts)


@router.get("/vector_stores/{vector_store_id}", response={200: StoreObject, **ERRORS})
def get_vector_store(request: HttpRequest, vector_store_id: str) -> StoreObject:
    """One of your vector stores."""
    return shown(access_store(caller(request), vector_store_id))


@router.post("/vector_stores/{vector_store_id}", response={200: StoreObject, **ERRORS})
def update_vector_store(request: HttpRequest, vector_store_id: str, body: StoreChange) -> StoreObject:
    """Change a vector store that isn’t the knowledge of a GPT."""
    store = access_store(caller(request), vector_store_id)
    row = own_row(store)
    if "expires_after" in body.model_fields_set:
        row.lasts_days = body.expires_after.days if body.expires_after else None
    row.name = body.name if body.name is not None else row.name
    row.metadata = (body.metadata or {}) if "metadata" in body.model_fields_set else row.metadata
    row.save(update_fields=["name", "metadata"])
    row.was_used()
    return shown(store)


@router.delete("/vector_stores/{vector_store_id}", response={200: Deleted, **ERRORS})
def delete_vector_store(request: HttpRequest, vector_store_id: str) -> Deleted:
    """Delete a vector store that isn’t the knowledge of a GPT. The files stay."""
    own_row(access_store(caller(request), vector_store_id)).delete()
    return Deleted(id=vector_store_id, object="vector_store.deleted")


@router.post("/vector_stores/{vector_store_id}/search", response={200: FoundPage, **ERRORS, 503: OpenAiErrorBody})
def search_vector_store(request: HttpRequest, vector_store_id: str, body: Search) -> FoundPage:
    """Search a vector store as a GPT searches its files. `filters` choose files by their attributes."""
    store = access_store(caller(request), vector_store_id)
    queries = body.query if isinstance(body.query, list) else [body.query]
    if not any(query.strip() for query in queries):
        raise ApiError(400, "Enter a query.", "query", "invalid_value")
    files = {str(file.id): file for file in ready(store, body.filters)}
    least = body.ranking_options.score_threshold if body.ranking_options else None
    refs = refs_of(list(files.values()))
    passages = _search(store.owner.pk, refs, queries, body.max_num_results) if refs else []
    data = [
        FoundFile(
            file_id=store.name_of(files[each["file_id"]]),
            filename=files[each["file_id"]].name,
            score=each["score"],
            attributes=files[each["file_id"]].attributes,
            content=[PassageText(text=each["text"])],
        )
        for each in passages
        if each["score"] >= (least or 0)
    ]
    return FoundPage(search_query=queries, data=data)


def _search(person: int, refs: list[KnowledgeRef], queries: list[str], n: int) -> list[dict[str, Any]]:
    """The `n` best passages for the person with this id. Raises NoResult."""
    asked = (TypeAdapter(list[KnowledgeRef]).dump_json(refs), TypeAdapter(list[str]).dump_json(queries))
    found = rpc.call_for(
        person,
        "workers.tasks.search_files",
        *(each.decode() for each in asked),
        str(n),
        queue="model",
        timeout_s=ASK_TIMEOUT_S,
    )
    return list(found["passages"])
