"""Builds the HTTP request of an operation and its arguments, without any secret. Pure: sends and reads nothing.

Arguments come from the model and are not trusted: none may leave the action's base path, add a header, or make the
request larger than the limit. Anything invalid is a ToolError for the model to read.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

import httpx
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from gpts.spec.actions import MESSAGE_CHARS, ActionSpec, Operation, Wire, host_of
from workers.tools import ToolError

USER_AGENT: Final = "Guildhall"
FILES_IN: Final = "openaiFileIdRefs"
RESERVED = ":/?#[]@!$&'()*+,;="
_DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "|", "simple": ","}


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file sent with a request."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without its secret. `shown_body` is the body for people."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None
    shown_body: str = ""

    @property
    def host(self) -> str:
        """The host, with the port if it is not the default."""
        return host_of(self.url)


def check_arguments(operation: Operation, arguments: dict[str, Any]) -> None:
    """Raise ToolError unless `arguments` match the operation's schema."""
    error = best_match(Draft202012Validator(operation.parameters).iter_errors(arguments))
    if error is not None:
        place = ".".join(map(str, error.absolute_path))
        raise ToolError(f"Invalid arguments{f' at “{place}”' if place else ''}: {error.message[:300]}.")


Read = Callable[[str], SentFile]


def _no_files(name: str) -> SentFile:
    return SentFile(name, "application/octet-stream", b"")


def build_request(
    action: ActionSpec, operation: Operation, arguments: dict[str, Any], read: Read = _no_files
) -> HttpRequest:
    """The request of a call. `read` returns an attached file by name. Raises ToolError."""
    check_arguments(operation, arguments)
    given = {name: value for name, value in arguments.items() if value is not None or name in operation.wires}
    url = _url(action, operation, given)
    headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5", "User-Agent": USER_AGENT}
    headers |= _headers(operation, given)
    body, shown, content_type = _body(operation, given, read)
    if body is not None:
        headers["Content-Type"] = content_type
    size = len(url) + len(shown) + sum(len(name) + len(value) for name, value in headers.items())
    if size >= MESSAGE_CHARS:
        raise ToolError(f"The request is too long: {size:,} characters; fewer than {MESSAGE_CHARS:,} are allowed.")
    return HttpRequest(operation.method, url, headers, body, shown)


def _wire(operation: Operation, name: str) -> Wire:
    if name in operation.wires:
        return operation.wires[name]
    is_simple = operation.places.get(name) in ("path", "header")
    return Wire(name=name, style="simple" if is_simple else "form", explode=not is_simple)


def _placed(operation: Operation, arguments: Mapping[str, Any], place: str) -> list[tuple[Any, Wire]]:
    return [
        (value, _wire(operation, name))
        for name, value in arguments.items()
        if operation.places.get(name, "body") == place
    ]


def _url(action: ActionSpec, operation: Operation, arguments: Mapping[str, Any]) -> str:
    path = operation.path
    for value, wire in _placed(operation, arguments, "path"):
        text = in_path(value, wire)
        # A server that decodes before it splits would see a slash or a parent folder here.
        decoded = _fully_decoded(text).replace("\\", "/")
        if not text or any(part in (".", "..") for part in decoded.split("/")):
            raise ToolError(f"The argument “{wire.name}” can't be part of a URL: {plain(value)[:80]!r}.")
        path = path.replace("{" + wire.name + "}", text)
    if "{" in path:
        raise ToolError("An argument in the URL's path is missing.")
    pairs = [pair for value, wire in _placed(operation, arguments, "query") for pair in in_query(value, wire)]
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{action.base_url.rstrip('/')}{path}{'?' + query if query else ''}"


def _fully_decoded(text: str) -> str:
    for _ in range(8):
        if (once := unquote(text)) == text:
            break
        text = once
    return text


def _headers(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, str]:
    headers = {}
    for value, wire in _placed(operation, arguments, "header"):
        text = in_header(value, wire)
        if not text.isascii() or not text.isprintable():
            raise ToolError(f"The argument “{wire.name}” goes into a header: only ASCII text on one line is allowed.")
        headers[wire.name] = text.strip()
    pairs = [pair for value, wire in _placed(operation, arguments, "cookie") for pair in in_query(value, wire)]
    return {**headers, "Cookie": "; ".join(f"{name}={value}" for name, value in pairs)} if pairs else headers


def _body(operation: Operation, arguments: Mapping[str, Any], read: Read) -> tuple[bytes | None, str, str]:
    """The body in bytes, the body for people, and its content type."""
    kind = operation.content_type
    if operation.whole_body:
        if operation.whole_body not in arguments:
            return None, "", kind
        value = arguments[operation.whole_body]
        text = value if kind.startswith("text/") and isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return text.encode(), text, f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    fields = {name: value for name, value in arguments.items() if operation.places.get(name, "body") == "body"}
    if not fields and not (operation.method in ("POST", "PUT", "PATCH") and "body" in operation.places.values()):
        return None, "", kind
    if kind == "application/x-www-form-urlencoded":
        wired = [(value, _form_wire(operation, name, value)) for name, value in fields.items()]
        text = "&".join(f"{name}={text}" for value, wire in wired for name, text in in_query(value, wire))
        return text.encode(), text, kind
    if kind == "multipart/form-data":
        return _multipart(operation, fields, read)
    return _json_body(operation, fields, kind, read)


def _form_wire(operation: Operation, name: str, value: Any) -> Wire:
    wire = _wire(operation, name)
    return wire.model_copy(update={"style": "deepObject"}) if isinstance(value, dict) else wire


def _json_body(operation: Operation, fields: dict[str, Any], kind: str, read: Read) -> tuple[bytes, str, str]:
    shown = {_wire(operation, name).name: value for name, value in fields.items()}
    sent = dict(shown)
    if operation.takes_files and isinstance(sent.get(FILES_IN), list):
        sent[FILES_IN] = [reference(read(str(name))) for name in sent[FILES_IN]]
    return json.dumps(sent, ensure_ascii=False).encode(), json.dumps(shown, indent=2, ensure_ascii=False), kind


def reference(file: SentFile) -> dict[str, str]:
    """A file as an entry of `openaiFileIdRefs`, its content in a data URL: the service may not reach this site."""
    content = b64encode(file.data).decode()
    link = f"data:{file.mime};base64,{content}"
    return {"name": file.name, "id": f"file-{file.name}", "mime_type": file.mime, "download_link": link}


def _multipart(operation: Operation, fields: dict[str, Any], read: Read) -> tuple[bytes, str, str]:
    parts: list[tuple[str, tuple[str | None, bytes, str | None]]] = []
    shown = []
    for name, value in fields.items():
        title = _wire(operation, name).name
        if name in operation.file_fields:
            file = read(str(value))
            parts.append((title, (file.name, file.data, file.mime)))
            shown.append(f"{title}: [the file {file.name}]")
        else:
            for each in value if isinstance(value, list) else [value]:
                parts.append((title, (None, plain(each).encode(), None)))
                shown.append(f"{title}: {plain(each)}")
    made = httpx.Request("POST", "https://example.org", files=parts)
    return made.read(), "\n".join(shown), made.headers["Content-Type"]


# The styles of OpenAPI (3.1, section 4.8.12.3).


def plain(value: Any) -> str:
    """A value as text; anything but text as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encoded(value: Any, wire: Wire) -> str:
    """`value` percent-encoded; with `reserved`, reserved characters other than # and & are kept."""
    return quote(plain(value), safe=RESERVED.replace("#", "").replace("&", "") if wire.reserved else "")


def in_query(value: Any, wire: Wire) -> list[tuple[str, str]]:
    """The encoded (name, value) pairs of a query or form."""
    name = quote(wire.name, safe="[]")
    if wire.style == "json":
        return [(name, encoded(json.dumps(value, ensure_ascii=False), wire))]
    if isinstance(value, dict):
        return _object_in_query(name, value, wire)
    if isinstance(value, list):
        items = [encoded(each, wire) for each in value]
        if wire.explode:
            return [(name, item) for item in items]
        return [(name, _DELIMITERS.get(wire.style, ",").join(items))] if items else []
    return [(name, encoded(value, wire))]


def _object_in_query(name: str, value: dict[str, Any], wire: Wire) -> list[tuple[str, str]]:
    if wire.style == "deepObject":
        return _deep(name, value, wire)
    pairs = [(quote(key, safe=""), encoded(each, wire)) for key, each in value.items()]
    if wire.explode:
        return pairs
    return [(name, _DELIMITERS.get(wire.style, ",").join(part for pair in pairs for part in pair))] if pairs else []


def _deep(name: str, value: dict[str, Any], wire: Wire) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, each in value.items():
        inner = f"{name}[{quote(key, safe='')}]"
        if isinstance(each, dict):
            pairs += _deep(inner, each, wire)
        elif isinstance(each, list):
            pairs += [(inner, encoded(item, wire)) for item in each]
        else:
            pairs.append((inner, encoded(each, wire)))
    return pairs


def in_path(value: Any, wire: Wire) -> str:
    """An encoded path segment, which no value can end."""
    items = _items(value, wire)
    if wire.style == "label":
        return "." + ("." if wire.explode else ",").join(items)
    if wire.style != "matrix":
        return ",".join(items)
    name = quote(wire.name, safe="")
    if isinstance(value, dict) and wire.explode:
        return "".join(f";{item}" for item in items)
    if isinstance(value, list) and wire.explode:
        return "".join(f";{name}={item}" for item in items)
    return f";{name}={','.join(items)}"


def _items(value: Any, wire: Wire) -> list[str]:
    # Reserved characters could end the segment, so `allowReserved` is ignored in paths.
    strict = wire.model_copy(update={"reserved": False})
    if wire.style == "json":
        return [encoded(json.dumps(value, ensure_ascii=False), strict)]
    if isinstance(value, list):
        return [encoded(each, strict) for each in value]
    if not isinstance(value, dict):
        return [encoded(value, strict)]
    if wire.explode:
        return [f"{quote(key, safe='')}={encoded(each, strict)}" for key, each in value.items()]
    return [part for key, each in value.items() for part in (quote(key, safe=""), encoded(each, strict))]


def in_header(value: Any, wire: Wire) -> str:
    """The value of a header: simple style, not encoded."""
    if wire.style == "json":
        return json.dumps(value)
    if isinstance(value, list):
        return ",".join(map(plain, value))
    if not isinstance(value, dict):
        return plain(value)
    join = "=" if wire.explode else ","
    return ",".join(f"{key}{join}{plain(each)}" for key, each in value.items())
