"""RPC for citations: the section around a quote, and pictures of its pages."""

import logging
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from django.conf import settings

from gpts.knowledge.highlight import quoted_words
from gpts.knowledge.sections import ROOM_CHARS, Section
from web.builder.models_files import content_path
from web.runs.citations import ShownPage, SourceView, pictures_of
from workers.isolation.errors import FileError
from workers.knowledge.embed import shared_embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.page_pictures import DrawnWord, PagePicture, has_pictures, page_picture

logger = logging.getLogger(__name__)

FILE_GONE: Final = "The file is no longer available, so the page can't be shown."
NOT_DRAWN: Final = "The page can't be shown as a picture."
TEXT_GONE: Final = "The file's text is no longer available, so the surrounding text can't be shown."
# For segments whose sections are read repeatedly while users read one file.
CACHE_BYTES: Final = 50_000_000
# The boxes of two words of a line are joined if the gap is at most this share of their height.
GAP: Final = 0.8

Box = tuple[float, float, float, float]


def source_view(segment: str, sha256: str, start: int, end: int) -> SourceView:
    """The section around `start`..`end` of the segment's text, with pictures of its pages if `sha256` is given."""
    try:
        section = _sections().surroundings(segment, start, end, ROOM_CHARS)
    except FileError:
        return SourceView(trouble=TEXT_GONE)
    view = SourceView(section=section)
    for page, quote in quotes_by_page(section, start, end).items() if sha256 else ():
        shown = page_view(sha256, page, quote)
        if not shown.pages:
            return view.model_copy(update={"trouble": shown.trouble})
        view = view.model_copy(update={"pages": view.pages + shown.pages})
    return view


def page_view(sha256: str, page: int, quote: str = "") -> SourceView:
    """A picture of one page with the words of `quote` marked; empty if files of this type have none."""
    source = content_path(sha256)
    if not source.is_file():
        return SourceView(trouble=FILE_GONE)
    if not has_pictures(source):
        return SourceView()
    try:
        drawn = page_picture(source, pictures_of(sha256), page)
    except FileError as error:
        logger.warning("page %d of %s was not drawn: %s", page, sha256[:12], error)
        return SourceView(trouble=NOT_DRAWN)
    return SourceView(pages=(_shown(page, drawn, quote),))


def quotes_by_page(section: Section, start: int, end: int) -> dict[int, str]:
    """The text of `start`..`end` on each page of the section; empty if the format has no pages."""
    quotes: dict[int, str] = {}
    for part in section.parts:
        begin, stop = max(part.start, start), min(part.end, end)
        if part.page is not None and begin < stop:
            piece = part.text[begin - part.start : stop - part.start]
            quotes[part.page] = f"{quotes.get(part.page, '')} {piece}".strip()
    return quotes


@cache
def _sections() -> KnowledgeIndex:
    # Its embedder is loaded on the first search, and nothing here searches.
    home = settings.GUILDHALL_HOME
    return KnowledgeIndex(home, shared_embedder(settings.EMBEDDER, home=home), CACHE_BYTES)


def _shown(page: int, drawn: PagePicture, quote: str) -> ShownPage:
    words = [word[0] for word in drawn.words]
    quoted = [drawn.words[number] for number in quoted_words(quote, words)] if quote else []
    return ShownPage(page=page, width=drawn.width, height=drawn.height, boxes=tuple(_joined(quoted)))


def _joined(words: Sequence[DrawnWord]) -> Iterator[Box]:
    """The boxes of `words` as x, y, width, height, those of neighbours in a line joined."""
    boxes: list[list[float]] = []
    for _, x0, y0, x1, y1 in words:
        last = boxes[-1] if boxes else None
        if last and _is_next(last, (x0, y0, x1, y1)):
            last[:] = [min(last[0], x0), min(last[1], y0), max(last[2], x1), max(last[3], y1)]
        else:
            boxes.append([x0, y0, x1, y1])
    for x0, y0, x1, y1 in boxes:
        yield round(x0, 1), round(y0, 1), round(x1 - x0, 1), round(y1 - y0, 1)


def _is_next(last: Sequence[float], box: Box) -> bool:
    height = last[3] - last[1]
    gap = max(box[0] - last[2], last[0] - box[2])
    return abs((box[1] + box[3]) - (last[1] + last[3])) < height and gap <= GAP * height
