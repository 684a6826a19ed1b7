"""Servers of strangers that hang: a call ends when nothing comes for a while, and in any case when its time is up."""

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event

import pytest

from gpts.spec.actions import ActionSpec, McpServer, Operation
from gpts.spec.gpt import GptSpec
from tests.workers.egress.servers import Asked, serving
from web.builder.models_actions import Action
from workers.egress import EgressConfig, FetchLimits
from workers.rpc import actions as action_calls
from workers.rpc import sign_ins
from workers.tools import ToolContext, ToolError, mcp
from workers.tools.a2a import cards
from workers.tools.actions import calling, granted
from workers.tools.mcp import session as mcp_session
from workers.tools.settings import SearchSettings, ToolSettings
from workers.tools.web import pages
from workers.tools.web_search import providers

SILENT_S, ALL_S = 0.25, 0.6
SPEC = GptSpec(slug="x", name="X")


def call_action(url: str, settings: ToolSettings, path: str = "/parts") -> object:
    operation = Operation(name="parts", method="GET", path=path)
    action = ActionSpec(action_id="1", name="Parts", base_url=url, operations=(operation,))
    tools = granted(SPEC.model_copy(update={"actions": (action,)}), settings)
    return tools["parts"].run({}, ToolContext("c1", "s1", 2, SPEC, 45.0))


def exchange_code(url: str, settings: ToolSettings) -> object:
    action = Action(name="Parts", oauth={"client_id": "x", "token_url": f"{url}/token"})
    return sign_ins._tokens(settings.egress, action, "authorization_code", code="c")


def search(url: str, settings: ToolSettings) -> object:
    settings = replace(settings, search=SearchSettings("searxng", url))
    return providers.PROVIDERS["searxng"]("seals", 3, settings, lambda: None)


CALLS: dict[str, Callable[[str, ToolSettings], object]] = {
    "an action": call_action,
    "a file that it links to": lambda url, settings: call_action(url, settings, "/linked"),
    "the tools of an MCP server": lambda url, settings: mcp.list_tools(
        settings, McpServer(server_id="1", name="Notes", url=f"{url}/mcp")
    ),
    "an Agent Card": lambda url, settings: cards.read_card(settings.egress, f"{url}/card"),
    "a web page": lambda url, settings: pages.opened(url, settings.egress, lambda: None),
    "a search": search,
    "a sign-in": exchange_code,
    "an OpenAPI document": lambda url, settings: action_calls.read_action("", url, {}, settings),
}


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    """The limits of every kind of call, a fraction of a second long."""
    short = {"timeout_s": ALL_S, "silence_s": SILENT_S}
    for owner, name in (
        *((cards, "LIMITS"), (sign_ins, "TOKEN_LIMITS"), (action_calls, "_FETCH")),
        (providers, "_LIMITS"),
    ):
        limits = getattr(owner, name)
        assert limits.silence_s < limits.timeout_s <= 20
        monkeypatch.setattr(owner, name, replace(limits, **short))
    for owner in (calling, mcp_session):
        assert owner.SILENT_S < mcp.CALL_TIMEOUT_S <= 45
        monkeypatch.setattr(owner, "SILENT_S", SILENT_S)
    for owner, name in ((calling, "CALL_TIMEOUT_S"), (calling, "FILES_S"), (mcp, "CALL_TIMEOUT_S")):
        assert getattr(owner, name) <= 45
        monkeypatch.setattr(owner, name, ALL_S)
    monkeypatch.setattr(pages, "FetchLimits", lambda n, s, **more: FetchLimits(n, min(s, ALL_S), SILENT_S, **more))


def outcome(call: Callable[[str, ToolSettings], object], answer: Callable[[Asked], None]) -> str:
    """How the call of a server that hangs ends, which must be soon."""

    def hang(asked: Asked) -> None:
        if asked.path == "/linked":
            asked.give(200, b'{"openaiFileResponse": ["http://%s/file"]}' % asked.headers["host"].encode())
        else:
            answer(asked)

    begun = time.monotonic()
    with serving(hang) as server:
        address = f"127.0.0.1:{server.port}"
        try:
            result = call(f"http://{address}", ToolSettings(EgressConfig(allow=(address,))))
        except ToolError as error:
            result = {"refused": str(error)}
    assert time.monotonic() - begun < 2.5
    return result["refused"]


@pytest.mark.parametrize("kind", CALLS)
def test_a_silent_server_is_given_up_before_the_whole_time_is_over(kind):
    over = Event()
    try:
        said = outcome(CALLS[kind], lambda asked: over.wait(5))
    finally:
        over.set()
    assert "took longer than 0.6" in said if "file" in kind else f"sent nothing for {SILENT_S} seconds" in said


@pytest.mark.parametrize("kind", CALLS)
def test_a_server_that_sends_byte_after_byte_is_given_up_too(kind):
    def drip(asked: Asked) -> None:
        asked.send_response(200)
        asked.send_header("Content-Type", "text/event-stream")
        asked.end_headers()
        for _ in range(60):
            asked.wfile.write(b":\n")
            asked.wfile.flush()
            time.sleep(0.05)

    said = outcome(CALLS[kind], drip)
    assert "took longer than 0.6 seconds" in said or "did not answer within" in said
