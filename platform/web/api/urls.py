"""URLs of the two APIs with their documents, and the health probes."""

from django.urls import path, re_path

from web.api import health, pages
from web.api.errors import addresses, native_shape, openai_shape
from web.api.native import native
from web.api.v1 import v1

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/docs", pages.docs, name="api_docs"),
    path("v1/", addresses(v1, openai_shape)),
    path("api/", addresses(native, native_shape)),
    re_path(r"^(?P<door>v1|api)(?:/.*)?$", pages.nowhere, name="api_nowhere"),
]
