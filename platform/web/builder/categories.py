"""The categories of the store: those that an operator set up, or else the defaults."""

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_noop

from web.builder.models_store import StoreCategory

OTHER: Final = "other"
DEFAULTS: Final = {
    "writing": gettext_noop("Writing"),
    "research": gettext_noop("Research"),
    "programming": gettext_noop("Programming"),
    "education": gettext_noop("Education"),
    "work": gettext_noop("Work"),
    "home": gettext_noop("Home"),
    OTHER: gettext_noop("Other"),
}


def categories() -> dict[str, str]:
    """The title of each category by its key, in their order. One query."""
    own = dict(StoreCategory.objects.values_list("key", "title"))
    return own or {key: gettext(title) for key, title in DEFAULTS.items()}


def title_of(key: str) -> str:
    """The title of a category; of one that is gone, that of "other"."""
    known = categories()
    return known.get(key) or known[OTHER]


def validate_category(key: Any) -> None:
    """Raises ValidationError unless `key` is that of a category."""
    if key not in categories():
        raise ValidationError(gettext("Unknown category. Known: {names}.").format(names=", ".join(categories())))
