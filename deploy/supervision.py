"""supervisord and the programs of supervisor.conf, started and stopped together."""

import ctypes
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.commands import last_lines
from deploy.install import PYTHON, REPOSITORY
from deploy.preflight import CannotStart

CONFIGURATION = REPOSITORY / "deploy" / "supervisor.conf"
POLL_S = 0.5
STOP_S = 30.0
# A program that exits this often before the site is ready will not recover by itself.
MAX_EARLY_EXITS = 3
_EXITED = re.compile(r"(?:exited|gave up): (\w+)")
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Supervisor:
    """supervisord as a child process. It ends with its parent process, even when that one is killed."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.logs = home / "log"
        self._log = self.logs / "supervisor.log"
        self._seen = self._log.stat().st_size if self._log.exists() else 0
        self._exits: Counter[str] = Counter()
        self._process = subprocess.Popen(
            [PYTHON, "-m", "supervisor.supervisord", "--configuration", CONFIGURATION],
            cwd=REPOSITORY,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            # Ctrl-C reaches this process only, which then stops the others in order.
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Returns when `ready()` is true. Raises CannotStart, with a log's end, when a program keeps exiting."""
        while not ready():
            self._raise_for_lost_programs()
            time.sleep(POLL_S)

    def wait(self, until: Callable[[], bool]) -> bool:
        """Returns true once `until()` is true, or false when supervisord exits: only when somebody stops it."""
        while self._process.poll() is None:
            if until():
                return True
            time.sleep(POLL_S)
        return False

    def stop(self) -> None:
        """Stops all programs, the broker last, and returns when they have exited."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _raise_for_lost_programs(self) -> None:
        if self._process.poll() is not None:
            raise CannotStart(f"The supervisor exited.\n{last_lines(self._log.read_text())}")
        for name in self._new_exits():
            self._exits[name] += 1
            if self._exits[name] >= MAX_EARLY_EXITS:
                log = self.logs / f"{name}.log"
                raise CannotStart(f"{name} keeps exiting. The last lines of {log}:\n{last_lines(log.read_text())}")

    def _new_exits(self) -> list[str]:
        """The programs that supervisord has reported as exited since the last call."""
        if not self._log.exists():
            return []
        with self._log.open(errors="replace") as log:
            log.seek(self._seen)
            text = log.read()
            self._seen = log.tell()
        return _EXITED.findall(text)


def answers(url: str) -> bool:
    """Whether the URL answers with a success."""
    return fetched(url) is not None


def fetched(url: str) -> bytes | None:
    """What the URL answers, asked without any proxy; None if it is no success."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            body: bytes = response.read()
            return body
    except (OSError, urllib.error.URLError):
        return None


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
