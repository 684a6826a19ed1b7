"""Which GPTs a draft may ask, one at a time: search, add, remove. When to ask one is saved with the form."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.builder import delegates, services
from web.builder.views import wants_json

QUERY_CHARS = 200


@login_required
@require_safe
def choices(request: PersonRequest, slug: str) -> HttpResponse:
    """The GPTs that fit what was typed, as the options of the page's search."""
    gpt = services.access_own_gpt(request.user, slug)
    query = request.GET.get("q", "")[:QUERY_CHARS].strip()
    found = delegates.choices(request.user, gpt, query)
    html = render_to_string("builder/parts/delegate_options.html", {"choices": found, "user": request.user})
    return JsonResponse({"html": html, "n": len(found)})


@login_required
@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the draft ask one more GPT. The page's script gets its row; without it the form does this itself."""
    gpt = services.access_own_gpt(request.user, slug)
    try:
        row = delegates.add(gpt, request.POST.get("delegate", ""))
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    entry = delegates.entry(row)
    html = render_to_string("builder/parts/delegate.html", {"gpt": gpt, "entry": entry, "when": entry.when})
    return JsonResponse({"html": html, "name": entry.name}, status=201)


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, delegate: str) -> HttpResponse:
    """Take a GPT off the draft's list."""
    gpt = services.access_own_gpt(request.user, slug)
    delegates.remove(delegates.access_delegate(gpt, delegate))
    if wants_json(request):
        return JsonResponse({})
    messages.success(request, "GPT removed from the draft.")
    return redirect("gpt_edit", slug)
