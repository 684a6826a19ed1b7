"""A worker killed after any append of a tree leaves a tree that the next worker ends with the same shape."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from gpts.steps import Delegation
from tests.workers.trees import ask, make_gpt
from web.runs import log
from web.runs.models import Run

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]

WORKER = Path(__file__).with_name("tree_and_die.py")
# Appends of the whole tree after its first step; a death inside a transaction undoes that transaction.
APPENDS = 22


def work(die_after: int = 0) -> int:
    """Let a real process advance what is unfinished; its exit status."""
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "GUILDHALL_HOME": str(settings.GUILDHALL_HOME),
        "TOOL_CALLING": "native",
        "ANSWERS_FROM_FILES": "write",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, str(WORKER), str(die_after)]
    return subprocess.run(command, env=env, timeout=120, capture_output=True, check=False).returncode


def shape(run: Run) -> tuple:
    """The tree as its logs tell it: the kinds of each run's steps, and the same of those it asked."""
    steps = log.read(run.id)
    asked = [shape(Run.objects.get(id=step.run_id)) for step in steps if isinstance(step, Delegation)]
    return run.version.gpt.name, sorted(step.kind for step in steps), asked


@pytest.fixture
def root(alice, bob) -> Run:
    two = make_gpt(alice, "Two", make_gpt(alice, "Three"))
    return ask(bob, make_gpt(alice, "Desk", make_gpt(alice, "One"), two))


@pytest.fixture
def whole(root, bob) -> tuple:
    """The shape of a tree in which nobody died."""
    run = ask(bob, root.message.conversation.gpt)
    root.delete()
    assert work() == 0
    return shape(run)


def test_a_worker_killed_at_any_point_leaves_a_tree_that_completes_with_the_same_shape(root, bob, whole):
    desk = Run.objects.get(root=None).message.conversation.gpt
    n_killed = 0
    for n in range(1, APPENDS + 1):
        Run.objects.all().delete()
        run = ask(bob, desk)
        n_killed += work(die_after=n) == -signal.SIGKILL
        assert work() == 0
        assert shape(run) == whole, n
        assert Run.objects.filter(root=run).count() == 3
        text = log.read(run.id)[-1].text
        assert text.count("One says so.") == text.count("Three says so.") == 1
    assert n_killed >= APPENDS - 3
