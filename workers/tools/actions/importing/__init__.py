"""Imports the operations of an OpenAPI document, which is not trusted."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from jsonschema.exceptions import ValidationError

from gpts.spec.actions import MAX_OPERATIONS, NAME_CHARS, Imported, Listed, Operation
from workers.tools.actions.importing.mapping import auth_hint, base_url, free_name, mapped, operations_of, servers_of
from workers.tools.actions.importing.reading import ImportRefused, read_document
from workers.tools.actions.importing.schemas import Schemas

__all__ = ["ImportRefused", "import_document"]

MAX_LISTED: Final = 2_000
MAX_PROBLEMS: Final = 5


def import_document(
    text: str, enabled: Sequence[str] | None = None, server: str = "", document_url: str = ""
) -> Imported:
    """The operations of the document. Raises ImportRefused.

    `enabled` are the names of those to import, None for the first MAX_OPERATIONS usable ones; `server` replaces the
    first server of the document.
    """
    # Not in workers, whose children alone check documents.
    from openapi_spec_validator.schemas import openapi_v30_schema_validator, openapi_v31_schema_validator

    document = read_document(text)
    schemas = Schemas(document)
    # Some documents name servers at their paths only.
    of_paths = (servers_of(item) for item in document["paths"].values() if isinstance(item, dict))
    servers = servers_of(document, document_url) or next(filter(None, of_paths), ())
    chosen = base_url(server) if server else next(iter(servers), "")
    if server and not chosen:
        raise ImportRefused("The server's URL must begin with https:// or http:// and have a host.")
    listed, usable = _all_operations(document, schemas, next(iter(servers), ""))
    # By the specification's own schema; nothing outside the document is read.
    is_30 = str(document["openapi"]).startswith("3.0")
    validator = openapi_v30_schema_validator if is_30 else openapi_v31_schema_validator
    problems = [_described(error) for error in islice(validator.iter_errors(document), MAX_PROBLEMS)]
    problem = f"{problems[0]}." if problems else ""
    if not listed:
        raise ImportRefused(problem or "At “paths”: no path has an operation (get, post …).")
    if not usable:
        why = f"No operation can be used. {listed[0].name}: {listed[0].warnings[0]}"
        raise ImportRefused(problem or why)
    info = document.get("info")
    title = str(info.get("title") or "") if isinstance(info, dict) else ""
    return Imported(
        title=" ".join(title.split())[:NAME_CHARS] or "Untitled",
        base_url=chosen,
        servers=servers,
        listed=listed,
        operations=_picked(usable, enabled),
        warnings=_warnings(problems, chosen, len(listed), len(usable), enabled),
        auth=auth_hint(document),
    )


def _all_operations(
    document: dict[str, Any], schemas: Schemas, base: str
) -> tuple[tuple[Listed, ...], dict[str, Operation]]:
    listed: list[Listed] = []
    usable: dict[str, Operation] = {}
    taken: set[str] = set()
    for source in islice(operations_of(document, schemas, base), MAX_LISTED):
        name = free_name(source, taken)
        row, made = mapped(name, source, schemas)
        listed.append(row)
        if made:
            usable[name] = made
    return tuple(listed), usable


def _picked(usable: dict[str, Operation], enabled: Sequence[str] | None) -> tuple[Operation, ...]:
    if enabled is None:
        current = [each for each in usable.values() if not each.deprecated] or list(usable.values())
        return tuple(current[:MAX_OPERATIONS])
    if len(enabled) > MAX_OPERATIONS:
        raise ImportRefused(f"Too many operations: {len(enabled)} of {MAX_OPERATIONS} allowed.")
    if unknown := [name for name in enabled if name not in usable]:
        raise ImportRefused(f"The document has no usable operation “{unknown[0][:64]}”.")
    return tuple(usable[name] for name in dict.fromkeys(enabled))


def _described(error: ValidationError) -> str:
    deepest = error
    while deepest.context:  # of the alternatives, the one that matched furthest
        deepest = max(deepest.context, key=lambda each: len(each.absolute_path))
    place = " → ".join(str(part) for part in deepest.absolute_path)
    return f"At “{place or 'the beginning'}”: {deepest.message[:160]}"


def _warnings(
    problems: list[str], chosen: str, n_listed: int, n_usable: int, enabled: Sequence[str] | None
) -> tuple[str, ...]:
    warnings = list(problems)
    if not chosen:
        warnings.append("At “servers”: no full URL. Enter the server's URL, such as https://api.example.org.")
    if chosen.startswith("http://"):
        warnings.append("The server is called without encryption (http://).")
    if n_listed >= MAX_LISTED:
        warnings.append(f"Only the first {MAX_LISTED} operations are listed.")
    if n_usable > MAX_OPERATIONS and enabled is None:
        warnings.append(f"An action can have up to {MAX_OPERATIONS} of these {n_usable} operations. Choose yours.")
    return tuple(warnings)
