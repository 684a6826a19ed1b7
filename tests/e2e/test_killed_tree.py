"""A worker killed after any append of a tree leaves a tree that the next worker ends with the same shape."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.workers.trees import make_gpt

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]

TREES = Path(__file__).with_name("tree_and_die.py")
# Appends of the whole tree after its first step; a death inside a transaction undoes that transaction.
APPENDS = 19


def test_a_worker_killed_at_any_point_leaves_a_tree_that_completes_with_the_same_shape(alice, bob):
    two = make_gpt(alice, "Two", make_gpt(alice, "Three"))
    desk = make_gpt(alice, "Desk", make_gpt(alice, "One"), two)
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "GUILDHALL_HOME": str(settings.GUILDHALL_HOME),
        "LOG_LEVEL": "CRITICAL",
    }
    command = [sys.executable, str(TREES), bob.email, desk.slug, str(APPENDS)]
    done = subprocess.run(command, env=env, timeout=600, capture_output=True, text=True, check=True)
    whole, *broken = json.loads(done.stdout)
    assert not whole["killed"]
    assert all(each["killed"] for each in broken)
    for each in (whole, *broken):
        assert each["shape"] == whole["shape"]
        assert each["children"] == 3
        assert each["text"].count("One says so.") == each["text"].count("Three says so.") == 1
