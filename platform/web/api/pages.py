"""The reference page, and what every unknown address under /v1 and /api answers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from web.api.errors import Problem, native_shape, openai_shape, respond
from web.api.native import native
from web.api.reference import sections
from web.api.v1 import v1


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The reference of both APIs, made from the same documents that programs read."""
    doors = []
    for api, name in ((v1, "v1"), (native, "api")):
        schema = api.get_openapi_schema()
        doors.append({"info": schema["info"], "name": name, "sections": sections(schema)})
    return render(request, "api/docs.html", {"doors": doors, "site_url": settings.SITE_URL})


@csrf_exempt
def nowhere(request: HttpRequest, door: str) -> HttpResponse:
    """404 in the format of the API that was requested."""
    problem = Problem(404, f"Not found: {request.method} {request.path[:200]}.", code="unknown_url")
    return respond(problem, openai_shape if door == "v1" else native_shape)
