"""Serializes arguments for paths, queries and headers in OpenAPI's styles (3.1, section 4.8.12.3)."""

import json
from typing import Any
from urllib.parse import quote

from gpts.spec.actions import Wire

RESERVED = ":/?#[]@!$&'()*+,;="
_DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "|", "simple": ","}


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
