"""Template tags about the site and how people sign in to it."""

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def signup_open() -> bool:
    """Whether anyone can create an account."""
    return settings.SIGNUP_OPEN


@register.simple_tag
def mail_works() -> bool:
    """Whether the site can send email; without it, passwords cannot be reset by email."""
    return bool(settings.EMAIL_HOST)


@register.simple_tag
def site_url() -> str:
    """The site's URL, without a trailing slash."""
    return settings.SITE_URL


@register.simple_tag
def site_name() -> str:
    """The name that the operator gave the site."""
    return settings.SITE_NAME


@register.filter
def styled(field: BoundField) -> SafeString:
    """The form field's input with the site's classes, without a placeholder that repeats its label."""
    ticked = getattr(field.field.widget, "input_type", "") in {"checkbox", "radio"}
    return field.as_widget(attrs={"placeholder": "", **({} if ticked else {"class": "field"})})
