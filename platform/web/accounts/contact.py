"""Whom people of this site ask for help, as operators say."""

from django.conf import settings
from django.utils.translation import gettext


def help_line() -> str:
    """The line below an email; empty if operators name nobody."""
    return gettext("Questions? Ask {contact}.").format(contact=settings.HELP_CONTACT) if settings.HELP_CONTACT else ""
