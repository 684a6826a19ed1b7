"""`/api/operate/groups` and `/api/operate/audit`: groups with their quotas, and the audit log, for operators."""

from datetime import datetime
from typing import Annotated, Any, Final

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet
from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts import audit
from web.accounts.models_audit import Act, AuditRow
from web.api.errors import DENIED, INVALID, LISTED
from web.api.operate import operator
from web.api.paging import InOrder, Pages
from web.api.people import GroupName, QuotaBody, QuotaShape, limits_in, shown_limits
from web.api.reading import RequestBody
from web.operate.people import change_members, replace_limits

router = Router(tags=["Operators"])
ONE: Final = "/operate/groups/{int:group_id}"
MOST_ADDRESSES: Final = 1_000
Address = Annotated[Text, Field(max_length=254)]


class GroupShape(Schema):
    """A group of people."""

    id: int
    name: str
    n_people: int
    quotas: list[QuotaShape]

    @staticmethod
    def resolve_quotas(group: Group) -> list[dict[str, Any]]:
        return shown_limits({each.kind: each.most for each in group.quota_limits.all()})


class GroupBody(RequestBody):
    """A group’s name."""

    name: GroupName


class Members(RequestBody):
    """Email addresses of people to put in and to take out."""

    add: list[Address] = Field([], max_length=MOST_ADDRESSES)
    remove: list[Address] = Field([], max_length=MOST_ADDRESSES)


class ChangedMembers(GroupShape):
    """The group, and the addresses that no account has confirmed."""

    unknown: list[str]


class AuditEntry(Schema):
    """Something that was done. `about_kind` is the kind of row, and `about_id` its id, which may be gone."""

    id: int
    created: datetime = Field(validation_alias="at")
    act: str
    title: str
    by: int | None = Field(validation_alias="by_id", description="The id of the person; null: nobody known.")
    about_kind: str
    about_id: str
    facts: dict[str, Any]

    @staticmethod
    def resolve_title(row: AuditRow) -> str:
        return str(Act(row.act).label) if row.act in Act else row.act


class AuditFilter(Schema):
    """Which entries to list."""

    act: str = Field("", max_length=30)
    by: int | None = Field(None, ge=0, le=2**63 - 1, description="The id of a person.")
    about_kind: str = Field("", max_length=40, description="user, gpt, case …")
    about_id: str = Field("", max_length=200)
    since: datetime | None = None
    until: datetime | None = None


def _groups() -> QuerySet[Group]:
    return Group.objects.annotate(n_people=Count("user")).prefetch_related("quota_limits").order_by("name")


def _group(group_id: int) -> Group:
    group = _groups().filter(id=group_id).first()
    if group is None:
        raise Http404("Group not found.")
    return group


def _named(group: Group, name: str, by: Any, how: str) -> Group:
    """Raises ValidationError if there is another of this name."""
    group.name = name
    try:
        with transaction.atomic():
            group.save()
            audit.record(Act.GROUP_CHANGED, by, group, how=how)
    except IntegrityError:
        raise ValidationError({"name": "There is a group with this name."}) from None
    return _group(group.pk)


@router.get("/operate/groups", response={200: list[GroupShape], **LISTED})
@paginate(Pages)
def list_groups(request: HttpRequest) -> InOrder:
    """All groups, by name."""
    operator(request)
    return InOrder(_groups())


@router.post("/operate/groups", response={201: GroupShape, **INVALID})
def create_group(request: HttpRequest, body: GroupBody) -> Status[Group]:
    """Create a group."""
    return Status(201, _named(Group(), body.name, operator(request), "added"))


@router.get(ONE, response={200: GroupShape, **DENIED})
def read_group(request: HttpRequest, group_id: int) -> Group:
    """A group. Its people are those of `/api/operate/people?group=…`."""
    operator(request)
    return _group(group_id)


@router.patch(ONE, response={200: GroupShape, **INVALID})
def rename_group(request: HttpRequest, group_id: int, body: GroupBody) -> Group:
    """Rename a group."""
    by = operator(request)
    return _named(_group(group_id), body.name, by, "changed")


@router.delete(ONE, response={204: None, **DENIED})
def delete_group(request: HttpRequest, group_id: int) -> Status[None]:
    """Delete a group with its quotas. What was shared with it isn't any more; its people stay."""
    by, group = operator(request), _group(group_id)
    with transaction.atomic():
        audit.record(Act.GROUP_CHANGED, by, group, how="deleted")
        group.delete()
    return Status(204, None)


@router.put(f"{ONE}/quotas", response={200: GroupShape, **INVALID})
def set_quotas_of_group(request: HttpRequest, group_id: int, body: QuotaBody) -> Group:
    """Set the quotas of everyone in the group. Of several groups, the most generous limit counts."""
    by = operator(request)
    replace_limits(_group(group_id), limits_in(body), by)
    return _group(group_id)


@router.post(f"{ONE}/people", response={200: ChangedMembers, **INVALID})
def change_people_of_group(request: HttpRequest, group_id: int, body: Members) -> Group:
    """Put people into a group by addresses that they confirmed, or take them out."""
    by, group = operator(request), _group(group_id)
    unknown = change_members(group, body.add, by)[1] + change_members(group, body.remove, by, leave=True)[1]
    changed = _group(group_id)
    changed.unknown = sorted(set(unknown))  # type: ignore[attr-defined]
    return changed


@router.get("/operate/audit", response={200: list[AuditEntry], **LISTED})
@paginate(Pages)
def list_audit_entries(request: HttpRequest, wanted: Query[AuditFilter]) -> QuerySet[AuditRow]:
    """The audit log, newest first."""
    operator(request)
    asked = {
        "act": wanted.act or None,
        "by": wanted.by,
        "about_kind": wanted.about_kind or None,
        "about_id": wanted.about_id or None,
        "at__gte": wanted.since,
        "at__lt": wanted.until,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return AuditRow.objects.annotate(created=F("at")).filter(**given)
