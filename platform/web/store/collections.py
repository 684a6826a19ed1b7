"""Lists of GPTs that people keep: private, or public; those of operators can be featured in the store."""

from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext

from gpts.safety.invisible_characters import visible
from web.accounts.models import User
from web.accounts.quotas import lock
from web.builder.access import access_gpt
from web.builder.models import Gpt
from web.store.models import Collection, CollectionItem

MAX_COLLECTIONS: Final = 50
MAX_GPTS: Final = 100


def own(user: Any) -> "QuerySet[Collection]":
    """The collections of `user`, by name."""
    return Collection.objects.filter(owner=user) if user.is_authenticated else Collection.objects.none()


def featured() -> "QuerySet[Collection]":
    """Those that operators show in the store."""
    return Collection.objects.filter(featured=True, owner__is_active=True)


def access(user: Any, collection_id: UUID) -> Collection:
    """A collection that `user` can see: public or their own. Raises Http404."""
    mine = Q(owner=user) if user.is_authenticated else Q(pk__in=[])
    open_to = Collection.objects.filter(mine | Q(public=True, owner__is_active=True)).select_related("owner")
    collection = open_to.filter(id=collection_id).first()
    if collection is None:
        raise Http404(gettext("Collection not found."))
    return collection


def access_own(user: Any, collection_id: UUID) -> Collection:
    """A collection of `user`. Raises Http404 for any other."""
    collection = own(user).filter(id=collection_id).first()
    if collection is None:
        raise Http404(gettext("Collection not found."))
    return collection


def create(user: User, **fields: Any) -> Collection:
    """A new collection. Raises ValidationError."""
    with transaction.atomic():
        lock(user.pk)
        if own(user).count() >= MAX_COLLECTIONS:
            raise ValidationError(
                gettext("You can have {max_collections} collections. Delete one.").format(
                    max_collections=MAX_COLLECTIONS
                )
            )
        return change(Collection(owner=user), **fields)


def change(collection: Collection, **fields: Any) -> Collection:
    """The collection with other fields. Only an operator's can be featured, and it then is public.

    Raises ValidationError.
    """
    for name, value in fields.items():
        setattr(collection, name, visible(value).strip() if isinstance(value, str) else value)
    if collection.featured and not collection.owner.is_staff:
        raise ValidationError({"featured": gettext("Only admins can feature a collection.")})
    collection.public = collection.public or collection.featured
    collection.full_clean()
    collection.save()
    return collection


def items_of(collection: Collection, user: Any) -> "QuerySet[CollectionItem]":
    """What is in it that `user` may chat with, in the order in which it was added."""
    seen = Gpt.objects.chattable_by(user).filter(published__isnull=False)
    return collection.items.filter(gpt__in=seen).select_related(
        "gpt__published", "gpt__owner__profile", "gpt__standing"
    )


def add(collection: Collection, slug: str) -> None:
    """Put a GPT in that the owner may chat with; no effect if it is there. Raises Http404, ValidationError."""
    gpt = access_gpt(collection.owner, slug)
    with transaction.atomic():
        lock(collection.owner_id)
        if collection.items.count() >= MAX_GPTS and not collection.items.filter(gpt=gpt).exists():
            raise ValidationError(
                gettext("A collection can have {max_gpts} GPTs. Remove one.").format(max_gpts=MAX_GPTS)
            )
        collection.items.get_or_create(gpt=gpt)


def remove(collection: Collection, slug: str) -> None:
    """Take a GPT out. Raises Http404 if it is not in."""
    if not collection.items.filter(gpt__slug=slug).delete()[0]:
        raise Http404(gettext("This GPT isn’t in the collection."))
