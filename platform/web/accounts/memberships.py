"""Groups and operators as a provider of sign-ins has them, taken over at each sign-in."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db import transaction

from web.accounts import audit
from web.accounts.models import User
from web.accounts.models_groups import GivenGroup

MOST_GROUPS: Final = 500
_MAX_CHARS: Final = 150


def names_of(claim: Any) -> list[str]:
    """The names of groups in a claim: a list, or one name. Names that Django cannot hold are left out."""
    listed = [claim] if isinstance(claim, str) else claim if isinstance(claim, (list, tuple)) else []
    names = (name.strip() for name in listed[:MOST_GROUPS] if isinstance(name, str))
    return list(dict.fromkeys(name for name in names if 0 < len(name) <= _MAX_CHARS))


@transaction.atomic
def take_over(user: User, names: Iterable[str], source: str) -> None:
    """Make `user` a member of exactly these groups, as far as `source` is concerned; it ends no other memberships."""
    wanted = dict.fromkeys(names)
    rows = GivenGroup.objects.filter(user=user, source=source).select_related("group")
    given = {each.group.name: each for each in rows}
    ended = given.keys() - wanted.keys()
    mine = set(user.groups.values_list("name", flat=True))  # who is a member by other means stays one
    begun = wanted.keys() - given.keys() - mine
    for name in ended:
        given[name].delete()
        if not GivenGroup.objects.filter(user=user, group=given[name].group).exists():
            user.groups.remove(given[name].group)
    for name in begun:
        group, _ = Group.objects.get_or_create(name=name)
        GivenGroup.objects.create(user=user, group=group, source=source)
        user.groups.add(group)
    if ended or begun:
        audit.record(audit.Act.GROUP_CHANGED, None, user, source=source, begun=len(begun), ended=len(ended))


def set_operator(user: User, wanted: bool, source: str) -> None:
    """Make `user` an operator, or no longer. The last one who is active stays one, or nobody could put it right."""
    if user.is_staff == wanted:
        return
    others = User.objects.filter(is_staff=True, is_active=True).exclude(pk=user.pk)
    if not wanted and not others.exists():
        return
    user.is_staff = user.is_superuser = wanted
    user.save(update_fields=["is_staff", "is_superuser"])
    audit.record(audit.Act.PERSON_CHANGED, None, user, source=source, operator=wanted)
