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
    """The whole message that the model answers with."""
    last = body["messages"][-1]
    said = last["content"] if isinstance(last["content"], str) else last["content"][-1]["text"]
    tools = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or ()}
    if schema := (body.get("response_format") or {}).get("json_schema", {}).get("schema"):
        return {"content": json.dumps(example_of(schema, schema))}
    if last["role"] == "tool":
        return {"content": f"The result is: {said}"}
    if body["messages"][0]["content"].startswith("You sort messages"):
        return {"content": said.rpartition("Message: ")[2]}
    choice = body.get("tool_choice")
    if choice == "required" or isinstance(choice, dict):
        only = {choice["function"]["name"]: tools[choice["function"]["name"]]} if isinstance(choice, dict) else tools
        return {"tool_calls": [demanded_call(only, said)]}
    if choice != "none":
        if "weather" in said and (name := next((name for name in tools if name.endswith("get_weather")), "")):
            return {"tool_calls": [call_of(name, {"city": "Bern"})]}
        reader = next((name for name in tools if name.lower() == "read"), "")
        if reader and (path := re.search(r"\S+\.txt", said)):
            return {"tool_calls": [call_of(reader, {tools[reader]["parameters"]["required"][0]: path[0]})]}
        delegates = [name for name, tool in tools.items() if "task" in tool["parameters"].get("properties", {})]
        if delegates and "tax" in said:
            return {"tool_calls": [call_of(delegates[0], {"task": said.rpartition("Question: ")[2]})]}
    if "title" in said:
        return {"content": "Seal kits"}
    passage = re.search(r"Passages from the files:\n\n\([^)]*\)\n(.+?)(?:\n\n|$)", said, re.DOTALL)
    whole = re.search(r"<file [^>]*>\n(.+?)\n</file>", body["messages"][0]["content"], re.DOTALL)
    text = passage or whole
    return {
        "content": " ".join(text[1].split()[1:] if text[1].startswith("#") else text[1].split()) if text else "Hello."
    }


def demanded_call(tools: dict[str, Any], said: str) -> dict[str, Any]:
    """The weather's call if that was asked and not yet told, or else the one that tells an answer."""
    if "get_weather" in tools and "weather" in said:
        return call_of("get_weather", {"city": "Bern"})
    name = next((name for name in tools if name != "get_weather"), "get_weather")
    schema = tools[name]["parameters"]
    return call_of(name, {"answer": said} if name == "final_answer" else example_of(schema, schema))


def call_of(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A call as the API writes it."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"index": 0, "id": "call_1", "type": "function", "function": function}


def example_of(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """A value that follows the schema, with the part number in its first text."""
    if "$ref" in schema:
        return example_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object" if not schema.get("properties"):
            return {"kit": "ZP-771", "hours": 450}
        case "object":
            return {name: example_of(each, root) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [example_of(schema.get("items", {"type": "string"}), root)]
        case "integer" | "number":
            return 450
        case "boolean":
            return True
    return "ZP-771"


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
        words = re.findall(r"\S+\s*", reply.get("content") or "")
        try:
            self._answer(words, reply, slowly)
        except ConnectionError:
            LEFT.put(time.monotonic())

    def _answer(self, words: list[str], reply: dict[str, Any], slowly: bool) -> None:
        for delta in [{"content": word} for word in words] or [{"tool_calls": reply.get("tool_calls", [])}]:
            self._event({"choices": [{"index": 0, "delta": delta}]})
            time.sleep(2 if slowly else 0)
        finish = "tool_calls" if reply.get("tool_calls") else "stop"
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        self._event({"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": max(1, len(words))}})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, event: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()
