"""Deletes the files that nobody can open any more, with everything that reading left of them.

They are those of deleted chats, attachments that were never sent, and knowledge that no version in use has. Bytes,
segments and pictures of pages are stored by content: what another file shares is kept.
"""

from pathlib import Path

from django.conf import settings

from web.builder.models_files import FileToRead
from web.runs.citations import pictures_of
from web.runs.files import forgotten
from web.runs.kept_files import forget_versions, forgotten_knowledge
from workers.indexing.sweeping import has_file, has_segment, is_settled, remove_unless


def forget_files() -> int:
    """Delete the rows of forgotten files, and what nothing else uses of their content; how many rows."""
    forget_versions()
    n_deleted = 0
    files: list[FileToRead] = [*forgotten(), *forgotten_knowledge()]
    for file in files:
        if has_file(file.sha256, besides=file.id):
            n_deleted += file.delete()[0]
        elif is_settled(file.path):
            n_deleted += file.delete()[0]
            _remove_content(file)
    return n_deleted


def _remove_content(file: FileToRead) -> None:
    home = Path(settings.GUILDHALL_HOME)
    # Somebody may be storing the same content at this moment.
    if (
        not remove_unless(file.path, lambda aside: has_file(file.sha256, file.id) or not is_settled(aside))
        and file.path.exists()
    ):
        return
    for parsed in (home / "parsed").glob(f"{file.sha256}-*.json"):
        parsed.unlink(missing_ok=True)
    remove_unless(pictures_of(file.sha256), lambda aside: False)
    if file.segment:
        remove_unless(home / "segments" / file.segment, lambda aside: has_segment(file.segment))
