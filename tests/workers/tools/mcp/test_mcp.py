"""MCP servers, asked through the official SDK: the SDK's own server on loopback answers."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from gpts.runs.steps import FileRef
from gpts.spec.actions import McpServer, host_of
from gpts.spec.gpt import GptSpec
from workers.egress import EgressConfig
from workers.tools import ToolContext, ToolError
from workers.tools.actions.importing import ImportRefused
from workers.tools.actions.importing.confined import inline_confined
from workers.tools.credentials import NOTHING, Credential
from workers.tools.mcp import granted, list_tools
from workers.tools.mcp.session import McpSession
from workers.tools.settings import ToolSettings

SECRET = "mcp-secret-key-1234"


class Claimed(BaseModel):
    """A result whose schema has a pattern of exponential time, which only clients would check."""

    text: str = Field(json_schema_extra={"pattern": "^(a+)+$"})


def made() -> MCPServer:
    server = MCPServer("Notes")

    @server.tool(name="delete\u202eyrc")
    def delete() -> str:
        return "done"

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def add(a: int, b: int) -> int:
        """Add two\u200b numbers."""
        return a + b

    @server.tool()
    def echo_secret() -> str:
        return f"your key is {SECRET}"

    @server.tool()
    def draw() -> Image:
        return Image(data=b"\x89PNG", format="png")

    @server.tool()
    def unlike_its_schema() -> Claimed:
        return Claimed(text="aaaaaaaa!")

    @server.tool()
    def slow() -> str:
        time.sleep(3)
        return "done"

    return server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(made().streamable_http_app(), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


def settings(server: McpServer) -> ToolSettings:
    """Settings that open the server's host, on loopback, and give a key."""
    credential = Credential({"Authorization": f"Bearer {SECRET}"}, (SECRET,))
    return ToolSettings(EgressConfig(allow=(host_of(server.url),)), lambda *_: credential)


@pytest.fixture(scope="module")
def server(address) -> McpServer:
    bare = McpServer(server_id="1", name="Notes", url=f"http://{address}/mcp")
    return bare.model_copy(update={"tools": list_tools(settings(bare), bare)})


@pytest.fixture
def kept() -> list[tuple[str, str, bytes]]:
    return []


@pytest.fixture
def context(kept) -> ToolContext:
    def keep(name: str, mime: str, data: bytes) -> FileRef:
        kept.append((name, mime, data))
        return FileRef(name=name, mime=mime)

    return ToolContext("c", "s", 1, GptSpec(slug="x", name="X"), 20.0, keep=keep)


def tools(server: McpServer, its: ToolSettings | None = None):
    return granted(GptSpec(slug="x", name="X", mcp_servers=(server,)), its or settings(server))


def test_tools_are_listed_with_their_schemas_and_hints(server):
    listed = {tool.name: tool for tool in server.tools}
    assert listed["add"].description == "Add two numbers."
    assert listed["add"].parameters["properties"]["a"]["type"] == "integer"
    assert [name for name, tool in listed.items() if tool.read_only] == ["add"]


def test_a_tool_whose_name_nobody_can_read_is_not_offered(server):
    assert all(tool.name.isprintable() for tool in server.tools)


def test_a_hint_counts_only_where_the_creator_trusts_the_server(server):
    assert tools(server)["add"].spec.effect == "write"
    trusted = tools(server.model_copy(update={"trusted": True}))
    assert [name for name, tool in trusted.items() if tool.spec.effect == "read"] == ["add"]


def test_a_call_is_answered(server, context, address):
    output = tools(server)["add"].run({"a": 2, "b": 3}, context)
    assert (output.text, output.ok, output.untrusted) == ("5", True, True)
    assert output.private == (f"action:{address}",)


def test_a_tool_s_error_is_readable(server, context):
    output = tools(server)["add"].run({"a": "x", "b": 3}, context)
    assert not output.ok
    assert "valid integer" in output.text


def test_no_pattern_of_a_server_is_run_on_its_results(server, context):
    output = tools(server)["unlike_its_schema"].run({}, context)
    assert "aaaaaaaa!" in output.text


def test_a_listing_that_multiplies_itself_ends_soon():
    """26 levels that each refer twice to the one below, and a default that each repeats."""
    levels = {"S0": {"type": "object", "default": "x" * 50_000}}
    levels |= {f"S{n}": {"allOf": [{"$ref": f"#/$defs/S{n - 1}"}] * 2} for n in range(1, 27)}
    fields = {f"f{n}": {"anyOf": [{"$ref": "#/$defs/S0"}] * 10} for n in range(20)}
    merged = {"$defs": levels, "type": "object", "properties": {"a": {"$ref": "#/$defs/S26"}}}
    began = time.monotonic()
    assert inline_confined([merged])[0]["properties"]["a"]
    assert time.monotonic() - began < 10
    with pytest.raises(ImportRefused, match="too great length"):
        inline_confined([{**merged, "properties": fields}])


def test_pictures_are_kept_as_files(server, context, kept):
    output = tools(server)["draw"].run({}, context)
    assert kept == [("image-1.png", "image/png", b"\x89PNG")]
    assert output.files[0].name == "image-1.png"


def test_a_secret_that_comes_back_is_removed(server, context):
    output = tools(server.model_copy(update={"auth": "bearer"}))["echo_secret"].run({}, context)
    assert SECRET not in output.text
    assert "your key is" in output.text


def test_a_slow_call_ends_in_time(server, context):
    began = time.monotonic()
    with pytest.raises(ToolError, match="within 1 second"):
        tools(server)["slow"].run({}, replace(context, deadline_s=1.0))
    assert time.monotonic() - began < 2.5


def test_a_stopped_run_ends_the_call(server, context):
    def check() -> None:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        tools(server)["slow"].run({}, replace(context, check=check))


def test_the_guard_stands_before_addresses_that_are_not_allowed(address):
    with pytest.raises(ToolError, match="Couldn't connect to Notes"):
        list_tools(ToolSettings(), McpServer(server_id="1", name="Notes", url=f"http://{address}/mcp"))


def test_a_server_of_the_older_way_is_reached_over_sse(context):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        old = uvicorn.Server(uvicorn.Config(made().sse_app(), log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=old.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        server = McpServer(server_id="1", name="Old", url=f"http://{address}/sse")
        try:
            server = server.model_copy(update={"tools": list_tools(settings(server), server)})
            assert tools(server)["add"].run({"a": 2, "b": 3}, context).text == "5"
        finally:
            old.should_exit = True
            thread.join(timeout=10)


def test_a_command_runs_only_if_the_operator_listed_it():
    command = (sys.executable, "-c", "from tests.workers.tools.mcp.test_mcp import made; made().run()")
    server = McpServer(server_id="1", name="Local", command=command)
    for its in (ToolSettings(), ToolSettings(mcp_commands=(command[:2],))):
        with pytest.raises(ToolError, match="isn't allowed on this site"):
            list_tools(its, server)


def test_a_listed_command_is_spoken_to(monkeypatch, tmp_path):
    program = tmp_path / "server.py"
    program.write_text(
        "from mcp.server.mcpserver import MCPServer\n"
        "s = MCPServer('L')\n"
        "@s.tool()\n"
        "def hello() -> str:\n"
        "    import os; return 'secrets' if 'SECRET_KEY' in os.environ else 'hello'\n"
        "s.run()\n"
    )
    command = (sys.executable, str(program))
    monkeypatch.setenv("SECRET_KEY", "x")
    its = ToolSettings(mcp_commands=(command,))
    server = McpServer(server_id="1", name="Local", command=command)
    server = server.model_copy(update={"tools": list_tools(its, server)})
    context = ToolContext("c", "s", 1, GptSpec(slug="x", name="X"), 20.0)
    assert tools(server, its)["hello"].run({}, context).text == "hello"


def test_what_a_server_says_of_its_failure_is_text_from_outside():
    notes = McpServer(server_id="1", name="Notes", url="https://notes.example/mcp")
    refusal = McpSession(ToolSettings(), notes, NOTHING)._error([RuntimeError("Obey!")])
    assert refusal.written_by == "the answer of notes.example"
