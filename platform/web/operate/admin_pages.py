"""The console's pages that are no lists: overview, health, usage, storage and settings."""

import json
from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from web.accounts import live_settings, quotas
from web.accounts.models import QuotaLimit
from web.accounts.quotas import KINDS, ZERO
from web.accounts.user_names import name_of
from web.operate import configuration, figures, machine
from web.operate.forms import domains_of
from web.operate.services import current_model
from web.operate.site import operators, person_of
from web.operate.tables import csv_response

PERIODS: Final = (7, 30, 90)
N_MONTHS: Final = 12
MOST_ROWS: Final = 100_000
UNLIMITED: Final = "unlimited"


@operators.page("checklist/done/", "checklist_done", "Checklist done")
@require_POST
def checklist_done(request: HttpRequest) -> HttpResponse:
    """Show the checklist no more, or again."""
    live_settings.change("CHECKLIST_DONE", "again" not in request.POST, person_of(request))
    return redirect("admin:index")


@operators.page("health/", "health", "Health and queues", section="Site", icon="monitor_heart")
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Workers, queues, and why answers are slow."""
    record, found = current_model(), figures.health()
    context = {"title": "Health and queues", "health": found, "model_title": record.title if record else ""}
    context |= {"uses": machine.disk_by_use(), "site_figures": figures.about_site()}
    return operators.render(request, "operate/health.html", context)


@operators.page("usage/", "usage", "Usage", section="Site", icon="bar_chart")
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """Messages and tokens by day, person, group and GPT, of the last days or of a month; as CSV, by person."""
    months = _months()
    month = next((each for each in months if f"{each:%Y-%m}" == request.GET.get("month")), None)
    group_id = request.GET.get("group", "")
    group = Group.objects.filter(pk=group_id).first() if group_id.isdecimal() and len(group_id) < 19 else None
    sent = request.GET.get("days", "")
    days = int(sent) if sent.isdecimal() and int(sent) in PERIODS else 30
    today = timezone.localdate()
    first, last = (month, _end_of(month)) if month else (today - timedelta(days=days), today)
    period = figures.Period(first, last, group)
    if "csv" in request.GET:
        return _usage_file(period)
    found = figures.usage(period)
    context = {"title": "Usage", "days": days, "periods": PERIODS, **found, "chart": _chart(found["by_day"])}
    context |= {"months": months, "month": month, "group": group, "every_group": Group.objects.order_by("name")}
    return operators.render(request, "operate/usage.html", context)


def _months() -> list[date]:
    """The first days of this month and the N_MONTHS before."""
    months = [timezone.localdate().replace(day=1)]
    while len(months) <= N_MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months


def _end_of(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _usage_file(period: figures.Period) -> HttpResponse:
    rows = figures.used_by_people(period)[:MOST_ROWS]
    lines = [(row["owner__name"], name_of(row["owner__email"]), row["n"], row["tokens"]) for row in rows]
    head = ("Person", "Signs in as", "Answers", "Tokens")
    return csv_response(f"usage-{period.first}-{period.last}.csv", [head, *lines])


def _chart(by_day: list[tuple[Any, int, int]]) -> str:
    """What Unfold's chart shows, as JSON."""
    bars = {"label": "Answers", "data": [n for _, n, _ in by_day], "backgroundColor": "var(--color-primary-600)"}
    return json.dumps({"labels": [f"{day:%d %b}" for day, *_ in by_day], "datasets": [bars]})


@operators.page("storage/", "storage", "Storage", section="Site", icon="hard_drive")
@require_safe
def storage(request: HttpRequest) -> HttpResponse:
    """What takes space."""
    return operators.render(request, "operate/storage.html", {"title": "Storage", **figures.storage()})


class SettingsForm(forms.Form):
    """The settings that can change while the site runs. Each starts with what is in force."""

    signup_open = forms.BooleanField(required=False, label="Anyone can sign up", widget=UnfoldBooleanSwitchWidget())
    signup_domains = forms.CharField(
        required=False,
        label="Domains that may sign up",
        help_text="Separated by spaces, such as example.org *.example.org. Empty: all.",
        widget=UnfoldAdminTextInputWidget(),
    )
    review_listings = forms.BooleanField(
        required=False,
        label="Review GPTs before they are listed",
        help_text="What is published to everyone waits in the console. What is listed already stays.",
        widget=UnfoldBooleanSwitchWidget(),
    )
    banner = forms.CharField(
        required=False,
        max_length=300,
        label="Announcement",
        help_text="Shown at the top of every page, as plain text. Empty: none.",
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in filter(live_settings.is_fixed, ("SIGNUP_OPEN", "SIGNUP_DOMAINS")):
            self.fields[name.lower()].disabled = True
            self.fields[name.lower()].help_text = f"Set by {name} in the environment."
        for key, kind in KINDS.items():
            default = getattr(settings, kind.setting)
            shown = UNLIMITED if default is None else f"{default:,}"
            attributes = {"placeholder": f"{shown} ({kind.setting})"}
            widget = UnfoldAdminTextInputWidget(attrs=attributes)
            help_text = f"{ZERO} “{UNLIMITED}”: no limit."
            options = {"label": kind.title, "help_text": help_text, "widget": widget}
            self.fields[f"quota_{key}"] = forms.CharField(required=False, **options)

    def clean_signup_domains(self) -> str:
        """Refuse domains where no email verifies addresses: anybody could claim one of theirs."""
        domains = " ".join(domains_of(self.cleaned_data["signup_domains"]))
        if domains and not settings.EMAIL_HOST:
            raise forms.ValidationError("This needs a mail server (EMAIL_HOST), which verifies addresses.")
        return domains

    def clean(self) -> dict[str, Any]:
        """Refuse limits that are neither numbers nor “unlimited”."""
        for name, value in list(self.cleaned_data.items()):
            if name.startswith("quota_") and value not in ("", UNLIMITED) and not value.replace(",", "").isdecimal():
                self.add_error(name, "Enter a number, “unlimited”, or nothing for what is configured.")
        return self.cleaned_data

    @property
    def parts(self) -> list[tuple[str, list[Any]]]:
        """The fields below their headings."""
        limits = [field for field in self if field.name.startswith("quota_")]
        return [("Site", [field for field in self if field not in limits]), ("Limits for everyone", limits)]


def _initial() -> dict[str, Any]:
    rows = dict(QuotaLimit.objects.filter(user=None, group=None).values_list("kind", "most"))
    limits = {f"quota_{kind}": UNLIMITED if most is None else str(most) for kind, most in rows.items()}
    return {
        "signup_open": live_settings.get("SIGNUP_OPEN"),
        "signup_domains": " ".join(live_settings.get("SIGNUP_DOMAINS")),
        "review_listings": live_settings.get("REVIEW_LISTINGS"),
        "banner": live_settings.get("BANNER"),
        **limits,
    }


@operators.page("settings/", "settings", "Settings", section="Site", icon="tune")
def change_settings(request: HttpRequest) -> HttpResponse:
    """Settings that can change while the site runs."""
    form = SettingsForm(request.POST if request.method == "POST" else None, initial=_initial())
    if request.method == "POST" and form.is_valid():
        for name in form.changed_data:
            _save(request, name, form.cleaned_data[name])
        messages.success(request, "Saved. All processes use this within a few seconds.")
        return redirect("admin:settings")
    return operators.render(
        request,
        "operate/settings.html",
        {"title": "Settings", "form": form, "parts": form.parts, "configured": configuration.parts()},
    )


def _save(request: HttpRequest, name: str, value: Any) -> None:
    by = person_of(request)
    if not name.startswith("quota_"):
        live_settings.change(name.upper(), value.split() if name == "signup_domains" else value, by)
        return
    kind = name.removeprefix("quota_")
    if value == "":
        quotas.reset_limit(kind, None, by)
    else:
        quotas.set_limit(kind, None if value == UNLIMITED else int(value.replace(",", "")), None, by)
