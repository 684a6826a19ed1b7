"""Why a file cannot be indexed, or its index cannot be read: each message is for the file's owner."""

from gpts.knowledge.documents import Document
from workers.isolation.errors import FileError


class Quarantined(FileError):
    """All of the file's text needs your decision before it can be used: drop or accept each passage."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document


class SegmentMissing(FileError):
    """The index of this file is missing and is rebuilt when the workers start; try again in a few minutes."""


class SegmentCorrupt(FileError):
    """The index of this file is damaged; remove the file and upload it again."""


class EmbedderMismatch(FileError):
    """The file was indexed with another embedder than the one set now; index it again."""


class AttachmentGone(FileError):
    """The attached file can no longer be read; attach it again, or start a new chat."""
