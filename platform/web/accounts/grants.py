"""What people let programs do for them, and the tokens of it (OAuth 2.1).

A code or refresh token works once. Whoever sends one a second time may have stolen it, or been robbed of it: then its
grant ends, with all its tokens. A retry within GRACE is only refused: clients repeat a request without response.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from web.accounts import audit, quotas
from web.accounts.models import KEY_PREFIX, Grant, GrantToken, Program, User, digest
from web.accounts.services import n_secrets, note_use

LIFETIMES: Final = {
    GrantToken.Kind.CODE: timedelta(minutes=2),
    GrantToken.Kind.ACCESS: timedelta(hours=1),
    GrantToken.Kind.REFRESH: timedelta(days=30),  # since it was last refreshed
}
GRACE: Final = timedelta(seconds=30)
# Anyone can register a program: those that nobody has granted anything are forgotten, as are more than so many.
UNUSED_FOR: Final = timedelta(days=30)
MAX_UNUSED: Final = 2_000
Kind = GrantToken.Kind


@transaction.atomic
def grant(user: User, program: Program, resource: str, request: Mapping[str, str]) -> str:
    """A code with which the program gets tokens that act for `user` at `resource`. Raises QuotaExceeded."""
    quotas.lock(user.pk)
    quotas.check(user.pk, "keys", n_secrets(user))
    made = Grant.objects.create(user=user, program=program, resource=resource)
    audit.record(audit.Act.PROGRAM_CONNECTED, user, made)
    return _issue(made, Kind.CODE, request)


def token(kind: str, secret: str) -> GrantToken | None:
    """The unexpired token with this secret whose person is active, also if it was used."""
    live = GrantToken.objects.filter(kind=kind, expires__gt=timezone.now(), grant__user__is_active=True)
    return live.filter(hash=digest(secret)).select_related("grant__user", "grant__program").first()


def access(secret: str) -> Grant | None:
    """The grant whose access token this is. Updates when it was last used."""
    found = token(Kind.ACCESS, secret)
    if found is None:
        return None
    note_use(found.grant)
    return found.grant


def exchange(spent: GrantToken) -> tuple[str, str] | None:
    """An access and a refresh token for a code or refresh token; None if it was used before, which ends its grant."""
    now = timezone.now()
    with transaction.atomic():
        if GrantToken.objects.filter(id=spent.id, used=None).update(used=now):
            spent.grant.tokens.filter(kind=Kind.ACCESS).delete()
            return _issue(spent.grant, Kind.ACCESS), _issue(spent.grant, Kind.REFRESH)
    if GrantToken.objects.filter(id=spent.id, used__lt=now - GRACE).exists():
        spent.grant.delete()
    return None


def _issue(granted: Grant, kind: Kind, request: Mapping[str, str] | None = None) -> str:
    secret = f"{KEY_PREFIX}{kind}_{secrets.token_urlsafe(32)}"
    facts: dict[str, Any] = {"expires": timezone.now() + LIFETIMES[kind], "request": dict(request or {})}
    granted.tokens.create(kind=kind, hash=digest(secret), **facts)
    return secret


def live_grants(user: User) -> "QuerySet[Grant]":
    """What the person lets programs do, newest first. A grant whose refresh token expired has ended."""
    refreshable = GrantToken.objects.filter(grant=OuterRef("id"), kind=Kind.REFRESH, expires__gt=timezone.now())
    return user.grants.filter(Exists(refreshable)).select_related("program")


@transaction.atomic
def end(user: User, grant_id: int) -> bool:
    """End the grant. Whether `user` had such a one."""
    granted = user.grants.filter(id=grant_id).first()
    if granted is None:
        return False
    audit.record(audit.Act.PROGRAM_ENDED, user, granted)
    granted.delete()
    return True


def revoke(program_id: str, secret: str) -> None:
    """End the grant of the program with this access or refresh token, if there is one."""
    granted = Grant.objects.filter(program=program_id, tokens__hash=digest(secret)).select_related("user").first()
    if granted:
        end(granted.user, granted.id)


def register(program_id: str, metadata: Mapping[str, Any]) -> Program:
    """The program with what it now says of itself. The oldest of too many that nobody uses are forgotten."""
    facts = {"metadata": dict(metadata), "read": timezone.now()}
    made, _ = Program.objects.update_or_create(id=program_id, defaults=facts)
    unused = Program.objects.filter(grants=None).order_by("-read")
    Program.objects.filter(id__in=list(unused.values_list("id", flat=True)[MAX_UNUSED:])).delete()
    return made


def forget_grants() -> None:
    """Delete expired tokens, grants without any, and programs that nobody has used for long."""
    now = timezone.now()
    GrantToken.objects.filter(expires__lt=now).delete()
    Grant.objects.filter(tokens=None).delete()
    Program.objects.filter(grants=None, read__lt=now - UNUSED_FOR).delete()
