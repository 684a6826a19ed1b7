"""Sharing a GPT with people and groups, and what one of them would get."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from gpts.spec.capabilities import CAPABILITIES
from web.accounts import audit, outbox
from web.accounts.models import User
from web.accounts.services import confirmed_people
from web.accounts.user_names import LOCAL, address_of, checked_address
from web.builder.access import may_edit, may_have_files
from web.builder.models import Gpt
from web.builder.models_shares import GptShare
from web.builder.services import WITHDRAWN

MOST: int = 500
Right = GptShare.Right


def groups_for(user: User) -> "QuerySet[Group]":
    """The groups with which `user` can share: those that they are in, for operators all."""
    return (Group.objects.all() if user.is_staff else user.groups.all()).order_by("name")


@transaction.atomic
def share(gpt: Gpt, right: str, *, email: str = "", group: int | None = None) -> GptShare:
    """Share `gpt` with the person with this address or user name, or else with the group; one share for each.

    Raises ValidationError by field.
    """
    if gpt.withdrawn:
        raise ValidationError({"who": WITHDRAWN})
    whom = _whom(gpt, email) if email else {"group": _group(gpt, group)}
    if not GptShare.objects.filter(gpt=gpt, **whom).exists() and gpt.shares.count() >= MOST:
        raise ValidationError({"who": f"Too many: a GPT can be shared with {MOST} people and groups."})
    defaults = {"right": Right(right), "address": address_of(email)}
    made, _ = GptShare.objects.update_or_create(gpt=gpt, **whom, defaults=defaults)
    if made.user:
        outbox.notify(made.user, "shares", gpt.pk, gpt=str(gpt.pk))
    if made.group:
        outbox.notify_group(made.group, "shares", gpt.pk, but=gpt.owner, gpt=str(gpt.pk))
    facts = {"person": made.user_id, "group": made.group_id, "right": made.right}
    audit.record(audit.Act.GPT_SHARED, gpt.owner, gpt, **facts)
    return made


def person_with(email: str) -> User:
    """The active person with this user name, or who proved this address; else one without a row (0 is no id)."""
    address = address_of(email)
    person = confirmed_people().filter(email=address, is_active=True).first()
    return person or User(pk=0, email=address)


def why_waiting(share: GptShare, reader: User) -> str:
    """What a share waits for, as a sentence; empty if it doesn't. Only operators are told who has an account."""
    if not share.waits:
        return ""
    if reader.is_staff and account_with(share.address):
        return gettext("Waits until an admin confirms the address.")
    if share.address.endswith(LOCAL):
        return gettext("Waits until an admin adds somebody with this user name.")
    if settings.EMAIL_HOST or reader.is_staff:
        return gettext("Waits until somebody signs up with this address and confirms it.")
    return gettext("Waits until somebody signs up with this address and an admin confirms it.")


def account_with(address: str) -> User | None:
    """The account with this address, whether or not somebody proved the address."""
    return User.objects.filter(email=address, erased=None, widget_visitor=None).first()


def _whom(gpt: Gpt, email: str) -> dict[str, Any]:
    person = person_with(email)
    if person == gpt.owner:
        raise ValidationError({"who": "This GPT is yours already."})
    try:
        checked_address(person.email)
    except ValidationError as error:
        raise ValidationError({"who": gettext("Enter an email address or a user name.")}) from error
    # What waited for them, or was given to somebody who had the address before.
    gpt.shares.filter(address=person.email).exclude(user=person.pk or None).delete()
    return {"user": person} if person.pk else {"user": None, "group": None, "address": person.email}


def _group(gpt: Gpt, group_id: int | None) -> Group:
    group = groups_for(gpt.owner).filter(id=group_id).first() if group_id else None
    if group is None:
        raise ValidationError(
            {"who": gettext("Enter an email address or a user name, or choose one of your groups.")}
        )
    return group


@transaction.atomic
def unshare(gpt: Gpt, share_id: int) -> bool:
    """End a share at once; chats stay readable. Whether there was one."""
    found = gpt.shares.filter(id=share_id).first()
    if found is None:
        return False
    audit.record(audit.Act.GPT_SHARED, gpt.owner, gpt, person=found.user_id, group=found.group_id, right="none")
    found.delete()
    return True


@dataclass(frozen=True, slots=True)
class View:
    """What a person gets of a GPT, as every page and API would let them. `reason`: why they may chat, or may not.

    `files` are the files that answers rest on; they see names only where an answer cites one, and with
    `may_download` can have them. `asks` are the GPTs that it asks for them, `asks_not` how many it may not.
    """

    may_chat: bool
    may_view: bool
    may_edit: bool
    reason: str
    version: int | None = None
    capabilities: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    n_files: int = 0
    may_download: bool = False
    asks: tuple[str, ...] = ()
    asks_not: int = 0


def seen_by(gpt: Gpt, person: User) -> View:
    """What `person` would get of `gpt` now: asked of the filters that all reads on their behalf start with."""
    may_chat = person.is_active and Gpt.objects.chattable_by(person).filter(id=gpt.id).exists()
    may_view = person.is_active and Gpt.objects.settings_visible_to(person).filter(id=gpt.id).exists()
    edits = may_edit(person, gpt)
    if not may_chat or gpt.published is None:
        return View(False, may_view, edits, _why_not(gpt, person))
    spec = gpt.published.spec()
    wanted = [each.gpt_id for each in spec.delegates]
    open_to_both = Gpt.objects.filter(id__in=wanted, published__isnull=False).chattable_by(gpt.owner)
    asks = tuple(open_to_both.chattable_by(person).order_by("name").values_list("name", flat=True))
    return View(
        may_chat=True,
        may_view=may_view,
        may_edit=edits,
        reason=_why(gpt, person),
        version=gpt.published.number,
        capabilities=tuple(_titles(spec.capabilities)),
        actions=(*(each.name for each in spec.actions), *(each.name for each in spec.mcp_servers)),
        n_files=len(spec.knowledge),
        may_download=may_have_files(person, gpt),
        asks=asks,
        asks_not=len(wanted) - len(asks),
    )


def _titles(capabilities: Iterable[str]) -> list[str]:
    return [CAPABILITIES[key].title for key in capabilities if key in CAPABILITIES]


def _why(gpt: Gpt, person: User) -> str:
    if person.pk == gpt.owner_id:
        return "It is theirs."
    if not person.pk:
        return "It is shared with this address, and waits until somebody confirms it."
    found = GptShare.objects.filter(gpt=gpt).of(person).select_related("user", "group")
    shares = [each.group.name if each.group else "" for each in found]
    if "" in shares:
        return "It is shared with them."
    if shares:
        return f"It is shared with {', '.join(sorted(shares))}."
    return "It is in the store." if gpt.sharing == "store" else "They opened its link, or a page that embeds it."


def _why_not(gpt: Gpt, person: User) -> str:
    if not person.is_active:
        return "Their account is suspended."
    if gpt.withdrawn:
        return "An admin has withdrawn it."
    return "It is not published yet." if gpt.published is None else "It is not shared with them."
