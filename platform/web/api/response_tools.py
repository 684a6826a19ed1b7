"""The tools that a request to `/v1/responses` names: the caller's functions, and which of the GPT's own it may use.

A request that names tools of the GPT narrows them to those; it never adds one. The GPT's files are always searched,
since they are a part of what the GPT is. The policy judges each call as on any other way in.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from gpts.runs.delegation import named_delegates
from gpts.spec.actions import host_name, named_mcp_tools, named_operations
from gpts.spec.agents import named_remote_agents
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from gpts.values import Text
from web.api.errors import ApiError
from web.api.functions import MAX_FUNCTIONS, NAME, FunctionDefinition, FunctionName, FunctionTool

HostedType = Literal[
    "file_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "code_interpreter",
    "image_generation",
]
STORE_NAME: Final = re.compile(r"vs_([0-9a-f]{32})")
# Settings of these tools that would limit what is read, so that ignoring them would mislead.
_LIMITS: Final = ("filters", "authorization", "headers", "connector_id")


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class ResponseFunction(FunctionDefinition):
    """A function of the caller, as Responses writes it."""

    type: Literal["function"]


class Namespace(_Open):
    """Functions of the caller under a common name, which calls repeat. The model knows each by both names."""

    type: Literal["namespace"]
    name: FunctionName
    description: Text | None = None
    tools: Annotated[list[ResponseFunction], Field(min_length=1, max_length=MAX_FUNCTIONS)]


class HostedTool(_Open):
    """A built-in tool: one of the GPT's capabilities, or its files with those of the caller's own vector stores.

    Its other settings are ignored.
    """

    type: HostedType
    vector_store_ids: Annotated[list[Text], Field(max_length=20)] | None = None

    @property
    def names_stores(self) -> bool:
        """Whether it names any vector store, whoever has it."""
        return self.type == "file_search" and any(map(STORE_NAME.fullmatch, self.vector_store_ids or ()))


class AllowedTools(_Open):
    """The tools of a server that may be used."""

    tool_names: list[Text] | None = None


class McpServerTool(_Open):
    """An MCP server or action of the GPT, by the host that it calls."""

    type: Literal["mcp"]
    server_label: Text
    server_url: Text | None = None
    allowed_tools: list[Text] | AllowedTools | None = None


class NamedChoice(_Open):
    """The tool that must be called, or the ones that may be."""

    type: Text
    name: Text | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[dict[str, Any]] = []


ResponseTool = Annotated[ResponseFunction | Namespace | HostedTool | McpServerTool, Field(discriminator="type")]
ResponseToolChoice = Literal["none", "auto", "required"] | NamedChoice


def functions_in(tools: Sequence[ResponseTool]) -> list[FunctionTool]:
    """The caller's functions among `tools`, as chat completions have them."""
    own = [tool for tool in tools if isinstance(tool, ResponseFunction)]
    spaced = (
        each.model_copy(update={"name": joined(tool.name, each.name), "description": _described(each, tool)})
        for tool in tools
        if isinstance(tool, Namespace)
        for each in tool.tools
    )
    return [FunctionTool(type="function", function=tool) for tool in (*own, *spaced)]


def _described(function: ResponseFunction, namespace: Namespace) -> str | None:
    """What the model reads of the function: also what its namespace is, which it sees nowhere else."""
    return "\n\n".join(filter(None, (function.description, namespace.description))) or None


def joined(namespace: str | None, name: str) -> str:
    """The name by which the model knows a function. Raises ApiError if it is too long."""
    whole = f"{namespace}__{name}" if namespace else name
    if not re.fullmatch(NAME, whole):
        text = f"“{name}” and its namespace have more than 62 characters together."
        raise ApiError(400, text, "tools", "invalid_value")
    return whole


def names_of(function: str, tools: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """`name`, and `namespace` if it has one, of the function that the model knows as `function`."""
    for tool in tools:
        for each in tool["tools"] if tool["type"] == "namespace" else ():
            if joined(tool["name"], each["name"]) == function:
                return {"name": each["name"], "namespace": tool["name"]}
    return {"name": function}


def own_tools(tools: Sequence[ResponseTool], spec: GptSpec) -> tuple[str, ...] | None:
    """The names of the GPT's tools among `tools`; None, all of them, if it names none. Raises ApiError."""
    hosted = [(place, tool) for place, tool in enumerate(tools) if isinstance(tool, HostedTool | McpServerTool)]
    if not hosted:
        return None
    named = (name for place, tool in hosted for name in _named(tool, spec, f"tools.{place}"))
    return tuple(dict.fromkeys(named))


def _named(tool: HostedTool | McpServerTool, spec: GptSpec, place: str) -> tuple[str, ...]:
    names_stores = isinstance(tool, HostedTool) and tool.names_stores
    for name in _LIMITS:
        if name == "filters" and names_stores:
            continue
        if (tool.model_extra or {}).get(name):
            text = f"“{name}” isn’t supported: the GPT’s creator decides that. Leave it out."
            raise ApiError(400, text, f"{place}.{name}", "unsupported_parameter")
    if isinstance(tool, McpServerTool):
        return _of_server(tool, spec, place)
    if tool.type == "file_search" and (spec.knowledge or names_stores):
        return ()
    names = capability_tools(tool.type)
    if not any(names == CAPABILITIES[key].tools for key in spec.capabilities if key in CAPABILITIES):
        raise ApiError(400, f"{spec.name} doesn’t have “{tool.type}”.", f"{place}.type", "unsupported_tool")
    return names


def capability_tools(kind: str) -> tuple[str, ...]:
    """The names of the GPT's tools behind a built-in tool of OpenAI's; empty for files and unknown ones."""
    key = "web_browsing" if kind.startswith("web_search") else kind
    return CAPABILITIES[key].tools if key in CAPABILITIES else ()


def _of_server(tool: McpServerTool, spec: GptSpec, place: str) -> tuple[str, ...]:
    wanted = host_name(tool.server_url) if tool.server_url else tool.server_label
    names = [name for name, label in server_labels(spec).items() if label == wanted.casefold()]
    allowed = tool.allowed_tools.tool_names if isinstance(tool.allowed_tools, AllowedTools) else tool.allowed_tools
    if not names:
        field = "server_url" if tool.server_url else "server_label"
        raise ApiError(400, f"{spec.name} doesn’t use “{wanted[:80]}”.", f"{place}.{field}", "unsupported_tool")
    return tuple(name for name in names if allowed is None or name in allowed)


def server_labels(spec: GptSpec) -> dict[str, str]:
    """What stands for the server of each tool of the GPT that is not built in: its host, or the GPT that it asks."""
    urls = {
        **{name: action.base_url for name, (action, _) in named_operations(spec.actions).items()},
        **{name: server.url for name, (server, _) in named_mcp_tools(spec.mcp_servers, spec.actions).items()},
        **{name: agent.url for name, agent in named_remote_agents(spec).items()},
    }
    gpts = {name: delegate.slug for name, delegate in named_delegates(spec.delegates).items()}
    return {**gpts, **{name: host_name(url).casefold() for name, url in urls.items()}}


def chosen(choice: ResponseToolChoice | None, functions: Sequence[str], own: Sequence[str] | None) -> str:
    """auto, none, required or the name of the tool to call, of those that the request names. Raises ApiError."""
    named = [*functions, *(own or ())]
    if isinstance(choice, str) or choice is None:
        if choice == "required" and not named:
            raise ApiError(400, "“tool_choice” requires a call, but there are no “tools”.", "tool_choice")
        return choice or "auto"
    if choice.type == "allowed_tools":
        return choice.mode
    if choice.type == "file_search":
        return "auto"  # The files are searched in any case.
    wanted = capability_tools(choice.type)[:1] or (choice.name or "",)
    if wanted[0] not in named:
        text = f"“tools” has no “{(choice.name or choice.type)[:80]}”."
        raise ApiError(400, text, "tool_choice.name" if choice.name else "tool_choice.type", "invalid_value")
    return wanted[0]


def allowed(tools: Sequence[ResponseTool], choice: ResponseToolChoice | None) -> list[ResponseTool]:
    """`tools` without those that a choice of type `allowed_tools` leaves out."""
    if not isinstance(choice, NamedChoice) or choice.type != "allowed_tools":
        return list(tools)
    keys = ("type", "name", "server_label")
    wanted = [{key: each[key] for key in keys if key in each} for each in choice.tools]
    return [tool for tool in tools if any(each.items() <= tool.model_dump().items() for each in wanted)]
