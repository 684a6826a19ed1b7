"""The language of a page: the person's own, else the one in their cookie, else their browser's. Programs get English;
scripts of pages, which send the token against forged requests, get the page's language.

Texts are marked with gettext and translated by `locale/<language>/LC_MESSAGES/django.po`. Scripts have their part of
that catalog as JSON, `static/languages/<language>.json`. `manage.py languages` keeps both up to date.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.formats import number_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from gpts.safety.invisible_characters import visible
from web.accounts.models import User

_PROGRAMS: Final = re.compile(r"/(api|v1|a2a|mcp|\.well-known|token|revoke)\b(?!/docs)")


def grouped(n: int) -> str:
    """A number as people of the page's language write it: 4,000."""
    return number_format(n, force_grouping=True)


def title_of(code: str) -> str:
    """The name of a language by its ISO 639-1 code, in the page's language."""
    return capfirst(gettext("Chinese") if code == "zh" else translation.get_language_info(code)["name_translated"])


def titled(codes: Iterable[str]) -> list[tuple[str, str]]:
    """The languages with their names, by these."""
    return sorted(((code, title_of(code)) for code in codes), key=lambda each: each[1].casefold())


def too_long(text: str, limit: int) -> str:
    """What is said of a text of more than `limit` characters."""
    said = gettext("Too long: {n} of {limit} characters.")
    return said.format(n=grouped(len(text)), limit=grouped(limit))


def cleaned(text: str) -> str:
    """A text from a form of several lines, as it is kept: without what nobody sees, and with "\\n" between lines."""
    return visible(text).strip()


def fitting(text: str, limit: int, field: str = "text") -> str:
    """The same. Raises ValidationError for the field if it has more than `limit` characters."""
    text = cleaned(text)
    if len(text) > limit:
        raise ValidationError({field: too_long(text, limit)})
    return text


def _is_program(request: HttpRequest) -> bool:
    return bool(_PROGRAMS.match(request.path_info)) and "X-CSRFToken" not in request.headers


def language_of(request: HttpRequest) -> str:
    """One of LANGUAGES: what was chosen, else the first that the browser asks for; English for programs."""
    if _is_program(request):
        return settings.LANGUAGE_CODE
    user = request.user

    async def auser() -> User | AnonymousUser:
        return user

    request.auser = auser  # or async views would look the person up once more
    chosen = getattr(user, "language", "")
    if chosen in dict(settings.LANGUAGES):
        return str(chosen)
    found = translation.get_language_from_request(request)
    if found == settings.LANGUAGE_CODE and not _asks_for(found, request):
        return settings.SITE_LANGUAGE or found
    return found


def _asks_for(language: str, request: HttpRequest) -> bool:
    """Whether the cookie or the browser names it, and Django did not fall back to it."""
    accepted = re.split(r"[,;\s-]", request.headers.get("Accept-Language", "").lower())
    return language in (request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME), *accepted)


def language_for(person: User | None) -> str:
    """The language in which somebody is written to: their own, else the site's."""
    return (person.language if person else "") or settings.SITE_LANGUAGE or settings.LANGUAGE_CODE


class Languages:
    """After authentication: the request's language, for everything that is written while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response, in the person's language and labelled with it."""
        language = language_of(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        if not _is_program(request):
            patch_vary_headers(response, ["Accept-Language"])
        return response


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language, with the account or else in a cookie, and go back to the page."""
    language = request.POST.get("language", "")
    target = request.POST.get("next", "")
    response = redirect(target if url_has_allowed_host_and_scheme(target, {request.get_host()}) else "store")
    if language not in dict(settings.LANGUAGES):
        return response
    if request.user.is_authenticated:
        keep(request.user, language)
    response.set_cookie(
        *(settings.LANGUAGE_COOKIE_NAME, language),
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def keep(user: User, language: str) -> None:
    """Save the person's language; "" is their browser's."""
    user.language = language
    user.save(update_fields=["language"])
