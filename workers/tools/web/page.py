"""A web page as it was read; apart from reading.py, whose libraries only the child process imports."""

from pydantic import BaseModel

from gpts.knowledge.documents import Document


class PageLink(BaseModel):
    """A visible link with its text."""

    text: str
    url: str


class Page(BaseModel):
    """The readable content of a page. `is_sifted`: text was removed that a trick hides."""

    document: Document
    links: tuple[PageLink, ...] = ()
    is_sifted: bool = False
