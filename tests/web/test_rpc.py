"""The site calls and a worker returns, over a real broker and with a real Celery worker in a thread."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import redis
from celery import Celery
from celery.contrib.testing.worker import start_worker

from tests.web.conftest import run_valkey
from web import rpc
from web.celery import app as site_app
from web.rpc import NoResult, call

OPTIONS = {"queue": "rpc", "timeout_s": 5}
KEPT = ("result_expires", "result_backend_thread_safe", "result_backend_transport_options", "task_ignore_result")


def application(url: str) -> Celery:
    """A Celery application like the site's on the Redis at `url`."""
    address = url.replace("unix://", "redis+socket://")
    app = Celery("rpc", broker=address, backend=address, set_as_current=False)
    app.conf.update({name: site_app.conf[name] for name in (*KEPT, "broker_transport_options")})
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
    return app


@pytest.fixture
def done() -> list[str]:
    """The arguments of the calls that were begun."""
    return []


@pytest.fixture
def app(with_valkey, valkey_url, monkeypatch, done) -> Iterator[Celery]:
    """A Celery application on the tests' Valkey, with tasks that return, fail, take long and say too much."""
    app = application(valkey_url)
    add_tasks(app, done)
    monkeypatch.setattr(rpc, "app", app)
    # A worker in this process would forbid waiting, as it would inside a task.
    monkeypatch.setattr("celery.worker.components._set_task_join_will_block", lambda blocks: None)
    yield app
    app.backend.result_consumer.stop()


def add_tasks(app: Celery, done: list[str]) -> None:
    @app.task(name="greet", base=rpc.RpcTask, shared=False)
    def greet(name: str) -> dict[str, str]:
        done.append(name)
        return {"text": f"Hello {name}"}

    @app.task(name="fail", base=rpc.RpcTask, shared=False)
    def fail() -> None:
        raise RuntimeError("a secret of the worker's")

    @app.task(name="babble", base=rpc.RpcTask, shared=False)
    def babble() -> dict[str, str]:
        return {"text": "a" * rpc.MAX_PAYLOAD_BYTES}

    @app.task(name="ordinary", shared=False)
    def ordinary() -> str:
        return "nobody reads this"


def wait_until(state: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 5
    while not state() and time.monotonic() < ends:
        time.sleep(0.02)
    return state()


@contextmanager
def working(app: Celery, pool: str = "solo", concurrency: int = 1) -> Iterator[Any]:
    options = {"perform_ping_check": False, "queues": ["rpc"], "without_heartbeat": True}
    with start_worker(app, pool=pool, concurrency=concurrency, **options) as worker:
        yield worker


@pytest.fixture
def worker(app) -> Iterator[Any]:
    """A worker of the queue."""
    with working(app) as worker:
        yield worker


def test_the_worker_s_payload_comes_back(worker):
    assert call("greet", "Alice", **OPTIONS) == {"text": "Hello Alice"}
    assert call("greet", "Bob", **OPTIONS) == {"text": "Hello Bob"}


def test_twenty_threads_wait_side_by_side_and_each_gets_its_own(app, valkey_url):
    together = threading.Barrier(20)

    def greet(name: str) -> dict[str, Any]:
        together.wait()
        return call("greet", name, queue="rpc", timeout_s=20)

    names = [f"person {number}" for number in range(20)]
    with working(app, "threads", 8), ThreadPoolExecutor(20) as threads:
        for _ in range(3):
            began = time.monotonic()
            assert list(threads.map(greet, names)) == [{"text": f"Hello {name}"} for name in names]
            assert time.monotonic() - began < 5
    with redis.Redis.from_url(valkey_url) as client:
        assert client.keys("celery-task-meta-*") == []
        assert wait_until(lambda: client.pubsub_channels() == [])


def test_a_task_that_fails_says_so_at_once_and_keeps_its_reasons(worker):
    before = time.monotonic()
    with pytest.raises(NoResult) as failure:
        call("fail", **OPTIONS)
    assert time.monotonic() - before < 4
    assert "went wrong" in str(failure.value)
    assert "secret" not in str(failure.value)


def test_a_payload_that_is_too_large_is_a_failure(worker):
    with pytest.raises(NoResult, match="went wrong"):
        call("babble", **OPTIONS)


def test_without_a_worker_it_gives_up_in_time(app):
    before = time.monotonic()
    with pytest.raises(NoResult, match=rpc.TOO_LATE):
        call("greet", "Alice", queue="rpc", timeout_s=0.1)
    assert time.monotonic() - before < 3


def test_a_call_that_nobody_waits_for_any_more_is_skipped(app, done, request):
    with pytest.raises(NoResult):
        call("greet", "too late", queue="rpc", timeout_s=0.1)
    request.getfixturevalue("worker")
    call("greet", "in time", **OPTIONS)
    assert done == ["in time"]


def test_a_worker_that_starts_while_somebody_waits_does_the_call(app):
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(call, "greet", "Alice", queue="rpc", timeout_s=20)
        time.sleep(0.5)
        with working(app):
            assert waiting.result() == {"text": "Hello Alice"}


def test_results_expire_and_other_tasks_write_none(app, worker, valkey_url):
    result = app.send_task("greet", ["Alice"], queue="rpc")
    app.send_task("ordinary", [], queue="rpc")
    call("greet", "Bob", **OPTIONS)
    with redis.Redis.from_url(valkey_url) as client:
        [kept] = client.keys("celery-task-meta-*")
        assert kept.decode().endswith(result.id)
        assert 0 < client.ttl(kept) <= 30


def test_sending_other_tasks_subscribes_to_nothing(app, monkeypatch, valkey_url):
    monkeypatch.setattr("web.sending.app", app)
    from web.sending import send_task

    send_task("ordinary", "1", queue="rpc")
    with redis.Redis.from_url(valkey_url) as client:
        assert client.llen("rpc") == 1
        assert client.pubsub_channels() == []


def test_without_a_broker_it_says_so_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(rpc, "app", application(f"unix://{tmp_path}/none.sock"))
    before = time.monotonic()
    with pytest.raises(NoResult, match=rpc.AWAY):
        call("greet", "Alice", queue="rpc", timeout_s=30)
    assert time.monotonic() - before < 10


def test_everybody_who_waits_learns_of_a_lost_broker_and_calls_work_once_it_is_back(tmp_path, monkeypatch, done):
    app = application(f"unix://{tmp_path}/valkey.sock")
    add_tasks(app, done)
    monkeypatch.setattr(rpc, "app", app)
    with ThreadPoolExecutor(5) as threads:
        with run_valkey(tmp_path):
            waiting = [threads.submit(call, "greet", "Alice", queue="rpc", timeout_s=60) for _ in range(5)]
            time.sleep(1)
        began = time.monotonic()
        for each in waiting:
            with pytest.raises(NoResult, match=rpc.AWAY):
                each.result()
        assert time.monotonic() - began < 10
        with run_valkey(tmp_path), working(app):
            assert call("greet", "Bob", **OPTIONS) == {"text": "Hello Bob"}


def test_waiting_is_not_cut_short_by_the_client_s_own_limit(app):
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(call, "greet", "Alice", queue="rpc", timeout_s=30)
        time.sleep(6)  # redis 8 limits reading to 5 s by itself
        assert not waiting.done()
        with working(app):
            assert waiting.result() == {"text": "Hello Alice"}


def test_one_person_waits_for_a_few_addresses_at_once_and_others_are_not_held_up(settings, monkeypatch) -> None:
    settings.MAX_FORM_CALLS_PER_PERSON = 2
    silent, begun = threading.Event(), threading.Semaphore(0)

    def wait(*_: Any, **__: Any) -> dict[str, Any]:
        begun.release()
        assert silent.wait(5)
        return {}

    monkeypatch.setattr(rpc, "call", wait)
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(rpc.call_for, 1, "import", queue="tools", timeout_s=5) for _ in range(2)]
        assert all(begun.acquire(timeout=5) for _ in held)
        with pytest.raises(NoResult, match="too many requests in progress"):
            rpc.call_for(1, "import", queue="tools", timeout_s=5)
        silent.set()
        assert rpc.call_for(2, "import", queue="tools", timeout_s=5) == {}
    assert rpc.call_for(1, "import", queue="tools", timeout_s=5) == {}


def test_a_call_that_is_late_keeps_its_place_while_a_worker_may_be_at_it(settings, monkeypatch) -> None:
    settings.MAX_FORM_CALLS_PER_PERSON = 1
    late = mock.Mock(side_effect=rpc.Late(rpc.TOO_LATE))
    monkeypatch.setattr(rpc, "call", late)
    with pytest.raises(rpc.Late):
        rpc.call_for(3, "import", queue="tools", timeout_s=0.2)
    with pytest.raises(NoResult, match="too many requests in progress"):
        rpc.call_for(3, "import", queue="tools", timeout_s=0.2)
    late.side_effect = None
    assert wait_until(lambda: rpc.OUTSIDE.take(3, 1) is not None)
    assert rpc.call_for(3, "import", queue="tools", timeout_s=0.2)


def test_every_call_to_workers_is_counted_by_person_but_for_those_that_bound_it_themselves() -> None:
    """A flood of pictures of pages took all threads of the worker that writes answers."""
    own = {
        "changes.py",  # of operators
        "worker_turns.py",  # one of each person in turn
        "search.py",  # searches a minute, and half a second at most
    }
    folder = Path(rpc.__file__).parent
    texts = {path: path.read_text() for path in folder.rglob("*.py") if path.name != "rpc.py"}
    uncounted = r"\brpc\.(call|start)\b|from web\.rpc import [^\n]*\b(call|start)\b"
    assert {path.name for path, text in texts.items() if re.search(uncounted, text)} == own
