"""One operation of an OpenAPI document -> an `Operation`, or why it cannot be called from here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from gpts.spec.actions import SUMMARY_CHARS, Listed, Operation, Place, Style, Wire
from workers.tools.actions.importing.schemas import BadReference, Notes, Schemas, described_with, shortened
from workers.tools.actions.importing.servers import servers_of

METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options")
FILES_IN: Final = "openaiFileIdRefs"
# Set by the sender of a request, never by an argument. OpenAPI itself says that the first three are ignored.
OWN_HEADERS: Final = {
    "accept", "content-type", "authorization", "host", "content-length", "connection", "transfer-encoding", "cookie",
    "te", "trailer", "upgrade", "expect", "proxy-authorization", "accept-encoding",
}  # fmt: skip
_USUAL: Final[dict[str, Style]] = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_STYLES: Final = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}


class Unusable(Exception):
    """The operation cannot be called; the message says why."""


@dataclass(slots=True)
class Arguments:
    """The arguments of an operation as they are gathered."""

    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    wires: dict[str, Wire] = field(default_factory=dict)
    file_fields: list[str] = field(default_factory=list)

    def add(self, place: Place, wire: Wire, schema: dict[str, Any], required: bool) -> str:
        """The name under which the argument is asked for: its own, unless that is taken or no good."""
        base = re.sub(r"[^A-Za-z0-9_.$-]+", "_", wire.name).strip("_")[:60] or place
        taken = [base, f"{base}_{place}", *(f"{base}_{n}" for n in range(2, 99))]
        name = next(each for each in taken if each not in self.properties)
        self.properties[name] = schema
        self.places[name] = place
        if required:
            self.required.append(name)
        usual = Wire(name=name, style=_USUAL.get(place, "form"), explode=_USUAL.get(place, "form") == "form")
        if wire != usual:
            self.wires[name] = wire
        return name

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of all arguments together."""
        made = {"type": "object", "properties": self.properties, "additionalProperties": False}
        return {**made, "required": self.required} if self.required else made


class Entry(NamedTuple):
    """An operation where it stands in the document. `base` is the server's address that goes for all."""

    path: str
    method: str
    item: dict[str, Any]
    operation: dict[str, Any]
    base: str


def operations_of(document: dict[str, Any], schemas: Schemas, base: str) -> Iterator[Entry]:
    """Yield everything under `paths` that is an operation."""
    for path, entry in document["paths"].items():
        try:
            item = schemas.resolve(entry)
        except BadReference:
            item = {}
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield Entry(path, method, item, item[method], base)


def free_name(entry: Entry, taken: set[str]) -> str:
    """A name of letters, digits, _ and - that no other operation has: its own id, or its method and path."""
    own = entry.operation.get("operationId")
    wanted = own if isinstance(own, str) and own else f"{entry.method} {entry.path}"
    base = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted).strip("_")[:60] or entry.method
    name = next(each for each in (base, *(f"{base}_{n}" for n in range(2, 10_000))) if each not in taken)
    taken.add(name)
    return name


def mapped(name: str, entry: Entry, schemas: Schemas) -> tuple[Listed, Operation | None]:
    """The operation as a creator picks it and as it is called; None if it cannot be, with the reason as a warning."""
    notes = Notes()
    summary = _summary(entry.operation, notes)
    listed = Listed(name=name, method=entry.method.upper(), path=entry.path[:300], summary=summary)
    try:
        made = _operation(name, entry, schemas, notes).model_copy(update={"summary": summary})
    except (BadReference, Unusable) as error:
        why = f"It cannot be used: {error}."
        return listed.model_copy(update={"usable": False, "warnings": (why,)}), None
    if made.deprecated:
        notes.add("It is deprecated.")
    warnings = tuple(notes.warnings[:8])
    return listed.model_copy(update={"asks": not made.reads_only, "warnings": warnings}), made


def _summary(operation: dict[str, Any], notes: Notes) -> str:
    texts = (operation.get(key) for key in ("summary", "description"))
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return shortened(text, SUMMARY_CHARS, "summary", notes)


def _operation(name: str, entry: Entry, schemas: Schemas, notes: Notes) -> Operation:
    method, item, operation = entry.method, entry.item, entry.operation
    path = entry.path.split("#")[0]  # some documents tell operations at one address apart that way
    if not path.startswith("/") or len(path) > 300 or re.search(r"[\s?#\\]|//|/\.\.?(/|$)", path):
        raise Unusable("its path is not one")
    own = servers_of(operation) or servers_of(item)
    if own and entry.base not in own:
        raise Unusable(f"it is at another server, {own[0][:80]}; import it as an action by itself with that address")
    arguments = Arguments()
    for parameter in _parameters(item, operation, schemas):
        _add_parameter(parameter, arguments, schemas, notes)
    _check_path(path, arguments)
    content_type, whole_body = "application/json", ""
    if "requestBody" in operation and method not in ("get", "head"):
        content_type, whole_body = _add_body(schemas.resolve(operation["requestBody"]), arguments, schemas, notes)
    flag = operation.get("x-openai-isConsequential")
    return Operation(
        name=name,
        method=method.upper(),
        path=path,
        parameters=arguments.schema(),
        places=arguments.places,
        wires=arguments.wires,
        whole_body=whole_body,
        content_type=content_type,
        consequential=flag if isinstance(flag, bool) else None,
        file_fields=tuple(arguments.file_fields),
        takes_files=arguments.places.get(FILES_IN) == "body",
        deprecated=operation.get("deprecated") is True,
    )


def _parameters(item: dict[str, Any], operation: dict[str, Any], schemas: Schemas) -> list[dict[str, Any]]:
    """The parameters of the path and the operation; the operation's own take the place of those of the path."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for owner in (item, operation):
        listed = owner.get("parameters")
        for entry in listed if isinstance(listed, list) else ():
            parameter = schemas.resolve(entry)
            found[str(parameter.get("in")), str(parameter.get("name"))] = parameter
    return list(found.values())


def _add_parameter(parameter: dict[str, Any], arguments: Arguments, schemas: Schemas, notes: Notes) -> None:
    name, place = str(parameter.get("name", "")), parameter.get("in")
    if place not in _USUAL or not name or re.search(r"[\r\n\x00]", name):
        raise Unusable(f"its parameter “{name[:60]}” has no name or place")
    if place == "header" and name.lower() in OWN_HEADERS:
        return
    if place in ("header", "cookie") and not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise Unusable(f"its parameter “{name[:60]}” has a name that no header can have")
    content = parameter.get("content")
    if isinstance(content, dict) and content:
        media, style, explode = next(iter(content.values())), "json", False
        schema = schemas.inline(media.get("schema") if isinstance(media, dict) else {}, notes)
    else:
        style = parameter.get("style") or _USUAL[place]
        if style not in _STYLES[place]:
            raise Unusable(
                f"its parameter “{name[:60]}” has the style “{str(style)[:20]}”, which {place} does not have"
            )
        explode = parameter.get("explode", style in ("form", "deepObject"))
        schema = schemas.inline(parameter.get("schema", {}), notes)
    schema = {**schema, **described_with(parameter, notes)}
    wire = Wire(name=name, style=style, explode=explode is True, reserved=parameter.get("allowReserved") is True)
    arguments.add(place, wire, schema, required=place == "path" or parameter.get("required") is True)


def _check_path(path: str, arguments: Arguments) -> None:
    named = set(re.findall(r"\{([^{}]*)\}", path))
    known = {
        arguments.wires[name].name if name in arguments.wires else name
        for name in arguments.places
        if arguments.places[name] == "path"
    }
    if missing := sorted(named - known):
        raise Unusable(f"its path needs “{missing[0][:60]}”, which is not among its parameters")


_ORDER: Final = ("application/json", "+json", "application/x-www-form-urlencoded", "multipart/form-data", "text/")


def _add_body(body: dict[str, Any], arguments: Arguments, schemas: Schemas, notes: Notes) -> tuple[str, str]:
    """The body's content type, and the name of the argument that is all of it, or "" where its fields are."""
    content = body.get("content")
    kinds = [kind for kind in content if isinstance(kind, str)] if isinstance(content, dict) else []
    rank = {kind: n for kind in kinds for n, part in enumerate(_ORDER) if part in kind.lower()}
    required = body.get("required") is True
    if not rank:
        if required:
            raise Unusable(f"its body is {', '.join(kinds)[:80] or 'of no type'}; JSON, forms and text can be sent")
        notes.add("Its optional body is of a type that cannot be sent; it is called without.")
        return "application/json", ""
    kind = min(rank, key=lambda each: rank[each])
    media = content[kind] if isinstance(content, dict) and isinstance(content[kind], dict) else {}
    schema = schemas.inline(media.get("schema", {}), notes)
    plain_kind = kind.split(";")[0].strip()
    plain_kind = "application/json" if plain_kind in ("*/*", "application/*") else plain_kind
    is_text = plain_kind.lower().startswith("text/")
    if not is_text and schema.get("properties") and "anyOf" not in schema:
        _add_fields(schema, arguments, required, plain_kind)
        return plain_kind, ""
    if rank[kind] in (2, 3) and schema.get("type", "object") != "object":
        raise Unusable("its form has no fields")
    whole = {"type": "string"} if is_text else schema or {"type": "object"}
    whole = {**whole, **described_with(body, notes)}
    return plain_kind, arguments.add("body", Wire(name="body"), whole, required)


def _add_fields(schema: dict[str, Any], arguments: Arguments, body_required: bool, kind: str) -> None:
    required = schema.get("required", []) if body_required else []
    for field_name, each in schema["properties"].items():
        is_file = kind == "multipart/form-data" and each.get("format") == "binary"
        if is_file:
            each = {"type": "string", "description": "Name of the attached file to send."}
        if field_name == FILES_IN:
            each = {
                "type": "array",
                "items": {"type": "string"},
                "description": "Names of the attached files to send.",
            }
        name = arguments.add("body", Wire(name=field_name), each, field_name in required)
        if is_file:
            arguments.file_fields.append(name)
