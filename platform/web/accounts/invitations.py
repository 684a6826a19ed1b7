"""Who may create an account: everybody, people of some domains, and whoever has the link of an invitation.

A visitor who accepts an invitation keeps its id in their session. Its place is taken in the transaction that saves
the account, by one conditional UPDATE, so that thirty places never become thirty-one.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from web.accounts import audit, live_settings, outbox
from web.accounts.models import User, digest
from web.accounts.models_invitations import Invitation

MOST_PEOPLE: Final = 10_000
MOST_DAYS: Final = 366
MOST_ADDRESSES: Final = 200
_KEPT_AS: Final = "invitation"


class InvitationOver(Exception):
    """This invitation no longer works. Ask an admin for a new one."""


def live() -> QuerySet[Invitation]:
    """The invitations that somebody can use now."""
    return Invitation.objects.filter(withdrawn=None, expires__gt=timezone.now(), n_used__lt=F("most"))


@transaction.atomic
def create(
    by: User | None, name: str, most: int, expires: datetime, groups: Iterable[Group] = ()
) -> tuple[Invitation, str]:
    """A new invitation and its URL, which is not stored."""
    secret = secrets.token_urlsafe(32)
    made = Invitation.objects.create(name=name, hash=digest(secret), most=most, expires=expires)
    made.groups.set(groups)
    audit.record(audit.Act.INVITATION_CREATED, by, made, most=most)
    return made, settings.SITE_URL + reverse("join", args=[secret])


def send(made: Invitation, url: str, addresses: Iterable[str]) -> None:
    """Send the link of a new invitation to these, from `checked_addresses`."""
    for address in addresses:
        outbox.invite(address, url, made.pk)


def checked_addresses(text: str, most: int) -> list[str]:
    """The email addresses in a text, each once. Raises ValidationError, also if they are more than `most` people."""
    found = list(dict.fromkeys(text.replace(",", " ").replace(";", " ").lower().split()))
    if found and not settings.EMAIL_HOST:
        raise ValidationError("This site sends no email. Copy the link, and send it yourself.")
    if len(found) > min(most, MOST_ADDRESSES):
        raise ValidationError(f"These are {len(found)} addresses, for {min(most, MOST_ADDRESSES)} people.")
    for address in found:
        validate_email(address)
    return found


def withdraw(invitation_id: int, by: User | None) -> bool:
    """End an invitation. Whether there was one that was not withdrawn."""
    now = timezone.now()
    if not Invitation.objects.filter(id=invitation_id, withdrawn=None).update(withdrawn=now):
        return False
    audit.record(audit.Act.INVITATION_WITHDRAWN, by, Invitation.objects.get(id=invitation_id))
    return True


def find(secret: str) -> Invitation | None:
    """The live invitation of a link."""
    return live().filter(hash=digest(secret)).first()


def accept(request: HttpRequest, invitation: Invitation) -> None:
    """Let the visitor create an account with it, in this session."""
    request.session[_KEPT_AS] = invitation.pk


def accepted(request: HttpRequest) -> Invitation | None:
    """The live invitation that the visitor accepted."""
    kept = request.session.get(_KEPT_AS)
    return live().filter(pk=kept).first() if kept else None


@transaction.atomic
def use(invitation: Invitation, user: User) -> None:
    """Take a place for `user`, who joins the groups; once a person. Raises InvitationOver."""
    if invitation.people.filter(pk=user.pk).exists():
        return
    if not live().filter(pk=invitation.pk).update(n_used=F("n_used") + 1):
        raise InvitationOver
    invitation.people.add(user)
    user.groups.add(*invitation.groups.all())
    audit.record(audit.Act.INVITATION_USED, user, invitation)


def use_accepted(request: HttpRequest, user: User) -> None:
    """The same with what the visitor accepted, if they did. Raises InvitationOver if it ended meanwhile."""
    kept = request.session.pop(_KEPT_AS, None)
    if kept is None:
        return
    invitation = live().filter(pk=kept).first()
    if invitation is None:
        raise InvitationOver
    use(invitation, user)


def is_open_to(request: HttpRequest) -> bool:
    """Whether this visitor may create an account, perhaps with an address of some domains only."""
    return live_settings.get("SIGNUP_OPEN") or accepted(request) is not None


def may_have_account(request: HttpRequest, email: str) -> bool:
    """Whether this visitor may create an account with this address."""
    if accepted(request):
        return True
    return bool(live_settings.get("SIGNUP_OPEN") and has_allowed_domain(email))


def has_allowed_domain(email: str) -> bool:
    """Whether an account may have this address: with SIGNUP_DOMAINS, only one of these domains."""
    domains = live_settings.get("SIGNUP_DOMAINS")
    return not domains or is_of(email, domains)


def check_change(email: str) -> None:
    """Raises ValidationError if an account can't change its address to this one."""
    if not has_allowed_domain(email):
        raise ValidationError(wrong_domain())


def wrong_domain() -> str:
    """The error for an address that is of none of SIGNUP_DOMAINS."""
    return gettext("Use an address of {domains}.").format(domains=", ".join(live_settings.get("SIGNUP_DOMAINS")))


def is_of(email: str, domains: Iterable[str]) -> bool:
    """Whether the address is of one of the domains; `*.example.org` stands for every domain below example.org."""
    _, at, domain = email.lower().rpartition("@")
    return bool(at) and any(
        domain.endswith(each[1:]) if each.startswith("*.") else domain == each for each in map(str.lower, domains)
    )
