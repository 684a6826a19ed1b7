"""The console's audit log: read, filtered and exported, never changed."""

import csv
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import CharField, Model, QuerySet, Value
from django.db.models.functions import Concat, Replace
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display

from web.accounts import audit
from web.accounts.live_settings import SERVICES
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.accounts.quotas import KINDS
from web.builder.models import Gpt
from web.operate.admin_pages import SettingsForm
from web.operate.site import OperatorAdmin, operators
from web.operate.tables import harmless

MOST: Final = 100_000
# Kinds of rows whose table has another name than people know.
NAMES: Final = {
    "user": "person",
    "gpt": "GPT",
    "case": "report",
    "apikey": "API key",
    "measuredmodel": "model",
    "directorytoken": "SCIM token",
    "signinprovider": "provider",
    "listingreview": "review before listing",
}
# Its creator may change the name at any time, to that of another one or to what looks like other facts.
_QUOTED: Final = Concat(Value("“"), Replace("name", Value("”"), Value('"')), Value("” ("), output_field=CharField())
_GPT: Final = Concat(_QUOTED, "slug", Value(")"), output_field=CharField())
# Kinds of rows that are shown by name: how facts call them, and what the name is.
NAMED: Final[dict[str, tuple[str, type[Model], Any]]] = {
    "user": ("person", User, "email"),
    "group": ("group", Group, "name"),
    "gpt": ("gpt", Gpt, _GPT),
}
# Settings by their names in forms.
SETTINGS: Final = {
    **{name.upper(): str(field.label) for name, field in SettingsForm.base_fields.items()},
    **{name: f"{each['title']}: {field['label']}" for each in SERVICES for name, field in each["fields"].items()},
    "CHECKLIST_DONE": "First steps hidden",
}


class ActFilter(admin.SimpleListFilter):
    """By act."""

    title, parameter_name = "act", "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return sorted(Act.choices, key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditRow]) -> QuerySet[AuditRow]:
        """Those of it."""
        return queryset.filter(act=self.value()) if self.value() else queryset


@admin.register(AuditRow, site=operators)
class AuditAdmin(OperatorAdmin):
    """Who did what."""

    section, icon, rows_name = "Records", "history", "entries"
    may_change = False
    list_display = ("when", "what", "person", "about", "details")
    list_display_links = None
    list_select_related = ("by",)
    list_filter = (("at", RangeDateFilter), ActFilter)
    list_filter_submit = True
    search_fields = ("=about_id",)
    search_help_text = "Id of a person, GPT, chat …"
    ordering = ("-id",)
    actions = None
    list_before_template = "operate/audit_export.html"
    sortable_by = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Links from people's and GPTs' pages filter by person and subject."""
        return lookup in ("by__id__exact", "by", "about_kind", "about_id") or super().lookup_allowed(
            lookup, value, request
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, whose rows have the names of what they are about: a query a page for each kind."""
        found = super().get_changelist_instance(request)
        for kind, (fact, model, shown) in NAMED.items():
            about = [row for row in found.result_list if row.about_kind == kind]
            told = [row for row in found.result_list if row.facts.get(fact)]
            names = _names(model, shown, {*(row.about_id for row in about), *(row.facts[fact] for row in told)})
            for row in about:
                row.about_name = names.get(row.about_id)
            for row in told:
                row.facts[fact] = names.get(str(row.facts[fact]), row.facts[fact])
        return found

    @display(description="When")
    def when(self, row: AuditRow) -> str:
        """The time, to the second."""
        return f"{row.at:%Y-%m-%d %H:%M:%S}"

    @display(description="What")
    def what(self, row: AuditRow) -> str:
        """The act."""
        return title_of(row.act)

    @display(description="By")
    def person(self, row: AuditRow) -> str:
        """Who did it, by the name of today."""
        return name_of(row)

    @display(description="About")
    def about(self, row: AuditRow) -> str:
        """What it was done to, by the name of today."""
        if name := row.__dict__.get("about_name"):
            return str(name)
        if row.act == Act.SETTING_CHANGED:
            return SETTINGS.get(row.about_id, row.about_id)
        return f"{NAMES.get(row.about_kind, row.about_kind)} {row.about_id}".strip() or "–"

    @display(description="Details")
    def details(self, row: AuditRow) -> str:
        """The facts; of what was changed, both values."""
        facts = {name: value for name, value in row.facts.items() if value is not None}
        if "after" in facts:
            facts["value"] = f"{_shown(facts.pop('before', ''))} → {_shown(facts.pop('after'))}"
        if row.act == Act.QUOTA_CHANGED and facts.get("kind") in KINDS:
            facts["kind"] = KINDS[facts["kind"]].title
        return ", ".join(f"{name}: {value}" for name, value in facts.items()) or "–"

    def get_urls(self) -> list[URLPattern]:
        """The list, and the export of what it shows."""
        view = self.admin_site.admin_view(require_safe(self.export))
        lists = [each for each in super().get_urls() if str(each.name).endswith("changelist")]
        return [path("export.csv", view, name="audit_export"), *lists]

    def export(self, request: HttpRequest) -> HttpResponse:
        """The list as it is filtered, its newest MOST rows, as CSV. Exporting is recorded too."""
        rows: QuerySet[AuditRow] = self.get_changelist_instance(request).queryset
        audit.record(Act.AUDIT_EXPORTED, request.user)
        lines = _lines(rows.select_related("by")[:MOST])
        response = HttpResponse(b"".join(lines), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
        return response


def _names(model: type[Model], shown: Any, keys: set[Any]) -> dict[str, str]:
    """The names of the rows with these keys, by key as text."""
    ids = []
    for key in {0, *keys}:  # never none, so that pages ask equally often
        with suppress(ValidationError):  # a fact may be anything
            ids.append(model._meta.pk.to_python(key))
    return {str(key): name for key, name in model._default_manager.filter(pk__in=ids).values_list("pk", shown)}


class _Echo:
    """A file that returns what is written to it."""

    def write(self, text: str) -> bytes:
        """The text, encoded."""
        return text.encode()


def _lines(rows: QuerySet[AuditRow]) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["id", "at", "act", "by", "by_email", "about_kind", "about_id", "facts"])
    for row in rows.iterator(chunk_size=1_000):
        email = row.by.email if row.by else ""
        cells = [row.pk, row.at.isoformat(), row.act, row.by_id or "", email, row.about_kind, row.about_id, row.facts]
        yield writer.writerow([harmless(str(cell)) for cell in cells])


def _shown(value: Any) -> str:
    """A value of a setting."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}" if isinstance(value, int) else str(value) or "empty"


def title_of(act: str) -> str:
    """What an act is called."""
    return str(Act(act).label) if act in Act else act


def name_of(row: AuditRow) -> str:
    """Who did it: a person by name, one who was erased by id."""
    if row.by_id is None:
        return "–"
    try:
        return row.by.email if row.by else f"erased person {row.by_id}"
    except User.DoesNotExist:
        return f"erased person {row.by_id}"
