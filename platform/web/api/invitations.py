"""`/api/operate/invitations`: links with which people create accounts, for operators."""

from datetime import datetime, timedelta
from typing import Annotated

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts import invitations
from web.accounts.models_invitations import Invitation
from web.api.errors import DENIED, INVALID, LISTED
from web.api.operate import operator
from web.api.paging import Pages
from web.api.reading import RequestBody

router = Router(tags=["Operators"])


class NewInvitation(RequestBody):
    """An invitation to create."""

    name: Annotated[Text, Field(min_length=1, max_length=60)] = Field(description="What it is for.")
    most: int = Field(1, ge=1, le=invitations.MOST_PEOPLE, description="How many people may use it.")
    days: int = Field(14, ge=1, le=invitations.MOST_DAYS, description="Until it expires.")
    groups: list[Annotated[Text, Field(min_length=1, max_length=150)]] = Field(
        [], max_length=20, description="Names of the groups that they join; new ones are created."
    )
    send_to: list[Annotated[Text, Field(max_length=254)]] = Field(
        [], max_length=invitations.MOST_ADDRESSES, description="Email addresses to which the link is sent."
    )


class InvitationShape(Schema):
    """An invitation, without its link."""

    id: int
    name: str
    created: datetime
    expires: datetime
    withdrawn: datetime | None
    most: int
    n_used: int
    groups: list[str]

    @staticmethod
    def resolve_groups(row: Invitation) -> list[str]:
        """Their names."""
        return sorted(group.name for group in row.groups.all())


class CreatedInvitation(InvitationShape):
    """A new invitation."""

    url: str = Field(description="The link, which is shown only here.")


@router.get("/operate/invitations", response={200: list[InvitationShape], **LISTED})
@paginate(Pages)
def list_invitations(request: HttpRequest) -> QuerySet[Invitation]:
    """All invitations, newest first."""
    operator(request)
    return Invitation.objects.prefetch_related("groups")


@router.post("/operate/invitations", response={201: CreatedInvitation, **INVALID})
def create_invitation(request: HttpRequest, new: NewInvitation) -> Status[Invitation]:
    """Create a link with which people create accounts, also if sign-up is closed."""
    by = operator(request)
    groups = [Group.objects.get_or_create(name=name)[0] for name in new.groups]
    expires = timezone.now() + timedelta(days=new.days)
    addresses = invitations.checked_addresses(" ".join(new.send_to), new.most)
    with transaction.atomic():
        made, url = invitations.create(by, new.name, new.most, expires, groups)
        invitations.send(made, url, addresses)
    made.url = url  # type: ignore[attr-defined]
    return Status(201, made)


@router.delete("/operate/invitations/{int:invitation_id}", response={204: None, **DENIED})
def withdraw_invitation(request: HttpRequest, invitation_id: int) -> Status[None]:
    """Withdraw an invitation: nobody can use its link any more."""
    if not invitations.withdraw(invitation_id, operator(request)):
        raise Http404("Invitation not found.")
    return Status(204, None)
