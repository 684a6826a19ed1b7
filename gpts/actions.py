"""A creator's actions as values: operations of an OpenAPI document that a GPT may call, and how they sign in.

No secret is ever part of these: `auth` says which kind is needed, the secret is looked up where the request is made.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

AuthKind = Literal["none", "bearer", "basic", "header", "oauth"]
Place = Literal["path", "query", "header", "cookie", "body"]


class Operation(BaseModel):
    """One operation. `places` says where each argument goes; one that is in no place is a field of the JSON body.

    `parameters` is the JSON Schema of all arguments together. `consequential`: what the document's
    `x-openai-isConsequential` says; None where it is silent.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    summary: str = Field(default="", max_length=300)
    method: str
    path: str
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    places: dict[str, Place] = Field(default_factory=dict)
    content_type: str = "application/json"
    consequential: bool | None = None
    takes_files: bool = False


class ActionSpec(BaseModel):
    """The operations of one server. `action_id` is its row's id, under which the secret lies."""

    model_config = ConfigDict(frozen=True)

    action_id: str
    name: str
    base_url: str
    auth: AuthKind = "none"
    operations: tuple[Operation, ...] = ()


class McpTool(BaseModel):
    """A tool of an MCP server as it was listed when the creator saved it. `read_only` is the server's own hint."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    read_only: bool = False


class McpServer(BaseModel):
    """An MCP server of a GPT: `url` for HTTP, `command` for stdio (only where the operator allows it)."""

    model_config = ConfigDict(frozen=True)

    server_id: str
    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    auth: AuthKind = "none"
    tools: tuple[McpTool, ...] = ()
