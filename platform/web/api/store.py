"""`/api` of the store: categories, reviews of GPTs, pages of creators, and collections."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import ConfigDict, Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, OWN, OWN_LISTED, ProblemDetails
from web.api.operate import operator
from web.api.paging import InOrder, Pages
from web.api.reading import RequestBody
from web.api.shapes import GptCard
from web.builder.access import access_gpt
from web.builder.categories import categories
from web.moderation import cases
from web.moderation.models import TEXT_CHARS, Reason, Report
from web.operate.categories import MAX_CATEGORIES, set_categories
from web.store import collections, profiles, reviews
from web.store.listing import in_order, store_gpts
from web.store.models import (
    ABOUT_CHARS,
    COLLECTION_NAME_CHARS,
    REVIEW_CHARS,
    Collection,
    CollectionItem,
    Profile,
    Review,
)

router = Router(tags=["Store"])
REVIEW = "/reviews/{uuid:review_id}"
COLLECTION = "/collections/{uuid:collection_id}"
LIMITED = {**INVALID, 429: ProblemDetails}
About = Annotated[Text, Field(max_length=ABOUT_CHARS)]
CollectionName = Annotated[Text, Field(min_length=1, max_length=COLLECTION_NAME_CHARS)]


class CategoryShape(Schema):
    """A category of the store."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[a-z0-9-]+$")]
    title: Annotated[Text, Field(min_length=1, max_length=40)]


class CategoryList(RequestBody):
    """All categories, in their order. “other” has to be among them."""

    categories: list[CategoryShape] = Field(min_length=1, max_length=MAX_CATEGORIES)


class ReviewShape(Schema):
    """A review. `creator` is the slug of its writer's page; null if they have none, and are not named."""

    id: UUID
    stars: int
    text: str
    answer: str = Field(description="Of the GPT's creator; empty if there is none.")
    writer: str | None
    creator: str | None
    own: bool = Field(description="Whether you wrote it.")
    hidden: bool = Field(description="An admin took it out of the store. Only admins and its writer see it.")
    created: datetime
    changed: datetime

    @staticmethod
    def resolve_writer(review: Review) -> str | None:
        return review.writer.user.name if review.writer else None

    @staticmethod
    def resolve_creator(review: Review) -> str | None:
        return review.writer.slug if review.writer else None

    @staticmethod
    def resolve_own(review: Review, context: Any) -> bool:
        return bool(review.owner_id == caller(context["request"]).pk)

    @staticmethod
    def resolve_hidden(review: Review) -> bool:
        return review.hidden is not None


class NewReview(RequestBody):
    """What you think of a GPT."""

    stars: int = Field(ge=1, le=5)
    text: Annotated[Text, Field(max_length=REVIEW_CHARS)] = ""


class ReviewAnswer(RequestBody):
    """Your public answer; empty takes it back."""

    answer: Annotated[Text, Field(max_length=REVIEW_CHARS)]


class ReviewReason(RequestBody):
    """What is wrong with a review."""

    reason: Annotated[Text, Field(max_length=TEXT_CHARS)] = ""


class ReportShape(Schema):
    """Your report, which only admins see."""

    id: int
    reason: str = Field(validation_alias="text")
    created: datetime


class Visibility(RequestBody):
    """Whether a review is out of the store."""

    hidden: bool


class ReportedReview(ReviewShape):
    """A review with its reports."""

    gpt: str = Field(validation_alias="gpt.slug")
    reasons: list[str] = Field(description="One for each person who reported it; may be empty texts.")

    @staticmethod
    def resolve_reasons(review: Review) -> list[str]:
        return [report.text for case in review.cases.all() for report in case.reports.all()]


class CreatorShape(Schema):
    """A creator's page."""

    slug: str
    name: str = Field(validation_alias="user.name")
    about: str
    public: bool


class ProfileChange(RequestBody):
    """Whether your page is public, and what it says. It needs a name: set yours with `PATCH /api/account`."""

    public: bool
    about: About = ""


class NewCollection(RequestBody):
    """A list of GPTs. Only admins can feature one in the store; it then is public."""

    name: CollectionName
    about: About = ""
    public: bool = False
    featured: bool = False


class CollectionChange(RequestBody):
    """What changes of a collection."""

    name: CollectionName | None = None
    about: About | None = None
    public: bool | None = None
    featured: bool | None = None


class CollectionShape(Schema):
    """A list of GPTs."""

    id: UUID
    name: str
    about: str
    public: bool
    featured: bool
    created: datetime


@router.get("/categories", response={200: CategoryList, **OWN})
def list_categories(request: HttpRequest) -> dict[str, Any]:
    """The categories of the store, in their order."""
    return _shown(categories())


@router.put("/operate/categories", response={200: CategoryList, **INVALID})
def replace_categories(request: HttpRequest, body: CategoryList) -> dict[str, Any]:
    """Replace the categories. GPTs in one that is gone move to “other”."""
    operator(request)
    return _shown(set_categories([(each.key, each.title) for each in body.categories], by=caller(request)))


def _shown(titles: dict[str, str]) -> dict[str, Any]:
    return {"categories": [{"key": key, "title": title} for key, title in titles.items()]}


@router.get("/gpts/{slug}/reviews", response={200: list[ReviewShape], **LISTED})
@paginate(Pages)
def list_reviews(request: HttpRequest, slug: str) -> QuerySet[Review]:
    """The reviews of a GPT, newest first."""
    return reviews.shown(access_gpt(caller(request), slug), caller(request))


@router.get("/gpts/{slug}/review", response={200: ReviewShape, **DENIED})
def read_review(request: HttpRequest, slug: str) -> Review:
    """What you said of a GPT."""
    review = reviews.review_of(access_gpt(caller(request), slug), caller(request))
    if review is None:
        raise Http404("You haven’t reviewed this GPT.")
    return review


@router.put("/gpts/{slug}/review", response={200: ReviewShape, **LIMITED})
def give_review(request: HttpRequest, slug: str, review: NewReview) -> Review:
    """Rate a GPT, in place of what you said before. You must have had an answer from it in a chat."""
    return reviews.give(access_gpt(caller(request), slug), caller(request), review.stars, review.text)


@router.delete("/gpts/{slug}/review", response={204: None, **DENIED})
def delete_review(request: HttpRequest, slug: str) -> Status[None]:
    """Delete what you said of a GPT."""
    reviews.take_back(access_gpt(caller(request), slug), caller(request))
    return Status(204, None)


@router.put(f"{REVIEW}/answer", response={200: ReviewShape, **INVALID})
def answer_review(request: HttpRequest, review_id: UUID, body: ReviewAnswer) -> Review:
    """Answer a review of your GPT; everyone can read it."""
    return reviews.answer(caller(request), review_id, body.answer)


@router.post(f"{REVIEW}/report", response={201: ReportShape, **LIMITED})
def report_review(request: HttpRequest, review_id: UUID, body: ReviewReason) -> Status[Report]:
    """Report a review to the admins of this site. A second report changes your reason."""
    review = reviews.access_review(caller(request), review_id)
    thing = {"review": review, "owner": review.owner}
    return Status(201, cases.report(caller(request), thing, Reason.OTHER, body.reason))


@router.get("/operate/reported-reviews", response={200: list[ReportedReview], **LISTED})
@paginate(Pages)
def list_reported_reviews(request: HttpRequest) -> QuerySet[Review]:
    """The reviews that people reported, newest first."""
    operator(request)
    reported = Review.objects.filter(cases__isnull=False).distinct()
    return reported.select_related("gpt", "owner__profile").prefetch_related("cases__reports")


@router.put("/operate/reviews/{uuid:review_id}", response={200: ReviewShape, **INVALID})
def hide_review(request: HttpRequest, review_id: UUID, body: Visibility) -> Review:
    """Take a review out of the store, or put it back."""
    operator(request)
    return reviews.hide(reviews.access_any(review_id), body.hidden)


@router.get("/creators/{creator}", response={200: CreatorShape, **DENIED})
def read_creator(request: HttpRequest, creator: str) -> Profile:
    """A creator's public page, or your own."""
    return profiles.access_profile(creator, caller(request))


@router.get("/creators/{creator}/gpts", response={200: list[GptCard], **LISTED})
@paginate(Pages)
def list_creators_gpts(request: HttpRequest, creator: str) -> InOrder:
    """A creator's GPTs in the store, most used first."""
    profile = profiles.access_profile(creator, caller(request))
    return InOrder(in_order(store_gpts().filter(owner=profile.user), "used"))


@router.get("/account/profile", response={200: CreatorShape, **OWN})
def read_profile(request: HttpRequest) -> Profile:
    """Your creator page. Its slug is empty until you make one."""
    return profiles.profile_of(caller(request))


@router.put("/account/profile", response={200: CreatorShape, **INVALID})
def change_profile(request: HttpRequest, change: ProfileChange) -> Profile:
    """Turn your creator page on or off, and say something about yourself."""
    return profiles.change(caller(request), public=change.public, about=change.about)


@router.get("/collections", response={200: list[CollectionShape], **OWN_LISTED})
@paginate(Pages)
def list_collections(request: HttpRequest, featured: bool = False) -> QuerySet[Collection]:
    """Your collections, or those that the store features."""
    return collections.featured() if featured else collections.own(caller(request))


@router.post("/collections", response={201: CollectionShape, **INVALID})
def create_collection(request: HttpRequest, new: NewCollection) -> Status[Collection]:
    """Make a collection."""
    return Status(201, collections.create(caller(request), **new.model_dump()))


@router.get(COLLECTION, response={200: CollectionShape, **DENIED})
def read_collection(request: HttpRequest, collection_id: UUID) -> Collection:
    """A public collection, or one of yours."""
    return collections.access(caller(request), collection_id)


@router.patch(COLLECTION, response={200: CollectionShape, **INVALID})
def change_collection(request: HttpRequest, collection_id: UUID, change: CollectionChange) -> Collection:
    """Change what is given of your collection."""
    own = collections.access_own(caller(request), collection_id)
    return collections.change(own, **change.model_dump(exclude_none=True))


@router.delete(COLLECTION, response={204: None, **DENIED})
def delete_collection(request: HttpRequest, collection_id: UUID) -> Status[None]:
    """Delete your collection. Its GPTs stay as they are."""
    collections.access_own(caller(request), collection_id).delete()
    return Status(204, None)


@router.get(f"{COLLECTION}/gpts", response={200: list[GptCard], **LISTED})
@paginate(Pages, oldest_first=True, each=lambda items: [item.gpt for item in items])
def list_collected(request: HttpRequest, collection_id: UUID) -> QuerySet[CollectionItem]:
    """The GPTs in a collection that you can chat with, as they were added."""
    return collections.items_of(collections.access(caller(request), collection_id), caller(request))


@router.put(f"{COLLECTION}/gpts/{{slug}}", response={204: None, **LISTED})
def collect_gpt(request: HttpRequest, collection_id: UUID, slug: str) -> Status[None]:
    """Put a GPT into your collection."""
    collections.add(collections.access_own(caller(request), collection_id), slug)
    return Status(204, None)


@router.delete(f"{COLLECTION}/gpts/{{slug}}", response={204: None, **DENIED})
def remove_collected(request: HttpRequest, collection_id: UUID, slug: str) -> Status[None]:
    """Take a GPT out of your collection."""
    collections.remove(collections.access_own(caller(request), collection_id), slug)
    return Status(204, None)
