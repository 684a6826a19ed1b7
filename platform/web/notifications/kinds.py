"""Of what people are told by email, and how they stop it: in their account, or by a signed link."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_noop

from web.accounts.models import User

_SALT: Final = "web.notifications"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of email, as the account page says it."""

    title: str
    help: str
    for_operators: bool = False
    for_moderators: bool = False

    def is_for(self, user: User) -> bool:
        """Whether it is about what this person has to do with."""
        return user.is_staff or not self.for_operators or (self.for_moderators and user.is_moderator)


KINDS: Final[Mapping[str, Kind]] = {
    "decisions": Kind(
        gettext_noop("Decisions about something of yours"),
        gettext_noop("When an admin decides about a report, an appeal or a review before listing."),
    ),
    "feedback": Kind(gettext_noop("Reviews and ratings of your GPTs"), gettext_noop("Together, at most once a day.")),
    "approvals": Kind(
        gettext_noop("Approvals that wait for you"), gettext_noop("When one has waited for 15 minutes.")
    ),
    "schedules": Kind(gettext_noop("Schedules that paused"), gettext_noop("After several failures in a row.")),
    "shares": Kind(gettext_noop("GPTs that are shared with you"), gettext_noop("When somebody shares one with you.")),
    "reports": Kind(
        gettext_noop("Reports that wait"),
        gettext_noop("Reports, appeals, and GPTs to be reviewed before listing."),
        for_operators=True,
        for_moderators=True,
    ),
    "backups": Kind(gettext_noop("Backups that failed"), "", for_operators=True),
    "workers": Kind(
        gettext_noop("Workers that are away"), gettext_noop("Also when a queue gets too long."), for_operators=True
    ),
}


def kinds_for(user: User) -> dict[str, Kind]:
    """The kinds that there are for this person."""
    return {name: kind for name, kind in KINDS.items() if kind.is_for(user)}


def choose(user: User, wanted: Collection[str]) -> None:
    """Send the person these kinds only. Raises ValidationError for one that is not there for them."""
    known = kinds_for(user)
    if unknown := set(wanted) - set(known):
        raise ValidationError({"wanted": f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(known)}."})
    user.notifications_off = [name for name in known if name not in wanted]
    user.save(update_fields=["notifications_off"])


def wanted_by(user: User) -> list[str]:
    """The kinds that the person gets."""
    return [name for name in kinds_for(user) if name not in user.notifications_off]


def stop_link(user: User, kind: str) -> str:
    """The URL that ends one kind for this person, also while they are signed out."""
    return settings.SITE_URL + reverse("notifications_stop", args=[signing.dumps([user.pk, kind], salt=_SALT)])


def of_stop_link(token: str) -> tuple[User, str] | None:
    """Whose link it is and for which kind; None if it is no such link."""
    try:
        key, kind = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(pk=key, erased=None).first()
    return (user, kind) if user and kind in KINDS else None


def stop(user: User, kind: str) -> None:
    """Send the person nothing of this kind any more."""
    if kind not in user.notifications_off:
        user.notifications_off = [*user.notifications_off, kind]
        user.save(update_fields=["notifications_off"])
