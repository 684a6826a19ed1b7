"""The console's pages Services, of what the site uses elsewhere, and Site details, by service_settings.toml."""

import re
import secrets
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from web.accounts import live_settings, mailing
from web.accounts.models import User
from web.builder.pictures import store_picture
from web.checks import NEEDED
from web.operate.access import confirmed_first
from web.operate.site import operators, person_of
from web.rpc import NoResult

MOST_CHARS: Final = 500
PASSPHRASE_BYTES: Final = 18
REMOVE: Final = "remove_logo"
_WIDGETS: Final = {
    "switch": UnfoldBooleanSwitchWidget,
    "choice": UnfoldAdminSelectWidget,
    "zone": UnfoldAdminSelectWidget,
    "picture": lambda: forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
}
# Of a service, what says where its secret goes.
_SERVERS: Final = ("host", "url", "choice")


class ServiceForm(forms.Form):
    """The settings of one service of service_settings.toml, each with what is in force."""

    def __init__(self, service: dict[str, Any], by: User, sent: Any = None, files: Any = None) -> None:
        super().__init__(sent, files)
        self.service, self._by = service, by
        self.from_environment = sorted(settings.FROM_ENVIRONMENT & service["fields"].keys())
        for name, field in service["fields"].items():
            self.fields[name] = _field(name, field)
            self.fields[name].disabled = live_settings.is_fixed(name)
        self.is_fixed = all(field.disabled for field in self.fields.values())

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot work: an address that is none, and a server without what it needs."""
        for name, value in list(self.cleaned_data.items()):
            kind = self.service["fields"][name]["kind"]
            check = _CHECKS.get(kind)
            if kind == "origin":
                value = self.cleaned_data[name] = value.rstrip("/")
            if value and check:
                self._run(name, lambda check=check, value=value: check(value))
            if kind == "picture":
                self._run(name, lambda name=name, value=value: self._keep(name, value))
        for name, wanted, others in NEEDED:
            value = self.cleaned_data.get(name)
            missing = [other for other in others if other in self.fields and not self._has(other)]
            if value and wanted in ("*", value) and missing and "BACKUP_PASSPHRASE" not in missing:  # one is made
                self.add_error(missing[0], f"This is needed with “{self.fields[name].label}”.")
        return self.cleaned_data

    def _run(self, name: str, check: Any) -> None:
        try:
            check()
        except ValidationError as error:
            self.add_error(name, error)
        except NoResult as error:
            self.add_error(name, str(error))

    def _keep(self, name: str, upload: Any) -> None:
        """Have a worker make the picture that is kept; with “remove”, none is."""
        self.cleaned_data[name] = store_picture(upload, self._by, "logo") if upload else ""

    def _has(self, name: str) -> bool:
        is_secret = self.service["fields"][name]["kind"] == "secret"
        return bool(self.cleaned_data.get(name) or (is_secret and getattr(settings, name) and not self._is_moved()))

    def _is_moved(self) -> bool:
        kinds = {name: field["kind"] for name, field in self.service["fields"].items()}
        return any(kinds[name] in _SERVERS for name in self.changed_data)

    @transaction.atomic
    def save(self, by: User) -> str:
        """Store what was changed, without secrets of a server before. Returns the passphrase if one was made."""
        changes = {name: self.cleaned_data[name] for name in self.changed_data}
        if REMOVE in self.data:
            changes["SITE_LOGO"] = ""
        for name, field in self.service["fields"].items():
            if field["kind"] == "secret" and self._is_moved():
                changes.setdefault(name, "")
        made = ""
        if self.cleaned_data.get("BACKUP_DIR") and not self._has("BACKUP_PASSPHRASE"):
            changes["BACKUP_PASSPHRASE"] = made = secrets.token_urlsafe(PASSPHRASE_BYTES)
        for name, value in changes.items():
            live_settings.change(name, None if value in ("", None) else value, by)
        return made


def _field(name: str, field: dict[str, Any]) -> forms.Field:
    kind, now = field["kind"], getattr(settings, name)
    given: dict[str, Any] = {"label": field["label"], "help_text": field.get("help", ""), "required": False}
    given["widget"] = _WIDGETS.get(kind, UnfoldAdminTextInputWidget)()
    match kind:
        case "switch":
            return forms.BooleanField(**given, initial=now)
        case "number":
            return forms.IntegerField(**given, initial=now, min_value=field["least"], max_value=field["most"])
        case "choice":
            return forms.ChoiceField(**given, initial=now, choices=list(field["choices"].items()))
        case "zone":
            zones = sorted(each for each in available_timezones() if "/" in each and not each.startswith("Etc/"))
            return forms.ChoiceField(**given, initial=now, choices=[(each, each) for each in ("UTC", *zones)])
        case "picture":
            return forms.FileField(**given)
        case "secret":
            placeholder = "As it is" if now else ""
            given["widget"] = UnfoldAdminPasswordWidget(attrs={"autocomplete": "off", "placeholder": placeholder})
            return forms.CharField(**given, min_length=field.get("least"), max_length=MOST_CHARS)
        case _:
            return forms.CharField(**given, initial=str(now or ""), max_length=field.get("most", MOST_CHARS))


def _check_host(host: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise ValidationError("Enter the name of a server, such as smtp.example.org.")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in url
    except ValueError:
        is_url = False
    if not is_url:
        raise ValidationError("Enter a full address that starts with http:// or https://, without a password.")


def _check_origin(url: str) -> None:
    _check_url(url)
    if urlsplit(url)._replace(scheme="", netloc="").geturl():
        raise ValidationError("Enter the address alone, such as https://gpts.example.org, without a path.")


def _check_folder(path: str) -> None:
    if not Path(path).is_absolute():
        raise ValidationError("Enter the full path of a folder.")
    resolved, home = Path(path).resolve(), settings.GUILDHALL_HOME
    if resolved.is_relative_to(home) and not resolved.is_relative_to(home / "backups"):
        raise ValidationError(f"The site serves files from there. Choose {home / 'backups'}, or a folder elsewhere.")
    if settings.RUN_BY_UP:  # else the worker may be on another machine
        try:
            resolved.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            raise ValidationError("This folder can’t be made.") from None


def _check_sender(sender: str) -> None:
    validate_email(parseaddr(sender)[1])


_CHECKS: Final = {
    "host": _check_host,
    "url": _check_url,
    "origin": _check_origin,
    "folder": _check_folder,
    "email": _check_sender,
}


@operators.page("services/", "services", "Services", section="Site", icon="hub")
@confirmed_first
def services(request: HttpRequest) -> HttpResponse:
    """Mail, web search, pictures and backups."""
    return _settings_page(request, "services", "Services")


@operators.page("site/", "site", "Site details", section="Site", icon="edit")
@confirmed_first
def site_details(request: HttpRequest) -> HttpResponse:
    """The site's name, logo, address, language and time zone, whom to ask, and how long things are kept."""
    return _settings_page(request, "site", "Site details")


def _settings_page(request: HttpRequest, page: str, title: str) -> HttpResponse:
    """The services of the page: POST saves one of them, after a fresh sign-in."""
    sent, by = request.POST.get("service"), person_of(request)
    every = [
        ServiceForm(service, by, *((request.POST, request.FILES) if service["key"] == sent else ()))
        for service in live_settings.SERVICES
        if service.get("page", "services") == page
    ]
    made = ""
    form = next((each for each in every if each.is_bound and not each.is_fixed), None)
    if form and form.is_valid():
        made = form.save(by)
        live_settings.follow()
        trouble = _try_mail(by) if "test" in request.POST else ""
        if trouble:
            form.add_error("EMAIL_HOST", f"Saved, but no message could be sent: {trouble}")
        elif not made:
            told = f" A message was sent to {by.email}." if "test" in request.POST else ""
            messages.success(request, f"{form.service['title']}: saved. In use within a few seconds.{told}")
            return redirect(f"admin:{page}")
    context = {"title": title, "page": page, "forms": every, "made": made, "email": by.email}
    context["mail_failure"] = "" if form and form.errors else mailing.last_failure()
    return operators.render(request, "operate/services.html", context)


def _try_mail(to: User) -> str:
    """Send a message to a person now; why that failed, if it did."""
    try:
        EmailMessage(f"Mail of {settings.SITE_NAME}", "Mail works.", to=[to.email]).send()
    except OSError as error:  # smtplib's too
        return mailing.note_failure(error)
    mailing.note_sent()
    return ""
