"""Template tags about the site."""

from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.forms import BaseForm, BoundField, PasswordInput
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_bidi, to_locale

from web.accounts import invitations, live_settings
from web.accounts.sign_in_providers import current

register = template.Library()


@register.simple_tag
def setting(name: str) -> Any:
    """The value of a setting, for templates. A tag, because the page for errors 500 has no context processors."""
    return getattr(settings, name)


@register.simple_tag
def announcement() -> str:
    """What operators want everybody to read; empty for nothing."""
    return str(live_settings.get("BANNER"))


@register.simple_tag(takes_context=True)
def may_sign_up(context: dict[str, Any]) -> bool:
    """Whether the visitor can create an account."""
    return invitations.is_open_to(context["request"])


@register.simple_tag(takes_context=True)
def sign_up_domains(context: dict[str, Any]) -> str:
    """The domains of which the visitor's address must be; empty for any."""
    return "" if invitations.accepted(context["request"]) else ", ".join(live_settings.get("SIGNUP_DOMAINS"))


@register.simple_tag
def sign_in_providers() -> list[tuple[str, str]]:
    """The providers whose accounts people sign in with: the title and the URL that a form is sent to."""
    now = current()
    oidc = ((each.title, "openid_connect_login", name) for name, each in now.oidc.items())
    saml = ((each.title, "saml_login", name) for name, each in now.saml.items())
    return [(title, reverse(view, args=[name])) for title, view, name in (*oidc, *saml)]


@register.simple_tag
def language_attributes() -> SafeString:
    """The attributes of <html> that say which language a page is in; static/translate.js reads them."""
    language = get_language() or settings.LANGUAGE_CODE
    catalog = f"languages/{language}.json"
    words = format_html(' data-words="{}"', static(catalog)) if find(catalog) else ""
    return format_html('lang="{}" dir="{}"{}', to_html(language), "rtl" if get_language_bidi() else "ltr", words)


@register.simple_tag
def languages() -> list[tuple[str, str]]:
    """The languages of the site: code and own name."""
    return list(settings.LANGUAGES)


@register.filter
def to_html(language: str) -> str:
    """The language's tag in HTML, such as zh-Hans."""
    return to_locale(language).replace("_", "-")


@register.filter
def styled(field: BoundField) -> SafeString:
    """The form field's input with the site's classes, without a placeholder that repeats its label."""
    ticked = getattr(field.field.widget, "input_type", "") in {"checkbox", "radio"}
    return field.as_widget(attrs={"placeholder": "", **({} if ticked else {"class": "field"})})


@register.filter
def asks_password(form: BaseForm) -> bool:
    """Whether the form has a field for a password."""
    return any(isinstance(field.widget, PasswordInput) for field in form.fields.values())
