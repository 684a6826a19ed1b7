"""The engine for servers against Ollama's dialect, as its documentation and its own types describe it (0.33).

Fields that it does not know are ignored (`tool_choice`, `structured_outputs`, `top_k`), a prompt that is longer than
the context is cut without a word, and calls come whole. No program of Ollama runs here.
"""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gpts.runs.messages import MessageCall, Picture, PromptMessage
from gpts.runs.replies import parse
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineConfig, EngineError, GenerationRequest, Grammar, Token, Usage
from workers.engine.remote import RemoteEngine

STOCK = ToolSpec(
    name="stock",
    description="",
    parameters={"type": "object", "properties": {"part": {"type": "string", "maxLength": 8}}, "required": ["part"]},
)
QUESTION = (PromptMessage(role="user", content="How many ZP-771 are left?"),)
PICTURE_URL = re.compile(r"data:(image/(jpeg|jpg|png|webp))?;base64,")


class Ollama(ThreadingHTTPServer):
    """A server with one model, qwen3:latest, which thinks, does not see, and writes values under a schema.

    `is_loaded`: only then is its context known.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.is_loaded = False
        self.bodies: list[dict[str, Any]] = []
        self.calls = False
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def problem(self, body: dict[str, Any]) -> tuple[int, str]:
        """The status and the message with which it refuses the request; 0 if it does not."""
        if body["model"] not in ("qwen3", "qwen3:latest"):
            return 404, f'model "{body["model"]}" not found, try pulling it first'
        for message in body["messages"]:
            content = message["content"]
            if content is None and not message.get("tool_calls"):
                return 400, "invalid message content type: <nil>"
            for part in content if isinstance(content, list) else ():
                if part["type"] == "image_url":
                    known = PICTURE_URL.match(part["image_url"]["url"])
                    return (500, "this model is missing data required for image input") if known else (400, "invalid")
        return 0, ""

    def pieces(self, body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
        """The deltas of a reply, each with its finish reason."""
        if "response_format" in body:
            schema = body["response_format"]["json_schema"]["schema"]
            is_call = "anyOf" in schema
            value = {"name": "stock", "arguments": {"part": "ZP-771"}} if is_call else {"part": "ZP-771"}
            yield {"content": json.dumps(value)}, None
        elif self.calls:
            arguments = json.dumps({"part": "ZP-771"})
            call = {
                "id": "call_x",
                "index": 0,
                "type": "function",
                "function": {"name": "stock", "arguments": arguments},
            }
            yield {"content": "", "reasoning": "Look it up."}, None
            yield {"content": "", "tool_calls": [call]}, None
            yield {"content": ""}, "tool_calls"
            return
        else:
            yield {"content": "", "reasoning": "Twelve?"}, None
            yield {"content": "Twelve."}, None
        yield {"content": ""}, "stop"


class _Handler(BaseHTTPRequestHandler):
    server: Ollama

    def log_message(self, *args: Any) -> None:
        """Nothing: the test's output stays clean."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            card = {"id": "qwen3:latest", "object": "model", "created": 1, "owned_by": "library"}
            self._send(200, {"object": "list", "data": [card]})
        elif self.path == "/api/ps":
            loaded = {"name": "qwen3:latest", "model": "qwen3:latest", "size_vram": 0, "context_length": 4096}
            self._send(200, {"models": [loaded] if self.server.is_loaded else []})
        else:
            self._send(404, {"error": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        status, message = self.server.problem(body)
        if status:
            kind = {400: "invalid_request_error", 404: "not_found_error"}.get(status, "api_error")
            self._send(status, {"error": {"message": message, "type": kind, "param": None, "code": None}})
            return
        self.server.is_loaded = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        same = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "system_fingerprint": "fp_ollama"}
        for delta, finish in self.server.pieces(body):
            choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}
            self._event({**same, "choices": [choice]})
        self._event(
            {**same, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 14, "total_tokens": 23}}
        )
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, event: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    server = Ollama()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine(ollama: Ollama) -> Iterator[RemoteEngine]:
    opened = engine_of(ollama)
    yield opened
    opened.close()


def engine_of(ollama: Ollama, model: str = "qwen3") -> RemoteEngine:
    url = f"http://127.0.0.1:{ollama.server_port}/v1"
    return RemoteEngine(EngineConfig(engine="remote", remote_url=url, remote_model=model))


def reply(engine: RemoteEngine, *messages: PromptMessage, **options: Any) -> tuple[str, str, Token]:
    """What it reasoned, its text, and its last token."""
    tokens = list(engine.stream(GenerationRequest(messages or QUESTION, max_tokens=40, **options)))
    return "".join(token.reasoning for token in tokens), "".join(token.text for token in tokens), tokens[-1]


def test_the_context_is_the_one_that_the_model_was_loaded_with(engine: RemoteEngine) -> None:
    assert engine.health().ready
    assert engine.ability().context_tokens == 8192  # a guess until it is loaded
    reply(engine)
    assert engine.health().ready
    assert engine.ability().context_tokens == 4096


def test_what_it_thinks_comes_apart_and_counts(engine: RemoteEngine) -> None:
    reasoning, text, last = reply(engine)
    assert (reasoning, text, last.finish, last.usage) == ("Twelve?", "Twelve.", "stop", Usage(9, 14, 0, 7))


def test_a_call_comes_whole_and_goes_back_with_its_reasoning(engine: RemoteEngine, ollama: Ollama) -> None:
    ollama.calls = True
    reasoning, text, _ = reply(engine, tools=(STOCK,), grammar=Grammar(tools=(STOCK,)))
    ((call,),) = [parse(text)[1]]
    assert (call.arguments, reasoning) == ({"part": "ZP-771"}, "Look it up.")
    asked = PromptMessage(
        role="assistant", content="", reasoning=reasoning, tool_calls=(MessageCall(**call.model_dump()),)
    )
    result = PromptMessage(role="tool", content="12", name="stock", call_id=call.call_id)
    ollama.calls = False
    assert reply(engine, *QUESTION, asked, result, tools=(STOCK,))[1] == "Twelve."
    sent = ollama.bodies[-1]["messages"][1]
    assert (sent["content"], sent["reasoning"]) == (None, "Look it up.")


def test_a_demanded_call_that_it_does_not_force_is_asked_for_as_a_value(engine: RemoteEngine, ollama: Ollama) -> None:
    grammar = Grammar(tools=(STOCK,), required=True)
    for _ in range(2):
        ((call,),) = [parse(reply(engine, tools=(STOCK,), grammar=grammar)[1])[1]]
        assert (call.name, call.arguments) == ("stock", {"part": "ZP-771"})
    assert ["response_format" in body for body in ollama.bodies] == [False, True, True]
    assert all(body["tools"] for body in ollama.bodies)


def test_a_value_follows_its_schema(engine: RemoteEngine) -> None:
    assert json.loads(reply(engine, grammar=Grammar(json_schema=STOCK.parameters))[1]) == {"part": "ZP-771"}


def test_its_errors_are_told_in_its_words(ollama: Ollama, engine: RemoteEngine) -> None:
    absent = engine_of(ollama, "llama9")
    with pytest.raises(EngineError, match=r"404.*llama9.*not found"):
        reply(absent)
    absent.close()
    seen = QUESTION[0].model_copy(update={"pictures": (Picture(mime="image/png", data=b"\x89PNG"),)})
    with pytest.raises(EngineError, match="image input"):
        reply(engine, seen)
    assert reply(engine)[1] == "Twelve."
