"""What a server's page asks of its own server: calls of tools that are for pages, and texts of resources.

Both as the person whose chat it is, and without forms: the server cannot ask them something meanwhile. The results
are for the page only: no model reads them.
"""

import json
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final

from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ReadResourceResult

from gpts.spec.actions import CALL_TIMEOUT_S, McpServer, McpTool, host_of
from workers.tools import ToolError
from workers.tools.credentials import scrub
from workers.tools.mcp.session import McpSession, SessionCall
from workers.tools.settings import ToolSettings

MAX_RESULT_CHARS: Final = 1_000_000
Result = CallToolResult | ReadResourceResult


def call_tool(
    settings: ToolSettings, server: McpServer, tool: McpTool, arguments: dict[str, Any], user_id: int
) -> dict[str, Any]:
    """The server's result as JSON, without secrets. Raises ToolError, SignInNeeded."""
    return _requested(settings, server, user_id, lambda client: client.call_tool(tool.name, arguments))


def read_resource(settings: ToolSettings, server: McpServer, address: str, user_id: int) -> dict[str, Any]:
    """A resource of the server as JSON, without secrets. Raises ToolError, SignInNeeded."""
    return _requested(settings, server, user_id, lambda client: client.read_resource(address))


def _requested(settings: ToolSettings, server: McpServer, user_id: int, send: SessionCall[Result]) -> dict[str, Any]:
    credential = settings.credential(server.auth, server.server_id, user_id, host_of(server.url))
    session = McpSession(settings, server, credential)
    result = session.request(partial(_said, send, server.name), CALL_TIMEOUT_S)
    text = scrub(json.dumps(result.model_dump(mode="json", by_alias=True, exclude_none=True)), credential)
    if len(text) > MAX_RESULT_CHARS:
        raise ToolError(f"{server.name} sent too much: {len(text):,} of {MAX_RESULT_CHARS:,} characters.")
    answer: dict[str, Any] = json.loads(text)
    return answer


async def _said(send: SessionCall[Result], name: str, client: Client) -> Result:
    answer: Awaitable[Result] = send(client)
    try:
        return await answer
    except MCPError as error:
        raise ToolError(f"{name}: {str(error)[:300]}", written_by=f"the answer of {name}") from None
