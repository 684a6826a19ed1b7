"""`/v1/files`: OpenAI's Files, which programs upload once and name in messages, vector stores and batches."""

from datetime import timedelta
from typing import Any, Final, Literal

from django.http import FileResponse, HttpRequest
from ninja import File as Upload
from ninja import Form, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from gpts.values import Text
from web.accounts.models import User
from web.api.auth import caller
from web.api.content_files import no_file, uploaded
from web.api.cursors import Deleted, LongCursor, RowPage, page_of
from web.api.errors import ERRORS, ApiError, OpenAiErrorBody
from web.runs import files
from web.runs.models import ConversationFile
from web.runs.views_files import file_response

router = Router(tags=["Files"])
Purpose = Literal["assistants", "batch", "user_data", "vision"]
# How long files of batches are kept if nothing else is asked for, as with OpenAI.
KEEP_BATCHES: Final = timedelta(days=30)
BINARY: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


class FileObject(Schema):
    """A file. `status` is `uploaded` while it is read for messages, and `error` if it can’t be."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: Purpose | Literal["assistants_output", "batch_output"]
    status: Literal["uploaded", "processed", "error"]
    status_details: str | None


class FileList(RowPage):
    """A page of your files."""

    data: list[FileObject]


class NewFile(Schema):
    """What a file is for, and for how long it is kept."""

    purpose: Purpose = Field(description="`user_data` and `vision` are read at once, for messages.")
    anchor: Literal["created_at"] | None = Field(None, alias="expires_after[anchor]")
    seconds: int | None = Field(None, alias="expires_after[seconds]", description="An hour to 30 days.")

    def lasts(self) -> timedelta | None:
        """How long it is kept; None until it is deleted. Raises ApiError for half an answer."""
        if (self.anchor is None) != (self.seconds is None):
            field = "expires_after[anchor]" if self.anchor is None else "expires_after[seconds]"
            raise ApiError(400, "“expires_after” takes “anchor” and “seconds”.", field, "missing_required_parameter")
        if self.seconds is not None:
            return lasting(self.seconds, "expires_after[seconds]")
        return KEEP_BATCHES if self.purpose == "batch" else None


def lasting(seconds: int, field: str) -> timedelta:
    """How long a file is kept. Raises ApiError unless that is an hour to 30 days."""
    if not 3_600 <= seconds <= 2_592_000:
        raise ApiError(400, "A file is kept for 3,600 to 2,592,000 seconds.", field, "invalid_value")
    return timedelta(seconds=seconds)


class FilesWanted(LongCursor):
    """Which files to list."""

    purpose: Text | None = Field(None, max_length=20)


def file_name(file: ConversationFile) -> str:
    """The id of the file in the API."""
    return f"file-{file.id.hex}"


def access_upload(user: User, name: str, field: str | None = None) -> ConversationFile:
    """The file of `user`'s own that programs call `name`. Raises ApiError."""
    file = ConversationFile.objects.visible_to(user).filter(id=uploaded(name, field)).first()
    if file is None or not file.path.is_file():
        raise no_file(name, field)
    return file


def shown(file: ConversationFile) -> FileObject:
    """The file as programs get it."""
    state: Any = "processed"
    if file.status == ConversationFile.Status.FAILED:
        state = "error"
    elif file.status not in ConversationFile.SETTLED:
        state = "uploaded"
    purpose: Any = file.purpose or ("assistants_output" if file.run_id else "user_data")
    return FileObject(
        id=file_name(file),
        bytes=file.size,
        created_at=int(file.created.timestamp()),
        expires_at=int(file.expires.timestamp()) if file.expires else None,
        filename=file.name,
        purpose=purpose,
        status=state,
        status_details=file.error or None,
    )


@router.post("/files", response={200: FileObject, **ERRORS, 413: OpenAiErrorBody})
def create_file(request: HttpRequest, file: Upload[UploadedFile], new: Form[NewFile]) -> FileObject:
    """Upload a file to name in messages, vector stores and batches. Only you can use it."""
    name = (file.name or "file").replace("\x00", "")
    return shown(files.upload(caller(request), name, file.chunks(), new.purpose, new.lasts()))


@router.get("/files", response={200: FileList, **ERRORS})
def list_files(request: HttpRequest, wanted: Query[FilesWanted]) -> Any:
    """The files that you uploaded and those that batches wrote, the newest first unless `order` is `asc`."""
    user = caller(request)
    own = ConversationFile.objects.visible_to(user).uploads()
    own = own.filter(purpose=wanted.purpose) if wanted.purpose else own
    return page_of(own, wanted, lambda name: access_upload(user, name, "after"), shown)


@router.get("/files/{file_id}", response={200: FileObject, **ERRORS})
def get_file(request: HttpRequest, file_id: str) -> FileObject:
    """One of your files; also one in a chat of yours, by its id there."""
    return shown(access_upload(caller(request), file_id))


@router.get(
    "/files/{file_id}/content",
    response={200: Any, **ERRORS},
    openapi_extra={"responses": {200: {"content": BINARY}}},
)
def get_file_content(request: HttpRequest, file_id: str) -> FileResponse:
    """The bytes of a file."""
    return file_response(access_upload(caller(request), file_id), download=True)


@router.delete("/files/{file_id}", response={200: Deleted, **ERRORS})
def delete_file(request: HttpRequest, file_id: str) -> Deleted:
    """Delete a file: also from your vector stores, but not from chats and GPTs that have a copy."""
    file = access_upload(caller(request), file_id)
    if file.conversation_id:
        raise ApiError(400, "This file is part of a chat. Delete the chat.", None, "file_in_use")
    files.remove(caller(request), file.id)
    return Deleted(id=file_id, object="file")
