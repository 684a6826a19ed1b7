"""RPC for the pages of MCP servers in a chat (MCP Apps): what one asks of its own server, under the policy for calls.

Whatever the page sends, the server may have chosen. The page knows what it was given, which went to that server or
came from it, and nothing else of the chat. So a call that only reads is made, and any other asks each time.
"""

import json
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from gpts.runs.steps import ToolCall, ToolResult, UserMessage
from gpts.safety.labels import untrusted
from gpts.safety.policy import Allow, Ask, CallContext, Mode, Standing, check
from gpts.spec.actions import McpServer, McpTool, named_mcp_tools
from gpts.spec.gpt import GptSpec
from web.runs import log
from web.runs.models_chats import AppCall
from workers.tools import ToolError
from workers.tools.mcp import describe, tool_spec
from workers.tools.settings import ToolSettings

NOT_THERE: Final = "This app isn’t available any more."
NOT_FOR_APPS: Final = "The server has no such tool for its apps."
TWICE: Final = "This was already done, or may have been: it isn’t repeated."
# Of a result, the record keeps its beginning.
KEPT_CHARS: Final = 4_000
Status = AppCall.Status


def perform(call_id: UUID, settings: ToolSettings, mode: Mode) -> dict[str, Any]:
    """Do what the page asked for, once, or ask the person; `result` is the server's, and only in this payload."""
    call = AppCall.objects.select_related("run__version").get(id=call_id)
    begun = call.status if call.status in (Status.NEW, Status.ALLOWED) else ""
    if not AppCall.objects.filter(id=call.id, status=begun).update(status=Status.STARTED):
        return {"refused": TWICE}
    try:
        server = _server(call)
        if begun == Status.NEW and (request := _asks(call, server, mode)):
            _end(call, Status.WAITING, request=request)
            return {}
        result = _result(call, server, settings)
    except ToolError as error:
        _end(call, Status.FAILED, outcome=str(error), ended=timezone.now())
        return {}
    _end(call, Status.DONE, outcome=json.dumps(result, ensure_ascii=False)[:KEPT_CHARS], ended=timezone.now())
    return {"result": result}


def _end(call: AppCall, status: Status, **facts: Any) -> None:
    AppCall.objects.filter(id=call.id).update(status=status, **facts)


def _server(call: AppCall) -> McpServer:
    """The server whose page it is. Raises ToolError."""
    steps = log.read(call.run_id)
    first = steps[0]
    assert isinstance(first, UserMessage)
    spec: GptSpec = first.overrides.applied_to(call.run.version.spec())
    named = named_mcp_tools(spec.mcp_servers, spec.actions)
    made = (each.name for each in steps if isinstance(each, ToolResult) and each.call_id == call.view)
    server, _ = named.get(next(made, ""), (None, None))
    if server is None:
        raise ToolError(NOT_THERE)
    return server


def _tool(call: AppCall, server: McpServer) -> McpTool:
    """The tool that the page calls. Raises ToolError unless it is for the server's pages."""
    tool = next((each for each in server.tools if each.name == call.tool and each.for_apps), None)
    if tool is None:
        raise ToolError(NOT_FOR_APPS)
    return tool


def _asks(call: AppCall, server: McpServer, mode: Mode) -> dict[str, Any] | None:
    """What the person must allow first; None for what may go ahead. Raises ToolError."""
    if not call.tool:
        return None  # the text goes from the server to its own page
    tool = _tool(call, server)
    spec = tool_spec(tool.name, server, tool)
    context = CallContext(label=untrusted(f"the app from {spec.host}", private=(f"action:{spec.host}",)))
    asked = ToolCall(call_id=str(call.id), name=tool.name, arguments=call.arguments)
    match check(asked, spec, context, Standing(mode=mode)):
        case Allow():
            return None
        case Ask():
            request = describe(server, tool, call.arguments)
            reason = f"The app from {spec.host} asks for this. It may change something there."
            return {
                "title": spec.title,
                "host": spec.host,
                "reason": reason,
                "plain": request.plain,
                "raw": request.raw,
            }
        case refusal:
            raise ToolError(refusal.reason)


def _result(call: AppCall, server: McpServer, settings: ToolSettings) -> dict[str, Any]:
    from workers.tools.mcp import app_calls  # on first use: loading the SDK takes a second

    owner_id = call.run.owner_id
    if call.tool:
        return app_calls.call_tool(settings, server, _tool(call, server), call.arguments, owner_id)
    return app_calls.read_resource(settings, server, call.address, owner_id)
