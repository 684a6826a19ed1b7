"""The files of a conversation as its page shows them: what the person attached and what calls made."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from gpts.runs.steps import FileRef
from web.runs.files import PICTURES


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file with its address, which is empty where it is not kept any more."""

    name: str
    size: int
    url: str
    is_picture: bool

    @property
    def extension(self) -> str:
        """What its name ends with, at most four letters, for its chip."""
        _, dot, end = self.name.rpartition(".")
        return end[:4] if dot else ""


def shown(files: Iterable[FileRef]) -> tuple[ShownFile, ...]:
    """`files` for the page, each once."""
    once = {file.id or file.name: file for file in files}
    return tuple(ShownFile(f.name, f.size, _address(f.id), f.mime in PICTURES) for f in once.values())


def _address(file_id: str) -> str:
    try:
        return reverse("run_file", args=[file_id]) if file_id else ""
    except NoReverseMatch:  # an id from elsewhere
        return ""
