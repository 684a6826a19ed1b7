"""A process whose interpreter is held ends, which its supervisor mends; one that works stays."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from web.pulse import SILENT_S
from workers import heartbeat, tasks

HELD = "import re; re.fullmatch('(a|a)*b', 'a' * 64)"
BUSY = "import time; ends = time.monotonic() + 1.5\nwhile time.monotonic() < ends: sum(range(1000))"


@pytest.mark.parametrize(("work", "code", "log"), [(HELD, 1, "Timeout"), (BUSY, 0, "")])
def test_a_held_process_ends_with_its_stacks_and_a_busy_one_goes_on(settings, work, code, log):
    script = f"from web.pulse import start_pulse\nimport sys\nstart_pulse(0.6)\nsys.stderr = None\n{work}"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.REPOSITORY / "platform",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, log in ended.stderr) == (code, True), ended.stderr
    if log:
        assert "in fullmatch" in ended.stderr, "the log says what held it"


@pytest.mark.parametrize("queue", ["tools", "index", "model"])
def test_every_worker_has_a_pulse(queue, monkeypatch):
    begun = []
    monkeypatch.setattr(tasks, "start_pulse", lambda: begun.append(queue))
    for name in ("start_model", "start_choice", "start_checks", "start_survey", "start_tools"):
        monkeypatch.setattr(heartbeat, name, lambda: None)
    monkeypatch.setattr(tasks.store, "search", lambda *_: None)
    monkeypatch.setattr(tasks.indexing, "embedder", lambda: SimpleNamespace(id=""))
    monkeypatch.setattr(tasks.back_up, "delay", lambda: None)
    monkeypatch.setattr(tasks.lost_segments, "reindex_lost_files", lambda _: None)
    tasks.announce(
        SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=[queue]))))
    )
    assert begun == [queue]


def test_the_site_has_a_pulse_that_waits_longer_than_any_request(settings):
    source = (settings.REPOSITORY / "platform" / "web" / "asgi.py").read_text("utf-8")
    assert source.endswith("\nstart_pulse()\n")
    assert SILENT_S >= 60
