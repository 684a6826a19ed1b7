"""Deletes the files of conversations that nobody can open any more, with everything that reading left of them.

Bytes, segments and pictures of pages are stored by content: what another file shares is kept.
"""

import shutil
from pathlib import Path
from time import time
from typing import Final

from django.conf import settings

from web.builder.models import KnowledgeFile
from web.runs.citations import pictures_of
from web.runs.files import forgotten
from web.runs.models import ConversationFile
from workers.knowledge.publishing import discard

# Bytes that were stored more recently may be those of an upload whose row is about to be written.
SETTLED_S: Final = 3_600


def forget_files() -> int:
    """Delete the rows of forgotten files, and what nothing else uses of their content; how many rows."""
    n_deleted = 0
    for file in forgotten():
        if _is_shared(file):
            n_deleted += file.delete()[0]
        elif _is_settled(file.path):
            _remove_content(file)
            n_deleted += file.delete()[0]
    return n_deleted


def _is_shared(file: ConversationFile) -> bool:
    """Whether another file has the same content; rows of knowledge files stay while a version may need them."""
    others = ConversationFile.objects.filter(sha256=file.sha256).exclude(id=file.id)
    return others.exists() or KnowledgeFile.objects.filter(sha256=file.sha256).exists()


def _is_settled(path: Path) -> bool:
    try:
        return time() - path.stat().st_mtime > SETTLED_S
    except FileNotFoundError:
        return True


def _remove_content(file: ConversationFile) -> None:
    home = settings.GUILDHALL_HOME
    file.path.unlink(missing_ok=True)
    for parsed in (home / "parsed").glob(f"{file.sha256}-*.json"):
        parsed.unlink(missing_ok=True)
    shutil.rmtree(pictures_of(file.sha256), ignore_errors=True)
    if file.segment and (home / "segments" / file.segment).is_dir():
        discard(home / "segments" / file.segment)
