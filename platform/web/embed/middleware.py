"""The part of the site that visitors of other sites reach, under /embed/<key of a widget>/.

All addresses below it are those of the site itself: `Mount` moves them there, so that every link and form of a chat
stays below it, and a cookie of that path is the visitor's only credential. `Visitors` lets nothing through but what a
chat is made of; whatever is not in MAY does not exist there, nor does anybody's session.
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_script_prefix, resolve, set_script_prefix

from web.builder.models_widgets import Widget, WidgetVisitor
from web.builder.widgets import live_widget, visitor_by_cookie

COOKIE: Final = "visitor"
PAGE: Final = "/visit/"
SAFE: Final = ("GET", "HEAD", "OPTIONS")
OTHER_SITE: Final = "This request came from another page than the chat’s."
GONE: Final = "This chat is not available any more."
# The names of the URLs that a visitor's chat uses. Each checks that what it shows is the visitor's own.
MAY: Final = frozenset(
    (
        *("visit", "visit_start", "visit_identify", "visit_colours"),
        *("chat_send", "chat_regenerate", "chat_turn", "chat_part", "chat_source", "chat_source_page", "chat_app"),
        *("run_events", "run_cancel", "run_approve", "run_answer", "run_file", "citation_picture", "citation_file"),
        *("artifact_frame", "diagram_frame", "gpt_picture"),
    )
)
_MOUNTED: Final = re.compile(r"(/embed/([\w-]{10,22}))(/.*)")
_ANCESTORS: Final = re.compile(r"frame-ancestors [^;]*")


def unmounted(path: str) -> str:
    """The address on the site itself of `path`, which may be below a widget."""
    match = _MOUNTED.fullmatch(path)
    return _inside(match[3]) if match else path


def _inside(rest: str) -> str:
    return PAGE if rest == "/" else rest


def widget_of(request: HttpRequest) -> Widget | None:
    """The widget below which the request's address is; None on the site itself."""
    widget: Widget | None = getattr(request, "widget", None)
    return widget


def visitor_of(request: HttpRequest) -> WidgetVisitor | None:
    """The visitor of the widget who sent the request, if their browser says who it is."""
    visitor: WidgetVisitor | None = getattr(request, "visitor", None)
    return visitor


class Mount:
    """The first middleware: moves addresses below a widget, and lets the widget's sites show what is there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response; 404 for a key that no widget has."""
        match = _MOUNTED.fullmatch(request.path_info)
        if match is None:
            return self._get_response(request)
        widget = live_widget(match[2])
        if widget is None:
            return HttpResponse(GONE, status=404, content_type="text/plain; charset=utf-8")
        request.widget = widget  # type: ignore[attr-defined]
        request.path_info = request.META["PATH_INFO"] = _inside(match[3])
        request.META["SCRIPT_NAME"] = match[1]
        before = get_script_prefix()
        set_script_prefix(f"{match[1]}/")
        try:
            return _shown_on(widget, self._get_response(request))
        finally:
            set_script_prefix(before)


def _shown_on(widget: Widget, response: HttpResponseBase) -> HttpResponseBase:
    """The response, which only pages of this site and of the widget's may show in a frame."""
    ancestors = " ".join(["frame-ancestors 'self'", *widget.origins])
    policy = response.headers.get("Content-Security-Policy", "")
    response.headers["Content-Security-Policy"] = (
        _ANCESTORS.sub(ancestors, policy) if _ANCESTORS.search(policy) else ancestors
    )
    if "X-Frame-Options" in response.headers:
        del response.headers["X-Frame-Options"]  # it knows no list
    return response


class Visitors:
    """After authentication: below a widget, the request's user is the visitor, or nobody, and only MAY exists."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response; 404 for what is not in MAY, 403 for a form that another site sent."""
        widget = widget_of(request)
        if widget is None:
            return self._get_response(request)
        if _name(request.path_info) not in MAY:
            raise Http404(GONE)
        if request.method not in SAFE and not _is_own_page(request):
            return JsonResponse({"error": OTHER_SITE}, status=403)
        # Checked above by the page that sent it: browsers keep no cookie for a token in the frame of another site.
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        visitor = visitor_by_cookie(widget, request.COOKIES.get(COOKIE, ""))
        user: Any = visitor.user if visitor else AnonymousUser()

        async def auser() -> Any:
            return user

        request.visitor = visitor  # type: ignore[attr-defined]
        request.user, request.auser = user, auser
        return self._get_response(request)


def _name(path: str) -> str | None:
    try:
        return resolve(path).url_name
    except Resolver404:
        return None


def _is_own_page(request: HttpRequest) -> bool:
    """Whether a page of this site sent the request: browsers say which, with every form and script's request."""
    sent = request.headers.get("Origin", "").partition("://")[2]
    return bool(sent) and sent in (urlsplit(settings.SITE_URL).netloc, request.get_host())
