"""The site asks and a worker answers, over a real broker and with a real Celery worker in a thread."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker

from web import errands
from web.errands import NoAnswer, answer, ask

OPTIONS = {"queue": "errands", "timeout_s": 5}


@pytest.fixture
def done() -> list[str]:
    """The ids of the errands that were begun."""
    return []


@pytest.fixture
def app(with_valkey, valkey_url, monkeypatch, done) -> Celery:
    """A Celery application on the tests' Valkey, with errands that answer, fail and say too much."""
    app = Celery("errands", broker=valkey_url.replace("unix://", "redis+socket://"), set_as_current=False)
    app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)

    @app.task(name="greet", shared=False)
    def greet(errand_id: str, name: str) -> None:
        done.append(errand_id)
        answer(errand_id, {"words": f"Hello {name}"})

    @app.task(name="fail", shared=False)
    def fail(errand_id: str) -> None:
        raise RuntimeError("a secret of the worker's")

    @app.task(name="babble", shared=False)
    def babble(errand_id: str) -> None:
        answer(errand_id, {"words": "a" * errands.MAX_ANSWER_BYTES})

    monkeypatch.setattr(errands, "app", app)
    return app


@pytest.fixture
def worker(app) -> Iterator[Any]:
    """A worker of the queue."""
    with start_worker(app, pool="solo", perform_ping_check=False, queues=["errands"], without_heartbeat=True):
        yield


def test_the_worker_s_answer_comes_back(worker, done):
    assert ask("greet", "Alice", **OPTIONS) == {"words": "Hello Alice"}
    assert ask("greet", "Bob", **OPTIONS) == {"words": "Hello Bob"}
    assert len(set(done)) == 2


def test_a_task_that_fails_says_so_at_once_and_keeps_its_reasons(worker):
    before = time.monotonic()
    with pytest.raises(NoAnswer) as told:
        ask("fail", **OPTIONS)
    assert time.monotonic() - before < 4
    assert "went wrong" in str(told.value)
    assert "secret" not in str(told.value)


def test_an_answer_that_is_too_large_is_a_failure(worker):
    with pytest.raises(NoAnswer, match="went wrong"):
        ask("babble", **OPTIONS)


def test_without_a_worker_it_gives_up_in_time(app):
    with pytest.raises(NoAnswer, match="busy or away"):
        ask("greet", "Alice", queue="errands", timeout_s=0.1)


def test_an_errand_that_nobody_waits_for_any_more_is_skipped(app, done, request):
    with pytest.raises(NoAnswer):
        ask("greet", "too late", queue="errands", timeout_s=0.1)
    request.getfixturevalue("worker")
    ask("greet", "in time", **OPTIONS)
    assert len(done) == 1


def test_an_answer_that_nobody_fetches_expires(with_valkey):
    answer("abandoned", {"words": "anyone?"})
    assert 0 < errands._client().ttl("errand:abandoned") <= errands.KEEP_S


def test_without_a_broker_it_says_so_at_once(settings, tmp_path, monkeypatch):
    nowhere = Celery("nowhere", broker=f"redis+socket://{tmp_path}/none.sock", set_as_current=False)
    nowhere.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
    monkeypatch.setattr(errands, "app", nowhere)
    with pytest.raises(NoAnswer, match="cannot be reached"):
        ask("greet", "Alice", **OPTIONS)


def test_waiting_is_not_cut_short_by_the_client_s_own_limit():
    pool = errands._client().connection_pool
    assert pool.connection_class(**pool.connection_kwargs).socket_timeout is None
