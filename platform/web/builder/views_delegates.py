"""The GPTs that a draft can ask: search, add, remove. The form saves when to ask each."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.builder import delegates
from web.builder.models import Gpt
from web.builder.views import of_draft, wants_json

QUERY_CHARS = 200


@require_safe
@of_draft
def choices(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """The GPTs that match a query, as options for the page's search."""
    query = request.GET.get("q", "")[:QUERY_CHARS].strip()
    found = delegates.choices(request.user, gpt, query)
    html = render_to_string("builder/parts/delegate_options.html", {"choices": found, "user": request.user})
    return JsonResponse({"html": html, "n": len(found)})


@require_POST
@of_draft
def add(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """Add a GPT to the list; the response is its row. Without the page's script, the form adds it."""
    try:
        row = delegates.add(gpt, request.POST.get("delegate", ""), by=request.user)
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    entry = delegates.entry(row)
    context = {"gpt": gpt, "entry": entry, "when": entry.when, "user": request.user}
    html = render_to_string("builder/parts/delegate.html", context)
    return JsonResponse({"html": html, "name": entry.name}, status=201)


@require_POST
@of_draft
def remove(request: PersonRequest, gpt: Gpt, delegate: str) -> HttpResponse:
    """Remove a GPT from the list."""
    delegates.remove(delegates.access_delegate(gpt, delegate, request.user))
    return _done(request, gpt, gettext("GPT removed from the draft."))


@require_POST
@of_draft
def accept(request: PersonRequest, gpt: Gpt, delegate: str) -> HttpResponse:
    """Accept another person's changes to the texts of a GPT in the list."""
    delegates.accept_texts(delegates.access_delegate(gpt, delegate, request.user))
    return _done(request, gpt, gettext("Changes accepted."))


def _done(request: HttpRequest, gpt: Gpt, sentence: str) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({})
    messages.success(request, sentence)
    return redirect("gpt_edit", gpt.slug)
