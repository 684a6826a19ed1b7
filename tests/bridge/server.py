"""A model server whose model is whoever writes the answers: a person with an editor, or a program.

It speaks chat completions. Request 7 becomes `0007.request.json` in a folder, with `0007.request.txt` to read: only
what is new since the former request of its conversation. Its answer is `0007.answer.txt`, or `0007.answer.json` with
`content`, `reasoning` and `tool_calls` (each a `name` and `arguments`). `0007.gone` says that nobody waits any more.
"""

import itertools
import json
import re
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Between two looks for an answer.
LOOK_S = 0.05
# An editor may write a file in pieces: one counts once it has been as it is for so long.
SETTLED_S = 0.2
# What counts as a token.
PIECE = re.compile(r"\s*\S{1,5}|\s+")
ANSWER_FIELDS = {"content", "reasoning", "tool_calls"}
# What a server with weights would do, and this one cannot.
REFUSED = ("logprobs", "top_logprobs", "logit_bias")


class Refused(Exception):
    """The HTTP status and the sentence with which a request ends."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Bridge:
    """Requests and answers as files in `folder`. With `replay`, what was answered there is answered again.

    `timeout_s`: how long a request waits for its answer; 0 refuses all but recorded ones at once.
    """

    def __init__(
        self, folder: Path, model: str, context: int, replay: Path | None = None, timeout_s: float = 3600.0
    ) -> None:
        self.folder, self.model, self.context, self.timeout_s = folder, model, context, timeout_s
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._asked = {int(path.name[:4]): _read(path) for path in sorted(folder.glob("*.request.json"))}
        self._recorded = _recorded(replay) if replay else None

    def answer(self, body: dict[str, Any], is_gone: Any) -> dict[str, Any]:
        """The answer to a request, once it is there. Raises Refused, ConnectionError."""
        if wrong := [name for name in REFUSED if body.get(name)]:
            raise Refused(400, f"{wrong[0]} is not supported: nobody but a model knows it.")
        if body.get("n", 1) != 1:
            raise Refused(400, "n must be 1.")
        digest = digest_of(body)
        if self._recorded and digest in self._recorded:
            return self._recorded[digest]
        number = self._write(body)
        if self._recorded is not None:
            say(f"{number:04} is new: no answer to these messages is recorded")
        return self._wait(number, is_gone)

    def _write(self, body: dict[str, Any]) -> int:
        with self._lock:
            number = max(self._asked, default=0) + 1
            text = shown(number, body, self._asked)
            self._asked[number] = body
        write(self._path(number, "request.json"), json.dumps(body, indent=1, ensure_ascii=False))
        write(self._path(number, "request.txt"), text)
        return number

    def _wait(self, number: int, is_gone: Any) -> dict[str, Any]:
        ends_at = time.monotonic() + self.timeout_s
        while (found := self._look(number)) is None:
            if is_gone():
                write(self._path(number, "gone"), "The client went away.\n")
                raise ConnectionError
            if time.monotonic() >= ends_at:
                write(self._path(number, "gone"), "Nobody answered in time.\n")
                new = "is new, and no answer is recorded" if self._recorded is not None else "got no answer in time"
                raise Refused(504, f"Request {number:04} in {self.folder} {new}.")
            time.sleep(LOOK_S)
        return found

    def _look(self, number: int) -> dict[str, Any] | None:
        """The answer; None while there is none. One that cannot be read is put aside, and another one waited for."""
        for path in (self._path(number, "answer.txt"), self._path(number, "answer.json")):
            if path.exists() and time.time() - path.stat().st_mtime >= SETTLED_S:
                try:
                    return read_answer(path)
                except ValueError as error:
                    path.replace(path.with_suffix(f"{path.suffix}.wrong"))
                    say(f"{path.name} can't be used, write it again: {error}")
        return None

    def _path(self, number: int, name: str) -> Path:
        return self.folder / f"{number:04}.{name}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def write(path: Path, text: str) -> None:
    """The file in one piece: nobody sees half of it."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, "utf-8")
    new.replace(path)


def read_answer(path: Path) -> dict[str, Any]:
    """The answer in a file. Raises ValueError."""
    text = path.read_text("utf-8")
    if path.suffix == ".txt":
        return {"content": text.removesuffix("\n")}
    answer = json.loads(text)
    if not isinstance(answer, dict) or (answer.keys() - ANSWER_FIELDS) or not answer:
        raise ValueError(f"it must be an object with some of {', '.join(sorted(ANSWER_FIELDS))}")
    for call in answer.get("tool_calls", ()):
        if not isinstance(call, dict) or not isinstance(call.get("name"), str) or "arguments" not in call:
            raise ValueError("each of tool_calls must have a name and arguments")
    return answer


def digest_of(body: dict[str, Any]) -> str:
    """Of what the model reads: the messages, and the names of its tools."""
    tools = [tool["function"]["name"] for tool in body.get("tools") or ()]
    return sha256(json.dumps([body["messages"], tools], sort_keys=True).encode()).hexdigest()


def _recorded(folder: Path) -> dict[str, dict[str, Any]]:
    """The answers in a folder by the digests of their requests."""
    found = {}
    for path in sorted(folder.glob("*.answer.*")):
        if path.suffix in (".txt", ".json"):
            found[digest_of(_read(folder / f"{path.name[:4]}.request.json"))] = read_answer(path)
    return found


def _read(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return body


def shown(number: int, body: dict[str, Any], asked: dict[int, dict[str, Any]]) -> str:
    """A request to read: its settings, and the messages that the former request of its conversation did not have."""
    messages = body["messages"]
    former, n_same = 0, 0
    for other, earlier in asked.items():
        pairs = zip(earlier["messages"], messages, strict=False)
        same = len([*itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])
        if same and same >= n_same:
            former, n_same = other, same
    lines = [f"Request {number:04}: {len(messages)} messages"]
    if former and n_same == 1:
        lines.append(f"A new conversation, with the first message of {former:04}")
    elif former:
        n_former = len(asked[former]["messages"])
        kept = "all" if n_same == n_former else f"NOT the other {n_former - n_same}"
        lines.append(f"The first {n_same} are those of {former:04} ({kept} of its messages)")
    settings = {name: value for name, value in body.items() if name not in ("messages", "tools")}
    same_tools = former and asked[former].get("tools") == body.get("tools")
    names = ", ".join(tool["function"]["name"] for tool in body.get("tools") or ()) or "none"
    lines += [json.dumps(settings, ensure_ascii=False), f"Tools: {names}"]
    lines += (
        [] if same_tools else [json.dumps(tool["function"], ensure_ascii=False) for tool in body.get("tools") or ()]
    )
    return "\n\n".join([*lines, *map(_message, messages[n_same:])]) + "\n"


def _message(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "\n".join(part.get("text") or f"({part['type']})" for part in content)
    calls = [json.dumps(call["function"], ensure_ascii=False) for call in message.get("tool_calls") or ()]
    return "\n".join([f"-------- {message['role']}", content, *calls]).rstrip()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    bridge: Bridge

    def log_message(self, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """The list of models."""
        card = {
            "id": self.bridge.model,
            "object": "model",
            "owned_by": "bridge",
            "max_model_len": self.bridge.context,
        }
        is_known = self.path == "/v1/models"
        self._send(200 if is_known else 404, {"object": "list", "data": [card]} if is_known else _error("Not found."))

    def do_POST(self) -> None:
        """A chat completion."""
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            chunks = list(completion(self.bridge.model, body, self.bridge.answer(body, self._is_gone)))
            self._stream(chunks) if body.get("stream") else self._send(200, joined(chunks))
        except Refused as error:
            self._send(error.status, _error(str(error)))
        except (KeyError, TypeError, ValueError) as error:
            self._send(400, _error(f"{type(error).__name__}: {error}"))
        except ConnectionError:
            self.close_connection = True

    def _is_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _send(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, chunks: list[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in [*map(json.dumps, chunks), "[DONE]"]:
            self.wfile.write(f"data: {event}\n\n".encode())
            self.wfile.flush()


def _error(text: str) -> dict[str, Any]:
    return {"error": {"message": text, "type": "bridge"}}


def completion(model: str, body: dict[str, Any], answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answer as the chunks of a stream: cut at the request's stop texts, and at its number of tokens."""
    room = Room(body.get("max_completion_tokens") or body.get("max_tokens") or sys.maxsize)
    stop = body.get("stop") or []
    content = answer.get("content") or ""
    for each in [stop] if isinstance(stop, str) else stop:
        content = content.partition(each)[0]

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "bridge", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}

    yield chunk({"role": "assistant"})
    for field, text in (("reasoning_content", answer.get("reasoning") or ""), ("content", content)):
        yield from (chunk({field: piece}) for piece in room.take(text))
    calls = answer.get("tool_calls") or ()
    for number, call in enumerate(calls):
        name, arguments = call["name"], call["arguments"]
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        call_id = f"call_{digest_of(body)[:12]}_{number}"
        begun = {"index": number, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        yield chunk({"tool_calls": [begun]})
        yield chunk({"tool_calls": [{"index": number, "function": {"arguments": "".join(room.take(text))}}]})
    yield chunk({}, "length" if room.is_full else "tool_calls" if calls else "stop")
    n_prompt = sum(len(PIECE.findall(_message(message))) for message in body["messages"])
    usage = {"prompt_tokens": n_prompt, "completion_tokens": room.used, "total_tokens": n_prompt + room.used}
    yield {**chunk({}), "choices": [], "usage": usage}


class Room:
    """How many tokens of an answer still fit, and whether some of it did not."""

    def __init__(self, limit: int) -> None:
        self.limit, self.used, self.is_full = limit, 0, False

    def take(self, text: str) -> list[str]:
        """The tokens of the text that fit."""
        pieces = PIECE.findall(text)
        fit = pieces[: self.limit - self.used]
        self.used, self.is_full = self.used + len(fit), self.is_full or len(fit) < len(pieces)
        return fit


def joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The chunks as one completion."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    for delta in (chunk["choices"][0]["delta"] for chunk in chunks[:-1]):
        for field in ("content", "reasoning_content"):
            if field in delta:
                message[field] = message.get(field, "") + delta[field]
        for call in delta.get("tool_calls", ()):
            if "id" in call:
                message.setdefault("tool_calls", []).append(
                    call | {"function": {**call["function"], "arguments": ""}}
                )
            else:
                message["tool_calls"][-1]["function"]["arguments"] += call["function"]["arguments"]
    choice = {"index": 0, "message": message, "finish_reason": chunks[-2]["choices"][0]["finish_reason"]}
    return {**chunks[-1], "object": "chat.completion", "choices": [choice]}


@contextmanager
def serving(bridge: Bridge, port: int = 0) -> Iterator[str]:
    """The URL of the bridge, on this machine only, while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("BridgeHandler", (Handler,), {"bridge": bridge}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
