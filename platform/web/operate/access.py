"""Who may open operators' pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from web.accounts.requests import PersonRequest


def operators_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that is there for operators only: 404 for others, the sign-in page for people who are not signed in."""

    @wraps(view)
    def guarded(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_staff:
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
