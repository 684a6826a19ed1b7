"""Views that are loaded at their first request, because the SDK behind them takes up to a second to load."""

import asyncio
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string


def deferred(name: str, *, is_async: bool = False, csrf_exempt: bool = False) -> Callable[..., Any]:
    """The view with the dotted `name`. Both flags say of it what is needed before it is loaded."""

    def view(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        response: HttpResponseBase = import_string(name)(request, **parts)
        return response

    async def async_view(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        loaded = await asyncio.to_thread(import_string, name)  # not in the event loop, which all requests share
        response: HttpResponseBase = await loaded(request, **parts)
        return response

    chosen: Any = async_view if is_async else view
    chosen.csrf_exempt = csrf_exempt
    return chosen
