"""A script that forks a worker for each line of its input, on the tests' database."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


@contextmanager
def forking(script: str, home: Path) -> Iterator[Callable[..., str]]:
    """Sends it words and gives the line that it answers, for as long as the block lasts."""
    env = {
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "GUILDHALL_HOME": str(home),
        "PATH": "",
    }
    command = [sys.executable, str(Path(__file__).with_name(script))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}

    def send(*words: object) -> str:
        print(*words, file=workers.stdin, flush=True)
        return workers.stdout.readline()

    with subprocess.Popen(command, env=env, **pipes) as workers:
        yield send
