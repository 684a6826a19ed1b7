"""What the site's APIs share: names in their documents, and errors in the shape of the path, whoever made them."""

from functools import cached_property, partial
from http import HTTPStatus
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as RequestInvalid
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from web.api.documents import complete
from web.api.errors import Problem, problem_of, respond


class Api(NinjaAPI):
    """An API whose operation ids, from which clients are generated, are plain function names."""

    error_type = "application/json"

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The name of the function, which is unique within an API."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The document, which anyone may request and which takes half a second to build."""
        return super().get_openapi_schema(**options) if any(options.values()) else self._document

    @cached_property
    def _document(self) -> OpenAPISchema:
        document = super().get_openapi_schema()
        for methods in document["paths"].values():
            for operation in methods.values():
                self._describe_errors(operation["responses"])
        complete(document)
        return document

    def _describe_errors(self, responses: dict[int | str, Any]) -> None:
        """Every operation may also answer with errors of its door, as when there are too many requests."""
        responses["default"] = {**responses[401], "description": "Any other error"}
        for status, response in responses.items():
            if (status == "default" or int(status) >= 400) and "content" in response:
                response["content"] = {self.error_type: next(iter(response["content"].values()))}


def handle_errors(api: NinjaAPI) -> None:
    """Make `api` respond to every exception in the shape at its path."""

    def handle(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
        return respond(problem_of(cast(Exception, error)), request.path)

    for kind in (Exception, Http404, HttpError, RequestInvalid):  # the four that ninja handles itself
        api.add_exception_handler(kind, handle)


def urls_of(api: NinjaAPI) -> tuple[list[URLResolver | URLPattern], str, str]:
    """The URL patterns of `api` for `path`."""
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        # ninja's own two views, the OpenAPI document and the API root, accept any method.
        if isinstance(pattern, URLPattern) and isinstance(pattern.callback, partial):
            pattern.callback = require_safe(pattern.callback)
    return patterns, app_name, namespace


def shaped(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response; in place of an error of Django's or ninja's own, one in the shape of the path.

    OPTIONS is answered with the methods that there are.
    """
    if request.method == "OPTIONS" and response.status_code == 405 and "Allow" in response.headers:
        methods = {*response.headers["Allow"].split(", "), "OPTIONS"}
        also = {"HEAD"} if "GET" in methods else set()
        return HttpResponse(status=204, headers={"Allow": ", ".join(sorted(methods | also))})
    if response.status_code < 400 or "json" in response.headers.get("Content-Type", ""):
        return response
    problem = Problem(response.status_code, HTTPStatus(response.status_code).phrase + ".")
    if response.status_code == 404:
        problem = Problem(404, f"Not found: {request.method} {request.path[:200]}.", code="unknown_url")
    if response.status_code == 405:
        problem = Problem(405, f"{request.method} is not allowed here.", code="method_not_allowed")
    error = respond(problem, request.path)
    if "Allow" in response.headers:
        error.headers["Allow"] = ", ".join(sorted(response.headers["Allow"].split(", ")))
    return error
