"""The pages of a GPT's sources: what it is kept in step with, and what had changed at each look."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from gpts.spec.sources import LEAST_HOURS, MOST_HOURS, SECRETS, TITLES
from web.accounts.requests import PersonRequest
from web.builder import sources
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source
from web.builder.views import of_draft

# What is shown of the documents that could not be read, and of looks.
N_ERRORS: Final = 20
N_CHECKS: Final = 10


@dataclass(frozen=True, slots=True)
class Field:
    """A setting in the form."""

    name: str
    label: str
    help: str = ""
    kind: str = "text"
    default: str = ""
    placeholder: str = ""
    is_required: bool = False


_URL: Final = Field("url", _("Address"), kind="url", placeholder="https://example.org/docs/", is_required=True)
FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    "page": (_URL,),
    "site": (_URL, Field("most", _("Pages at most"), _("Pages below the address’s folder."), "number", "100")),
    "feed": (_URL, Field("most", _("Entries at most"), _("The newest ones."), "number", "50")),
    "git": (
        Field(
            "url", _("Address"), _("Over HTTPS."), "url", placeholder="https://git.example/handbook", is_required=True
        ),
        Field("branch", _("Branch"), _("Empty for the default one.")),
        Field("folder", _("Folder"), _("Empty for all files."), placeholder="docs"),
    ),
    "s3": (
        Field("endpoint", _("Server"), kind="url", placeholder="https://s3.example.org", is_required=True),
        Field("bucket", _("Bucket"), is_required=True),
        Field("prefix", _("Prefix"), _("Empty for all objects."), placeholder="manuals/"),
        Field("region", _("Region"), default="us-east-1"),
        Field("key_id", _("Access key ID"), _("Empty for a public bucket.")),
    ),
    "imap": (
        Field("host", _("Mail server"), _("By IMAP with TLS."), placeholder="imap.example.org", is_required=True),
        Field("user", _("User name"), is_required=True),
        Field("folder", _("Folder"), default="INBOX", is_required=True),
        Field("days", _("Days back"), _("Older messages are left out."), "number", "90"),
    ),
}


@never_cache
@require_http_methods(["GET", "POST"])
@of_draft
def list_sources(request: PersonRequest, gpt: Gpt) -> HttpResponse:
    """The sources of a GPT, and the form for another of the kind `kind`."""
    kind = request.GET.get("kind", "")
    if request.method == "POST":
        if kind not in FIELDS:
            raise Http404("There is no such kind of source.")
        source = Source(gpt=gpt, kind=kind)
        if not (errors := _save(request, source)):
            messages.success(request, gettext("Added. Its files will appear here."))
            return redirect("gpt_source", gpt.slug, source.id)
        return render(request, "builder/sources.html", _form(gpt, source, request.POST, errors), status=422)
    rows = [(source, source.checks.first()) for source in gpt.sources.all()]
    context = {"gpt": gpt, "rows": rows, "kinds": TITLES.items()}
    if kind in FIELDS:
        context |= _form(gpt, Source(gpt=gpt, kind=kind), {}, {})
    return render(request, "builder/sources.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@of_draft
def source(request: PersonRequest, gpt: Gpt, source_id: UUID) -> HttpResponse:
    """One source: what was found, what could not be read, what changed at each look, and its settings."""
    row = sources.access(gpt, source_id)
    errors: dict[str, str] = {}
    given: Any = {**row.settings, "hours": row.hours, "publishes": row.publishes and "on"}
    if request.method == "POST":
        if not (errors := _save(request, row)):
            messages.success(request, "Saved.")
            return redirect("gpt_source", gpt.slug, row.id)
        given = request.POST
        row = sources.access(gpt, source_id)
    files = row.files.filter(removed=None)
    context = {
        **_form(gpt, row, given, errors),
        "checks": row.checks.all()[:N_CHECKS],
        "n_files": files.count(),
        "waiting": files.exclude(status__in=KnowledgeFile.SETTLED).count(),
        "unread": row.items.exclude(error="")[:N_ERRORS],
        "to_review": files.filter(status=KnowledgeFile.Status.QUARANTINED)[:N_ERRORS],
        "broken": files.filter(status=KnowledgeFile.Status.FAILED)[:N_ERRORS],
    }
    return render(request, "builder/source.html", context, status=422 if errors else 200)


def _form(gpt: Gpt, row: Source, given: Any, errors: dict[str, str]) -> dict[str, Any]:
    """The context of the form: each field with its value and its error."""
    fields = [(each, given.get(each.name, each.default), errors.get(each.name, "")) for each in FIELDS[row.kind]]
    return {
        "gpt": gpt,
        "source": row,
        "title": gettext(TITLES[row.kind]),
        "fields": fields,
        "errors": errors,
        "secret_label": SECRETS.get(row.kind, ""),
        "hours": given.get("hours", 24),
        "publishes": bool(given.get("publishes", not given)),
        "least": LEAST_HOURS,
        "most": MOST_HOURS,
    }


def _save(request: PersonRequest, row: Source) -> dict[str, str]:
    """Save what was sent; the errors by field."""
    given = {each.name: request.POST.get(each.name, "").strip() for each in FIELDS[row.kind]}
    sent = {name: value for name, value in given.items() if value}
    hours = request.POST.get("hours", "")
    secret = request.POST.get("secret") or None
    try:
        sources.save(
            row, sent, secret, int(hours) if hours.isdigit() else 0, "publishes" in request.POST, by=request.user
        )
    except ValidationError as error:
        return {name: " ".join(texts) for name, texts in error.message_dict.items()}
    return {}


@require_POST
@of_draft
def act(request: HttpRequest, gpt: Gpt, source_id: UUID, action: str) -> HttpResponse:
    """Look at a source now, pause it, or remove it with its files."""
    row = sources.access(gpt, source_id)
    if action == "check":
        sources.check_now(row)
        messages.success(request, gettext("It will be looked at in a moment."))
    elif action == "pause":
        sources.pause(row)
        messages.success(request, gettext("Paused. Its files stay."))
    else:
        sources.remove(row)
        messages.success(
            request, gettext("Removed, with its files. The published version keeps them until you publish.")
        )
        return redirect("gpt_sources", gpt.slug)
    return redirect("gpt_source", gpt.slug, row.id)
