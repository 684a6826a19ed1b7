"""What counts as a page of a file, in the person's language: pages, slides or sheets."""

from typing import Final

from django.utils.translation import gettext, gettext_noop, ngettext

from web.languages import grouped

_PLACES: Final[dict[str, str]] = {
    "page": gettext_noop("page {n}"),
    "slide": gettext_noop("slide {n}"),
    "sheet": gettext_noop("sheet {n}"),
}


def numbered(unit: str, page: int) -> str:
    """Where in a file: "slide 3"."""
    return gettext(_PLACES[unit]).format(n=page)


def counted(unit: str, n: int) -> str:
    """How large a file is: "12 pages"."""
    if unit == "slide":
        text = ngettext("{n} slide", "{n} slides", n)
    elif unit == "sheet":
        text = ngettext("{n} sheet", "{n} sheets", n)
    else:
        text = ngettext("{n} page", "{n} pages", n)
    return text.format(n=grouped(n))


def reading(unit: str, n_read: int, n_pages: int) -> str:
    """How far a file has been read: "Reading, page 3 of 12"."""
    place = numbered(unit, n_read)
    return gettext("Reading, {place} of {n}").format(place=place, n=grouped(n_pages))
