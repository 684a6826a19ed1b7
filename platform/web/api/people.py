"""`/api/operate/people`: the people of this site, for operators, with what the console does with them.

Keys need the scope `approve` to read here as well: those that operators give to chat programs can't list everybody's
addresses. Admins are listed, but only the console changes them, or a key that leaks would end in the console.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import ConfigDict, Field

from gpts.values import Text
from web.accounts import audit, people, quotas
from web.accounts.models import User
from web.accounts.requests import key_of
from web.accounts.services import create_sign_in_link, rename
from web.accounts.user_names import address_of
from web.api.errors import DENIED, INVALID, LISTED, ApiError
from web.api.operate import operator
from web.api.paging import Pages, SearchText
from web.api.reading import RequestBody
from web.moderation import suspending
from web.moderation.models import TEXT_CHARS
from web.operate.people import belongings, confirm_address, erase, people_here, person_with_address, replace_limits

router = Router(tags=["Operators"])
ONE: Final = "/operate/people/{int:person_id}"
OF_ADMINS: Final = "Admins are changed in the console only."
AGAIN: Final = "Confirm in the console that it’s you, or use an API key that can approve actions."
GroupName = Annotated[Text, Field(min_length=1, max_length=150)]
QuotaKind = Literal[*quotas.KINDS]  # type: ignore[valid-type]


class QuotaShape(Schema):
    """A limit of one kind."""

    model_config = ConfigDict(extra="forbid")

    kind: QuotaKind
    most: int | None = Field(ge=0, le=10**15, description="null: no limit.")


class QuotaBody(RequestBody):
    """All limits to set; of kinds that aren't listed, what is set ends."""

    quotas: list[QuotaShape] = Field(max_length=len(quotas.KINDS))


class PersonShape(Schema):
    """A person with an account."""

    id: int
    email: str
    name: str
    state: Literal["active", "suspended"]
    admin: bool = Field(validation_alias="is_staff")
    email_confirmed: bool = Field(description="Whether the address is proved to be theirs. Only then it gets shares.")
    groups: list[str]
    created: datetime = Field(validation_alias="date_joined")
    last_login: datetime | None

    @staticmethod
    def resolve_state(person: User) -> str:
        return "active" if person.is_active else "suspended"

    @staticmethod
    def resolve_groups(person: User) -> list[str]:
        return sorted(group.name for group in person.groups.all())


class PersonDetails(PersonShape):
    """A person, with what is theirs."""

    quotas: list[QuotaShape] = Field(description="Set for this person alone.")
    limits: list[QuotaShape] = Field(description="What holds for them, by their groups and the site too.")
    used_today: dict[str, int] = Field(description="By kind, of what is counted by the day.")
    n_gpts: int
    n_chats: int
    n_files: int
    n_keys: int


class PeopleFilter(Schema):
    """Whom to list."""

    q: SearchText = Field("", description="In the name or email address.")
    state: Literal["active", "suspended"] | None = None
    admin: bool | None = None
    group: GroupName | None = None
    signed_in_after: datetime | None = Field(None, description="The last time that they did.")
    signed_in_before: datetime | None = None


class PersonPatch(RequestBody):
    """What to change."""

    name: Annotated[Text, Field(max_length=60)] | None = None
    email_confirmed: Literal[True] | None = Field(
        None, description="Vouch that the address is theirs. What was shared with it is given to them."
    )
    groups: list[GroupName] | None = Field(
        None, max_length=100, description="All their groups; new ones are created."
    )


class Why(RequestBody):
    """A text for the person."""

    reason: Annotated[Text, Field(max_length=TEXT_CHARS)] = ""


class Erasure(RequestBody):
    """Whom to erase, and what becomes of their GPTs."""

    email: Annotated[Text, Field(max_length=254)] = Field(description="Their address, as a confirmation.")
    gpts: Literal["delete", "transfer"] = "delete"
    heir: Annotated[Text, Field(max_length=254)] = Field("", description="The address of who gets the GPTs.")


class SignInLinkShape(Schema):
    """A link that signs the person in once, within a day."""

    url: str


def _person(person_id: int) -> User:
    person = people_here().filter(id=person_id).first()
    if person is None:
        raise Http404("Person not found.")
    return person


def _changeable(person_id: int) -> User:
    """Raises ApiError for an admin."""
    person = _person(person_id)
    if person.is_staff:
        raise ApiError(403, OF_ADMINS, code="is_admin")
    return person


def shown_limits(limits: quotas.Limits) -> list[dict[str, Any]]:
    """As in a list of quotas."""
    return [{"kind": kind, "most": limits[kind]} for kind in quotas.KINDS if kind in limits]


def limits_in(body: QuotaBody) -> quotas.Limits:
    """The limits that were sent, by kind."""
    return {each.kind: each.most for each in body.quotas}


def _details(person: User) -> User:
    own = dict(person.quota_limits.values_list("kind", "most"))
    facts = {"quotas": shown_limits(own), "limits": shown_limits(quotas.limits_of(person.pk))}
    for name, value in {**belongings(person), **facts, "used_today": quotas.used_today(person.pk)}.items():
        if name != "gpts":
            setattr(person, name, value)
    return person


@router.get("/operate/people", response={200: list[PersonShape], **LISTED})
@paginate(Pages)
def list_people(request: HttpRequest, wanted: Query[PeopleFilter]) -> QuerySet[User]:
    """The people with an account, newest first."""
    operator(request)
    found = people_here().annotate(created=F("date_joined")).prefetch_related("groups")
    if wanted.q:
        found = found.filter(Q(email__icontains=wanted.q) | Q(name__icontains=wanted.q))
    asked = {
        "is_active": None if wanted.state is None else wanted.state == "active",
        "is_staff": wanted.admin,
        "groups__name": wanted.group,
        "last_login__gt": wanted.signed_in_after,
        "last_login__lt": wanted.signed_in_before,
    }
    return found.filter(**{name: value for name, value in asked.items() if value is not None})


@router.get(ONE, response={200: PersonDetails, **DENIED})
def read_person(request: HttpRequest, person_id: int) -> User:
    """A person, with quotas and how much there is of theirs."""
    operator(request)
    return _details(_person(person_id))


@router.patch(ONE, response={200: PersonDetails, **INVALID})
def change_person(request: HttpRequest, person_id: int, change: PersonPatch) -> User:
    """Change the name or the groups of a person, or confirm their address."""
    by, person = operator(request), _changeable(person_id)
    with transaction.atomic():
        if change.name is not None:
            rename(person, change.name)
        if change.email_confirmed:
            confirm_address(person, by)
        if change.groups is not None:
            person.groups.set([Group.objects.get_or_create(name=name)[0] for name in change.groups])
        audit.record(audit.Act.PERSON_CHANGED, by, person, fields="+".join(sorted(change.model_fields_set)))
    return _details(_person(person_id))


@router.put(f"{ONE}/quotas", response={200: PersonDetails, **INVALID})
def set_quotas_of_person(request: HttpRequest, person_id: int, body: QuotaBody) -> User:
    """Set the quotas of a person, before which those of groups and of the site don't count."""
    by, person = operator(request), _changeable(person_id)
    replace_limits(person, limits_in(body), by)
    return _details(person)


@router.post(f"{ONE}/suspend", response={200: PersonShape, **INVALID})
def suspend_person(request: HttpRequest, person_id: int, why: Why) -> User:
    """Suspend a person and sign them out. They read the reason where they sign in, and can appeal once."""
    by, person = operator(request), _changeable(person_id)
    suspending.suspend(person, why.reason, by)
    return _person(person_id)


@router.post(f"{ONE}/reactivate", response={200: PersonShape, **INVALID})
def reactivate_person(request: HttpRequest, person_id: int, why: Why) -> User:
    """Let a suspended person sign in again; their keys work again."""
    by, person = operator(request), _changeable(person_id)
    suspending.reactivate(person, why.reason, by)
    return _person(person_id)


@router.post(f"{ONE}/sign-out", response={204: None, **DENIED})
def sign_person_out(request: HttpRequest, person_id: int) -> Status[None]:
    """End all sessions and sign-in links of a person. Their keys go on."""
    by, person = operator(request), _changeable(person_id)
    people.sign_out_everywhere(person, by)
    return Status(204, None)


@router.post(f"{ONE}/sign-in-link", response={201: SignInLinkShape, **DENIED})
def create_link_for_person(request: HttpRequest, person_id: int) -> Status[SignInLinkShape]:
    """A link for somebody who has lost their password. It is shown only here; older ones end."""
    by, person = operator(request), _changeable(person_id)
    return Status(201, SignInLinkShape(url=create_sign_in_link(person, by=by)))


@router.post(f"{ONE}/erase", response={202: None, **INVALID})
def erase_person(request: HttpRequest, person_id: int, body: Erasure) -> Status[None]:
    """Close the account at once, and have everything of theirs erased within three hours. There is no way back.

    With a browser session, the console must have confirmed lately that it's you.
    """
    by, person = operator(request), _changeable(person_id)
    if address_of(body.email) != person.email:
        raise ApiError(422, "email: That’s not their address.", "email", "invalid")
    if key_of(request) is None and is_reauthentication_required(request, app=""):
        raise ApiError(403, AGAIN, code="confirm_first")
    erase(person, by, person_with_address(body.heir) if body.gpts == "transfer" else None)
    return Status(202, None)
