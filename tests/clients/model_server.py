"""A model server whose answers depend on what it is asked, so that clients can be tested in any order.

It speaks chat completions as vLLM does, streamed.

It answers with the first passage or result that it was given, calls `get_weather` for questions about the weather and
a delegate for questions about taxes, and fills in any JSON schema. Asked to answer slowly, it takes half a minute.
"""

import json
import queue
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "parrot"
CONTEXT_TOKENS = 32_768
# Calls with which agents of smolagents and Marvin end their turn.
ENDINGS = ("final_answer", "MarkTaskSuccessful")
# When each answer broke off because nobody read on.
LEFT: queue.Queue[float] = queue.Queue()


@contextmanager
def model_server() -> Iterator[str]:
    """The URL of the server while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def reply_to(body: dict[str, Any]) -> dict[str, Any]:
    """The whole message that the model answers with: a call, or a text, which some agents want as a call too."""
    last = body["messages"][-1]
    said = last["content"] if isinstance(last["content"], str) else last["content"][-1]["text"]
    if schema := (body.get("response_format") or {}).get("json_schema", {}).get("schema"):
        return {"content": json.dumps(example_of(schema, schema))}
    tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in body.get("tools") or ()}
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        tools = {name: tool for name, tool in tools.items() if name == choice["function"]["name"]}
    if last["role"] != "tool" and choice != "none" and (call := wanted_call(tools, said)):
        return {"tool_calls": [call]}
    text = f"The result is: {said}" if last["role"] == "tool" or "degrees" in said else text_for(body, said)
    ending = next((name for name in tools if name.startswith(ENDINGS)), "")
    if ending or choice == "required" or isinstance(choice, dict):
        name = ending or next(iter(tools))
        return {"tool_calls": [call_of(name, example_of(tools[name], tools[name], text if ending else "ZP-771"))]}
    return {"content": text}


def wanted_call(tools: dict[str, Any], said: str) -> dict[str, Any] | None:
    """The call that these words ask for, if one of the tools does it."""
    weather = next((name for name in tools if name.endswith("get_weather")), "")
    if weather and "weather" in said:
        return call_of(weather, {"city": "Bern"})
    reader = next((name for name in tools if name == "read"), "")
    if reader and "notes.txt" in said:
        return call_of(reader, {"path": "notes.txt"})
    delegate = next((name for name, tool in tools.items() if "task" in tool.get("properties", {})), "")
    return call_of(delegate, {"task": said.rpartition("Question: ")[2]}) if delegate and "tax" in said else None


def text_for(body: dict[str, Any], said: str) -> str:
    """What the files say, or the words of the site's own questions."""
    system = body["messages"][0]["content"]
    if system.startswith("You sort messages"):
        return said.rpartition("Message: ")[2]
    if "title" in said:
        return "Seal kits"
    if "Respond with a JSON object" in said:  # DSPy, to models whose formats it doesn't know
        return json.dumps(example_of({"type": "object"}, {}))
    passage = re.search(r"Passages from the files:\n\n\([^)]*\)\n(.+?)(?:\n\n|$)", said, re.DOTALL)
    whole = re.search(r"<file [^>]*>\n(.+?)\n</file>", system, re.DOTALL)
    if not (found := passage or whole):
        return "Hello."
    return " ".join(found[1].split()[1:] if found[1].startswith("#") else found[1].split())


def call_of(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A call as the API writes it."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"index": 0, "id": "call_1", "type": "function", "function": function}


def example_of(schema: dict[str, Any], root: dict[str, Any], text: str = "ZP-771") -> Any:
    """A value that follows the schema, with `text` in its first text."""
    if "$ref" in schema:
        return example_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], root, text)
    if named := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return named[0]
    match schema.get("type"):
        case "object" if not schema.get("properties"):
            return {"kit": "ZP-771", "hours": 450}
        case "object":
            return {name: example_of(each, root, text) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [example_of(schema.get("items", {"type": "string"}), root)]
        case "integer" | "number":
            return 450
        case "boolean":
            return True
    return text


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """The list of models."""
        data = json.dumps({"data": [{"id": MODEL, "max_model_len": CONTEXT_TOKENS, "owned_by": "tests"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        """A chat completion as a stream, word by word."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply, slowly = reply_to(body), "slowly" in json.dumps(body["messages"][-1])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        words = re.findall(r"\S+\s*", " ".join([reply.get("content") or ""] * (10 if slowly else 1)))
        try:
            self._answer(words, reply, slowly)
        except ConnectionError:
            LEFT.put(time.monotonic())

    def _answer(self, words: list[str], reply: dict[str, Any], slowly: bool) -> None:
        for delta in [{"content": word} for word in words] or [{"tool_calls": reply.get("tool_calls", [])}]:
            self._event({"choices": [{"index": 0, "delta": delta}]})
            time.sleep(0.2 if slowly else 0)
        finish = "tool_calls" if reply.get("tool_calls") else "stop"
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        self._event({"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": max(1, len(words))}})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, event: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()
