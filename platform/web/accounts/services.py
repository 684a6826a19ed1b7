"""Writes about users: API keys and one-time sign-in links."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from web.accounts import audit, quotas, second_factor
from web.accounts.models import (
    DEFAULT_SCOPES,
    KEY_PREFIX,
    LINK_LIFETIME,
    ApiKey,
    Grant,
    Scope,
    SignInLink,
    User,
    digest,
)
from web.accounts.models_audit import AuditRow
from web.accounts.models_directory import DirectoryToken
from web.accounts.models_invitations import Invitation

# `last_used` is not updated more often than this, which saves a write per request.
LAST_USED_STEP = timedelta(minutes=1)


def first_operator() -> User:
    """The first admin; created if there is none, without a password."""
    operator = User.objects.filter(is_staff=True, is_active=True).order_by("id").first()
    return operator or User.objects.create_superuser("operator@localhost", name="Operator")


def operator_has_signed_in() -> bool:
    """Whether an admin has ever signed in."""
    return User.objects.filter(is_staff=True, last_login__isnull=False).exists()


def rename(user: User, name: str) -> None:
    """Change the name that others see; if it is empty, they see the part of the email address before the @."""
    user.name = name.strip()
    user.save(update_fields=["name"])


def live_keys(user: User) -> "QuerySet[ApiKey]":
    """The keys of `user` that work."""
    return user.api_keys.filter(Q(expires=None) | Q(expires__gt=timezone.now()), revoked=None)


def n_secrets(user: User) -> int:
    """How many working keys and connected programs the person has, which have one limit."""
    return live_keys(user).count() + user.grants.count()


@transaction.atomic
def create_key(
    user: User, name: str, expires: datetime | None = None, *, scopes: Iterable[str] = DEFAULT_SCOPES
) -> tuple[ApiKey, str]:
    """A new key of `user` and its secret, which is not stored. Raises QuotaExceeded."""
    quotas.lock(user.id)
    quotas.check(user.id, "keys", n_secrets(user))
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    given = [scope.value for scope in Scope if scope in set(scopes)]
    stored = {"prefix": secret[:9], "hash": digest(secret), "expires": expires, "scopes": given}
    key = ApiKey.objects.create(user=user, name=name, **stored)
    audit.record(audit.Act.KEY_CREATED, user, key, prefix=key.prefix, scopes="+".join(given))
    return key, secret


@transaction.atomic
def revoke_key(user: User, key_id: int) -> bool:
    """Revoke the key. Whether `user` had such a key."""
    key = ApiKey.objects.filter(user=user, id=key_id, revoked=None).first()
    if key is None or not ApiKey.objects.filter(id=key_id, revoked=None).update(revoked=timezone.now()):
        return False
    audit.record(audit.Act.KEY_REVOKED, user, key, prefix=key.prefix)
    return True


def valid_key(secret: str) -> ApiKey | None:
    """The key with this secret, with its active owner, or None. Updates when it was last used."""
    keys = ApiKey.objects.filter(revoked=None, user__is_active=True, hash=digest(secret)).select_related("user")
    key = keys.filter(Q(expires=None) | Q(expires__gt=timezone.now())).first()
    if key:
        note_use(key)
    return key


def note_use(used: ApiKey | Grant | DirectoryToken) -> None:
    """Update when it was last used, at most once in LAST_USED_STEP."""
    now = timezone.now()
    if used.last_used is None or now - used.last_used > LAST_USED_STEP:
        type(used)._default_manager.filter(pk=used.pk).update(last_used=now)


@transaction.atomic
def create_sign_in_link(user: User, by: User | None = None) -> str:
    """An absolute URL that signs `user` in once, within a day; `by` made it. Older links of theirs end."""
    user.sign_in_links.all().delete()
    link, url = new_sign_in_link(user, LINK_LIFETIME)
    link.save()
    audit.record(audit.Act.LINK_MADE, by, user)
    return url


def new_sign_in_link(user: User, lifetime: timedelta) -> tuple[SignInLink, str]:
    """A link that is not saved yet, and its absolute URL."""
    secret = secrets.token_urlsafe(32)
    link = SignInLink(user=user, hash=digest(secret), expires=timezone.now() + lifetime)
    return link, settings.SITE_URL + reverse("enter", args=[secret])


def links_by_others(user: User) -> "QuerySet[AuditRow]":
    """The entries of the audit log of sign-in links that somebody else made for `user`, the newest first.

    Of admins without those of the command line, which made the first one's.
    """
    rows = _about(user).filter(act=audit.Act.LINK_MADE).exclude(by=user)
    return rows.exclude(by=None) if user.is_staff else rows


def unseen_link(user: User) -> AuditRow | None:
    """The newest of these since a sign-in by other means: whoever uses such a link can't hide it from the person."""
    link = links_by_others(user).first()
    seen = _about(user).filter(act=audit.Act.SIGN_IN).exclude(facts__has_key="link").first()
    return link if link and (seen is None or seen.pk < link.pk) else None


def _about(user: User) -> "QuerySet[AuditRow]":
    return AuditRow.objects.filter(about_kind="user", about_id=user.pk)


def user_of_sign_in_link(secret: str, use: bool = False) -> User | None:
    """The user of an unused, unexpired link, else None. With `use` the link is used up."""
    live = SignInLink.objects.filter(hash=digest(secret), used=None, expires__gt=timezone.now(), user__is_active=True)
    link = live.select_related("user").first()
    if link is None or (use and not live.filter(id=link.id).update(used=timezone.now())):
        return None
    return link.user


def confirmed_people() -> "QuerySet[User]":
    """The people whose account belongs to the owner of its email address: an operator or the address itself said so.

    Whatever is given to an address is given to them only. Anybody can type an address into a form.
    """
    proof = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    return User.objects.filter(Q(is_staff=True) | Exists(proof), widget_visitor=None, erased=None)


def is_confirmed(user: User) -> bool:
    """Whether `user` is one of `confirmed_people`."""
    return confirmed_people().filter(pk=user.pk).exists()


@transaction.atomic
def confirm(user: User) -> None:
    """Give an unconfirmed account to the person whom an operator signs in, and to nobody else."""
    end_access(user)
    EmailAddress.objects.filter(Q(user=user) | Q(email=user.email)).delete()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


@transaction.atomic
def end_access(user: User) -> None:
    """End everybody's access to an account: whoever registered its address may have been a stranger.

    Password, second factors, sessions, links, keys, programs, sign-ins at other services, permissions and schedules
    that would let them go on, or act for them, end. GPTs and chats stay.
    """
    user.set_password(None)
    user.save(update_fields=["password"])
    audit.record(audit.Act.PASSWORD_CHANGED, user, user, removed=True)
    user.api_keys.filter(revoked=None).update(revoked=timezone.now())
    second_factor.remove_all(user)
    SocialAccount.objects.filter(user=user).delete()
    user.sign_ins.all().delete()
    user.permissions.all().delete()
    user.schedules.all().delete()


def vouch_for_address(user: User) -> bool:
    """Note that the address is the person’s, as an operator says. False if it is another account’s second address.

    Else a password that they set would be of no use once the site has mail: it would ask for a confirmation by
    email, which `operator@localhost` never gets.
    """
    proven = EmailAddress.objects.filter(email=user.email, verified=True).first()
    if proven is None:
        fresh = {"verified": True, "primary": not EmailAddress.objects.filter(user=user, primary=True).exists()}
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=fresh)
    return proven is None or proven.user_id == user.pk


@transaction.atomic
def undo_sign_up(user: User) -> None:
    """Delete an account that was made just now, and free its place of an invitation."""
    audit.record(audit.Act.PERSON_CLOSED, None, user, mail="failed")
    Invitation.objects.filter(people=user).update(n_used=F("n_used") - 1)
    user.delete()


def forget_proof(user: User) -> None:
    """End what proved the person's addresses, and their sign-in links: the account gets another address."""
    EmailAddress.objects.filter(user=user).delete()
    user.sign_in_links.all().delete()


def active_user(email: str) -> User | None:
    """The active user with this email address."""
    return User.objects.filter(email=email.lower(), is_active=True).first()
