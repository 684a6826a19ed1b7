"""Operators' pages about the store: its categories."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from web.accounts.requests import PersonRequest
from web.attempts import attempt
from web.builder.categories import OTHER, categories
from web.operate.access import operators_only
from web.operate.categories import set_categories

N_NEW = 3


@operators_only
@require_http_methods(["GET", "POST"])
def edit_categories(request: PersonRequest) -> HttpResponse:
    """The categories, each with its place and title. Without a title, one is removed; a new one gets a key of it."""
    if request.method == "POST":
        attempt(request, lambda: set_categories(_rows(request), by=request.user), gettext("Saved."))
        return redirect("operate_categories")
    rows = [(key, title, n) for n, (key, title) in enumerate(categories().items(), 1)]
    rows += [("", "", len(rows) + n) for n in range(1, N_NEW + 1)]
    return render(request, "operate/categories.html", {"rows": rows, "other": OTHER})


def _rows(request: PersonRequest) -> list[tuple[str, str]]:
    """The keys and titles of the form, in the order of the places that were typed."""
    sent = list(zip(*(request.POST.getlist(name) for name in ("key", "title", "place")), strict=False))
    sent.sort(key=lambda row: int(row[2]) if row[2].isdecimal() and len(row[2]) < 4 else len(sent))
    return [(key or slugify(title)[:20].strip("-"), title) for key, title, _ in sent if title.strip()]
