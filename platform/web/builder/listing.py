"""Review before listing: with the setting on, an operator looks at each version before it appears in the store.

A GPT that is not listed goes live at once for its creator and those it is shared with, and waits for the store only.
One that is listed keeps its listed version, for everyone, until the next one is approved. Files that a source brings
do not wait. GPTs of operators do not either. `stewardship` has what operators do.
"""

from django.db.models import QuerySet
from django.utils import timezone

from web.accounts import audit, live_settings, outbox
from web.accounts.models import User
from web.builder.models import Gpt, GptVersion
from web.builder.models_access import Sharing
from web.builder.models_listing import ListingReview


def is_needed(gpt: Gpt, *, by: User) -> bool:
    """Whether versions of `gpt` that `by` publishes are reviewed before they are listed."""
    return bool(live_settings.get("REVIEW_LISTINGS")) and not (gpt.owner.is_staff and by.is_staff)


def is_listed(gpt: Gpt) -> bool:
    """Whether the store has it."""
    return gpt.published_id is not None and gpt.sharing == Sharing.STORE


def waiting(gpt: Gpt) -> ListingReview | None:
    """What of it waits for an operator."""
    return queue().filter(gpt=gpt).select_related("version").first()


def last(gpt: Gpt) -> ListingReview | None:
    """What of it waits, or was decided last; None if nothing was, or the creator withdrew it."""
    newest = gpt.listing_reviews.select_related("version").first()
    return newest if newest and not newest.withdrawn else None


def queue() -> QuerySet[ListingReview]:
    """What waits, oldest first."""
    waiting = ListingReview.objects.filter(decided=None, withdrawn=None, gpt__deleted=None)
    return waiting.order_by("created", "id")


def wanted_sharing(gpt: Gpt) -> str:
    """The sharing that the creator chose, which may wait for an operator."""
    return Sharing.STORE if gpt.published_id and gpt.sharing != Sharing.STORE and waiting(gpt) else gpt.sharing


def ask(gpt: Gpt, version: GptVersion, *, by: User) -> None:
    """Let an operator look at the version, instead of one that waits. Call it in a transaction."""
    before = waiting(gpt)
    if before and before.version_id == version.pk:
        return
    _close(gpt)
    review = ListingReview.objects.create(gpt=gpt, version=version)
    audit.record(audit.Act.LISTING_ASKED, by, gpt, version=version.number)
    outbox.notify_operators("reports", f"listing:{review.pk}", listing=str(review.pk))


def withdraw(gpt: Gpt, *, by: User) -> bool:
    """Let what waits wait no longer. Whether there was anything."""
    if not _close(gpt):
        return False
    audit.record(audit.Act.LISTING_WITHDRAWN, by, gpt)
    return True


def _close(gpt: Gpt) -> int:
    return ListingReview.objects.filter(gpt=gpt, decided=None, withdrawn=None).update(withdrawn=timezone.now())
