"""The page where people see, write, change and delete what GPTs remember of them."""

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.attempts import attempt
from web.builder.models import Gpt
from web.runs import memories
from web.runs.errors import Refused


@never_cache
@login_required
@require_safe
def list_memories(request: PersonRequest) -> HttpResponse:
    """What GPTs remember of the person: all of them, and the one named by `gpt` even if it remembers nothing."""
    known = list(memories.gpts_of(request.user))
    if slug := request.GET.get("gpt", ""):
        wanted = memories.access_remembering(request.user, slug)
        known = [wanted, *(gpt for gpt in known if gpt.id != wanted.id)]
    open_to_them = Gpt.objects.chattable_by(request.user).filter(id__in=[gpt.id for gpt in known])
    usable = {gpt.id for gpt in open_to_them.select_related("published") if memories.remembers(gpt)}
    groups = [(gpt, memories.of(request.user, gpt), gpt.id in usable) for gpt in known]
    return render(
        request,
        "runs/memories.html",
        {"groups": groups, "text_chars": memories.TEXT_CHARS},
    )


@login_required
@require_POST
def add_memory(request: PersonRequest, slug: str) -> HttpResponse:
    """Have a GPT remember a sentence."""
    gpt = memories.access_remembering(request.user, slug)
    return _done(request, slug, lambda: memories.add(request.user, gpt, request.POST.get("text", "")))


@login_required
@require_POST
def change_memory(request: PersonRequest, memory_id: UUID) -> HttpResponse:
    """Replace the text of a memory, or delete it."""
    memory = memories.access(request.user, memory_id)
    if request.POST.get("action") == "delete":
        return _done(request, "", lambda: memories.forget(memory))
    return _done(request, "", lambda: memories.change(memory, request.POST.get("text", "")))


def _done(request: HttpRequest, slug: str, action: Callable[[], object]) -> HttpResponse:
    attempt(request, action, refusal=Refused)
    return redirect(f"{reverse('memories')}?gpt={slug}" if slug else "memories")
