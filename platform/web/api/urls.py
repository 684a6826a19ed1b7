"""URLs of the two APIs with their documents, and the health probes."""

from django.urls import path, re_path

from web.api import health, pages
from web.api.apis import urls_of
from web.api.native import native
from web.api.v1 import v1

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/docs", pages.docs, name="api_docs"),
    path("v1/", urls_of(v1)),
    path("api/", urls_of(native)),
    re_path(r"^(?P<api>v1|api)(?:/.*)?$", pages.not_found, name="api_nowhere"),
]
