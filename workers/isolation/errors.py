"""Why a file cannot be read: each message is for the file's owner."""


class FileError(Exception):
    """This file could not be read; try it again or upload it in another format."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__)


class EmptyFile(FileError):
    """The file is empty; upload one that contains text."""


class NotAFile(FileError):
    """This is a folder, device or pipe and not a file; choose a file."""


class UnsupportedFormat(FileError):
    """This kind of file is not supported; upload a document, table, slides, book, mail, web page, image or text."""


class BrokenFile(FileError):
    """The file is damaged or incomplete and cannot be opened; save it again and upload it again."""


class PasswordProtected(FileError):
    """The file is protected by a password; remove the protection and upload it again."""


class TooLarge(FileError):
    """The file has too much content; split it into smaller files."""


class UnpacksTooLarge(FileError):
    """The file unpacks to far more than its size suggests and was refused; save it again."""


class UnsafeArchive(FileError):
    """The file's archive has links, overlapping, duplicate or absolute entries; save it again."""


class EntitiesRefused(FileError):
    """The file declares XML entities, which are refused because they can hide or multiply content; save it again."""


class NoText(FileError):
    """There is no text in the file."""


class ScannedPages(FileError):
    """The file has scanned pages without a text layer, and no text could be recognised in them."""


class TimedOut(FileError):
    """Reading the file took too long and was stopped; split it into smaller files."""


# What a child process may report, by class name.
BY_NAME: dict[str, type[FileError]] = {each.__name__: each for each in FileError.__subclasses__()}
