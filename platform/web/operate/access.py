"""Who may open operators' pages: admins all of them, and smaller roles those in one table."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from web.accounts.requests import PersonRequest

# What each role opens besides admins: how the names of its pages begin. No settings, no people, no backups.
PAGES: Final = {
    "is_moderator": (
        *("admin:index", "admin:jsi18n"),
        *("admin:moderation_case_", "admin:case_act", "admin:builder_listingreview_", "admin:listing_decide"),
        *("review_hide", "api:list_reports", "api:decide_report", "api:answer_appeal"),
        *("api:list_listings", "api:decide_listing", "api:list_reported_reviews", "api:hide_review"),
    ),
}


def may_open(person: Any, page: str) -> bool:
    """Whether the person may open the page with this name, such as “admin:index”."""
    if not person.is_authenticated or not person.is_active:
        return False
    return person.is_staff or any(getattr(person, role) and page.startswith(names) for role, names in PAGES.items())


def page_of(request: HttpRequest) -> str:
    """The name of the page that was asked for."""
    return request.resolver_match.view_name if request.resolver_match else ""


def operators_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for those in PAGES: 404 for others, the sign-in page for people who are not signed in."""

    @wraps(view)
    def guarded(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_open(request.user, page_of(request)):
            raise Http404
        return view(request, *args, **kwargs)

    return never_cache(login_required(guarded))


def confirmed_first(view: Callable[..., Any]) -> Callable[..., Any]:
    """A form that is there after a fresh sign-in.

    allauth would keep what is sent too late in the session until then, and it may hold keys: the form begins anew.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and is_reauthentication_required(request, app=""):
            return redirect(request.get_full_path())
        return reauthentication_required(view)(request, *args, **kwargs)

    return guarded
