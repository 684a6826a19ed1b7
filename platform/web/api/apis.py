"""What the site's APIs share: names in their documents, and errors in the shape of the path, whoever made them."""

import json
import tomllib
from collections.abc import Iterator
from functools import cached_property, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as RequestInvalid
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from web.api.errors import Problem, problem_of, respond

EXAMPLES: Final = tomllib.loads(Path(__file__).with_name("documents.toml").read_text("utf-8"))
LICENSE: Final = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}


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
        _complete(document)
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


def _complete(document: dict[str, Any]) -> None:
    """Add the site's URL, licence, tags, types of items, fields that tell alternatives apart, and examples."""
    document["servers"] = [{"url": settings.SITE_URL}]
    document["info"]["license"] = LICENSE
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    names = dict.fromkeys(tag for each in operations for tag in each.get("tags", ()))
    document["tags"] = [{"name": name} for name in names]
    schemas = document["components"]["schemas"]
    for part in _objects(document):
        _type_items(part)
        _require_discriminator(part, schemas)
    _drop_unused(document, schemas)
    for name in EXAMPLES.keys() & schemas.keys():
        schemas[name]["examples"] = [EXAMPLES[name]]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in `value`, itself included."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()


def _type_items(part: dict[str, Any]) -> None:
    """A tuple's items: of one type, or any of its types."""
    if isinstance(types := part.get("prefixItems"), list) and "items" not in part:
        distinct = list({json.dumps(each, sort_keys=True): each for each in types}.values())
        part["items"] = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def _require_discriminator(part: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Alternatives need the field that tells them apart, though each has a default for it."""
    told_apart = part.get("discriminator")
    if not isinstance(told_apart, dict) or "mapping" not in told_apart:
        return
    for reference in told_apart["mapping"].values():
        schema = schemas[reference.rpartition("/")[2]]
        schema["required"] = list(dict.fromkeys([*schema.get("required", ()), told_apart["propertyName"]]))


def _drop_unused(document: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Remove schemas of which only the fields are used, as parameters of a query or a form."""
    used = {each.get("$ref") for each in _objects(document)}
    for name in [name for name in schemas if f"#/components/schemas/{name}" not in used]:
        del schemas[name]
