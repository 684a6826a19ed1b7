"""Groups, as a directory sees and changes them. Their members are people; operators are not made by any group."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db.models import Prefetch, QuerySet
from scim2_models import InvalidValueException, Meta, UniquenessException

from web.accounts import audit
from web.accounts.models_directory import DirectoryEntry
from web.accounts.models_groups import GivenGroup
from web.scim import people, resources, values

MAX_CHARS = 150


def visible() -> QuerySet[Group]:
    """All groups."""
    return Group.objects.all()


def with_members(rows: QuerySet[Group]) -> QuerySet[Group]:
    """The rows, ready for `shown`."""
    members = Prefetch("user_set", people.visible().only("id").order_by("id"))
    return rows.select_related("directory_entry").prefetch_related(members)


def shown(group: Group) -> resources.Group:
    """A group of `with_members`."""
    entry: DirectoryEntry | None = getattr(group, "directory_entry", None)
    members = [
        resources.Member(value=str(user.pk), ref=resources.reference("Users", user.pk), type="User")
        for user in group.user_set.all()
    ]
    return resources.Group(
        id=str(group.pk),
        external_id=(entry and entry.external_id) or None,
        display_name=group.name,
        members=members or None,
        meta=Meta(resource_type="Group", location=resources.location("Groups", group.pk)),
    )


def create(sent: resources.Group, token: int) -> Group:
    """A new group. Raises UniquenessException."""
    name = _name(sent)
    group, is_new = Group.objects.get_or_create(name=name)
    if not is_new:
        raise UniquenessException(attribute="displayName", detail=people.TAKEN)
    audit.record(audit.Act.GROUP_CHANGED, None, group, source=people.SOURCE, token=token, how="added")
    return change(group, sent, token)


def change(group: Group, sent: resources.Group, token: int) -> Group:
    """Make the group what `sent` describes. Raises UniquenessException and InvalidValueException."""
    name = _name(sent)
    if name != group.name:
        if Group.objects.filter(name=name).exists():
            raise UniquenessException(attribute="displayName", detail=people.TAKEN)
        Group.objects.filter(pk=group.pk).update(name=name)
        audit.record(audit.Act.GROUP_CHANGED, None, group, source=people.SOURCE, token=token, how="renamed")
    external_id = values.exactly(sent.external_id, 255, "externalId")
    DirectoryEntry.objects.update_or_create(group=group, defaults={"external_id": external_id})
    _set_members(group, (member.value for member in sent.members or []), token)
    return with_members(visible()).get(pk=group.pk)


def delete(group: Group, token: int) -> None:
    """Delete the group, with its quotas and what was shared with it. Its people stay."""
    audit.record(audit.Act.GROUP_CHANGED, None, group, source=people.SOURCE, token=token, how="deleted")
    group.delete()


def _name(sent: resources.Group) -> str:
    name = values.exactly((sent.display_name or "").strip(), MAX_CHARS, "displayName")
    if not name:
        raise InvalidValueException(attribute="displayName", detail="A group needs a displayName.")
    return name


def _set_members(group: Group, keys: Iterable[str | None], token: int) -> None:
    """Add who is missing, and take out who is in it by whatever means. Raises InvalidValueException."""
    wanted = {values.row_key(key) for key in keys}
    now = set(group.user_set.filter(pk__in=people.visible().values("pk")).values_list("pk", flat=True))
    begun, ended = wanted - now, now - wanted
    known = set(people.visible().filter(pk__in=begun).values_list("pk", flat=True))
    if begun - known:
        raise InvalidValueException(
            attribute="members", detail=f"There is no person with the id {min(begun - known)}."
        )
    group.user_set.add(*begun)
    group.user_set.remove(*ended)
    GivenGroup.objects.filter(group=group, user__in=ended).delete()
    given = [GivenGroup(user_id=key, group=group, source=people.SOURCE) for key in begun]
    GivenGroup.objects.bulk_create(given, ignore_conflicts=True)
    for how, changed in (("added", begun), ("removed", ended)):
        for key in sorted(changed):
            facts: dict[str, audit.Fact] = {"source": people.SOURCE, "token": token, "how": how, "person": key}
            audit.record(audit.Act.GROUP_CHANGED, None, group, **facts)
