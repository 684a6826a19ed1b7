"""A creator's actions as values: the operations of an OpenAPI document that a GPT may call, and their authentication.

They never hold a secret: `auth` gives the kind, and the secret is looked up where the request is made.
"""

import re
from collections.abc import Container, Iterable
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field

from gpts.safety.links import unmistakable
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.file_tools import FILE_TOOLS
from gpts.values import Value

AuthKind = Literal["none", "bearer", "basic", "header", "oauth"]
Place = Literal["path", "query", "header", "cookie", "body"]
Style = Literal["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "json"]

# The limits of custom GPTs in ChatGPT, which creators know.
MAX_OPERATIONS: Final = 30
SUMMARY_CHARS: Final = 300
PARAMETER_CHARS: Final = 700
MESSAGE_CHARS: Final = 100_000  # of a request, and of a response
CALL_TIMEOUT_S: Final = 45.0
DOCUMENT_BYTES: Final = 2_000_000
NAME_CHARS: Final = 80
MAX_ACTIONS: Final = 10  # per GPT, not counting MCP servers
MAX_MCP_TOOLS: Final = 60  # per server


def no_arguments() -> dict[str, Any]:
    """The JSON Schema of a call without arguments."""
    return {"type": "object", "properties": {}}


def host_of(url: str) -> str:
    """The host in `url`, with its port if given. Raises ValueError if `url` is not a valid URL."""
    parts = urlsplit(url)
    host = unmistakable(parts.hostname or "")
    return f"{host}:{parts.port}" if parts.port else host


def call_of(method: str, base_url: str, path: str) -> str:
    """What an operation calls: its key is kept for this."""
    return f"{method} {base_url}{path}"


def host_name(url: str) -> str:
    """The host name in `url`, without the port; empty if there is none."""
    try:
        return unmistakable(urlsplit(url).hostname or "")
    except ValueError:
        return ""


class Wire(Value):
    """How an argument is written into the request, if not under its own name in the default style of its location.

    The style "json" writes the value as JSON text (a parameter with `content`).
    """

    name: str
    style: Style = "form"
    explode: bool = True
    reserved: bool = Field(default=False, description="Reserved characters stay as they are (allowReserved).")


class Operation(Value):
    """One operation. `places` maps arguments to their locations; an argument without one is a field of the JSON body.

    `parameters` is the JSON Schema of all arguments together. `consequential` is the document's
    `x-openai-isConsequential`, None if absent. `whole_body` names the argument that is the entire body, for bodies
    that are not objects.
    """

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    summary: str = Field(default="", max_length=SUMMARY_CHARS)
    method: str
    path: str
    parameters: dict[str, Any] = Field(default_factory=no_arguments)
    places: dict[str, Place] = Field(default_factory=dict)
    wires: dict[str, Wire] = Field(default_factory=dict)
    whole_body: str = ""
    content_type: str = "application/json"
    consequential: bool | None = None
    file_fields: tuple[str, ...] = Field(default=(), description="Arguments that name an attached file to send.")
    takes_files: bool = Field(default=False, description="It has `openaiFileIdRefs`, a list of attached files.")
    deprecated: bool = False

    @property
    def reads_only(self) -> bool:
        """Whether a call changes nothing, judging by its method and document."""
        return self.method in ("GET", "HEAD") and self.consequential is not True


class ActionSpec(Value):
    """The operations of one server. `action_id` is its row's id, under which its secret is stored."""

    action_id: str
    name: str
    base_url: str
    auth: AuthKind = "none"
    operations: tuple[Operation, ...] = ()


class Listed(Value):
    """An operation as listed for the creator, with what was omitted or shortened. `usable`: it can be called."""

    name: str
    method: str
    path: str
    summary: str
    usable: bool = True
    asks: bool = Field(default=False, description="Whether each call needs a person's approval.")
    warnings: tuple[str, ...] = ()


class AuthHint(Value):
    """The authentication that a document describes, to prefill the form."""

    kind: AuthKind = "none"
    header: str = ""
    authorize_url: str = ""
    token_url: str = ""
    scope: str = ""


class Imported(Value):
    """A parsed OpenAPI document. `operations` are the enabled ones, at most MAX_OPERATIONS."""

    title: str
    base_url: str
    servers: tuple[str, ...]
    listed: tuple[Listed, ...]
    operations: tuple[Operation, ...]
    warnings: tuple[str, ...] = ()
    auth: AuthHint = AuthHint()


class McpTool(Value):
    """A tool of an MCP server as listed when the creator saved it. `read_only` is the server's own hint.

    `app` is the address of a page of the server ("ui://…") that shows the tool's results, see MCP Apps. `for_models`:
    models may call it; `for_apps`: the server's own pages may.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=no_arguments)
    read_only: bool = False
    app: str = ""
    for_models: bool = True
    for_apps: bool = False


class McpServer(Value):
    """An MCP server of a GPT: `url` for HTTP, `command` for stdio (only where the operator allows it).

    `trusted`: the creator accepts the server's hints about which tools only read.
    """

    server_id: str
    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    auth: AuthKind = "none"
    trusted: bool = False
    tools: tuple[McpTool, ...] = ()


def named_operations(actions: Iterable[ActionSpec]) -> dict[str, tuple[ActionSpec, Operation]]:
    """Operations by tool name: their own name, unless an earlier operation or a capability already has it."""
    named: dict[str, tuple[ActionSpec, Operation]] = {}
    for action in actions:
        for operation in action.operations:
            named[_free(operation.name, action.name, named)] = (action, operation)
    return named


def named_mcp_tools(
    servers: Iterable[McpServer], actions: Iterable[ActionSpec] = ()
) -> dict[str, tuple[McpServer, McpTool]]:
    """The servers' tools for models by tool name; `actions` of the same GPT take precedence."""
    taken = dict.fromkeys(named_operations(actions))
    named: dict[str, tuple[McpServer, McpTool]] = {}
    for server in servers:
        for tool in (each for each in server.tools if each.for_models):
            name = _free(tool.name, server.name, taken)
            taken[name] = None
            named[name] = (server, tool)
    return named


def _free(wanted: str, owner: str, taken: Container[str]) -> str:
    """`wanted` reduced to valid tool-name characters, with the owner's name or a number added if it is taken."""
    base, prefix = letters(wanted)[:60] or "tool", letters(owner)
    tries = (base, f"{prefix[:20]}_{base}"[:60], *(f"{base}_{n}" for n in range(2, 1_000)))
    return first_free(tries, taken)


def letters(text: str) -> str:
    """`text` reduced to valid tool-name characters; may be empty."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", text).strip("_")


def first_free(tries: Iterable[str], taken: Container[str]) -> str:
    """The first of `tries` that is not in `taken` and is not the name of one of the platform's own tools."""
    return next(name for name in tries if name not in taken and name not in {*BUILTIN_TOOLS, *FILE_TOOLS})
