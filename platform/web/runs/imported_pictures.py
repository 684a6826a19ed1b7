"""The pictures that the archive of an export holds, for the messages that show them.

Their bytes are kept as they are and never decoded here: whatever reads them later does so in a process of its own.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError

from gpts.portable.archive import Contents
from gpts.portable.chatgpt_chats import ASSET
from gpts.portable.errors import NotImportable
from gpts.runs.steps import FileRef
from web.accounts import quotas
from web.builder.files import clean_name, store_bytes
from web.builder.models_files import content_path
from web.runs.files import PICTURES, mime_of
from web.runs.models import Conversation, ConversationFile

# Of one import.
MAX_PICTURES: Final = 5_000
_NAME: Final = re.compile(rf"({ASSET.pattern})[-_.]?(.*)")


class PictureArchive:
    """Finds pictures by the ids that chats call them by. Without an archive there are none."""

    def __init__(self, archive: zipfile.ZipFile | None = None, names: Iterable[str] = ()) -> None:
        self._contents, self._n_left = Contents({}, archive), MAX_PICTURES
        found = ((_NAME.fullmatch(PurePosixPath(name).name), name) for name in names)
        self._paths = {match[1]: (name, match[2]) for match, name in found if match}

    def known(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that the archive holds, each once, as many as a message can have."""
        return [id for id in dict.fromkeys(ids) if id in self._paths][: settings.MAX_ATTACHMENTS]

    def keep(self, conversation: Conversation, ids: Sequence[str]) -> tuple[FileRef, ...]:
        """The pictures as attached files, but for those that are damaged, no pictures, or more than can be stored.

        The caller holds the lock of the owner's quotas.
        """
        return tuple(file.ref() for id in ids if (file := self._kept(conversation, id)))

    def _kept(self, conversation: Conversation, id: str) -> ConversationFile | None:
        path, name = self._paths[id]
        self._n_left -= 1
        if self._n_left < 0:
            return None
        try:
            sha256, size = store_bytes(self._contents.chunks(path), settings.MAX_ATTACHMENT_BYTES)
            quotas.check_storage(conversation.owner_id, size)
        except (NotImportable, ValidationError):
            return None
        facts = {"owner_id": conversation.owner_id, "sha256": sha256, "size": size}
        mime = mime_of(content_path(sha256))
        if mime not in PICTURES:
            return None
        named = {"name": clean_name(name, 120) or id, "mime": mime}
        return ConversationFile.objects.create(conversation=conversation, **named, **facts)
