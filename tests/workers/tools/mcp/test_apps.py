"""Pages of a server that show its results: the SDK's own server on loopback offers some."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer

from gpts.runs.steps import FileRef
from gpts.spec.actions import McpServer, host_of
from tests.workers.tools.mcp.test_mcp import SECRET, context, kept, settings, tools  # noqa: F401 (fixtures)
from workers.tools.mcp import apps, list_tools

MIME = "text/html;profile=mcp-app"
PAGE = f"<!doctype html><title>Seats</title><script>/* {SECRET} */</script>"


def made() -> MCPServer:
    server = MCPServer("Seats")

    @server.tool(meta={"ui": {"resourceUri": "ui://seats/map"}})
    def seats(row: int) -> dict[str, Any]:
        """Shows the seats."""
        return {"row": row, "free": [1, 2], "key": SECRET}

    @server.tool(meta={"ui/resourceUri": "ui://seats/map"})
    def older() -> str:
        return "older"

    @server.tool(meta={"ui": {"resourceUri": "ui://seats/map", "visibility": ["app"]}})
    def hidden() -> str:
        return "for pages only"

    @server.tool(meta={"ui": {"resourceUri": "ui://seats/none"}})
    def no_page() -> str:
        return "fine"

    @server.tool(meta={"ui": {"resourceUri": "ui://seats/picture"}})
    def no_html() -> str:
        return "fine"

    @server.tool(meta={"ui": {"resourceUri": "https://evil.example/"}})
    def elsewhere() -> str:
        return "fine"

    @server.tool(meta={"ui": {"resourceUri": "ui://seats/map"}})
    def fails() -> str:
        raise ValueError("no seats")

    @server.resource("ui://seats/map", mime_type=MIME)
    def page() -> str:
        return PAGE

    @server.resource("ui://seats/picture", mime_type="image/svg+xml")
    def picture() -> str:
        return "<svg/>"

    return server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(made().streamable_http_app(), log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def server(address) -> McpServer:
    bare = McpServer(server_id="1", name="Seats", url=f"http://{address}/mcp", auth="bearer")
    return bare.model_copy(update={"tools": list_tools(settings(bare), bare)})


@pytest.fixture
def keeping(context) -> Any:  # noqa: F811
    stored: list[tuple[str, bytes, bool]] = []

    def keep(name: str, mime: str, data: bytes, *, untrusted: bool = False) -> FileRef:
        stored.append((name, data, untrusted))
        return FileRef(id="7", name=name, mime=mime)

    return replace(context, keep=keep), stored


def test_tools_name_their_pages_and_those_for_pages_only_are_not_offered(server):
    listed = {tool.name: tool.app for tool in server.tools}
    assert listed["seats"] == listed["older"] == "ui://seats/map"
    assert listed["elsewhere"] == ""
    assert "hidden" not in tools(server)
    (hidden,) = (tool for tool in server.tools if tool.name == "hidden")
    assert (hidden.for_models, hidden.for_apps) == (False, True)


def test_the_page_is_kept_with_all_that_it_is_given_and_no_secret(server, keeping):
    its_context, stored = keeping
    output = tools(server)["seats"].run({"row": 4}, its_context)
    assert output.app == apps.AppView(file_id="7", host=host_of(server.url))
    assert output.files == ()  # no download
    ((name, data, untrusted),) = stored
    given = json.loads(data)
    assert (name, untrusted, given["arguments"], given["tool"]["name"]) == ("app.json", True, {"row": 4}, "seats")
    assert given["result"]["structuredContent"]["free"] == [1, 2]
    assert given["html"].startswith("<!doctype html><title>Seats")
    assert SECRET not in data.decode()


@pytest.mark.parametrize("name", ["no_page", "no_html", "elsewhere"])
def test_a_result_without_a_page_is_the_result(server, keeping, name):
    its_context, stored = keeping
    output = tools(server)[name].run({}, its_context)
    assert (output.text, output.ok, output.app, stored) == ("fine", True, None, [])


def test_a_failed_call_has_no_page(server, keeping):
    its_context, stored = keeping
    output = tools(server)["fails"].run({}, its_context)
    assert (output.ok, output.app, stored) == (False, None, [])


def test_a_page_that_is_too_long_is_left_out(server, keeping, monkeypatch):
    its_context, stored = keeping
    monkeypatch.setattr(apps, "MAX_PAGE_CHARS", 10)
    assert (tools(server)["older"].run({}, its_context).text, stored) == ("older", [])
