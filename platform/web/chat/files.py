"""The files of a conversation for its page: attachments, and files that tools created."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from gpts.runs.steps import FileRef
from web.runs.files import PICTURES


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file with its URL, which is empty if the file is no longer available."""

    name: str
    size: int
    url: str
    is_picture: bool

    @property
    def extension(self) -> str:
        """The extension of its name, at most four letters, for its chip."""
        _, dot, end = self.name.rpartition(".")
        return end[:4] if dot else ""


def shown(files: Iterable[FileRef]) -> tuple[ShownFile, ...]:
    """`files` for the page, each once."""
    once = {file.id or file.name: file for file in files}
    return tuple(ShownFile(f.name, f.size, _url(f.id), f.mime in PICTURES) for f in once.values())


def _url(file_id: str) -> str:
    try:
        return reverse("run_file", args=[file_id]) if file_id else ""
    except NoReverseMatch:  # not an id of ours
        return ""
