"""What operators do with other people's GPTs: feature, withdraw, restore, transfer."""

from contextlib import suppress

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from web.accounts import audit, outbox
from web.accounts.models import User
from web.builder import actions, notify, search
from web.builder.models import Gpt
from web.builder.models_access import LinkGrant, Sharing
from web.builder.models_listing import NOTE_CHARS, ListingReview
from web.builder.models_widgets import Widget
from web.builder.services import apply_sharing, set_sharing
from web.languages import fitting


@transaction.atomic
def feature(gpt: Gpt, is_featured: bool, by: User) -> None:
    """Show the GPT at the top of the store, or no longer. Raises ValidationError if it is not in the store."""
    if is_featured and not (gpt.sharing == Sharing.STORE and gpt.published_id and gpt.deleted is None):
        raise ValidationError(f"{gpt.name} is not in the store.")
    Gpt.objects.filter(id=gpt.id).update(featured=is_featured)
    audit.record(audit.Act.GPT_FEATURED, by, gpt, featured=is_featured)


@transaction.atomic
def unlist(gpt: Gpt, by: User) -> None:
    """Take the GPT out of the store, where its creator can't list it until `list_again`. A link can share it."""
    if gpt.sharing == Sharing.STORE:
        gpt.was_listed = True
        set_sharing(gpt, Sharing.LINK, by=by)
    gpt.featured, gpt.unlisted = False, timezone.now()
    gpt.save(update_fields=["featured", "unlisted", "was_listed"])
    audit.record(audit.Act.GPT_WITHDRAWN, by, gpt, store_only=True)


@transaction.atomic
def list_again(gpt: Gpt, by: User) -> None:
    """List the GPT as before `unlist`, unless its creator keeps it private or it lacks something for the store.

    Copies that were made of it meanwhile may be listed again too; so below.
    """
    returns = gpt.was_listed and gpt.sharing == Sharing.LINK
    Gpt.objects.exclude(unlisted=None).filter(unlisted=gpt.unlisted).update(unlisted=None)
    gpt.unlisted, gpt.was_listed = None, False
    gpt.save(update_fields=["unlisted", "was_listed"])
    if returns:
        with suppress(ValidationError):  # the creator lists it once that is mended
            set_sharing(gpt, Sharing.STORE, by=by)
    audit.record(audit.Act.GPT_RESTORED, by, gpt, store_only=True)


@transaction.atomic
def withdraw(gpt: Gpt, by: User) -> None:
    """Keep the GPT to its creator, who can share it with nobody until `restore`. Others' chats stay readable."""
    set_sharing(gpt, Sharing.ME, by=by)
    Gpt.objects.filter(id=gpt.id).update(featured=False, withdrawn=timezone.now())
    audit.record(audit.Act.GPT_WITHDRAWN, by, gpt)


@transaction.atomic
def restore(gpt: Gpt, by: User) -> None:
    """Give a deleted or withdrawn GPT back to its creator, who can share it again. Raises ValidationError."""
    gone = Gpt.objects.filter(id=gpt.id).exclude(deleted=None, withdrawn=None)
    Gpt.objects.exclude(id=gpt.id).filter(withdrawn__in=gone.values("withdrawn")).update(withdrawn=None)
    if not gone.update(deleted=None, withdrawn=None, sharing=Sharing.ME, link_secret="", featured=False):
        raise ValidationError(f"{gpt.name} is neither deleted nor withdrawn.")
    LinkGrant.objects.filter(gpt=gpt).delete()
    audit.record(audit.Act.GPT_RESTORED, by, gpt)


@transaction.atomic
def decide_listing(review: ListingReview, approved: bool, note: str, by: User) -> ListingReview:
    """List the version that was reviewed, or send it back with a note. Raises ValidationError."""
    note = fitting(note, NOTE_CHARS, "note")
    gpt = Gpt.objects.select_for_update().get(id=review.gpt_id)
    now = timezone.now()
    is_open = ListingReview.objects.filter(id=review.id, decided=None, withdrawn=None)
    if gpt.deleted or not is_open.update(decided=now, by=by, approved=approved, note=note):
        raise ValidationError("The creator has withdrawn or changed it meanwhile. Look at what waits now.")
    review.refresh_from_db()
    if approved:
        gpt.published = review.version
        gpt.save(update_fields=["published", "changed"])
        apply_sharing(gpt, Sharing.STORE, by=by)
        actions.forget_unused_secrets(gpt, review.version.spec())
        search.catch_up(Gpt.objects.filter(id=gpt.id))
    audit.record(audit.Act.LISTING_DECIDED, by, gpt, version=review.version.number, approved=approved)
    notify.of_gpt(gpt, "listing.decided", version=review.version.number, approved=approved)
    outbox.notify(gpt.owner, "decisions", f"listing:{review.pk}", listing=str(review.pk))
    return review


@transaction.atomic
def transfer(gpt: Gpt, to: User, by: User) -> None:
    """Make the GPT another person's. Raises ValidationError if they can't have it.

    Secrets of its actions, servers, agents, sources and widget are deleted: they are the former owner's, who let
    nobody else use them freely, and were encrypted for them. So are its webhooks, which would go on telling them.
    """
    if not to.is_active:
        raise ValidationError(f"{to.shown_name} is suspended.")
    if to.pk == gpt.owner_id:
        raise ValidationError(f"{gpt.name} is {to.shown_name}’s already.")
    before = gpt.owner_id
    for rows in (gpt.actions, gpt.mcp_servers, gpt.remote_agents, gpt.sources):
        rows.exclude(secret="").update(secret="")
    Widget.objects.filter(gpt=gpt).update(is_on=False, secret="")
    gpt.webhooks.all().delete()
    Gpt.objects.filter(id=gpt.id).update(owner=to)
    search.catch_up(Gpt.objects.filter(id=gpt.id))
    audit.record(audit.Act.GPT_TRANSFERRED, by, gpt, before=before, now=to.pk)
