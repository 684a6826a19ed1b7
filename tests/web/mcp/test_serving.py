"""Who may use the MCP server, which GPTs it offers, its prompts and resources, and what it tells of changes."""

import asyncio
from contextlib import AbstractContextManager

import httpx
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ToolsListChanged
from mcp_types import ToolListChangedNotification

from tests.publishing import let, publish
from tests.web.api.conftest import expired_key_of, key_of, revoked_key_of
from tests.web.mcp.conftest import LEGACY, MODERN
from web.builder import files
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt
from web.mcp import sessions, watching
from web.runs.connections import in_database

HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def post(url: str, key: str, body: object = HELLO, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}/mcp", json=body, headers={**HEADERS, "Authorization": f"Bearer {key}", **headers})


def test_only_valid_keys_and_own_pages_get_in(live, gpt, bob, settings):
    keys = (revoked_key_of(bob), expired_key_of(bob), "gh_wrong", "x")
    assert {post(live, key).status_code for key in keys} == {401}
    key = key_of(bob)
    assert post(live, key, Origin="https://evil.example").status_code == 403
    assert post(live, key, Origin="null").status_code == 403
    assert post(live, key, Origin=live).status_code == 200
    settings.API_ORIGINS = ["https://app.example"]
    assert post(live, key, Origin="https://app.example").status_code == 200
    assert post(live, key, Origin="https://evil.example").status_code == 403
    assert httpx.post(f"{live}/mcp", json=HELLO, headers=HEADERS).headers["WWW-Authenticate"].startswith("Bearer")
    assert httpx.put(f"{live}/mcp").status_code == 405


def test_a_session_is_its_key_s_and_ends(live, gpt, alice, bob, monkeypatch):
    key = key_of(bob)
    session = {"Mcp-Session-Id": post(live, key).headers["Mcp-Session-Id"]}
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert post(live, key, ping, **session).status_code == 200
    assert post(live, key_of(alice), ping, **session).status_code == 404
    assert post(live, key_of(bob), ping, **session).status_code == 404  # nor is it another key's of his
    headers = {**HEADERS, "Authorization": f"Bearer {key}", **session}
    assert httpx.delete(f"{live}/mcp", headers=headers).status_code == 200
    assert post(live, key, ping, **session).status_code == 404
    assert post(live, key).status_code == 200


def test_of_a_person_s_sessions_the_one_idle_for_longest_gives_way(live, gpt, alice, bob, monkeypatch):
    key, ping = key_of(bob), {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    hers_key = key_of(alice)
    first, second, hers = (
        {"Mcp-Session-Id": post(live, each).headers["Mcp-Session-Id"]} for each in (key, key, hers_key)
    )
    assert post(live, key, ping, **first).status_code == 200  # so the second is idle for longer
    third = post(live, key)
    assert third.status_code == 200
    assert post(live, key, ping, **second).status_code == 404
    assert post(live, key, ping, **first).status_code == 200
    assert post(live, hers_key, ping, **hers).status_code == 200  # others are not concerned

    def listening(session: str) -> AbstractContextManager[httpx.Response]:
        headers = {**HEADERS, "Authorization": f"Bearer {key}", "Mcp-Session-Id": session}
        return httpx.stream("GET", f"{live}/mcp", headers=headers)

    with listening(first["Mcp-Session-Id"]), listening(third.headers["Mcp-Session-Id"]):
        assert post(live, key).status_code == 503  # both are in use


def test_streams_are_limited_by_person(live, gpt, bob, settings):
    settings.MAX_STREAMS_PER_PERSON = 0
    refused = post(live, key_of(bob))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff", b'{"jsonrpc": "2.0"}', b"[" * 5_000])
@pytest.mark.parametrize("version", [MODERN, "2025-11-25", "1999-01-01"])
def test_nonsense_is_an_error_and_breaks_nothing(live, gpt, bob, body, version):
    headers = {**HEADERS, "Authorization": f"Bearer {key_of(bob)}", "MCP-Protocol-Version": version}
    assert 400 <= httpx.post(f"{live}/mcp", content=body, headers=headers).status_code < 500


def test_starters_are_prompts(bobs):
    (prompt,) = bobs.run(lambda client: client.list_prompts()).prompts
    assert (prompt.name, prompt.title) == ("pump-doctor/1", "It leaks.")
    got = bobs.run(lambda client: client.get_prompt("pump-doctor/1"))
    assert got.messages[0].content.text == "Use the tool ask_pump-doctor for this: It leaks."
    for name in ("pump-doctor/2", "pump-doctor/x", "nobody/1", ""):
        with pytest.raises(MCPError, match="Prompt not found"):
            bobs.run(lambda client, name=name: client.get_prompt(name))


def test_files_are_resources_where_their_creator_allows_downloads(bobs, gpt, alice, conversation):
    file = files.add_file(gpt, "manual.txt", [b"The seal is ZP-771."])
    KnowledgeFile.objects.filter(id=file.id).update(status="ready", segment="s1")
    publish(gpt, Sharing.STORE)
    assert bobs.run(lambda client: client.list_resources()).resources == []
    uri = f"guildhall://gpts/pump-doctor/files/{file.id}"
    with pytest.raises(MCPError, match="Resource not found"):
        bobs.run(lambda client: client.read_resource(uri))
    let(gpt, files_downloadable=True)
    (resource,) = bobs.run(lambda client: client.list_resources()).resources
    assert (resource.uri, resource.name, resource.mime_type, resource.size) == (uri, "manual.txt", "text/plain", 19)
    assert bobs.run(lambda client: client.read_resource(uri)).contents[0].text == "The seal is ZP-771."
    others = ("guildhall://files/x", uri + "/..", "file:///etc/passwd", f"guildhall://gpts/nobody/files/{file.id}")
    for other in others:
        with pytest.raises(MCPError):
            bobs.run(lambda client, other=other: client.read_resource(other))
    assert len(bobs.run(lambda client: client.list_resource_templates()).resource_templates) == 3


def test_the_address_can_choose_among_the_gpts(bobs, alice):
    for name in ("Desk", "Shelf"):
        publish(create_gpt(alice, {"name": name, "instructions": "Help."}), Sharing.STORE)

    def names() -> list[str]:
        return [tool.name for tool in bobs.run(lambda client: client.list_tools()).tools]

    assert names() == ["ask_pump-doctor", "ask_desk", "ask_shelf"]
    bobs.url += "?gpts=desk,shelf"
    assert names() == ["ask_desk", "ask_shelf"]
    with pytest.raises(MCPError, match="Unknown tool"):
        bobs.ask()


def test_long_lists_come_in_pages(bobs, alice, monkeypatch):
    monkeypatch.setattr("web.mcp.offers.PAGE_SIZE", 1)
    publish(create_gpt(alice, {"name": "Desk", "instructions": "Help."}), Sharing.STORE)

    async def both(client: Client) -> list[str]:
        first = await client.list_tools()
        second = await client.list_tools(cursor=first.next_cursor)
        assert second.next_cursor is None
        return [tool.name for page in (first, second) for tool in page.tools]

    assert bobs.run(both) == ["ask_pump-doctor", "ask_desk"]
    with pytest.raises(MCPError, match="Invalid cursor"):
        bobs.run(lambda client: client.list_tools(cursor="-1"))


def test_clients_hear_when_the_list_changes(bobs, gpt, monkeypatch):
    monkeypatch.setattr(watching, "LOOK_S", 0.05)
    heard = asyncio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            heard.set()

    def change() -> None:
        gpt.sharing = Sharing.STORE if gpt.sharing == Sharing.ME else Sharing.ME
        gpt.save()

    async def old(client: Client) -> None:
        assert client.server_capabilities.tools.list_changed
        while not heard.is_set():  # the client does not tell when its stream of notifications is open
            await in_database(change)
            await asyncio.wait([asyncio.ensure_future(heard.wait())], timeout=0.2)

    async def current(client: Client) -> None:
        async with client.listen(tools_list_changed=True) as events:
            await in_database(change)
            assert isinstance(await anext(aiter(events)), ToolsListChanged)

    bobs.run(old if bobs.mode == LEGACY else current, message_handler=hear)


def test_a_client_whose_connection_broke_gets_the_rest(live, gpt, bob, worker):
    key = key_of(bob)
    opened = {"Mcp-Session-Id": post(live, key).headers["Mcp-Session-Id"], "Mcp-Protocol-Version": "2025-11-25"}
    headers = {**HEADERS, **opened, "Authorization": f"Bearer {key}"}
    post(live, key, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **opened)
    call = {"name": "ask_pump-doctor", "arguments": {"question": "Which seal?"}, "_meta": {"progressToken": 1}}
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}
    with httpx.stream("POST", f"{live}/mcp", json=body, headers=headers, timeout=30) as first:
        lines = first.iter_lines()
        last = next(line for line in lines if line.startswith("id:")).removeprefix("id:").strip()
        worker.take()
    worker.finish("ZP-771.")
    resumed = {**headers, "Last-Event-ID": last}
    with httpx.stream("GET", f"{live}/mcp", headers=resumed, timeout=30) as second:
        assert any("ZP-771." in line and '"id":7' in line for line in second.iter_lines())
    other = {"Mcp-Session-Id": post(live, key).headers["Mcp-Session-Id"], "Mcp-Protocol-Version": "2025-11-25"}
    with httpx.stream("GET", f"{live}/mcp", headers={**resumed, **other}, timeout=30) as third:
        assert not any("ZP-771." in line for line in third.iter_lines())
