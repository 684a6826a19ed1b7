"""Why a file cannot be indexed, or its index cannot be read: each message is for the file's owner."""

from gpts.knowledge.documents import Document


class KnowledgeError(Exception):
    """This file could not be read; try it again or upload it in another format."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__)


class EmptyFile(KnowledgeError):
    """The file is empty; upload one that contains text."""


class NotAFile(KnowledgeError):
    """This is a folder, device or pipe and not a file; choose a file."""


class UnsupportedFormat(KnowledgeError):
    """This kind of file is not supported; upload a document, table, slides, book, mail, web page, image or text."""


class BrokenFile(KnowledgeError):
    """The file is damaged or incomplete and cannot be opened; save it again and upload it again."""


class PasswordProtected(KnowledgeError):
    """The file is protected by a password; remove the protection and upload it again."""


class TooLarge(KnowledgeError):
    """The file has too much content; split it into smaller files."""


class UnpacksTooLarge(KnowledgeError):
    """The file unpacks to far more than its size suggests and was refused; save it again."""


class UnsafeArchive(KnowledgeError):
    """The file's archive has links, overlapping, duplicate or absolute entries; save it again."""


class EntitiesRefused(KnowledgeError):
    """The file declares XML entities, which are refused because they can hide or multiply content; save it again."""


class NoText(KnowledgeError):
    """There is no text in the file."""


class ScannedPages(KnowledgeError):
    """The file has scanned pages without a text layer, and no text could be recognised in them."""


class TimedOut(KnowledgeError):
    """Reading the file took too long and was stopped; split it into smaller files."""


# What a child process may report, by class name: the errors above, not those below.
BY_NAME: dict[str, type[KnowledgeError]] = {each.__name__: each for each in KnowledgeError.__subclasses__()}


class Quarantined(KnowledgeError):
    """All of the file's text needs your decision before it can be used: drop or accept each passage."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document


class SegmentMissing(KnowledgeError):
    """The index of this file is missing and is rebuilt when the workers start; try again in a few minutes."""


class SegmentCorrupt(KnowledgeError):
    """The index of this file is damaged; remove the file and upload it again."""


class EmbedderMismatch(KnowledgeError):
    """The file was indexed with another embedder than the one set now; index it again."""


class AttachmentGone(KnowledgeError):
    """The attached file can no longer be read; attach it again, or start a new chat."""
