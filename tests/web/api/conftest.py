"""A live site for programs: uvicorn in a thread on a free port, and a hand that plays worker."""

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import uvicorn
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.steps import (
    ApprovalRequest,
    Error,
    FileRef,
    Finished,
    ModelReply,
    Retrieval,
    Step,
    ToolCall,
    ToolResult,
)
from gpts.safety.labels import Label
from web.accounts.models import DEFAULT_SCOPES, User
from web.accounts.services import create_key, revoke_key
from web.runs import log, services, stream

ANSWER = "The seal is ZP-771. Fit it dry."
QUOTE = "Filter part number is ZP-771."
CITATION = Citation(
    tag=1,
    file_id="f1",
    file_name="manual.pdf",
    segment="s1",
    chunk=3,
    quote=QUOTE,
    start=100,
    end=129,
    answer_start=0,
    answer_end=19,
    heading="Seals",
    page=7,
)
PASSAGE = Passage(file_id="f1", file_name="manual.pdf", segment="s1", chunk=3, text=QUOTE, start=100, end=129)


def key_of(user: User, *, may_approve: bool = False) -> str:
    """A live key of `user`."""
    return create_key(user, "test", scopes=[*DEFAULT_SCOPES, *(["approve"] if may_approve else [])])[1]


def revoked_key_of(user: User) -> str:
    key, secret = create_key(user, "test")
    revoke_key(user, key.id)
    return secret


def expired_key_of(user: User) -> str:
    return create_key(user, "test", timezone.now() - timedelta(seconds=1))[1]


def bearer(secret: str) -> Client:
    """A test client that sends the key with each request."""
    return Client(headers={"Authorization": f"Bearer {secret}"})


@contextmanager
def served() -> Iterator[str]:
    """The address of this process's site while it is served by uvicorn."""
    from web.asgi import application

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def live(transactional_db, with_valkey, settings, tmp_path: Path) -> Iterator[str]:
    """The address of the live site."""
    settings.GUILDHALL_HOME = tmp_path
    with served() as url:
        yield url


class Worker:
    """Plays the worker of one run at a time, each step where a test wants it."""

    def __init__(self, woken: "queue.Queue[str]") -> None:
        self._woken = woken
        self.run_id = UUID(int=0)
        self.lease, self.patience_s = "", 20.0
        self._attempt = 0

    def take(self) -> None:
        """Wait for the next run and claim it."""
        self.run_id = self.next_run()
        self.retake()

    def next_run(self) -> UUID:
        """Wait for the next run that a worker is woken for."""
        return UUID(self._woken.get(timeout=self.patience_s))

    def retake(self) -> None:
        """Claim the run again, as after the first worker's death."""
        log.hand_over(self.run_id, self.lease)
        self.lease = log.claim(self.run_id) or ""
        self._attempt += 1

    def retrieve(self) -> None:
        """Find the one passage."""
        self._append(Retrieval(query="q", passages=(PASSAGE,), covered=True))

    def write(self, *pieces: str) -> None:
        """Begin a reply and show these pieces of it."""
        place = {"seq": 2, "attempt": self._attempt}
        stream.publish(self.run_id, {"type": "attempt", **place})
        for piece in pieces:
            stream.publish(self.run_id, {"type": "token", **place, "text": piece})

    def progress(self, text: str) -> None:
        """Show what the run is doing."""
        stream.publish(self.run_id, {"type": "progress", "call_id": "", "text": text})

    def reason(self, text: str) -> None:
        """Show this piece of reasoning."""
        place = {"seq": 2, "attempt": self._attempt}
        stream.publish(self.run_id, {"type": "reasoning", **place, "text": text})

    def finish(
        self,
        text: str = ANSWER,
        citations: tuple[Citation, ...] = (CITATION,),
        finish: str = "stop",
        label: Label | None = None,
        stop_sequence: str = "",
        **reasoned: object,
    ) -> None:
        """Append the reply and end the run with it."""
        usage = {"prompt_tokens": 40, "completion_tokens": 9, "first_token_ms": 12}
        ending = {"text": text, "finish": finish, "stop_sequence": stop_sequence}
        self._append(ModelReply(**ending, **usage, **reasoned))
        last = Finished(**ending, citations=citations, coverage="covered", label=label or Label())
        services.finish_run(self.run_id, last, self.lease)

    def ask_caller(self, *calls: ToolCall, text: str = "") -> None:
        """End the run with calls of the caller's functions."""
        self._append(ModelReply(text=text, tool_calls=calls, finish="tool_calls"))
        last = Finished(text=text, tool_calls=calls, finish="tool_calls")
        services.finish_run(self.run_id, last, self.lease)

    def use_tool(self, said: str = "", *files: FileRef) -> None:
        """Reply with a call of a tool of the GPT's, and get its result."""
        self._append(ModelReply(text=said, tool_calls=(ToolCall(call_id="t1", name="look", arguments={}),)))
        self._append(ToolResult(call_id="t1", name="look", text="It rains.", files=files))

    def ask_person(self, sign_in: str = "") -> None:
        """Reply with a call that a person must allow, or sign in for, ask, and let go of the run."""
        self._append(ModelReply(text="", tool_calls=(ToolCall(call_id="w1", name="send_mail", arguments={}),)))
        self._append(ApprovalRequest(call_id="w1", name="send_mail", digest="d" * 64, sign_in=sign_in))
        log.hand_over(self.run_id, self.lease)

    def fail(self, message: str) -> None:
        """End the run with an error."""
        services.finish_run(self.run_id, Error(message=message), self.lease)

    def answer(self) -> None:
        """The usual turn from beginning to end."""
        self.take()
        self.retrieve()
        self.write("The seal is ", "ZP-771.", " Fit it", " dry.\n")
        self.finish()

    def _append(self, step: Step) -> None:
        seq = log.append(self.run_id, step, self.lease)
        stream.publish(self.run_id, {"type": "step", "seq": seq, "kind": step.kind})


Meanwhile = Callable[[Callable[[], None]], "Future[None]"]


@pytest.fixture
def worker(monkeypatch) -> Worker:
    """A worker that nobody has woken yet."""
    woken: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr("web.runs.wake.send_task", lambda name, row_id, queue: woken.put(row_id))
    return Worker(woken)


@pytest.fixture
def meanwhile() -> Iterator[Meanwhile]:
    """Runs a function in another thread while the test waits for its effect; its errors fail the test."""
    futures: list[Future[None]] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            close_old_connections()

    with ThreadPoolExecutor(4) as pool:

        def start(work: Callable[[], None]) -> "Future[None]":
            futures.append(pool.submit(run, work))
            return futures[-1]

        yield start
        for future in futures:
            future.result(timeout=20)
