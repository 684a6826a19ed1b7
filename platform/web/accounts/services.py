"""Writes about people: keys to the API and one-time sign-in links."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from web.accounts.models import KEY_PREFIX, LINK_LIFETIME, ApiKey, SignInLink, User, digest, random_secret

# How stale `last_used` may be; saves a write on each request.
LAST_USED_STEP = timedelta(minutes=1)


def rename_user(user: User, name: str) -> None:
    """Give `user` another shown name; empty falls back to their address."""
    user.name = name
    user.save(update_fields=["name"])


def first_operator() -> User:
    """The first admin; created if there is none, without a password."""
    operator = User.objects.filter(is_staff=True, is_active=True).order_by("id").first()
    return operator or User.objects.create_superuser("operator@localhost", name="Operator")


def operator_has_come() -> bool:
    """Whether an admin has ever signed in."""
    return User.objects.filter(is_staff=True, last_login__isnull=False).exists()


def create_key(user: User, name: str, expires: datetime | None = None) -> tuple[ApiKey, str]:
    """A new key of `user` and its secret, which is not stored."""
    secret = KEY_PREFIX + random_secret()
    key = ApiKey.objects.create(user=user, name=name, prefix=secret[:9], hash=digest(secret), expires=expires)
    return key, secret


def revoke_key(user: User, key_id: int) -> bool:
    """Revoke the key. Whether `user` had such a key."""
    return bool(ApiKey.objects.filter(user=user, id=key_id, revoked=None).update(revoked=timezone.now()))


def user_of_key(secret: str) -> User | None:
    """The active owner of a live key, or None. Notes when the key was last used."""
    now = timezone.now()
    key = (
        ApiKey.objects.filter(hash=digest(secret), revoked=None, user__is_active=True)
        .filter(Q(expires=None) | Q(expires__gt=now))
        .select_related("user")
        .first()
    )
    if key is None:
        return None
    if key.last_used is None or now - key.last_used > LAST_USED_STEP:
        ApiKey.objects.filter(id=key.id).update(last_used=now)
    return key.user


def create_sign_in_link(user: User) -> str:
    """An absolute URL that signs `user` in once, within a day."""
    secret = random_secret()
    SignInLink.objects.create(user=user, hash=digest(secret), expires=timezone.now() + LINK_LIFETIME)
    return settings.SITE_URL + reverse("enter", args=[secret])


def user_of_sign_in_link(secret: str) -> User | None:
    """The user whom an unused, unexpired link would sign in, without using it up; else None."""
    live = SignInLink.objects.filter(hash=digest(secret), used=None, expires__gt=timezone.now())
    link = live.filter(user__is_active=True).select_related("user").first()
    return link.user if link else None


def use_sign_in_link(secret: str) -> User | None:
    """The user of an unused, unexpired link, which is used up by this call; else None."""
    now = timezone.now()
    link = SignInLink.objects.filter(hash=digest(secret), user__is_active=True).select_related("user").first()
    if link and SignInLink.objects.filter(id=link.id, used=None, expires__gt=now).update(used=now):
        return link.user
    return None
