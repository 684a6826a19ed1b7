"""Template tags about the site."""

from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def setting(name: str) -> Any:
    """The value of a setting, for templates. A tag, because the page for errors 500 has no context processors."""
    return getattr(settings, name)


@register.filter
def styled(field: BoundField) -> SafeString:
    """The form field's input with the site's classes, without a placeholder that repeats its label."""
    ticked = getattr(field.field.widget, "input_type", "") in {"checkbox", "radio"}
    return field.as_widget(attrs={"placeholder": "", **({} if ticked else {"class": "field"})})
