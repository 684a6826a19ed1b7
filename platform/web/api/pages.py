"""The API reference page, and the response to unknown URLs under /v1 and /api."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from web.api.native import native
from web.api.v1 import v1


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The reference of both APIs, rendered from their OpenAPI documents."""
    apis = [{"name": name, "description": api.description} for api, name in ((v1, "v1"), (native, "api"))]
    return render(request, "api/docs.html", {"apis": apis, "site_url": settings.SITE_URL})


@csrf_exempt
def not_found(request: HttpRequest, api: str) -> HttpResponse:
    """404, which ProgramHttp gives the shape of the API."""
    return HttpResponseNotFound()
