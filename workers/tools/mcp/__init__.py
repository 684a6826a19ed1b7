"""The tools of a GPT's MCP servers: listed when a server is saved, and called."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gpts.safety.invisible_characters import visible
from gpts.spec.actions import (
    CALL_TIMEOUT_S,
    MAX_MCP_TOOLS,
    SUMMARY_CHARS,
    McpServer,
    McpTool,
    host_of,
    named_mcp_tools,
)
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec
from workers.tools import Request, Tool, ToolContext, ToolError, ToolOutput, as_json, check_length, in_words
from workers.tools.actions.answers import from_outside, shown, with_files
from workers.tools.actions.files import decoded_base64, ending, keep_each
from workers.tools.actions.importing import ImportRefused
from workers.tools.actions.importing.confined import inline_confined
from workers.tools.credentials import NOTHING, Credential, scrub
from workers.tools.mcp import apps
from workers.tools.settings import ToolSettings

if TYPE_CHECKING:  # loading the SDK takes a second, and most GPTs have no MCP server
    from mcp.client import Client
    from mcp.types import CallToolResult

__all__ = ["describe", "granted", "list_tools", "tool_spec"]
MAX_PAGES: Final = 20


def granted(spec: GptSpec, settings: ToolSettings) -> dict[str, Tool]:
    """The tools of the GPT's MCP servers, by tool name."""
    return {
        name: Tool(
            tool_spec(name, server, tool), partial(call, settings, server, tool), partial(describe, server, tool)
        )
        for name, (server, tool) in named_mcp_tools(spec.mcp_servers, spec.actions).items()
    }


def tool_spec(name: str, server: McpServer, tool: McpTool) -> ToolSpec:
    """What calls of the tool do."""
    title = tool.name.replace("_", " ").replace("-", " ")
    return ToolSpec(
        name=name,
        description=tool.description or title,
        parameters=tool.parameters,
        effect="read" if tool.read_only and server.trusted else "write",
        title=title[:1].upper() + title[1:],
        reach="host",
        host=_host(server),
        operation=json.dumps([server.url, server.command, tool.name]),
        timeout_s=CALL_TIMEOUT_S,
        written_by="" if server.trusted else f"the tool descriptions of {_host(server)}",
    )


def _host(server: McpServer) -> str:
    return host_of(server.url) or server.name


def list_tools(settings: ToolSettings, server: McpServer, credential: Credential = NOTHING) -> tuple[McpTool, ...]:
    """The tools that the server offers. Raises ToolError."""
    from workers.tools.mcp.session import McpSession

    tools = McpSession(settings, server, credential).request(_list, CALL_TIMEOUT_S)
    if len(tools) > MAX_MCP_TOOLS:
        raise ToolError(f"{server.name} has {len(tools)} tools; at most {MAX_MCP_TOOLS} are supported.")
    try:
        schemas = inline_confined([each.input_schema for each in tools])
    except ImportRefused as error:
        raise ToolError(str(error)) from error
    has_pages = any(map(apps.address_of, tools))
    listed = (_tool(*each, credential, has_pages) for each in zip(tools, schemas, strict=True))
    # A name is part of a call, and of the request that a person approves: one that they can't read is left out.
    return tuple(each for each in listed if each.name.isprintable() and (each.for_models or each.for_apps))


async def _list(client: "Client") -> list[Any]:
    tools: list[Any] = []
    cursor = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor or len(tools) > MAX_MCP_TOOLS:
            break
    return tools


def _tool(listed: Any, parameters: dict[str, Any], credential: Credential, has_pages: bool) -> McpTool:
    """A listed tool, with its schema limited like those of OpenAPI documents. Without pages
    (`has_pages`), none calls it."""
    parameters = {**parameters, "type": "object", "properties": parameters.get("properties", {})}
    hints = listed.annotations
    return McpTool(
        name=str(listed.name)[:120],
        description=scrub(" ".join(visible(listed.description or listed.title or "").split()), credential)[
            :SUMMARY_CHARS
        ],
        parameters=parameters,
        read_only=bool(hints and hints.read_only_hint),
        app=apps.address_of(listed),
        for_models=apps.may_call(listed, "model"),
        for_apps=has_pages and apps.may_call(listed, "app"),
    )


def call(
    settings: ToolSettings, server: McpServer, tool: McpTool, arguments: dict[str, Any], context: ToolContext
) -> ToolOutput:
    """The server's result. Raises ToolError, SignInNeeded, and what `context.check` raises."""
    from workers.tools.mcp.session import McpSession

    check_length(json.dumps(arguments), "The request")
    credential = settings.credential(server.auth, server.server_id, context.user_id, host_of(server.url))
    session = McpSession(settings, server, credential)
    send = partial(_call, tool=tool, arguments=arguments)
    result, page = session.request(send, context.deadline_s, context.check, context.ask)
    output = _output(server, result, context, credential)
    if not page:
        return output
    data = apps.data_of(page, tool, arguments, result, credential)
    return replace(output, app=apps.kept(data, _host(server), context))


async def _call(client: "Client", tool: McpTool, arguments: dict[str, Any]) -> "tuple[CallToolResult, str]":
    """The result of the call, and the page that shows it; empty if there is none."""
    result = await client.call_tool(tool.name, arguments)
    return result, "" if result.is_error or not tool.app else await apps.read(client, tool.app)


def _output(server: McpServer, result: "CallToolResult", context: ToolContext, credential: Credential) -> ToolOutput:
    host = _host(server)
    texts = [scrub(text, credential) for text in _texts(result.content)]
    files = keep_each(_files(result.content), context, credential)
    structured = result.structured_content
    if structured is not None and not texts:
        texts = [scrub(json.dumps(structured, ensure_ascii=False), credential)]
    text = with_files("\n".join(texts), files)
    check_length(text, f"The response of {host}")
    text = text or f"{host} returned no content."
    return from_outside(host, text, shown(_as_values(texts)), files, ok=not result.is_error)


def _as_values(texts: list[str]) -> Any:
    """The values of a single text of JSON, to be shown as a table or list; else the texts."""
    if len(texts) == 1 and texts[0][:1] in ("{", "["):
        try:
            return json.loads(texts[0])
        except (ValueError, RecursionError):
            return texts[0]
    return "\n".join(texts) if texts else None


def _texts(content: Iterable[Any]) -> list[str]:
    texts = []
    for block in content:
        resource = getattr(block, "resource", None)
        if block.type == "text":
            texts.append(block.text)
        elif block.type == "resource_link":
            texts.append(f"{block.name}: {block.uri}")
        elif resource is not None and hasattr(resource, "text"):
            texts.append(resource.text)
    return texts


def _files(content: Iterable[Any]) -> Iterator[tuple[str, str, bytes]]:
    """The images, audio and other files of the result."""
    n_files = 0
    for block in content:
        data, mime = getattr(block, "data", None), getattr(block, "mime_type", "") or "application/octet-stream"
        resource = getattr(block, "resource", None)
        if resource is not None and hasattr(resource, "blob"):
            data, mime = resource.blob, resource.mime_type or "application/octet-stream"
        if isinstance(data, str):
            n_files += 1
            yield f"{block.type}-{n_files}.{ending(mime)}", mime, decoded_base64(data)


def describe(server: McpServer, tool: McpTool, arguments: dict[str, Any]) -> Request:
    """The call in plain language, and its full message."""
    raw = {"method": "tools/call", "params": {"name": tool.name, "arguments": arguments}}
    plain = f"Use {tool.name.replace('_', ' ')} on {_host(server)}.\n{in_words(arguments)}".strip()
    return Request(plain, as_json(raw))
