"""Takes whatever a person brings from elsewhere: GPTs become drafts, exports of chats go to a worker.

What a file is, its content says. OpenAPI documents and further files belong to the one GPT that came with them. First
everything is read and checked, then all of it is stored at once, so that an import that is refused leaves nothing.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext, gettext_noop

from gpts.portable.archive import Contents, open_archive, opened
from gpts.portable.errors import NotImportable
from gpts.portable.found import Fields, Found
from gpts.portable.package import MANIFEST, Authentication, Package
from gpts.portable.recognising import MAX_GPTS, MAX_JSON_CHARS, Recognised, from_json, has_chats
from gpts.spec.actions import DOCUMENT_BYTES
from web import confined
from web.accounts import quotas
from web.accounts.models import User
from web.builder import imports
from web.builder.files import clean_name
from web.builder.models import Gpt
from web.runs import chat_imports
from web.runs.models_imports import ChatImport
from web.runs.stream import missing_capabilities

if TYPE_CHECKING:
    Upload = UploadedFile[Any]
else:
    Upload = UploadedFile
MAX_PASTED_CHARS: Final = 2_000_000
HEAD_BYTES: Final = 100_000
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
TOO_MUCH: Final = gettext_noop("This takes too long to read, or has too much in it. Split it up.")
NOTHING: Final = gettext_noop("Paste a configuration or choose a file.")
WHOSE: Final = gettext_noop(
    "This import has {n} GPTs. Import other files and OpenAPI documents with the one GPT that they belong to."
)
UNKNOWN: Final = gettext_noop(
    "This is no export of ChatGPT, Open WebUI or LibreChat, and no GPT. Files are imported with the GPT that they "
    "belong to."
)


@dataclass(slots=True)
class Brought:
    """What was brought, sorted by what it is."""

    packages: list[Upload] = field(default_factory=list)
    gpts: list[Found] = field(default_factory=list)
    documents: list[tuple[str, str]] = field(default_factory=list)
    files: list[Upload] = field(default_factory=list)
    chats: list[Upload] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it."""

    gpts: tuple[Gpt, ...]
    chats: tuple[ChatImport, ...]


def bring(user: User, text: str, uploads: Sequence[Upload]) -> Taken:
    """Make drafts and imports of chats of what a person pasted and uploaded.

    Raises ValidationError by field (`text` or `file`), QuotaExceeded, Refused and NoResult, and leaves nothing then.
    """
    brought = Brought()
    if text.strip():
        _sort_pasted(brought, user, text.replace("\x00", ""))
    for upload in uploads:
        with _named(upload):
            _sort(brought, user, upload)
    if not (text.strip() or uploads):
        raise ValidationError({"text": gettext(NOTHING)})
    _give_files_to_their_gpt(brought)
    drafts = _drafts(user, brought)
    rows = [chat_imports.stored(user, each.name or "", each.chunks(), n) for n, each in enumerate(brought.chats)]
    missing = missing_capabilities()
    try:
        with transaction.atomic():
            gpts = tuple(imports.store(draft, missing) for draft in drafts)
            for row in rows:
                chat_imports.begin(row)
    except NotImportable as error:
        raise ValidationError({"file": str(error)}) from error
    return Taken(gpts, tuple(rows))


@contextmanager
def _named(upload: Upload) -> Iterator[None]:
    """What is wrong within belongs to the upload."""
    try:
        yield
    except NotImportable as error:
        name = clean_name(upload.name or "", 80) or gettext("The file")
        raise ValidationError({"file": f"{name}: {error}"}) from error


def _read(user: User, reader: str, data: bytes, *args: str) -> bytes:
    """What a confined reader makes of the bytes. Raises NotImportable and NoResult."""
    try:
        made = confined.read(user.pk, reader, [data], *args)
    except confined.Unreadable as error:
        raise NotImportable(gettext(TOO_MUCH)) from error
    if made.startswith(b'{"refused"'):
        raise NotImportable(json.loads(made)["refused"])
    return made


def _sort_pasted(brought: Brought, user: User, text: str) -> None:
    if len(text) > MAX_PASTED_CHARS:
        raise ValidationError({"text": gettext("This is too long to paste. Upload it as a file.")})
    try:
        found = from_json(_read(user, "pasted", text.encode(errors="replace")))
    except NotImportable as error:
        raise ValidationError({"text": str(error)}) from error
    if found.kind == "chats":
        raise ValidationError({"text": gettext("Upload exported chats as a file.")})
    _add(brought, found, gettext("pasted document"), text)


def _add(brought: Brought, found: Recognised, name: str, text: str) -> None:
    brought.gpts += found.gpts
    if found.kind == "openapi":
        brought.documents.append((name, text))


def _sort(brought: Brought, user: User, upload: Upload) -> None:
    file = cast(IO[bytes], upload.file)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if not head.strip():
        raise NotImportable(gettext("The file is empty."))
    if head.startswith(_ZIP):
        _sort_archive(brought, upload, file)
        return
    if b"\0" in head[:4_000]:
        brought.files.append(upload)
        return
    start = head.decode("utf-8-sig", errors="replace")
    if has_chats(start):  # before it is read, which takes a process of its own
        chat_imports.check_open(user, len(brought.chats))
    if (upload.size or 0) > MAX_JSON_CHARS:
        (brought.chats if start.lstrip()[:1] in ("[", "{") and has_chats(start) else brought.files).append(upload)
        return
    text = (head + file.read()).decode("utf-8-sig", errors="replace").replace("\x00", "")
    name = PurePath(upload.name or "").name
    found = from_json(_read(user, "uploaded", text.encode(errors="replace"), name))
    if found.kind == "chats":
        brought.chats.append(upload)
    elif found.kind == "file":
        brought.files.append(upload)
    _add(brought, found, upload.name or "document", text)


def _sort_archive(brought: Brought, upload: Upload, file: IO[bytes]) -> None:
    with open_archive(file) as archive:
        names = archive.namelist()
    if MANIFEST in names:
        brought.packages.append(upload)
    elif chat_imports.has_chats(names):
        brought.chats.append(upload)
    else:  # documents of office programs are archives too
        brought.files.append(upload)


def _give_files_to_their_gpt(brought: Brought) -> None:
    """The documents and files become part of the only GPT; without any, the documents are that of a new one."""
    n_gpts = len(brought.packages) + len(brought.gpts)
    if n_gpts > MAX_GPTS:
        raise ValidationError(
            {
                "file": gettext("This import has {n_gpts} GPTs. Up to {max_gpts} fit.").format(
                    n_gpts=n_gpts, max_gpts=MAX_GPTS
                )
            }
        )
    if not (brought.documents or brought.files):
        return
    if not (n_gpts or brought.documents):
        with _named(brought.files[0]):
            raise NotImportable(gettext(UNKNOWN))
    if n_gpts > 1 or brought.packages or (brought.chats and not n_gpts):
        raise ValidationError({"file": gettext(WHOSE).format(n=n_gpts)})
    if not n_gpts:
        fields = Fields("files", PurePath(brought.documents[0][0]).stem)
        fields.notes.append(gettext("No configuration came with the files: give the GPT a name and instructions."))
        brought.gpts.append(fields.found())
    brought.gpts = [_with_documents(brought.gpts[0], brought.documents)]


def _with_documents(found: Found, documents: Iterable[tuple[str, str]]) -> Found:
    """The GPT with OpenAPI documents as further actions; notes that asked for them are answered."""
    fields = Fields(found.source, texts=dict(found.texts), actions=list(found.package.actions))
    for name, text in documents:
        if len(text.encode(errors="replace")) > DOCUMENT_BYTES:
            raise ValidationError(
                {"file": gettext("{name}: Too large for an OpenAPI document.").format(name=clean_name(name, 80))}
            )
        fields.add_action(text, Authentication())
    package = found.package.model_copy(update={"actions": tuple(fields.actions)})
    return Found(found.source, package, fields.texts, found.picture, (*found.notes, *fields.notes))


def _drafts(user: User, brought: Brought) -> list[imports.Draft]:
    """Every GPT, read and checked. Raises ValidationError, QuotaExceeded, NoResult."""

    def read_package(data: bytes) -> Package:
        return Package.model_validate_json(_read(user, "package", data))

    drafts = []
    most = settings.MAX_FILES_PER_GPT * settings.MAX_FILE_BYTES
    for upload in brought.packages:
        with _named(upload), opened(cast(IO[bytes], upload.file), most, read_package) as (found, contents, n_bytes):
            quotas.check_storage(user.pk, n_bytes)
            drafts.append(imports.prepare(user, found, contents))
    files = [(each.name or "file", each.chunks()) for each in brought.files]
    try:
        return drafts + [imports.prepare(user, each, Contents(each.texts), files) for each in brought.gpts]
    except NotImportable as error:
        raise ValidationError({"file": str(error)}) from error
