"""What a citation opens, as fragments for the page's panel: the passage where it stands, and pages of its file."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.chat.sources import shown_parts
from web.runs.citations import Cited, ShownPage, access_citation, turned_to, view
from web.runs.errors import NotShown


@never_cache
@require_safe
def source(request: HttpRequest, run_id: UUID, number: int) -> HttpResponse:
    """The quote where it stands in its file. 404 for anyone but the run's owner."""
    cited = access_citation(request.user, run_id, number)
    seen = view(cited)
    context = {
        "cited": cited,
        "parts": shown_parts(seen.section, {number: (cited.citation.start, cited.citation.end)}),
        "section": seen.section,
        "figures": [figure(cited, page) for page in seen.pages],
        "trouble": seen.trouble,
    }
    return render(request, "chat/source_view.html", context)


@never_cache
@require_safe
def source_page(request: HttpRequest, run_id: UUID, number: int, page: int) -> HttpResponse:
    """One page of the cited file. 404 unless its reader may see it."""
    cited = access_citation(request.user, run_id, number)
    try:
        shown = turned_to(cited, page)
    except NotShown as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
    return render(request, "chat/source_page.html", {"figure": figure(cited, shown)})


def figure(cited: Cited, page: ShownPage) -> dict[str, Any]:
    """A page of the file for its template. `before` and `after` are the pages to turn to, if there are any."""
    turns = {"before": page.page - 1, "after": page.page + 1}
    allowed = {name: to for name, to in turns.items() if cited.may_see(to)}
    return {"page": page, "is_cited": page.page in cited.pages, "cited": cited, **allowed}
