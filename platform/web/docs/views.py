"""The documentation pages, which everyone can read."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from web.docs.contents import doc_pages
from web.docs.search import QUERY_CHARS, search_docs


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The list of pages, or what a search found in them."""
    query = request.GET.get("q", "").strip()[:QUERY_CHARS]
    context = {"pages": doc_pages().values(), "query": query, "results": search_docs(query) if query else []}
    return render(request, "docs/index.html", context)


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One page. 404 if there is none of this name."""
    pages = doc_pages()
    if name not in pages:
        raise Http404(gettext("There is no documentation page with this name."))
    return render(request, "docs/page.html", {"pages": pages.values(), "page": pages[name]})
