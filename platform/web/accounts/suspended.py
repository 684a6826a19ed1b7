"""Signed links with which a suspended person reads what was decided and appeals once, without signing in."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.urls import reverse

from web.accounts.models import User

LIFETIME: Final = timedelta(days=60)
_SALT: Final = "web.accounts.suspended"


def link(user: User) -> str:
    """The URL of the page, for this person only."""
    return settings.SITE_URL + reverse("suspended", args=[signing.dumps(user.pk, salt=_SALT)])


def person_of(token: str) -> User | None:
    """The person whose link it is, suspended or not; None if it is expired or nobody's."""
    try:
        key = signing.loads(token, salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return None
    return User.objects.filter(pk=key, erased=None).first()
