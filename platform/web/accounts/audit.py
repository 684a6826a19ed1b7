"""The audit log: who did what to what. `record` is the only way in. Operators’ webhooks are told of its entries.

**Append-only**: triggers of the database refuse to change or delete a row, whoever asks. `forget_before` lifts them
for its own transaction, to keep the log as long as the site's operator says and no longer.

**Erasure of a person** needs no change of the log: an entry holds ids, and no name, email address, IP address, or
text that somebody wrote. Pages look names up where they are kept, so an entry about an erased person shows an id that
belongs to nobody. That is why `record` keeps as facts only numbers, truth values and short tokens: of a text with a
space or an @, it keeps that there was one. A failed sign-in names the account that was tried, if there is one, never
what was typed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from allauth.account import signals as allauth_signals
from allauth.mfa import signals as mfa_signals
from allauth.socialaccount import signals as social_signals
from django.contrib.auth import signals
from django.db import connection, models, transaction
from django.http import HttpRequest

from web.accounts import outbox
from web.accounts.models import User
from web.accounts.models_audit import Act as Act
from web.accounts.models_audit import AuditRow

Fact = str | int | float | bool | None
# What machines write: keys, ids, names of tools and models. Nothing that reads like a person's words.
TOKEN: Final = re.compile(r"[\w.:/+\-…*]{0,200}")
TEXT: Final = "(text)"
# The triggers of the database that keep the rows of the log as they were written.
_REFUSED: Final = "entries of the audit log are never changed"
# SQLite's REPLACE fires no trigger for the row that it takes the place of.
_SQLITE: Final = {
    "update": ("UPDATE", ""),
    "delete": ("DELETE", ""),
    "replace": ("INSERT", "WHEN NEW.id IN (SELECT id FROM accounts_audit)"),
}
CREATE: Final = {
    "sqlite": [
        f"CREATE TRIGGER audit_keeps_{name} BEFORE {verb} ON accounts_audit {when} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for name, (verb, when) in _SQLITE.items()
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
        "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()",
    ],
}
DROP: Final = {
    "sqlite": [f"DROP TRIGGER audit_keeps_{name}" for name in _SQLITE],
    "postgresql": ["DROP TRIGGER audit_keeps ON accounts_audit"],
}


def record(act: str, by: Any, about: models.Model | str = "", **facts: Fact) -> None:
    """Add to the log that the person `by` (None or anonymous: nobody known) did `act`, one of `Act`, to `about`.

    `about`: a row, or the name of something that is none, such as a model. Call it in the transaction of the act.
    Raises ValueError for an unknown act.
    """
    kind, key = (str(about._meta.model_name), about.pk) if isinstance(about, models.Model) else ("", about)
    kept = {name: _token(value) if isinstance(value, str) else value for name, value in facts.items()}
    person = by.pk if isinstance(by, User) else None
    row = AuditRow(act=Act(act), by_id=person, about_kind=kind, about_id=_token(str(key)), facts=kept)
    row.save(force_insert=True)
    told = {"kind": kind, "id": row.about_id}
    outbox.tell_webhooks(row.act, None, entry=row.pk, by=person, about=told, facts=kept)


def _token(text: str) -> str:
    return text if TOKEN.fullmatch(text) else TEXT


@contextmanager
def lifted() -> Iterator[None]:
    """A transaction in which rows of the log can be deleted. Only `forget_before` and tests have a use for it."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in DROP[connection.vendor]:
            cursor.execute(statement)
        yield
        for statement in CREATE[connection.vendor]:
            cursor.execute(statement)


def forget_before(when: datetime) -> int:
    """Delete the entries from before `when`; how many."""
    old = AuditRow.objects.filter(at__lt=when)
    if not old.exists():
        return 0
    with lifted():
        return old.delete()[0]


def listen() -> None:
    """Record what Django and allauth do by themselves, and announce by signals only."""
    signals.user_logged_in.connect(_signed_in, dispatch_uid="audit")
    signals.user_logged_out.connect(_signed_out, dispatch_uid="audit")
    signals.user_login_failed.connect(_failed, dispatch_uid="audit")
    for name in ("password_set", "password_changed", "password_reset"):
        getattr(allauth_signals, name).connect(_password_changed, dispatch_uid="audit")
    allauth_signals.user_signed_up.connect(_signed_up, dispatch_uid="audit")
    social_signals.social_account_added.connect(_sign_in_joined, dispatch_uid="audit")
    social_signals.social_account_removed.connect(_sign_in_removed, dispatch_uid="audit")
    mfa_signals.authentication_failed.connect(_second_step_failed, dispatch_uid="audit")
    mfa_signals.authenticator_added.connect(_second_factor_added, dispatch_uid="audit")
    mfa_signals.authenticator_removed.connect(_second_factor_removed, dispatch_uid="audit")


def _signed_in(user: User, request: HttpRequest | None, **_: Any) -> None:
    record(Act.SIGN_IN, user, user, **({"link": True} if getattr(request, "is_by_link", False) else {}))


def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        record(Act.SIGN_OUT, user, user)


def _failed(credentials: dict[str, Any], **_: Any) -> None:
    tried = str(credentials.get("email") or credentials.get("username") or "")
    record(Act.SIGN_IN_FAILED, None, User.objects.filter(email=tried.lower()).first() or "")


def _password_changed(user: User, **_: Any) -> None:
    record(Act.PASSWORD_CHANGED, user, user)


def _signed_up(user: User, **_: Any) -> None:
    record(Act.PERSON_CREATED, user, user)


def _second_step_failed(user: User, **_: Any) -> None:
    record(Act.SIGN_IN_FAILED, None, user, second_step=True)


def _second_factor_added(user: User, authenticator: Any, **_: Any) -> None:
    record(Act.SECOND_FACTOR_ADDED, user, user, type=authenticator.type)


def _second_factor_removed(user: User, authenticator: Any, **_: Any) -> None:
    record(Act.SECOND_FACTOR_REMOVED, user, user, type=authenticator.type)


def _sign_in_joined(request: HttpRequest, sociallogin: Any, **_: Any) -> None:
    record(Act.SIGN_IN_JOINED, request.user, sociallogin.user, provider=sociallogin.account.provider)


def _sign_in_removed(request: HttpRequest, socialaccount: Any, **_: Any) -> None:
    record(Act.SIGN_IN_REMOVED, request.user, socialaccount.user, provider=socialaccount.provider)
