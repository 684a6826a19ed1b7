"""Every streaming door, read by a parser that accepts only what the HTML standard's section on server-sent events
defines: it fails on what a lenient client skips over, and gets the bytes one by one, so in the middle of characters.
"""

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.publishing import let
from tests.web.api.conftest import key_of

pytestmark = pytest.mark.process
# Each would end a line, a character or an event if it were not escaped or encoded as a whole.
TEXT = "Größe 12 µm – 日本語 🎉\u2028next\x85line\r\n\ndata: x\n\n: y\tend."
DONE = "[DONE]"


@dataclass(frozen=True)
class ServerEvent:
    """An event: its JSON, or its text where that is a marker."""

    name: str
    id: str
    data: Any


def read_events(chunks: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events of a stream of UTF-8. Fails at a byte, line, field or end that the standard would drop."""
    decode = codecs.getincrementaldecoder("utf-8")("strict").decode
    text = "".join(decode(chunk) for chunk in chunks) + decode(b"", final=True)
    assert not text.startswith("\ufeff")
    text = text.replace("\r\n", "\n")
    assert "\r" not in text
    assert "\0" not in text
    *blocks, rest = text.split("\n\n")
    assert rest == "", "the last event is not ended by an empty line"
    for block in blocks:
        fields: dict[str, list[str]] = {}
        for line in block.split("\n"):
            if not line.startswith(":"):  # a comment, which keeps the connection alive
                name, colon, value = line.partition(":")
                assert colon, line
                assert name in ("data", "event", "id", "retry"), line
                fields.setdefault(name, []).append(value.removeprefix(" "))
        if fields:
            yield _event(fields)


def _event(fields: dict[str, list[str]]) -> ServerEvent:
    assert set(fields) == {"retry"} or len(fields["data"]) == 1, fields
    assert all(len(values) == 1 and values[0] for values in fields.values()), fields
    [data] = fields["data"]
    [name], [number] = fields.get("event", [""]), fields.get("id", [""])
    return ServerEvent(name, number, data if data == DONE else json.loads(data, parse_constant=pytest.fail))


ASKED = {"model": "pump-doctor", "stream": True}
MESSAGES = [{"role": "user", "content": "Which seal?"}]


def chat_text(events: list[ServerEvent]) -> str:
    *chunks, usage, done = (event.data for event in events)
    assert (done, usage["choices"]) == (DONE, [])
    assert {(chunk["id"], chunk["object"]) for chunk in chunks} == {(usage["id"], "chat.completion.chunk")}
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


def legacy_text(events: list[ServerEvent]) -> str:
    *chunks, done = (event.data for event in events)
    assert done == DONE
    return "".join(choice["text"] for chunk in chunks for choice in chunk["choices"])


def response_text(events: list[ServerEvent]) -> str:
    *events, done = events
    assert done.data == DONE
    assert [event.name for event in events] == [event.data["type"] for event in events]
    assert [event.data["sequence_number"] for event in events] == list(range(len(events)))
    assert (events[0].name, events[-1].name) == ("response.created", "response.completed")
    return "".join(event.data["delta"] for event in events if event.name == "response.output_text.delta")


def message_text(events: list[ServerEvent]) -> str:
    assert [event.name for event in events] == [event.data["type"] for event in events]
    assert [event.name for event in events if event.name != "ping" and "block" not in event.name] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    assert events[-1].name == "message_stop"
    deltas = [event.data["delta"] for event in events if event.name == "content_block_delta"]
    return "".join(delta["text"] for delta in deltas if delta["type"] == "text_delta")


def run_text(events: list[ServerEvent]) -> str:
    assert len({event.id for event in events}) == len(events)
    assert all(event.id for event in events)
    assert [event.data["type"] for event in events].index("done") == len(events) - 1
    return "".join(event.data["text"] for event in events if event.data["type"] == "token")


def tool_text(events: list[ServerEvent]) -> str:
    assert {(event.name, event.data["jsonrpc"]) for event in events} == {("message", "2.0")}
    assert ["id" in event.data for event in events] == [False] * (len(events) - 1) + [True]
    return str(events[-1].data["result"]["structuredContent"]["answer"])


def task_text(events: list[ServerEvent]) -> str:
    """The text of the artifact's pieces until one takes the place of all, in either version and binding."""
    updates = [event.data.get("result", event.data) for event in events]
    state = updates[-1].get("statusUpdate", updates[-1])["status"]["state"]
    assert state in ("completed", "TASK_STATE_COMPLETED")
    text = ""
    for piece in (update.get("artifactUpdate", update) for update in updates):
        if artifact := piece.get("artifact"):
            text = (text if piece.get("append") else "") + "".join(part["text"] for part in artifact["parts"])
    return text


def a2a(method: str, role: str, part: dict[str, str]) -> dict[str, Any]:
    message = {"messageId": uuid4().hex, "role": role, "parts": [part]}
    return {"jsonrpc": "2.0", "id": "1", "method": method, "params": {"message": message}}


CALL = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "tools/call",
    "params": {
        "name": "ask_pump-doctor",
        "arguments": {"question": "Which seal?"},
        "_meta": {
            "progressToken": 1,
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
MCP_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "ask_pump-doctor",
}
DOORS: dict[str, tuple[str, dict[str, Any], Callable[[list[ServerEvent]], str]]] = {
    "chat completions": (
        "/v1/chat/completions",
        {**ASKED, "messages": MESSAGES, "stream_options": {"include_usage": True}},
        chat_text,
    ),
    "completions": ("/v1/completions", {**ASKED, "prompt": "Which seal?"}, legacy_text),
    "responses": ("/v1/responses", {**ASKED, "input": "Which seal?"}, response_text),
    "messages": ("/v1/messages", {**ASKED, "messages": MESSAGES, "max_tokens": 99}, message_text),
    "mcp": ("/mcp", CALL, tool_text),
    "a2a": ("/a2a/pump-doctor", a2a("SendStreamingMessage", "ROLE_USER", {"text": "Hi"}), task_text),
    "a2a 0.3": ("/a2a/pump-doctor", a2a("message/stream", "user", {"kind": "text", "text": "Hi"}), task_text),
    "a2a over http": (
        "/a2a/pump-doctor/message:stream",
        a2a("", "ROLE_USER", {"text": "Hi"})["params"],
        task_text,
    ),
}


def streamed(method: str, url: str, **request: Any) -> list[ServerEvent]:
    with httpx.stream(method, url, timeout=30, **request) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        return list(read_events(bytes([byte]) for chunk in response.iter_raw() for byte in chunk))


@pytest.mark.parametrize("door", DOORS)
def test_a_stream_is_as_the_standard_says(live, gpt, bob, worker, meanwhile, door):
    path, body, text_of = DOORS[door]
    let(gpt, a2a=True)

    def answer() -> None:
        worker.take()
        worker.progress("Lösung 🎉\r\n\nlooked up")
        worker.write(TEXT[:9], TEXT[9:21], TEXT[21:])
        worker.finish(TEXT, ())

    meanwhile(answer)
    headers = {"Authorization": f"Bearer {key_of(bob)}"}
    more = MCP_HEADERS if door == "mcp" else {"A2A-Version": "1.0"} if door in ("a2a", "a2a over http") else {}
    events = streamed("POST", live + path, json=body, headers=headers | more)

    assert text_of(events) == TEXT
    kept = run_text(streamed("GET", f"{live}/api/runs/{worker.run_id}/events", headers=headers))
    assert kept == TEXT


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {}\n",
        b"data: {}\r\r",
        b"data: \xc3\n\n",
        b"data {}\n\n",
        b"x: 1\n\n",
        b"data: NaN\n\n",
        b"event: x\n\n",
    ],
)
def test_the_parser_is_strict(broken):
    with pytest.raises((AssertionError, ValueError, KeyError, pytest.fail.Exception)):
        list(read_events([broken]))
