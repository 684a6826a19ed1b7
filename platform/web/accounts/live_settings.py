"""Settings that operators change while the site runs: `live_settings.get("SIGNUP_OPEN")` for `settings.SIGNUP_OPEN`.

Their values are rows of one small table, which each process reads at most every KEEP_S, whatever the number of
requests: a change is in force at once where it was made, and everywhere within KEEP_S. What the environment sets
stays as it is there. Those of services (service_settings.toml) are put into Django's settings, which libraries read
too, at each request and task.
"""

import logging
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from web.accounts import audit
from web.accounts.models import User
from web.accounts.models_live import LiveSetting
from web.address_settings import address_settings
from web.mail_settings import mail_settings
from web.secrets import SecretLost, seal, unseal

logger = logging.getLogger(__name__)
KEEP_S: Final = 3.0
SERVICES: Final[list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_name("service_settings.toml").read_text("utf-8")
)["services"]
OF_SERVICES: Final[dict[str, dict[str, Any]]] = {
    name: field for service in SERVICES for name, field in service["fields"].items()
}
# Those that are in no environment, with their values at first.
OWN: Final[dict[str, Any]] = {"BANNER": "", "CHECKLIST_DONE": False, "REVIEW_LISTINGS": False}
NAMES: Final = ("SIGNUP_OPEN", "SIGNUP_DOMAINS", *OWN, *OF_SERVICES)

# When the rows were read, and what they said. Two threads that read at once read the same.
_kept: tuple[float, dict[str, Any]] = (float("-inf"), {})
# The rows that are in Django's settings now, and what was there before any was.
_followed: dict[str, Any] = {}
_before: dict[str, Any] = {}


def get(name: str) -> Any:
    """The value of one of NAMES now. Without a database, that of the environment."""
    if is_overridden(name):
        return _opened(name, _overridden()[name])
    return OWN[name] if name in OWN else _before.get(name, getattr(settings, name))


def is_overridden(name: str) -> bool:
    """Whether an operator set it, and not the environment."""
    return name in _overridden() and not is_fixed(name)


def is_fixed(name: str) -> bool:
    """Whether the environment sets it, or something of its service: a key must not go to another server."""
    together = next((each["fields"] for each in SERVICES if name in each["fields"] and "apart" not in each), (name,))
    return not settings.FROM_ENVIRONMENT.isdisjoint(together)


@transaction.atomic
def change(name: str, value: Any, by: User | None) -> None:
    """Set one of NAMES to `value`; None: as it is at first."""
    if name not in NAMES:
        raise KeyError(name)
    forget()
    before = get(name)
    if value is None:
        LiveSetting.objects.filter(name=name).delete()
    else:
        LiveSetting.objects.update_or_create(name=name, defaults={"value": _stored(name, value)})
    forget()
    transaction.on_commit(forget)
    if (after := get(name)) != before:
        audit.record(audit.Act.SETTING_CHANGED, by, name, before=_fact(name, before), after=_fact(name, after))


def forget(kept: dict[str, Any] | None = None) -> None:
    """Read the rows anew at the next look; with `kept`, take these for them for KEEP_S."""
    global _kept
    _kept = (float("-inf"), {}) if kept is None else (time.monotonic(), kept)


def follow() -> None:
    """Put what operators set of services into Django's settings, and take out what they no longer set."""
    global _followed
    rows = {name: value for name, value in _overridden().items() if name in OF_SERVICES and not is_fixed(name)}
    if rows == _followed:
        return
    values = {name: _opened(name, value) for name, value in rows.items()}
    values |= _following(values)
    for name, value in values.items():
        _before.setdefault(name, getattr(settings, name))
        setattr(settings, name, value)
    for name in _before.keys() - values.keys():
        setattr(settings, name, _before.pop(name))
    timezone.get_default_timezone.cache_clear()  # type: ignore[attr-defined]  # which the stubs hide
    _followed = rows


def _following(values: dict[str, Any]) -> dict[str, Any]:
    """The settings that follow from these."""
    found: dict[str, Any] = {}
    if "EMAIL_HOST" in values:
        found |= mail_settings(values["EMAIL_HOST"])
    if "SITE_URL" in values:  # the operator who sets it is still at the address of before
        found |= address_settings(values["SITE_URL"], _before.get("ALLOWED_HOSTS", settings.ALLOWED_HOSTS))
    if "SITE_NAME" in values:
        found["MFA_TOTP_ISSUER"] = values["SITE_NAME"]
    return found


class Follow:
    """Middleware: each request has the settings of now."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response."""
        follow()
        return self._get_response(request)


def _overridden() -> dict[str, Any]:
    if time.monotonic() - _kept[0] > KEEP_S:
        try:
            forget(dict(LiveSetting.objects.values_list("name", "value")))
        except DatabaseError:
            forget({})
    return _kept[1]


def _stored(name: str, value: Any) -> Any:
    return seal(value, name) if _kind(name) == "secret" else value


def _opened(name: str, value: Any) -> Any:
    """The value of a row as the setting has it; a secret whose key is lost is empty."""
    if _kind(name) == "folder":
        return Path(value)
    try:
        return unseal(value, name) if _kind(name) == "secret" else value
    except SecretLost:
        logger.error("%s cannot be opened: the key that sealed it is gone. Enter it again on the page Services", name)
        return ""


def _fact(name: str, value: Any) -> audit.Fact:
    """A value as the audit log has it: of a secret only that there is one."""
    if _kind(name) == "secret":
        return "***" if value else ""
    if isinstance(value, int):
        return value
    return "+".join(value) if isinstance(value, (list, tuple)) else str(value or "")


def _kind(name: str) -> str:
    return str(OF_SERVICES[name]["kind"]) if name in OF_SERVICES else ""
