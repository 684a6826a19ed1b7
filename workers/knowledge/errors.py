"""Why a file cannot become knowledge, or knowledge cannot be read: each message is for the file's owner."""

from gpts.knowledge.documents import Document


class KnowledgeError(Exception):
    """This file could not be read; try it again or upload it in another format."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__)


class EmptyFile(KnowledgeError):
    """The file is empty; upload one that holds text."""


class NotAFile(KnowledgeError):
    """This is not a file but a folder, a device or a pipe; choose a file."""


class UnsupportedFormat(KnowledgeError):
    """This kind of file is not supported; upload a document, table, slides, book, mail, web page, image or text."""


class BrokenFile(KnowledgeError):
    """The file is damaged or incomplete and cannot be opened; save it anew and upload it again."""


class PasswordProtected(KnowledgeError):
    """The file is protected by a password; remove the protection and upload it again."""


class TooLarge(KnowledgeError):
    """The file holds more than can be read at once; split it into smaller files."""


class UnpacksTooLarge(KnowledgeError):
    """The file unpacks to far more than its size suggests and was refused; save it anew."""


class UnsafeArchive(KnowledgeError):
    """The file's inner archive has links, overlapping, doubled or outward leading entries; save it anew."""


class EntitiesRefused(KnowledgeError):
    """The file declares XML entities, which are refused because they can hide or multiply content; save it anew."""


class NoText(KnowledgeError):
    """There is no text in the file."""


class ScannedPages(KnowledgeError):
    """The file holds scanned pages without a text layer, and no text could be recognised in them."""


class TimedOut(KnowledgeError):
    """Reading the file took too long and was stopped; split it into smaller files."""


class Quarantined(KnowledgeError):
    """Parts of the file need your decision before it can be used: drop or accept each of them."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document


class SegmentMissing(KnowledgeError):
    """The index of this file is missing and is made anew when the workers start; try again in some minutes."""


class SegmentCorrupt(KnowledgeError):
    """The index of this file is damaged; remove the file and upload it again."""


class EmbedderMismatch(KnowledgeError):
    """The file was indexed with another embedder than the one set now; index it again."""


# The parsing process reports its reason by class name.
BY_NAME: dict[str, type[KnowledgeError]] = {
    reason.__name__: reason
    for reason in (
        EmptyFile,
        NotAFile,
        UnsupportedFormat,
        BrokenFile,
        PasswordProtected,
        TooLarge,
        UnpacksTooLarge,
        UnsafeArchive,
        EntitiesRefused,
        NoText,
        ScannedPages,
        TimedOut,
    )
}
