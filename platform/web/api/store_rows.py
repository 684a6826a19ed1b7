"""Vector stores as rows: those of a person's own, and the knowledge of each GPT that they created.

What is added to a GPT's store or removed from it changes the draft, as on the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from pydantic import TypeAdapter, ValidationError

from gpts.spec.gpt import KnowledgeRef
from web.accounts import quotas
from web.accounts.models import User
from web.api.attribute_filters import Filters
from web.api.content_files import no_file, uploaded
from web.api.errors import ApiError
from web.api.program_files import access_upload
from web.api.response_tools import STORE_NAME, HostedTool, ResponseTool
from web.builder import files
from web.builder.models import Gpt
from web.builder.models_files import FileToRead, KnowledgeFile
from web.runs.models import Conversation, ConversationFile
from web.runs.models_stores import StoreFile, VectorStore

MAX_STORES: Final = 1_000
# A search names each of them to a worker.
MAX_FILES: Final = 2_000
# Of a person's stores together.
MAX_ALL_FILES: Final = 20_000
_FILTERS: Final[TypeAdapter[Filters]] = TypeAdapter(Filters)
# What is known of a file that was read.
_READ: Final = ("size", "segment", "n_tokens", "n_pages", "n_chunks", "unit", "language", "notices")
OF_GPT: Final = "This vector store is the knowledge of a GPT. Change the GPT instead."


class Store(Protocol):
    """A vector store."""

    @property
    def owner(self) -> User:
        """Whose it is."""

    @property
    def row(self) -> Any:
        """What it is: a VectorStore or a Gpt, both with an id and `created`."""

    def files(self) -> "QuerySet[Any]":
        """Its files, of which every one has `attributes`."""

    def find(self, name: str) -> FileToRead:
        """The file that programs call `name`. Raises ApiError."""

    def name_of(self, file: Any) -> str:
        """What programs call the file."""

    def add(self, upload: ConversationFile, attributes: Mapping[str, Any]) -> FileToRead:
        """The upload as a file of the store, to be read by a worker; the one that is there already keeps its place.

        Raises ApiError and ValidationError.
        """

    def remove(self, file: Any) -> None:
        """Take the file out of the store."""


@dataclass(frozen=True)
class OwnStore:
    """A vector store that no GPT has."""

    row: VectorStore

    @property
    def owner(self) -> User:
        """Whose it is."""
        return self.row.owner

    def files(self) -> "QuerySet[Any]":
        """Its files; an upload that was deleted or expired is gone from it at once."""
        uploads = ConversationFile.objects.visible_to(self.owner)
        return StoreFile.objects.filter(store=self.row, upload__in=uploads).select_related("upload", "store")

    def find(self, name: str) -> FileToRead:
        """The file of this upload."""
        found: FileToRead | None = self.files().filter(upload=uploaded(name)).first()
        if found is None:
            raise no_file(name)
        return found

    def name_of(self, file: Any) -> str:
        """The id of the upload."""
        return f"file-{file.upload_id.hex}"

    def add(self, upload: ConversationFile, attributes: Mapping[str, Any]) -> FileToRead:
        """The upload in the store, ready at once if the person had a worker read the same content before."""
        quotas.lock(self.row.owner_id)
        _check_open(self.row)
        file = self.files().filter(upload=upload).first()
        if file is not None:
            file.attributes = attributes
            file.save(update_fields=["attributes"])
            return file
        if self.files().count() >= MAX_FILES:
            raise ApiError(400, f"A vector store can have up to {MAX_FILES:,} files.", None, "too_many")
        if StoreFile.objects.filter(store__owner=self.owner).count() >= MAX_ALL_FILES:
            text = f"Your vector stores can have up to {MAX_ALL_FILES:,} files together. Remove some first."
            raise ApiError(400, text, None, "too_many")
        facts = {"name": upload.name, "sha256": upload.sha256, "size": upload.size, "attributes": attributes}
        file = StoreFile(store=self.row, upload=upload, **facts)
        read = StoreFile.objects.filter(store__owner=self.owner, sha256=upload.sha256, status=FileToRead.Status.READY)
        known = read.exclude(segment="").first()
        is_read = known is not None and files.copy_reading(file, known)
        file.save()
        if not is_read:
            files.queue_indexing(file)
        self.row.was_used()
        return file

    def remove(self, file: Any) -> None:
        """Delete its row; the upload stays."""
        file.delete()


@dataclass(frozen=True)
class GptStore:
    """The knowledge in the draft of a GPT, for its creator."""

    row: Gpt

    @property
    def owner(self) -> User:
        """The creator."""
        return self.row.owner

    def files(self) -> "QuerySet[Any]":
        """The files of the draft."""
        return self.row.files.filter(removed=None)

    @cached_property
    def _uploads(self) -> dict[str, UUID]:
        own = ConversationFile.objects.visible_to(self.owner).uploads().order_by("-created")
        return dict(own.filter(sha256__in=self.files().values("sha256")).values_list("sha256", "id"))

    def find(self, name: str) -> FileToRead:
        """The file with this id, or with the content of the creator's upload with this id."""
        found: FileToRead | None = self.files().filter(id=uploaded(name)).first()
        if found is None:
            content = access_upload(self.owner, name).sha256
            found = self.files().filter(sha256=content).first()
        if found is None:
            raise no_file(name)
        return found

    def name_of(self, file: Any) -> str:
        """The id of the creator's oldest upload with its content, or else its own."""
        return f"file-{self._uploads.get(file.sha256, file.id).hex}"

    def add(self, upload: ConversationFile, attributes: Mapping[str, Any]) -> FileToRead:
        """The content of the upload in the draft."""
        with upload.path.open("rb") as content:
            file = files.add_file(self.row, upload.name, iter(lambda: content.read(1 << 20), b""))
        KnowledgeFile.objects.filter(id=file.id).update(attributes=attributes)
        file.refresh_from_db()
        return file

    def remove(self, file: Any) -> None:
        """Take it out of the draft; published versions keep it."""
        files.remove_file(file)


def tables_of(user: User) -> "tuple[QuerySet[VectorStore], QuerySet[Gpt]]":
    """The rows of all vector stores of the person."""
    own = VectorStore.objects.filter(owner=user).select_related("owner")
    return own, Gpt.objects.owned_by(user).select_related("owner")


def of(row: VectorStore | Gpt) -> Store:
    """The vector store with this row."""
    return OwnStore(row) if isinstance(row, VectorStore) else GptStore(row)


def store_name(store: Store) -> str:
    """The id of the store in the API."""
    return f"vs_{store.row.id.hex}"


def access_store(user: User, name: str, field: str | None = None) -> Store:
    """The vector store of `user`'s own with this id: the only way to fetch one. Raises ApiError."""
    if found := STORE_NAME.fullmatch(name):
        uid = UUID(found[1])
        own, gpts = tables_of(user)
        if row := own.filter(id=uid).first() or gpts.filter(id=uid).first():
            return of(row)
    raise ApiError(404, f"Vector store “{name[:80]}” not found.", field, "not_found")


def create_store(user: User, **facts: Any) -> OwnStore:
    """A new vector store of the person. Raises ApiError."""
    if VectorStore.objects.filter(owner=user).count() >= MAX_STORES:
        raise ApiError(400, f"You have {MAX_STORES:,} vector stores. Delete some first.", None, "too_many")
    store = OwnStore(VectorStore.objects.create(owner=user, **facts))
    store.row.was_used()
    return store


def attach(store: Store, given: Mapping[str, Mapping[str, Any]]) -> list[FileToRead]:
    """The uploads with these ids as files of the store, each with its attributes; all of them or none."""
    with transaction.atomic():
        uploads = [(access_upload(store.owner, name, "file_id"), attributes) for name, attributes in given.items()]
        return [store.add(upload, attributes) for upload, attributes in uploads]


def own_row(store: Store) -> VectorStore:
    """The row of a store that no GPT has. Raises ApiError for a GPT's."""
    if isinstance(store, OwnStore):
        return store.row
    raise ApiError(400, OF_GPT, None, "unsupported_value")


def _check_open(row: VectorStore) -> None:
    if row.is_expired:
        raise ApiError(400, "This vector store has expired.", None, "vector_store_expired")


def counts(files: "QuerySet[Any]") -> tuple[dict[str, int], int]:
    """How many of the files are in each state, and their bytes."""
    found = dict.fromkeys(("in_progress", "completed", "failed", "cancelled"), 0)
    n_bytes = 0
    for status, n, size in files.order_by().values_list("status").annotate(n=Count("id"), size=Sum("size")):
        found[state_of(status)] += n
        n_bytes += size
    return {**found, "total": sum(found.values())}, n_bytes


def state_of(status: str) -> str:
    """The status of a file in OpenAI's terms."""
    Status = FileToRead.Status
    known = {Status.READY: "completed", Status.CANCELLED: "cancelled"}
    failed = dict.fromkeys((Status.FAILED, Status.QUARANTINED), "failed")
    return {**known, **failed}.get(Status(status), "in_progress")


def ready(store: Store, fits: Any = None) -> list[Any]:
    """The files of the store that can be searched, those that the filter fits. Raises ApiError if it has expired."""
    if isinstance(store, OwnStore):
        _check_open(store.row)
        store.row.was_used()
    found = store.files().exclude(segment="")
    return [file for file in found if fits is None or fits.fits(file.attributes)]


def refs_of(files: list[Any]) -> list[KnowledgeRef]:
    """The files as workers know them."""
    return [KnowledgeRef(file_id=str(file.id), name=file.name, segment=file.segment) for file in files]


def files_of_stores(thread: Conversation, tools: Sequence[ResponseTool] | None) -> list[UUID]:
    """The ids, in `thread`, of copies of the files in the vector stores that `tools` name. Raises ApiError.

    Attached to its message, they are read under the rules for attached files.

    The store of the thread's own GPT is left out: its live version is searched in any case.
    """
    found: dict[str, Any] = {}
    for place, tool in enumerate(tools or ()):
        if isinstance(tool, HostedTool) and tool.type == "file_search":
            found |= {file.sha256: file for file in _files_named(thread, tool, f"tools.{place}")}
    if len(found) > settings.MAX_ATTACHMENTS:
        text = (
            f"The vector stores have {len(found)} files that fit; a response can search {settings.MAX_ATTACHMENTS}."
        )
        raise ApiError(400, f"{text} Choose some with “filters”.", "tools", "too_many")
    return [_copied(thread, file).id for file in found.values()]


def _files_named(thread: Conversation, tool: HostedTool, place: str) -> list[Any]:
    try:
        given = (tool.model_extra or {}).get("filters")
        filters = _FILTERS.validate_python(given) if given else None
    except ValidationError:
        raise ApiError(400, "These filters can’t be read.", f"{place}.filters", "invalid_value") from None
    names = [name for name in tool.vector_store_ids or () if name != f"vs_{thread.gpt_id.hex}"]
    stores = [access_store(thread.owner, name, f"{place}.vector_store_ids") for name in names]
    return [file for store in stores for file in ready(store, filters)]


def _copied(thread: Conversation, file: Any) -> ConversationFile:
    facts = {field: getattr(file, field) for field in _READ}
    facts |= {"owner_id": thread.owner_id, "mime": "application/octet-stream", "status": FileToRead.Status.READY}
    same = {"conversation": thread, "run": None, "sha256": file.sha256, "name": file.name[:120]}
    return ConversationFile.objects.get_or_create(**same, defaults={**facts, "untrusted": True})[0]
