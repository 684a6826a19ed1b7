"""The creator’s pages: the list of one’s GPTs, the form, publishing and sharing."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gpts.spec.gpt import MAX_DELEGATES, MAX_REPLY_TOKENS, STARTER_CHARS, STARTERS, ModelSettings
from gpts.spec.inputs import KINDS
from web.accounts.models import User
from web.accounts.quotas import QuotaExceeded
from web.accounts.requests import PersonRequest
from web.builder import delegates, files, listing, services, wizard
from web.builder.access import access_draft, access_own_gpt, link_of, open_link
from web.builder.actions import privacy_missing
from web.builder.agents import agent_card_url
from web.builder.changes import draft_changed
from web.builder.duplicates import keyless
from web.builder.faces import MARKS
from web.builder.forms import DRAFT_FIELDS, LABELS, GptForm, NewGptForm
from web.builder.knowledge import readings
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.models_listing import ListingReview
from web.builder.pictures import store_picture
from web.rpc import NoResult

View = Callable[..., HttpResponse]
NOT_YET: Final = {
    "publish": gettext_lazy("Not published. Correct the fields marked in red, then publish."),
    "share": gettext_lazy("Sharing didn’t change. Correct the fields marked in red, then try again."),
}
GPTS_PER_PAGE = 24
# Those shared with a person that My GPTs lists; the store's search finds all.
N_SHARED: Final = 100


def who_can(gpt: Gpt, reader: User) -> str:
    """Who can use the GPT now, or that it waits, as a sentence."""
    if listing.waiting(gpt):
        return gettext("An admin looks at it before it appears in the store.")
    if reader.pk != gpt.owner_id:
        return gettext("The people that {person} chose can use it.").format(person=gpt.owner.shown_name)
    return Gpt.objects.get(id=gpt.id).open_to


def wants_json(request: HttpRequest) -> bool:
    """Whether the page's script sent the request; otherwise the browser wants a page."""
    return request.accepts("application/json") and not request.accepts("text/html")


def of_own_gpt(view: View) -> View:
    """`view(request, gpt, …)` at a URL with the slug of a GPT. 404 for anyone but its owner."""
    return _of(access_own_gpt, view)


def of_draft(view: View) -> View:
    """The same for all who may edit it: `view` does nothing that `access_own_gpt` is for, and tells who acts."""
    return _of(access_draft, view)


def _of(access: Callable[[Any, str], Gpt], view: View) -> View:
    @login_required
    @wraps(view)
    def checked(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        return view(request, access(request.user, slug), **kwargs)

    return checked


@login_required
@require_safe
def gpts(request: PersonRequest) -> HttpResponse:
    """A person's own GPTs and those shared with them to edit, recently edited first; then others shared with them."""
    editable = Gpt.objects.editable_by(request.user).select_related("published", "owner")
    editable = editable.exclude(id__in=Gpt.objects.owned_by(request.user).untouched().values("id"))
    page = Paginator(editable, GPTS_PER_PAGE).get_page(request.GET.get("page"))
    gpts = [(gpt, draft_changed(gpt), "?tab=create" if wizard.is_unfinished(gpt) else "") for gpt in page]
    shared = Gpt.objects.shared_with(request.user).exclude(id__in=Gpt.objects.editable_by(request.user).values("id"))
    shared = shared.select_related("published", "owner").order_by("-published")
    shared = shared[: N_SHARED if page.number == 1 else 0]
    return render(request, "builder/gpts.html", {"page": page, "gpts": gpts, "shared": shared})


@login_required
@require_http_methods(["GET", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """Create a draft with a name, and go to its form."""
    form = NewGptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("gpt_edit", services.create_gpt(request.user, form.cleaned_data).slug)
        except QuotaExceeded as error:
            form.add_error("name", error)
    return render(request, "builder/new.html", {"form": form, "guided": wizard.is_guided()})


@never_cache  # the browser's Back shows what was saved meanwhile
@require_http_methods(["GET", "POST"])
@of_draft
def edit(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """The form, with a tab for the conversation that fills it in. A POST saves the valid fields.

    The page's script gets JSON, a plain form the page.
    """
    if request.method == "GET":
        return draft(request, gpt) if wants_json(request) else render_form(request, gpt, GptForm(gpt, request.user))
    form = GptForm(gpt, request.user, request.POST)
    action = request.POST.get("action", "")
    try:
        save(gpt, form, opens=action in ("publish", "share"))
    except services.StaleDraft:
        return stale(request, gpt, form)
    if wants_json(request):
        return JsonResponse({"errors": form.errors, "fields": draft_fields(gpt), **state(gpt, request.user)})
    add_attachments(request, gpt)
    if not form.is_valid():
        labels = ", ".join(str(LABELS.get(name, form[name].label)) for name in form.errors)
        why = NOT_YET.get(action, gettext("Saved, except the fields marked in red."))
        messages.error(request, f"{why} ({labels})")
        return render_form(request, gpt, form)
    if action == "publish":
        return publish(request, gpt)
    messages.success(
        request,
        who_can(gpt, request.user)
        if action == "share"
        else " ".join([gettext("Draft saved."), *unchanged(gpt, form)]),
    )
    return redirect("gpt_edit", gpt.slug)


def draft(request: PersonRequest, gpt: Gpt) -> JsonResponse:
    """The draft as it is now, for the page's script once something besides the form has changed it."""
    return JsonResponse({"fields": draft_fields(gpt), **state(gpt, request.user)})


def draft_fields(gpt: Gpt) -> dict[str, Any]:
    """The fields of the draft as the page's script compares them with those of its form."""
    return {name: getattr(gpt, name) for name in DRAFT_FIELDS}


def save(gpt: Gpt, form: GptForm, opens: bool = False) -> None:
    """Save the valid fields of `form`, even if others are invalid. Raises StaleDraft, and saves nothing then.

    Who can use a published GPT changes only if the person pressed a button that says so: `opens`.
    """
    form.is_valid()
    revision = form.cleaned_data.get("overwrite") or form.cleaned_data.get("revision")
    services.save_form(gpt, form.draft_fields(), form.sent_lines(), revision, by=form.by)
    sharing = form.cleaned_data.get("sharing", listing.wanted_sharing(gpt))
    if opens:
        lacking = services.unlisted(gpt) if sharing == Sharing.STORE else services.unnamed(gpt)
        for name, text in lacking.items():
            form.add_error(name, text)
    if sharing != listing.wanted_sharing(gpt) and ((opens and not form.errors) or not gpt.published):
        try:
            services.set_sharing(gpt, sharing, by=form.by)
        except ValidationError as error:
            form.add_error("sharing", error.messages)


def unchanged(gpt: Gpt, form: GptForm) -> list[str]:
    """What saving a published GPT's draft left as it was, as sentences; empty if nothing else was chosen."""
    is_other = form.cleaned_data.get("sharing", listing.wanted_sharing(gpt)) != listing.wanted_sharing(gpt)
    return [gettext("To change who can use it, press “Update sharing”.")] if is_other else []


def stale(request: PersonRequest, gpt: Gpt, form: GptForm) -> HttpResponse:
    """Nothing was saved, as the draft changed elsewhere: the person chooses. What they wrote stays in the form."""
    if wants_json(request):
        return JsonResponse({"stale": access_revision(gpt), "why": why_stale(gpt, request.user)}, status=409)
    return render_form(request, gpt, form, stale=True, status=409)


def why_stale(gpt: Gpt, reader: User) -> str:
    """Who changed the draft since, or where, for `reader`."""
    by = User.objects.filter(id__in=Gpt.objects.filter(id=gpt.id).values("changed_by")).first()
    if by is None or by == reader:
        return gettext("Not saved: this GPT was changed in another tab or over the API.")
    return gettext("Not saved: {person} changed this GPT.").format(person=by.shown_name)


def access_revision(gpt: Gpt) -> int:
    """The current revision of the draft."""
    return Gpt.objects.values_list("revision", flat=True).get(id=gpt.id)


def add_attachments(request: PersonRequest, gpt: Gpt) -> None:
    """Add what a form sends without the page's script: files, a picture, a GPT to ask. Errors become messages."""
    try:
        if slug := request.POST.get("delegate"):
            delegates.add(gpt, slug, by=request.user)
        for file in request.FILES.getlist("files"):
            files.add_file(gpt, file.name or "file", file.chunks())
        if picture := request.FILES.get("picture"):
            services.update_gpt(gpt, {"picture": store_picture(picture, request.user)}, by=request.user)
    except (ValidationError, NoResult) as error:
        texts = error.messages if isinstance(error, ValidationError) else [str(error)]
        messages.error(request, " ".join(texts))


def publish(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """Publish now or once the files are ready, with a message that says which; if files block it, go to them."""
    form = reverse("gpt_edit", args=[gpt.slug])
    if reason := services.blocked(gpt):
        messages.error(request, gettext("Not published. {reason}").format(reason=reason))
        unlisted = gpt.sharing == Sharing.STORE and privacy_missing(gpt)
        return redirect(form if unlisted else f"{form}#knowledge")
    if version := services.publish_when_ready(gpt, by=request.user):
        return redirect(f"{form}?published={version.number}")
    if gpt.uploads.filter(status=KnowledgeFile.Status.QUARANTINED).exists():
        messages.success(request, gettext("This will be published automatically once you review its files."))
    else:
        messages.success(request, gettext("This will be published automatically once its files are ready."))
    return redirect(form)


def render_form(
    request: PersonRequest,
    gpt: Gpt,
    form: GptForm,
    stale: bool = False,
    status: int = 200,
    asked: wizard.Page | None = None,
) -> HttpResponse:
    """The form's page. With `stale` it asks which version to keep; `asked` is what the wizard asks again."""
    if wizard.is_guided(gpt):
        asked = asked or wizard.page_of(gpt, request.GET.get("step", ""), "change" in request.GET)
    context = {
        "form": form,
        "stale": stale,
        "why_stale": why_stale(gpt, request.user) if stale else "",
        "tab": "create" if request.GET.get("tab") == "create" or (asked and asked.refusal) else "configure",
        "wizard": asked,
        "news": who_can(gpt, request.user) if request.GET.get("published") == str(_last_number(gpt)) else "",
        # Of the same moment as the fields: what was changed since must not count as seen.
        "revision": access_revision(gpt) if stale else gpt.revision,
        "draft": draft_fields(gpt),
        "starters": form["starters"].value() or [],
        "input_rows": form.input_rows(),
        "input_kinds": KINDS,
        "max_starters": STARTERS,
        "starter_chars": STARTER_CHARS,
        "marks": MARKS,
        "outside": [*gpt.actions.filter(removed=None), *gpt.mcp_servers.filter(removed=None)],
        "remote_agents": gpt.remote_agents.filter(removed=None),
        "mcp_commands": [" ".join(command) for command in settings.MCP_COMMANDS],
        "delegates": [(entry, *form.line(entry)) for entry in delegates.entries(gpt, request.user)],
        "choices": delegates.choices(request.user, gpt),
        "max_delegates": MAX_DELEGATES,
        "readings": readings(gpt.listed_files),
        "n_sources": gpt.sources.count(),
        "max_files": settings.MAX_FILES_PER_GPT,
        "max_file_bytes": settings.MAX_FILE_BYTES,
        "max_file_mb": settings.MAX_FILE_BYTES // 1024**2,
        "max_picture_mb": settings.MAX_PICTURE_BYTES // 1024**2,
        "model_defaults": ModelSettings(),
        "max_reply_tokens": MAX_REPLY_TOKENS,
        **form_state(gpt, request.user),
    }
    return render(request, "builder/edit.html", context, status=status)


def _last_number(gpt: Gpt) -> int | None:
    return gpt.versions.filter(number__isnull=False).order_by("-number").values_list("number", flat=True).first()


def _differs(gpt: Gpt, review: ListingReview) -> bool:
    return review.version.spec() != gpt.draft_spec()


def form_state(gpt: Gpt, reader: User) -> dict[str, Any]:
    """The template context about the status of the draft, for one who edits it. Its owner alone sees the link."""
    draft = gpt.uploads
    last = _last_number(gpt)
    owns = gpt.owner_id == reader.pk
    review = listing.last(gpt)
    return {
        "gpt": gpt,
        "owns": owns,
        "next_number": (last or 0) + 1,
        "changed": _differs(gpt, review) if review and not review.decided else draft_changed(gpt),
        "listing": review,
        "sent_back": review and review.state == "sent back" and review.version.number == last,
        "reviews_listings": listing.is_needed(gpt, by=reader),
        "n_blocked": draft.filter(status=KnowledgeFile.Status.QUARANTINED).count(),
        "n_undecided": sum(bool(file.undecided) for file in draft.exclude(findings=[])),
        "n_pending": draft.exclude(status__in=KnowledgeFile.SETTLED).count(),
        "link": link_of(gpt) if owns else "",
        "agent_card": agent_card_url(gpt),
        "keyless": keyless(gpt) if gpt.imported else [],
        "undeclared": services.undeclared(gpt),
    }


def state(gpt: Gpt, reader: User) -> dict[str, Any]:
    """`form_state` rendered as the parts of the page that the page's script replaces."""
    context = form_state(gpt, reader)
    names = ("status", "publish", "link", "agent_card", "face", "notice", "imported", "undeclared", "reading")
    parts = {name: render_to_string(f"builder/parts/{name}.html", context) for name in names}
    parts["inputs"] = render_to_string("chat/inputs.html", {"spec": gpt})
    return {
        "parts": parts | {f"trouble-{each.slug}": escape(each.trouble) for each in delegates.entries(gpt, reader)},
        "waiting": gpt.publish_when_ready,
        "guided": wizard.is_guided(gpt),
        "revision": gpt.revision,
        "live": listing.wanted_sharing(gpt) if gpt.published else "",
    }


def state_response(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """`state` for the page's script, else back to the form."""
    return (
        JsonResponse(state(gpt, cast(User, request.user))) if wants_json(request) else redirect("gpt_edit", gpt.slug)
    )


@require_POST
@of_own_gpt
def withdraw_listing(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """Let the version that waits for an admin wait no longer."""
    if listing.withdraw(gpt, by=request.user):
        messages.success(request, gettext("Withdrawn. It won’t be listed."))
    return redirect("gpt_edit", gpt.slug)


@require_POST
@of_draft
def cancel_publishing(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """Don’t publish the draft once its files are ready."""
    services.cancel_publishing(gpt)
    messages.success(request, gettext("Publishing cancelled."))
    return redirect("gpt_edit", gpt.slug)


@require_http_methods(["GET", "POST"])
@of_own_gpt
def delete(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """Ask for confirmation, then delete the GPT."""
    if request.method == "GET":
        return render(request, "builder/delete.html", {"gpt": gpt})
    services.delete_gpt(gpt)
    messages.success(request, gettext("{name} deleted.").format(name=gpt.name))
    return redirect("gpts")


@require_POST
@of_own_gpt
def rotate_link(request: HttpRequest, gpt: Gpt) -> HttpResponse:
    """Replace the secret link of a GPT that is shared by one."""
    if gpt.sharing != Sharing.LINK:
        raise Http404(f"{gpt.name} is not shared by link.")
    services.rotate_link(gpt)
    return state_response(request, gpt)


@login_required
@require_safe
def link(request: PersonRequest, secret: str) -> HttpResponse:
    """Give the person access to the GPT behind a secret link of the older form, and show its page."""
    return redirect("gpt", open_link(request.user, secret).slug)
