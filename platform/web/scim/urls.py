"""The addresses below /scim/v2/, with the names of what answers in web.scim.views.

That is loaded at the first request: scim2_models looks for the documentation of its fields in all loaded modules
(Python 3.13 no longer does), which took each process of the site two seconds at its start (2026-11-28).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def _endpoint(**names: str) -> Callable[..., HttpResponse]:
    """The view of an address, from the names of its handlers by method."""

    @cache
    def loaded() -> Callable[..., HttpResponse]:
        from web.scim import views

        return views.endpoint(**{method: getattr(views, name) for method, name in names.items()})

    @csrf_exempt
    def view(request: HttpRequest, **parts: Any) -> HttpResponse:
        return loaded()(request, **parts)

    return view


urlpatterns = [
    path("ServiceProviderConfig", _endpoint(GET="config")),
    path("ResourceTypes", _endpoint(GET="resource_types")),
    path("ResourceTypes/<key>", _endpoint(GET="resource_type")),
    path("Schemas", _endpoint(GET="schemas")),
    path("Schemas/<key>", _endpoint(GET="schema")),
    path("Users", _endpoint(GET="list_people", POST="create_person")),
    path(
        "Users/<key>",
        _endpoint(GET="read_person", PUT="replace_person", PATCH="patch_person", DELETE="delete_person"),
    ),
    path("Groups", _endpoint(GET="list_groups", POST="create_group")),
    path(
        "Groups/<key>",
        _endpoint(GET="read_group", PUT="replace_group", PATCH="patch_group", DELETE="delete_group"),
    ),
    path("<path:rest>", _endpoint(**dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), "nowhere"))),
]
