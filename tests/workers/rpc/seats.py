"""An MCP server with a page (MCP Apps) on loopback, and a run whose call it shows."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

from gpts.runs.steps import AppView, ModelReply, ToolCall, ToolResult
from gpts.spec.actions import McpServer
from tests.workers.tools.mcp.test_mcp import SECRET, settings
from web.builder.models import GptVersion
from web.runs import files, log
from web.runs.models import Run
from workers.tools.mcp import list_tools
from workers.tools.settings import ToolSettings

RESULT = {"content": [{"type": "text", "text": "4 free"}], "structuredContent": {"free": 4}}
READS = ToolAnnotations(read_only_hint=True)


@dataclass
class Seats:
    """The server: what it was asked to do is in `done`."""

    address: str = ""
    done: list[Any] = field(default_factory=list)

    def spec(self, trusted: bool = True) -> McpServer:
        """It as a server of a GPT, with its tools."""
        bare = McpServer(
            server_id="1", name="Seats", url=f"http://{self.address}/mcp", auth="bearer", trusted=trusted
        )
        return bare.model_copy(update={"tools": list_tools(settings(bare), bare)})

    @property
    def settings(self) -> ToolSettings:
        """Settings that reach it."""
        return settings(McpServer(server_id="1", name="Seats", url=f"http://{self.address}/mcp"))

    def made(self) -> MCPServer:
        """It as the SDK's own server."""
        server, done = MCPServer("Seats"), self.done
        page = {"ui": {"resourceUri": "ui://seats/map"}}

        @server.tool(meta=page, annotations=READS)
        def seats(row: int) -> dict[str, Any]:
            return {"row": row}

        @server.tool(meta={"ui": {"visibility": ["app"]}}, annotations=READS)
        def free(row: int) -> dict[str, Any]:
            done.append(("free", row))
            return {"free": [row, 9], "key": SECRET}

        @server.tool()
        def book(seat: int) -> str:
            done.append(("book", seat))
            return f"Booked {seat}."

        @server.tool(meta={"ui": {"visibility": ["model"]}}, annotations=READS)
        def for_models() -> str:
            done.append("for_models")
            return "never"

        @server.tool(annotations=READS)
        def long() -> str:
            return "a" * 1_100_000

        @server.resource("ui://seats/map", mime_type="text/html;profile=mcp-app")
        def shown() -> str:
            return "<!doctype html><title>Seats</title>"

        @server.resource("seats://prices")
        def prices() -> str:
            return f"4 EUR {SECRET}"

        return server


@contextmanager
def served() -> Iterator[Seats]:
    """The server while the block lasts."""
    seats = Seats()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(seats.made().streamable_http_app(), log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        seats.address = f"127.0.0.1:{listener.getsockname()[1]}"
        yield seats
        server.should_exit = True
        thread.join(timeout=10)


def give(run: Run, *servers: McpServer) -> None:
    """Let the GPT of the run have these servers."""
    spec = run.version.spec().model_copy(update={"mcp_servers": servers})
    GptVersion.objects.filter(id=run.version_id).update(data=spec.model_dump(mode="json"))


def show(run: Run, host: str, html: str = "<title>Seats</title>", lease: str = "") -> None:
    """Let the run call the tool “seats”, whose result the server shows with this page."""
    call = ToolCall(call_id="c1", name="seats", arguments={"row": 3})
    log.append(run.id, ModelReply(text="", tool_calls=(call,)), lease)
    tool = {"name": "seats", "inputSchema": {"type": "object"}}
    given = {"html": html, "tool": tool, "arguments": call.arguments, "result": RESULT}
    file = files.keep(run, "app.json", json.dumps(given).encode(), untrusted=True)
    view = AppView(file_id=file.id, host=host)
    log.append(run.id, ToolResult(call_id="c1", name="seats", text="4 free", app=view), lease)
