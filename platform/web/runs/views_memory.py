"""The page where people see, write, change and delete what GPTs remember of them."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
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
    """What GPTs remember of the person, and a field to add to it; the one named by `gpt` comes first."""
    slug = request.GET.get("gpt", "")
    return _page(request, memories.access_remembering(request.user, slug) if slug else None)


@login_required
@require_POST
def add_memory(request: PersonRequest, slug: str) -> HttpResponse:
    """Have a GPT remember a sentence. One that is refused is shown again."""
    gpt, text = memories.access_remembering(request.user, slug), request.POST.get("text", "")
    if attempt(request, lambda: memories.add(request.user, gpt, text), refusal=Refused):
        return redirect(f"{reverse('memories')}?gpt={slug}")
    return _page(request, gpt, text, status=400)


def _page(request: PersonRequest, first: Gpt | None, text: str = "", status: int = 200) -> HttpResponse:
    """The page, with `first` at its head, and `text` in its field."""
    known = [*memories.gpts_of(request.user), *memories.talked_to_by(request.user)]
    known = list(dict.fromkeys([first, *known] if first else known))
    open_to_them = Gpt.objects.chattable_by(request.user).filter(id__in=[gpt.id for gpt in known])
    usable = {gpt.id for gpt in open_to_them.select_related("published") if memories.remembers(gpt)}
    groups = [(gpt, memories.of(request.user, gpt), gpt.id in usable) for gpt in known]
    context = {"groups": groups, "text_chars": memories.TEXT_CHARS, "first": first, "text": text}
    return render(request, "runs/memories.html", context, status=status)


@login_required
@require_POST
def change_memory(request: PersonRequest, memory_id: UUID) -> HttpResponse:
    """Replace the text of a memory, or delete it."""
    memory = memories.access(request.user, memory_id)
    if request.POST.get("action") == "delete":
        memories.forget(memory)
    else:
        attempt(request, lambda: memories.change(memory, request.POST.get("text", "")), refusal=Refused)
    return redirect("memories")
