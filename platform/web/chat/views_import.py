"""The page that takes GPTs and chats from elsewhere."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from web.accounts.requests import PersonRequest
from web.rpc import NoResult
from web.runs.chat_imports import access_import
from web.runs.errors import Refused
from web.runs.imported_chats import undo
from web.runs.importing import Taken, bring
from web.runs.models_imports import ChatImport

N_IMPORTS = 20


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def bring_in(request: PersonRequest) -> HttpResponse:
    """The page, with one's imports of chats. A POST takes `text` and `file`s and goes to what came of them."""
    text = request.POST.get("text", "")
    errors: list[str] = []
    if request.method == "POST":
        try:
            return _shown(request, bring(request.user, text, request.FILES.getlist("file")))
        except ValidationError as error:
            errors = error.messages
        except (NoResult, Refused) as error:
            errors = [str(error)]
    rows = ChatImport.objects.filter(owner=request.user)[:N_IMPORTS]
    context = {"text": text, "errors": errors, "imports": rows}
    return render(request, "chat/import.html", context, status=400 if errors else 200)


def _shown(request: HttpRequest, taken: Taken) -> HttpResponse:
    if taken.chats:
        for gpt in taken.gpts:
            messages.success(request, gettext("{name} imported as a draft.").format(name=gpt.name))
        return redirect("chat_import", taken.chats[0].id)
    if len(taken.gpts) == 1:
        messages.success(
            request, gettext("{name} imported. Check it, then publish it.").format(name=taken.gpts[0].name)
        )
        return redirect("gpt_edit", taken.gpts[0].slug)
    messages.success(request, gettext("{n} GPTs imported as drafts.").format(n=len(taken.gpts)))
    return redirect("gpts")


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def chat_import(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """How far an import of chats is; `part` is what the page's script loads again. A POST takes the import back."""
    row = access_import(request.user, import_id)
    if request.method == "POST":
        return _undone(request, row)
    template = "chat/import_state.html" if "part" in request.GET else "chat/import_progress.html"
    return render(request, template, {"row": row})


def _undone(request: HttpRequest, row: ChatImport) -> HttpResponse:
    try:
        n_deleted, n_kept = undo(row)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("chat_import", row.id)
    said = [ngettext("{n} chat was deleted.", "{n} chats were deleted.", n_deleted).format(n=n_deleted)]
    if n_kept:
        stay = ngettext(
            "{n} chat stays, because you continued it here.",
            "{n} chats stay, because you continued them here.",
            n_kept,
        )
        said.append(stay.format(n=n_kept))
    messages.success(request, " ".join(said))
    return redirect("import")
