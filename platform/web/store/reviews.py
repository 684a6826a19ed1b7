"""Ratings and reviews of GPTs by people who used them, and answers by their creators.

Reviews and answers are texts from outside: pages escape them, and no prompt contains them.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from web.accounts.models import User
from web.accounts.quotas import lock
from web.builder import notify
from web.builder.models import Gpt
from web.languages import fitting
from web.store import standings
from web.store.models import REVIEW_CHARS, Review
from web.store.use import has_used

# New reviews of one person within a day.
MAX_A_DAY: Final = 20
# Those that their creators have not had on a page.
UNSEEN: Final = Q(gpt__deleted=None, seen=False, hidden=None, owner__is_active=True)
NOT_USED: Final = gettext_noop("You can rate a GPT once you’ve had an answer from it in a chat.")


class TooManyReviews(ValidationError):
    """The person wrote too many today."""

    def __init__(self) -> None:
        super().__init__(
            gettext("You can write {max_a_day} of these a day. Try again tomorrow.").format(max_a_day=MAX_A_DAY)
        )


def shown(gpt: Gpt, user: Any) -> "QuerySet[Review]":
    """The reviews of `gpt`, newest first, as `user` may see them: hidden ones only operators and their writers."""
    reviews = gpt.reviews.filter(owner__is_active=True).select_related("owner", "owner__profile")
    if user.is_authenticated and user.moderates:
        return reviews
    return reviews.filter(Q(hidden=None) | Q(owner=user.pk))


def why_not(gpt: Gpt, user: Any) -> str:
    """Why `user` cannot rate `gpt`; empty if they can. Three queries."""
    if not user.is_authenticated:
        return gettext("Sign in to rate this GPT.")
    if gpt.owner_id == user.pk:
        return gettext("You can’t rate your own GPT.")
    if Gpt.objects.editable_by(user).filter(id=gpt.id).exists():
        return gettext("You can’t rate a GPT that you can edit.")
    is_known = gpt.reviews.filter(owner=user).exists()
    return "" if is_known or has_used(gpt, user) else gettext(NOT_USED)


def review_of(gpt: Gpt, user: Any) -> Review | None:
    """What `user` said of `gpt`."""
    return gpt.reviews.filter(owner=user).first() if user.is_authenticated else None


def give(gpt: Gpt, user: User, stars: int, text: str) -> Review:
    """The review of `gpt` by `user`, in place of an earlier one, whose answer it loses if its text is another.

    `gpt` must come from `access_gpt`. Raises ValidationError.
    """
    text = fitting(text, REVIEW_CHARS)
    if stars not in range(1, 6):
        raise ValidationError({"stars": gettext("Choose one to five stars.")})
    if reason := why_not(gpt, user):
        raise ValidationError(reason)
    with transaction.atomic():
        lock(user.pk)
        review = gpt.reviews.filter(owner=user).first() or _new(gpt, user)
        if text != review.text:
            review.answer, review.seen = "", False
        review.stars, review.text, review.changed = stars, text, timezone.now()
        review.save()
        standings.refresh_ratings(gpt)
        notify.of_gpt(gpt, "review.left", review=str(review.pk), stars=stars)
        notify.of_opinion(gpt, user)
    return review


def _new(gpt: Gpt, user: User) -> Review:
    today = Review.objects.filter(owner=user, created__gte=timezone.now() - timedelta(days=1))
    if today.count() >= MAX_A_DAY:
        raise TooManyReviews
    return Review(gpt=gpt, owner=user)


def take_back(gpt: Gpt, user: User) -> None:
    """Delete what `user` said of `gpt`. Raises Http404 if that is nothing."""
    if not gpt.reviews.filter(owner=user).delete()[0]:
        raise Http404(gettext("You haven’t reviewed this GPT."))
    standings.refresh_ratings(gpt)


def access_review(user: Any, review_id: UUID) -> Review:
    """A review that `user` can see, of a GPT that they can see. Raises Http404."""
    visible = Review.objects.filter(gpt__in=Gpt.objects.chattable_by(user), owner__is_active=True)
    review = visible.filter(id=review_id).select_related("gpt__owner", "owner").first()
    if review is None or (review.hidden and not (user.is_authenticated and (user.moderates or review.owner == user))):
        raise Http404(gettext("Review not found."))
    return review


def access_any(review_id: UUID) -> Review:
    """A review, for an operator. Raises Http404."""
    review = Review.objects.filter(id=review_id).select_related("gpt", "owner").first()
    if review is None:
        raise Http404(gettext("Review not found."))
    return review


def answer(user: User, review_id: UUID, text: str) -> Review:
    """The review with the answer of the GPT's creator, who is `user`; an empty one takes it back.

    Raises Http404 for other people's GPTs, ValidationError.
    """
    review = access_review(user, review_id)
    if review.gpt.owner_id != user.pk:
        raise Http404(gettext("Review not found."))
    review.answer, review.seen = fitting(text, REVIEW_CHARS), True
    review.save(update_fields=["answer", "seen"])
    return review


def hide(review: Review, is_hidden: bool) -> Review:
    """Take a review out of the store, or put it back, for an operator."""
    review.hidden = timezone.now() if is_hidden else None
    review.save(update_fields=["hidden"])
    standings.refresh_ratings(review.gpt)
    return review


def n_unseen(gpt: Gpt) -> int:
    """How many reviews of `gpt` its creator has not had on a page."""
    return gpt.reviews.filter(UNSEEN).count()


def mark_seen(gpt: Gpt) -> None:
    """Note that the creator of `gpt` has its reviews on a page."""
    gpt.reviews.filter(seen=False).update(seen=True)
