"""A page as it was read."""

from pydantic import BaseModel

from gpts.knowledge.documents import Document


class PageLink(BaseModel):
    """A link that a reader sees, with the words it stands on."""

    text: str
    url: str


class Page(BaseModel):
    """What is read on a page. `n_dropped` texts were left out since they are hidden or speak to models.

    `is_cut`: the page goes on.
    """

    document: Document
    links: tuple[PageLink, ...] = ()
    n_dropped: int = 0
    is_cut: bool = False
