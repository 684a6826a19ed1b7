"""Setting up the categories of the store."""

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext

from web.accounts import audit
from web.accounts.models import User
from web.builder.categories import OTHER
from web.builder.models import Gpt
from web.builder.models_store import StoreCategory

MAX_CATEGORIES: Final = 40


def set_categories(rows: Sequence[tuple[str, str]], by: User | None = None) -> dict[str, str]:
    """Make these keys and titles the categories, in this order. GPTs in one that is gone move to "other".

    Raises ValidationError for an unusable list; "other" has to be in it.
    """
    given = {key: title.strip() for key, title in rows}
    if len(given) != len(rows) or len({title.casefold() for title in given.values()}) != len(rows):
        raise ValidationError(gettext("Each category can be listed only once."))
    if OTHER not in given:
        raise ValidationError(
            gettext("“Other” can be renamed, but not removed: GPTs of removed categories move there.")
        )
    if len(given) > MAX_CATEGORIES:
        raise ValidationError(
            gettext("Too many: {n} of {limit} categories.").format(n=len(given), limit=MAX_CATEGORIES)
        )
    made = [StoreCategory(key=key, title=title, position=n) for n, (key, title) in enumerate(given.items())]
    for each in made:
        each.clean_fields()
    with transaction.atomic():
        StoreCategory.objects.all().delete()
        StoreCategory.objects.bulk_create(made)
        Gpt.objects.exclude(category__in=given).update(category=OTHER)
        audit.record(audit.Act.CATEGORIES_CHANGED, by, n=len(given))
    return given
