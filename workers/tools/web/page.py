"""A web page as it was read; apart from reading.py, whose libraries only the child process imports."""

from pydantic import BaseModel

from gpts.knowledge.documents import Document


class PageLink(BaseModel):
    """A visible link with its text."""

    text: str
    url: str


class Page(BaseModel):
    """The readable content of a page. `n_dropped` texts were removed: they are hidden or address models.

    `is_cut`: the page is longer.
    """

    document: Document
    links: tuple[PageLink, ...] = ()
    n_dropped: int = 0
    is_cut: bool = False
