"""The pages of a GPT’s history: its versions, their notes, what differs, restoring one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gpts.spec.gpt import GptSpec
from web.accounts.requests import PersonRequest
from web.attempts import attempt
from web.builder import versions
from web.builder.access import access_settings
from web.builder.changes import VERSIONS_PER_PAGE, differences, history, turned_off
from web.builder.delegates import visible_delegates
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.views import form_state, of_draft


@require_safe
@of_draft
def history_page(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """The published versions and what changed in each, and the last drafts that a restored version replaced."""
    replaced = versions.replaced_drafts(gpt)[:VERSIONS_PER_PAGE]
    page = history(gpt, request.GET.get("page"))
    return render(
        request, "builder/history.html", {"page": page, "replaced": replaced, **form_state(gpt, request.user)}
    )


@require_POST
@of_draft
def note_version(request: HttpRequest, gpt: Gpt, version_id: int) -> HttpResponse:
    """Set the note on a version."""
    attempt(request, lambda: versions.set_note(gpt, version_id, request.POST.get("note", "")))
    return redirect("gpt_history", gpt.slug)


@require_safe
@of_draft
def compare(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """Two versions side by side, field by field: `old` and `new` are their numbers; without one, the draft."""
    numbers = list(gpt.versions.filter(number__isnull=False).order_by("-number").values_list("number", flat=True))
    chosen = [number if (number := request.GET.get(side, "")).isdigit() else "" for side in ("old", "new")]
    old, new = (versions.spec_of(gpt, int(number) if number else None) for number in chosen)
    context = {"gpt": gpt, "numbers": numbers, "old": chosen[0], "new": chosen[1]}
    return render(request, "builder/compare.html", {**context, "changes": differences(old, new)})


@login_required
@require_safe
def show_settings(request: PersonRequest, slug: str) -> HttpResponse:
    """The draft, field by field, as far as it differs from an empty one, without GPTs that the reader may not see."""
    gpt = access_settings(request.user, slug)
    spec = gpt.draft_spec()
    seen = {str(each.id) for each in visible_delegates(spec, request.user)}
    spec = spec.model_copy(update={"delegates": tuple(each for each in spec.delegates if each.gpt_id in seen)})
    changes = differences(GptSpec(slug=gpt.slug, name="-"), spec)
    return render(request, "builder/settings.html", {"gpt": gpt, "changes": changes})


@require_http_methods(["GET", "POST"])
@of_draft
def restore(request: PersonRequest, gpt: Gpt, version_id: int) -> HttpResponse:
    """Show what would change in the draft, then restore a version to it. The live version stays as it is."""
    version = versions.access_version(gpt, id=version_id)
    title = (
        gettext("Version {number}").format(number=version.number) if version.number else gettext("The replaced draft")
    )
    ended = turned_off(gpt, version.spec())
    if request.method == "GET":
        pending = gpt.uploads.exclude(status=KnowledgeFile.Status.READY)
        changes = differences(gpt.draft_spec(), version.spec())
        context = {"gpt": gpt, "version": version, "title": title, "changes": changes}
        context |= {"pending": pending, "ended": ended}
        return render(request, "builder/restore.html", context)
    kept = versions.replaced_drafts(gpt).first()
    if not attempt(request, lambda: versions.restore(gpt, version, by=request.user)):
        return redirect("gpt_history", gpt.slug)
    newest = versions.replaced_drafts(gpt).first()
    before = newest if newest != kept else gpt.published  # a draft that was live needs no copy
    undo = reverse("gpt_restore", args=[gpt.slug, before.id]) if before else ""
    messages.success(request, gettext("{title} restored to your draft.").format(title=title), extra_tags=undo)
    if ended:
        messages.warning(
            request, gettext("Turned off in the live version too: {names}.").format(names=", ".join(ended))
        )
    return redirect("gpt_edit", gpt.slug)
