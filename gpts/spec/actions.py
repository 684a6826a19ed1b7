"""A creator's actions as values: operations of an OpenAPI document that a GPT may call, and how they sign in.

No secret is ever part of these: `auth` says which kind is needed, the secret is looked up where the request is made.
"""

import re
from collections.abc import Container, Iterable
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from gpts.spec.builtin_tools import BUILTIN_TOOLS

AuthKind = Literal["none", "bearer", "basic", "header", "oauth"]
Place = Literal["path", "query", "header", "cookie", "body"]
Style = Literal["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "json"]

# The limits that creators know from custom GPTs.
MAX_OPERATIONS: Final = 30
SUMMARY_CHARS: Final = 300
PARAMETER_CHARS: Final = 700
MESSAGE_CHARS: Final = 100_000  # fewer in a request, and fewer in a response
CALL_TIMEOUT_S: Final = 45.0
DOCUMENT_BYTES: Final = 2_000_000
NAME_CHARS: Final = 80
MAX_ACTIONS: Final = 10  # of one GPT, MCP servers counted apart
MAX_MCP_TOOLS: Final = 60  # of one server


def no_arguments() -> dict[str, Any]:
    """The JSON Schema of a call without arguments."""
    return {"type": "object", "properties": {}}


def host_of(url: str) -> str:
    """Name of the host in `url`, with the port where one is given. Raises ValueError where it is no address."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""


def host_name(url: str) -> str:
    """Name of the host in `url` alone; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


class Wire(BaseModel):
    """How an argument is written into the request, where that is not its own name in its place's usual style.

    The style "json" writes the value as JSON text (a parameter with `content`).
    """

    model_config = ConfigDict(frozen=True)

    name: str
    style: Style = "form"
    explode: bool = True
    reserved: bool = Field(default=False, description="Reserved characters stay as they are (allowReserved).")


class Operation(BaseModel):
    """One operation. `places` says where each argument goes; one that is in no place is a field of the JSON body.

    `parameters` is the JSON Schema of all arguments together. `consequential`: what the document's
    `x-openai-isConsequential` says; None where it is silent. `whole_body` names the argument that is the body itself,
    where the body is no object.
    """

    model_config = ConfigDict(frozen=True)

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
        """Whether a call changes nothing, as far as its method and document tell."""
        return self.method in ("GET", "HEAD") and self.consequential is not True


class ActionSpec(BaseModel):
    """The operations of one server. `action_id` is its row's id, under which the secret lies."""

    model_config = ConfigDict(frozen=True)

    action_id: str
    name: str
    base_url: str
    auth: AuthKind = "none"
    operations: tuple[Operation, ...] = ()


class Listed(BaseModel):
    """An operation as a creator picks it, with what was left out or shortened in it. `usable`: it can be called."""

    name: str
    method: str
    path: str
    summary: str
    usable: bool = True
    asks: bool = Field(default=False, description="Whether a person is asked before it is called.")
    warnings: tuple[str, ...] = ()


class AuthHint(BaseModel):
    """What a document says of signing in, to fill the form with."""

    kind: AuthKind = "none"
    header: str = ""
    authorize_url: str = ""
    token_url: str = ""
    scope: str = ""


class Imported(BaseModel):
    """An OpenAPI document as it was understood. `operations` are the enabled ones, at most MAX_OPERATIONS."""

    title: str
    base_url: str
    servers: tuple[str, ...]
    listed: tuple[Listed, ...]
    operations: tuple[Operation, ...]
    warnings: tuple[str, ...] = ()
    auth: AuthHint = AuthHint()


class McpTool(BaseModel):
    """A tool of an MCP server as it was listed when the creator saved it. `read_only` is the server's own hint."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=no_arguments)
    read_only: bool = False


class McpServer(BaseModel):
    """An MCP server of a GPT: `url` for HTTP, `command` for stdio (only where the operator allows it).

    `trusted`: the creator takes the server's word for which of its tools only read.
    """

    model_config = ConfigDict(frozen=True)

    server_id: str
    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    auth: AuthKind = "none"
    trusted: bool = False
    tools: tuple[McpTool, ...] = ()


def named_operations(actions: Iterable[ActionSpec]) -> dict[str, tuple[ActionSpec, Operation]]:
    """Each operation under the name by which it is called: its own, unless one before it or a capability has that."""
    named: dict[str, tuple[ActionSpec, Operation]] = {}
    for action in actions:
        for operation in action.operations:
            named[_free(operation.name, action.name, named)] = (action, operation)
    return named


def named_mcp_tools(
    servers: Iterable[McpServer], actions: Iterable[ActionSpec] = ()
) -> dict[str, tuple[McpServer, McpTool]]:
    """Each tool of the servers under the name by which it is called; `actions` of the same GPT come first."""
    taken = dict.fromkeys(named_operations(actions))
    named: dict[str, tuple[McpServer, McpTool]] = {}
    for server in servers:
        for tool in server.tools:
            name = _free(tool.name, server.name, taken)
            taken[name] = None
            named[name] = (server, tool)
    return named


def _free(wanted: str, owner: str, taken: Container[str]) -> str:
    """`wanted` in letters that a tool's name can have, with the owner's name or a number where it is taken."""
    base, prefix = letters(wanted)[:60] or "tool", letters(owner)
    tries = (base, f"{prefix[:20]}_{base}"[:60], *(f"{base}_{n}" for n in range(2, 1_000)))
    return first_free(tries, taken)


def letters(text: str) -> str:
    """`text` in letters that a tool's name can have; empty if it has none of them."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", text).strip("_")


def first_free(tries: Iterable[str], taken: Container[str]) -> str:
    """The first of `tries` that is neither taken nor the name of a tool of the platform's own."""
    return next(name for name in tries if name not in taken and name not in BUILTIN_TOOLS)
