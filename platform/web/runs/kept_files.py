"""Which stored content is in use: what rows, versions that people can still reach, and GPTs refer to.

A version is in use while its GPT can be restored to it, or while somebody has a chat that it answered: the sources of
an answer can be opened as long as the chat is there, whatever became of the GPT.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from web.builder.models import Gpt, GptVersion
from web.builder.models_files import FileToRead, KnowledgeFile
from web.builder.models_listing import ListingReview
from web.runs.models import Conversation, ConversationFile, Run
from web.runs.models_stores import StoreFile

# All that refers to stored files and segments, besides versions.
KINDS: Final[tuple[type[FileToRead], ...]] = (KnowledgeFile, ConversationFile, StoreFile)
# How long a file that left the draft, or whose GPT was deleted, is kept at least.
KEEP_REMOVED: Final = timedelta(days=settings.KEEP_DELETED_DAYS)
# Of one GPT, the newest.
KEPT_VERSIONS: Final = 200


@contextmanager
def content_held() -> Iterator[None]:
    """Nothing that is stored in the state directory goes while the block lasts; waits for a sweep to end."""
    with _lock().open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def content_may_go() -> Iterator[bool]:
    """Whether stored content may be deleted within the block: False while somebody holds it."""
    with _lock().open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _lock() -> Path:
    place: Path = settings.GUILDHALL_HOME / "run" / "content.lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


@dataclass(frozen=True, slots=True)
class InUse:
    """Stored files by SHA-256, segments by address, and pictures of GPTs by name."""

    files: frozenset[str]
    segments: frozenset[str]
    pictures: frozenset[str]


def content_in_use() -> InUse:
    """All content that something refers to."""
    rows = [row for kind in KINDS for row in kind.objects.values_list("sha256", "segment")]
    of_versions = {ref["segment"] for ref in _knowledge_of(versions_in_use())}
    return InUse(
        files=frozenset(sha256 for sha256, _ in rows),
        segments=frozenset(segment for _, segment in rows) | of_versions,
        pictures=frozenset(Gpt.objects.exclude(picture="").values_list("picture", flat=True)),
    )


def versions_in_use() -> "QuerySet[GptVersion]":
    """The versions of GPTs that were not deleted, and those of chats that were not."""
    chats = Conversation.objects.filter(deleted=None).values("version")
    runs = Run.objects.filter(message__conversation__deleted=None).values("version")
    of_gpt = Q(gpt__deleted=None, number__isnull=False)
    return GptVersion.objects.filter(of_gpt | Q(id__in=chats) | Q(id__in=runs))


def is_in_version(segment: str) -> bool:
    """Whether a version in use has the segment."""
    return versions_in_use().filter(data__icontains=segment).exists()


def forgotten_knowledge() -> list[KnowledgeFile]:
    """The files that left a draft, or whose GPT was deleted, and that no version in use has."""
    before = timezone.now() - KEEP_REMOVED
    gone = KnowledgeFile.objects.filter(Q(removed__lt=before) | Q(gpt__deleted__lt=before))
    if not gone.exists():
        return []
    needed = {ref["file_id"] for ref in _knowledge_of(versions_in_use())}
    return [file for file in gone if str(file.id) not in needed]


def forget_versions() -> int:
    """Delete the versions made for previews, and the oldest of very many, that nobody has any more; their number."""
    unneeded = Q(number=None, created__lt=timezone.now() - KEEP_REMOVED)
    newest = GptVersion.objects.order_by().values("gpt").annotate(newest=Max("number"))
    for gpt, number in newest.filter(newest__gt=KEPT_VERSIONS).values_list("gpt", "newest"):
        unneeded |= Q(gpt=gpt, number__lte=number - KEPT_VERSIONS)
    unused = GptVersion.objects.filter(unneeded)
    kinds: tuple[Any, ...] = (Conversation, Run, ListingReview)
    for kind in kinds:
        unused = unused.exclude(id__in=kind.objects.values("version"))
    return unused.exclude(id__in=Gpt.objects.exclude(published=None).values("published")).delete()[0]


def _knowledge_of(versions: "QuerySet[GptVersion]") -> Iterator[dict[str, Any]]:
    for knowledge in versions.values_list("data__knowledge", flat=True).iterator():
        yield from knowledge or ()
