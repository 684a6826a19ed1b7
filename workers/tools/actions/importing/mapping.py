"""Turns one operation of an OpenAPI document into an `Operation`, or the reason why it cannot be used.

Also reads the servers and the authentication that the document declares.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from gpts.spec.actions import SUMMARY_CHARS, AuthHint, Listed, Operation, Place, Style, Wire
from workers.tools.actions.importing.schemas import BadReference, Notes, Schemas, described_with, shortened
from workers.tools.actions.requests import FILES_IN

MAX_SERVERS: Final = 20
METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options")
# Headers that arguments must not set. OpenAPI itself says that the first three are ignored.
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
    """The operation cannot be used; the message says why."""


@dataclass(slots=True)
class Arguments:
    """Collects the arguments of an operation."""

    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    wires: dict[str, Wire] = field(default_factory=dict)
    file_fields: list[str] = field(default_factory=list)

    def add(self, place: Place, wire: Wire, schema: dict[str, Any], required: bool) -> str:
        """Add an argument and return its name: the parameter's own, unless it is taken or invalid."""
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
        """The JSON Schema of all arguments."""
        made = {"type": "object", "properties": self.properties, "additionalProperties": False}
        return {**made, "required": self.required} if self.required else made


class SourceOperation(NamedTuple):
    """An operation in the document, under `method` of its path `item`. `base` is the document's server."""

    path: str
    method: str
    item: dict[str, Any]
    operation: dict[str, Any]
    base: str


def operations_of(document: dict[str, Any], schemas: Schemas, base: str) -> Iterator[SourceOperation]:
    """Yield the operations under `paths`."""
    for path, entry in document["paths"].items():
        try:
            item = schemas.resolve(entry)
        except BadReference:
            item = {}
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield SourceOperation(path, method, item, item[method], base)


def free_name(source: SourceOperation, taken: set[str]) -> str:
    """A unique name of letters, digits, _ and -, from the operation's id or its method and path; added to `taken`."""
    own = source.operation.get("operationId")
    wanted = own if isinstance(own, str) and own else f"{source.method} {source.path}"
    base = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted).strip("_")[:60] or source.method
    name = next(each for each in (base, *(f"{base}_{n}" for n in range(2, 10_000))) if each not in taken)
    taken.add(name)
    return name


def mapped(name: str, source: SourceOperation, schemas: Schemas) -> tuple[Listed, Operation | None]:
    """The operation as listed for its creator, and as called; None, with a warning, if it can't be used."""
    notes = Notes()
    texts = (source.operation.get(key) for key in ("summary", "description"))
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    summary = shortened(text, SUMMARY_CHARS, "summary", notes)
    listed = Listed(name=name, method=source.method.upper(), path=source.path[:300], summary=summary)
    try:
        made = _operation(name, source, schemas, notes).model_copy(update={"summary": summary})
    except (BadReference, Unusable) as error:
        return listed.model_copy(update={"usable": False, "warnings": (f"Can't be used: {error}.",)}), None
    if made.deprecated:
        notes.add("Deprecated.")
    warnings = tuple(notes.warnings[:8])
    return listed.model_copy(update={"asks": not made.reads_only, "warnings": warnings}), made


def _operation(name: str, source: SourceOperation, schemas: Schemas, notes: Notes) -> Operation:
    method, item, operation = source.method, source.item, source.operation
    path = source.path.split("#")[0]  # some documents use a fragment to list several operations of one path
    if not path.startswith("/") or len(path) > 300 or re.search(r"[\s?#\\]|//|/\.\.?(/|$)", path):
        raise Unusable("its path is invalid")
    own = servers_of(operation) or servers_of(item)
    if own and source.base not in own:
        raise Unusable(f"it is on another server, {own[0][:80]}; import it as a separate action with that server")
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
    """The parameters of the path and the operation, which overrides those of the path."""
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
        raise Unusable(f"its parameter “{name[:60]}” has an invalid name for a header")
    content = parameter.get("content")
    if isinstance(content, dict) and content:
        media, style, explode = next(iter(content.values())), "json", False
        schema = schemas.inline(media.get("schema") if isinstance(media, dict) else {}, notes)
    else:
        style = parameter.get("style") or _USUAL[place]
        if style not in _STYLES[place]:
            raise Unusable(f"its parameter “{name[:60]}” has the style “{str(style)[:20]}”, which {place} can't have")
        explode = parameter.get("explode", style in ("form", "deepObject"))
        schema = schemas.inline(parameter.get("schema", {}), notes)
    schema = {**schema, **described_with(parameter, notes)}
    wire = Wire(name=name, style=style, explode=explode is True, reserved=parameter.get("allowReserved") is True)
    arguments.add(place, wire, schema, required=place == "path" or parameter.get("required") is True)


def _check_path(path: str, arguments: Arguments) -> None:
    named = set(re.findall(r"\{([^{}]*)\}", path))
    in_path = [name for name, place in arguments.places.items() if place == "path"]
    known = {arguments.wires[name].name if name in arguments.wires else name for name in in_path}
    if missing := sorted(named - known):
        raise Unusable(f"its path needs “{missing[0][:60]}”, which is not among its parameters")


_ORDER: Final = ("application/json", "+json", "application/x-www-form-urlencoded", "multipart/form-data", "text/")


def _add_body(body: dict[str, Any], arguments: Arguments, schemas: Schemas, notes: Notes) -> tuple[str, str]:
    """The body's content type, and the name of the argument that holds all of it; "" if its fields are arguments."""
    content = body.get("content")
    kinds = [kind for kind in content if isinstance(kind, str)] if isinstance(content, dict) else []
    rank = {kind: n for kind in kinds for n, part in enumerate(_ORDER) if part in kind.lower()}
    required = body.get("required") is True
    if not rank:
        if required:
            raise Unusable(f"its body has an unsupported type ({', '.join(kinds)[:80] or 'none'})")
        notes.add("Its optional body has an unsupported type and isn't sent.")
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
        raise Unusable("its form isn't an object with fields")
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
            names = "Names of the attached files to send."
            each = {"type": "array", "items": {"type": "string"}, "description": names}
        name = arguments.add("body", Wire(name=field_name), each, field_name in required)
        if is_file:
            arguments.file_fields.append(name)


def servers_of(owner: dict[str, Any], document_url: str = "") -> tuple[str, ...]:
    """The http(s) URLs in `owner`'s `servers`, with variables at their defaults, relative to `document_url`."""
    listed = owner.get("servers")
    servers = listed[:MAX_SERVERS] if isinstance(listed, list) else []
    urls = [_expanded(each) for each in servers if isinstance(each, dict)] or ["/"]
    return tuple(dict.fromkeys(clean for url in urls if (clean := base_url(urljoin(document_url, url)))))


def base_url(url: str) -> str:
    """`url` without query and trailing slash; empty if it is not an http(s) URL with a host."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or re.search(r"[\s\\{}<>\"]", url):
        return ""
    netloc = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{netloc}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _expanded(server: dict[str, Any]) -> str:
    variables = server.get("variables")
    known = variables if isinstance(variables, dict) else {}

    def value(match: re.Match[str]) -> str:
        variable = known.get(match[1])
        return str(variable.get("default", match[0])) if isinstance(variable, dict) else match[0]

    return re.sub(r"\{([^{}]{1,80})\}", value, str(server.get("url", "")))


def auth_hint(document: dict[str, Any]) -> AuthHint:
    """The document's first supported authentication."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    for scheme in schemes.values() if isinstance(schemes, dict) else ():
        if isinstance(scheme, dict) and (hint := _hint(scheme)):
            return hint
    return AuthHint()


def _hint(scheme: dict[str, Any]) -> AuthHint | None:
    kind, place, way = (str(scheme.get(key, "")).lower() for key in ("type", "in", "scheme"))
    if kind == "apikey" and place == "header":
        return AuthHint(kind="header", header=str(scheme.get("name", ""))[:80])
    if kind == "http" and way in ("bearer", "basic"):
        return AuthHint(kind="bearer" if way == "bearer" else "basic")
    flows = scheme.get("flows")
    flow = flows.get("authorizationCode") if kind == "oauth2" and isinstance(flows, dict) else None
    if not isinstance(flow, dict):
        return None
    scopes = flow.get("scopes")
    return AuthHint(
        kind="oauth",
        authorize_url=base_url(str(flow.get("authorizationUrl", ""))),
        token_url=base_url(str(flow.get("tokenUrl", ""))),
        scope=" ".join(map(str, scopes))[:500] if isinstance(scopes, dict) else "",
    )
