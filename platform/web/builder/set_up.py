"""Capabilities that work only once an operator has set them up, and whether that was done."""

from typing import Final

from django.conf import settings
from django.utils.translation import gettext, gettext_lazy

# What an operator who may set it up is offered instead.
SET_UP: Final = {
    "image_generation": gettext_lazy("Set up pictures"),
    "web_browsing": gettext_lazy("Set up web search"),
    "code_interpreter": gettext_lazy("Set up the code interpreter"),
}


# What of each is no use before that: a page whose address is given can be opened without a web search.
_TOOLS: Final = {
    "image_generation": "make_image",
    "web_browsing": "web_search",
    "code_interpreter": "code_interpreter",
}


def tools_missing_here() -> frozenset[str]:
    """The built-in tools that no model is offered, as the operator has not set them up."""
    return frozenset(_TOOLS[key] for key in missing_here())


def missing_here() -> dict[str, str]:
    """The capabilities that the operator has not set up, with their names."""
    missing = {
        "image_generation": (gettext("Image generation"), not (settings.IMAGE_MODEL or settings.IMAGE_URL)),
        "web_browsing": (gettext("Web search"), not settings.SEARCH_PROVIDER),
        "code_interpreter": (gettext("Code interpreter"), settings.SANDBOX == "off"),
    }
    return {key: name for key, (name, is_missing) in missing.items() if is_missing}
