"""`/api/gpts/{slug}/listing` and `/api/operate/listings`: review before listing, of creators and for operators."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED
from web.api.operate import operator
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder import listing, stewardship
from web.builder.access import access_draft, access_own_gpt
from web.builder.models_listing import NOTE_CHARS, ListingReview
from web.builder.reach import hosts_of

router = Router(tags=["Reports"])


class ListingShape(Schema):
    """A version that is, or was, looked at before listing. `state`: waiting, approved or sent back."""

    id: UUID
    gpt: str = Field(validation_alias="gpt.slug")
    version: int = Field(validation_alias="version.number")
    state: str
    note: str
    created: datetime
    decided: datetime | None


class WaitingListing(ListingShape):
    """The same for admins, with what the version can do and which hosts it can reach."""

    owner: int = Field(validation_alias="gpt.owner_id", description="The id of its creator.")
    capabilities: list[str]
    hosts: list[str]

    @staticmethod
    def resolve_capabilities(review: ListingReview) -> list[str]:
        return list(review.version.spec().capabilities)

    @staticmethod
    def resolve_hosts(review: ListingReview) -> list[str]:
        return hosts_of(review.version.spec())


class ListingDecision(RequestBody):
    """Whether it is listed, with a note for its creator."""

    approved: bool
    note: Annotated[Text, Field(max_length=NOTE_CHARS)] = ""


@router.get("/gpts/{slug}/listing", response={200: ListingShape, **DENIED})
def read_listing(request: HttpRequest, slug: str) -> ListingReview:
    """The version of your GPT that waits to be listed, or was decided last; 404 if there is none."""
    review = listing.last(access_draft(caller(request), slug))
    if review is None:
        raise Http404("Nothing of it waits, and nothing was decided.")
    return review


@router.delete("/gpts/{slug}/listing", response={204: None, **DENIED})
def withdraw_listing(request: HttpRequest, slug: str) -> Status[None]:
    """Let it wait no longer. What is listed stays."""
    listing.withdraw(access_own_gpt(caller(request), slug), by=caller(request))
    return Status(204, None)


@router.get("/operate/listings", response={200: list[WaitingListing], **LISTED})
@paginate(Pages)
def list_listings(request: HttpRequest) -> QuerySet[ListingReview]:
    """What waits to be looked at, oldest first."""
    operator(request)
    return listing.queue().select_related("gpt", "version")


@router.post("/operate/listings/{uuid:listing_id}/decision", response={200: ListingShape, **INVALID})
def decide_listing(request: HttpRequest, listing_id: UUID, body: ListingDecision) -> ListingReview:
    """List the version, or send it back."""
    by = operator(request)
    review = ListingReview.objects.filter(id=listing_id).first()
    if review is None:
        raise Http404("Nothing to review.")
    return stewardship.decide_listing(review, body.approved, body.note, by)
