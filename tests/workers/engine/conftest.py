"""The engines under test: the real bundled model, a remote server on loopback, and the scripted one."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gpts.runs.messages import PromptMessage
from tests.workers.engine.chat_templates import tokenizer_of
from tests.workers.engine.model_programs import ModelProgram, llama_cpp_program, vllm_program
from workers.engine.base import Engine, EngineConfig
from workers.engine.remote import RemoteEngine
from workers.engine.scripted import CAPABLE, ScriptedEngine

HOME = Path(os.environ.get("GUILDHALL_HOME", Path(__file__).parents[3] / "var"))
LONG_REPLY = " ".join(f"wörd{i} 🎉" for i in range(2000))
CONTEXT_TOKENS = 4096
# Each where it is installed.
SERVERS = [
    pytest.param(name, marks=[pytest.mark.process, pytest.mark.remote_server]) for name in ("llama_cpp", "vllm")
]


@dataclass
class Subject:
    """An engine and what the contract tests need to know of it. `n_active` counts generations under way."""

    engine: Engine
    n_active: Callable[[], int]
    notices_closing: bool = True


class ModelServer(ThreadingHTTPServer):
    """A small OpenAI-compatible server. A prompt with "wait" stalls after its first word until `shutdown`.

    It sends `events` as they are, if there are any, instead of its story.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.n_active = 0
        self.released = threading.Event()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.failure: tuple[int, str] | None = None
        self.refuses = ""  # the name of a parameter, or of a keyword of a schema
        self.objects: Callable[[dict[str, Any]], str] = lambda body: ""  # why it refuses a request
        self.breaks_off = False
        self.cards: list[Any] = []
        self.unready = 0
        self.raw: Callable[[Any], None] | None = None  # writes the body of every answer itself
        self.events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def count(self, change: int) -> None:
        with self._lock:
            self.n_active += change

    def close(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def log_message(self, *args: Any) -> None:
        """Nothing: the test's output stays clean."""

    def do_GET(self) -> None:
        if self.server.unready:
            self.server.unready -= 1
            self._answer(503, {})
            return
        if self.server.raw:
            self._written(self.server.raw)
            return
        self._answer(200, {"data": self.server.cards})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.headers.append(self.headers)
        if self.server.failure:
            status, message = self.server.failure
            self._answer(status, {"error": {"message": message}})
            return
        if objection := self.server.objects(body):
            self._answer(400, {"error": {"message": objection}})
            return
        if self.server.refuses and self.server.refuses in {
            *body,
            *json.dumps(body.get("response_format")).split('"'),
        }:
            self._answer(
                400, {"error": {"message": f"Unrecognized request argument supplied: {self.server.refuses}"}}
            )
            return
        self.server.count(1)
        try:
            if self.server.raw:
                self._written(self.server.raw)
                return
            self._stream(body)
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self.server.count(-1)

    def _written(self, raw: Callable[[Any], None]) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            raw(self.wfile)

    def _stream(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in self.server.events:
            self._event(event)
        if self.server.events:
            return
        words = LONG_REPLY.split(" ")
        n_words = min(body["max_tokens"], len(words))
        stalls = "wait" in body["messages"][-1]["content"]
        for i, word in enumerate(words[:n_words]):
            piece = (" " if i else "") + word
            told = {"token": piece, "bytes": list(piece.encode()), "logprob": -0.25}
            likely = {**told, "top_logprobs": [told, {"token": "x", "logprob": -2}][: body.get("top_logprobs", 0)]}
            logprobs = {"logprobs": {"content": [likely]}} if body.get("logprobs") else {}
            self._event({"choices": [{"delta": {"content": piece}, **logprobs}]})
            if stalls:
                self.server.released.wait(20)
        if self.server.breaks_off:
            return
        self._event({"choices": [{"delta": {}, "finish_reason": "length"}]})
        usage = {"prompt_tokens": 7, "completion_tokens": n_words, "prompt_tokens_details": {"cached_tokens": 3}}
        self._event({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, event: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def remote(model_server: ModelServer) -> Iterator[RemoteEngine]:
    engine = RemoteEngine(
        EngineConfig(engine="remote", remote_url=model_server.url, remote_model="m", context_tokens=CONTEXT_TOKENS)
    )
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def local_engine() -> Iterator[Any]:
    from workers.engine import open_engine

    engine = open_engine(EngineConfig(home=HOME, context_tokens=CONTEXT_TOKENS))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def hf_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The engine for graphics cards, on the CPU, with a model of random weights at the pace of a larger one."""
    from tests.workers.engine.tiny_model import save_tiny_model
    from workers.engine.hf import HfEngine

    class Paced(HfEngine):
        def _open_batch(self) -> Any:
            batch: Any = super()._open_batch()
            step = batch.manager._generation_step
            batch.manager._generation_step = lambda: (threading.Event().wait(0.01), step())
            return batch

    folder = save_tiny_model(tmp_path_factory.mktemp("tiny"))
    engine = Paced(EngineConfig(base_model=str(folder), device="cpu", context_tokens=CONTEXT_TOKENS))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def seeing_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A model of random weights that gets a picture with every question, at the pace of a larger one."""
    from tests.workers.engine.tiny_seeing import picture, save_seeing
    from workers.engine.seeing import SeeingEngine

    class Pictured(SeeingEngine):
        def stream(self, request: Any) -> Any:
            *before, last = request.messages
            shown = last.model_copy(update={"pictures": (picture("red"),)})
            return super().stream(replace(request, messages=(*before, shown)))

    folder = save_seeing("smolvlm", tmp_path_factory.mktemp("seeing"))
    engine = Pictured(EngineConfig(base_model=str(folder), device="cpu", context_tokens=CONTEXT_TOKENS))
    head = engine._viewer._model.lm_head  # type: ignore[union-attr]
    forward = head.forward
    head.forward = lambda hidden: (threading.Event().wait(0.005), forward(hidden))[1]
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def llama_cpp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelProgram]:
    """A server of llama.cpp with the bundled model."""
    with llama_cpp_program(tmp_path_factory.mktemp("llama")) as program:
        yield program


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelProgram]:
    """A server of vLLM with the bundled model."""
    with vllm_program(tmp_path_factory.mktemp("vllm"), HOME) as program:
        yield program


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest) -> Subject:
    """The engine in front of each real server."""
    return served_by(request.param, request)


def served_by(name: str, request: pytest.FixtureRequest) -> Subject:
    """The engine in front of the server of this fixture, which it asks for its context."""
    program: ModelProgram = request.getfixturevalue(name)
    program.until_idle()
    engine = engine_of(program)
    request.addfinalizer(engine.close)
    return Subject(engine, program.n_active)


def engine_of(program: ModelProgram, **options: Any) -> RemoteEngine:
    """An engine that uses the server."""
    config = EngineConfig(engine="remote", remote_url=program.url, remote_model=program.model, **options)
    engine = RemoteEngine(config)
    assert engine.health().ready
    return engine


@pytest.fixture(
    params=[pytest.param("local", marks=pytest.mark.model), "hf", "seeing", "remote", "scripted", *SERVERS]
)
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param in ("llama_cpp", "vllm"):
        return served_by(request.param, request)
    if request.param == "local":
        engine = request.getfixturevalue("local_engine")
        return Subject(engine, lambda: engine._batch.n_running)
    if request.param == "hf":
        engine = request.getfixturevalue("hf_engine")
        return Subject(engine, lambda: engine._batch.n_running)
    if request.param == "seeing":
        engine = request.getfixturevalue("seeing_engine")
        return Subject(engine, lambda: engine._viewer.n_running)
    if request.param == "remote":
        server = request.getfixturevalue("model_server")
        return Subject(request.getfixturevalue("remote"), lambda: server.n_active, notices_closing=False)
    stalled = threading.Event()
    scripted = ScriptedEngine(
        lambda messages: _scripted_reply(messages, stalled),
        CAPABLE.model_copy(update={"context_tokens": CONTEXT_TOKENS}),
    )
    return Subject(scripted, lambda: scripted.active)


def _scripted_reply(messages: tuple[PromptMessage, ...], stalled: threading.Event) -> Any:
    return ["wörd0 ", stalled] if "wait" in messages[-1].content else LONG_REPLY


@pytest.fixture(scope="session")
def bundled_tokenizer() -> Any:
    from transformers import AutoTokenizer

    from workers.engine.cpu.converting import resolve_compressed

    return AutoTokenizer.from_pretrained(resolve_compressed(EngineConfig(home=HOME)).tokenizer, local_files_only=True)


@pytest.fixture(scope="session")
def encoder_of(bundled_tokenizer: Any) -> Callable[[str], Any]:
    """The encoder with the template of a family, made once."""
    from workers.engine.encoding import ChatEncoder

    return cache(lambda name: ChatEncoder(tokenizer_of(name, bundled_tokenizer)))
