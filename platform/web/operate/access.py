"""Who may open operators' pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
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
