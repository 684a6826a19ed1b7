"""Settings that operators change while the site runs: `live_settings.get("SIGNUP_OPEN")` for `settings.SIGNUP_OPEN`.

Their values are rows of one small table, which each process reads at most every KEEP_S, whatever the number of
requests: a change is in force at once where it was made, and everywhere within KEEP_S. A setting without a row has
the value of the environment.
"""

import time
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, transaction

from web.accounts import audit
from web.accounts.models import User
from web.accounts.models_live import LiveSetting

KEEP_S: Final = 3.0
# Those that are in no environment, with their values at first.
OWN: Final[dict[str, Any]] = {"BANNER": "", "CHECKLIST_DONE": False, "REVIEW_LISTINGS": False}
NAMES: Final = ("SIGNUP_OPEN", "SIGNUP_DOMAINS", *OWN)

# When the rows were read, and what they said. Two threads that read at once read the same.
_kept: tuple[float, dict[str, Any]] = (float("-inf"), {})


def get(name: str) -> Any:
    """The value of one of NAMES now. Without a database, that of the environment."""
    overridden = _overridden()
    return overridden[name] if name in overridden else OWN[name] if name in OWN else getattr(settings, name)


def is_overridden(name: str) -> bool:
    """Whether an operator set it."""
    return name in _overridden()


@transaction.atomic
def change(name: str, value: Any, by: User | None) -> None:
    """Set one of NAMES to `value`; None: as in the environment."""
    if name not in NAMES:
        raise KeyError(name)
    if value is None:
        LiveSetting.objects.filter(name=name).delete()
    else:
        LiveSetting.objects.update_or_create(name=name, defaults={"value": value})
    audit.record(audit.Act.SETTING_CHANGED, by, name, to=value if isinstance(value, bool) else "")
    forget()
    transaction.on_commit(forget)


def forget(kept: dict[str, Any] | None = None) -> None:
    """Read the rows anew at the next look; with `kept`, take these for them for KEEP_S."""
    global _kept
    _kept = (float("-inf"), {}) if kept is None else (time.monotonic(), kept)


def _overridden() -> dict[str, Any]:
    if time.monotonic() - _kept[0] > KEEP_S:
        try:
            forget(dict(LiveSetting.objects.values_list("name", "value")))
        except DatabaseError:
            forget({})
    return _kept[1]
