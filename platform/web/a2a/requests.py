"""What the SDK leaves to us of JSON-RPC requests: the version of one that names none, and errors of parameters."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from a2a.compat.v0_3.jsonrpc_adapter import JSONRPC03Adapter
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.types import TaskState
from a2a.utils.constants import PROTOCOL_VERSION_1_0, VERSION_HEADER
from django.http import HttpRequest
from pydantic import ValidationError

INVALID_PARAMS: Final = -32602


def read(body: bytes) -> dict[str, Any]:
    """The request; empty if it is no JSON object."""
    with suppress(ValueError, RecursionError):
        told = json.loads(body)
        return told if isinstance(told, dict) else {}
    return {}


def added_headers(request: HttpRequest, told: dict[str, Any], is_rest: bool) -> list[tuple[bytes, bytes]]:
    """The header of version 1.0 if it lacks: without it a request counts as one of 0.3, which has other methods."""
    if request.headers.get(VERSION_HEADER) or not (is_rest or _of_1_0(told.get("method"))):
        return []
    return [(VERSION_HEADER.lower().encode(), PROTOCOL_VERSION_1_0.encode())]


def _of_1_0(method: Any) -> bool:
    return isinstance(method, str) and method in JsonRpcDispatcher.METHOD_TO_MODEL


def params_error(told: dict[str, Any]) -> dict[str, Any] | None:
    """The response to a request whose parameters are invalid, which the SDK calls an invalid request; else None."""
    errors = list(_errors(told))
    if not errors or told.get("jsonrpc") != "2.0":
        return None
    name = told.get("id")
    error = {"code": INVALID_PARAMS, "message": "Invalid params", "data": {"errors": errors}}
    return {"jsonrpc": "2.0", "id": name if isinstance(name, str | int) else None, "error": error}


def _errors(told: dict[str, Any]) -> Iterator[dict[str, str]]:
    method = told.get("method")
    if isinstance(method, str) and not isinstance(told.get("params", {}), dict | list):
        yield {"field": "params", "message": "It must be an object."}
    elif isinstance(method, str) and (model := JSONRPC03Adapter.METHOD_TO_MODEL.get(method)):
        try:
            model.model_validate(told)
        except ValidationError as invalid:
            found = [(each["loc"], each["msg"]) for each in invalid.errors()]
            if all(place[0] == "params" for place, _ in found):
                for place, text in found:
                    yield {"field": ".".join(map(str, place)), "message": text}


def asks_no_status(request: HttpRequest, told: dict[str, Any]) -> bool:
    """Whether tasks are to be listed by a status that does not exist, which the SDK reads as any."""
    asked = request.GET.get("status")
    if told.get("method") == "ListTasks" and isinstance(told.get("params"), dict):
        asked = told["params"].get("status")
    return isinstance(asked, str) and asked not in TaskState.DESCRIPTOR.values_by_name
