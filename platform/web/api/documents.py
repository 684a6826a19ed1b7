"""Completes the OpenAPI documents that ninja makes, so that linters and generators of clients find no gaps."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings

EXAMPLES: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
LICENSE: Final = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}


def complete(document: dict[str, Any]) -> None:
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
