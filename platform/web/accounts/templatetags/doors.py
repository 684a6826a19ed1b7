"""What templates ask about the ways into this hall."""

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def signup_open() -> bool:
    """Whether strangers may make an account."""
    return settings.SIGNUP_OPEN


@register.simple_tag
def mail_works() -> bool:
    """Whether this hall can send e-mail; without it, passwords cannot be reset by mail."""
    return bool(settings.EMAIL_HOST)


@register.simple_tag
def site_url() -> str:
    """The address that people and programs use, without a slash at its end."""
    return settings.SITE_URL


@register.filter
def styled(field: BoundField) -> SafeString:
    """The input of a form field in the site's look. Its label says what it is, so that no placeholder repeats it."""
    ticked = getattr(field.field.widget, "input_type", "") in {"checkbox", "radio"}
    return field.as_widget(attrs={"placeholder": "", **({} if ticked else {"class": "field"})})
