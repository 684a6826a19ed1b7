"""The real thing under its supervisor, with the scripted engine: ready, mended after a kill, gone after Ctrl-C."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy import install
from deploy.supervision import answers

pytestmark = pytest.mark.process

READY_S = 600.0  # a start beside other work takes minutes; this ends one that hangs
MENDED_S = 30.0
STOPPED_S = 20.0


@dataclass
class Platform:
    """A started `deploy/up`: its process, what it printed so far, and where it answers."""

    process: subprocess.Popen[bytes]
    output: Path
    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def programs(self) -> dict[int, str]:
        """Process id -> command line of everything that runs under `deploy/up`."""
        lines = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                lines[child.pid] = " ".join(child.cmdline())
        return lines

    def program(self, words: str) -> int:
        """The process id of the program whose command line has these words, or 0."""
        return next((pid for pid, line in self.programs().items() if words in line), 0)


def wait_for(state: Callable[[], bool], limit_s: float, evidence: Path) -> None:
    ends_at = time.monotonic() + limit_s
    while not state():
        assert time.monotonic() < ends_at, evidence.read_text()
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, put_tables: Callable[[Path], str]) -> Iterator[Platform]:
    home, port = tmp_path_factory.mktemp("home"), free_port()
    put_tables(home / "db.sqlite3")
    output = home.parent / "up.out"
    variables = {**os.environ, "GUILDHALL_HOME": str(home), "PORT": str(port), "ENGINE": "scripted"}
    variables.pop("DJANGO_SETTINGS_MODULE", None)
    with output.open("wb") as file:
        process = subprocess.Popen(
            [install.REPOSITORY / "deploy" / "up"], env=variables, stdout=file, stderr=subprocess.STDOUT
        )
    platform = Platform(process, output, home, port)
    try:
        wait_for(lambda: b"Ctrl-C stops" in output.read_bytes() or process.poll() is not None, READY_S, output)
        assert process.poll() is None, output.read_text()
        yield platform
    finally:
        process.terminate()
        process.wait(STOPPED_S)


def test_it_says_where_it_is_and_how_the_operator_gets_in(platform: Platform) -> None:
    said = platform.output.read_text()
    assert f"Ready: {platform.url}" in said
    assert f"One-time sign-in link for the first operator: {platform.url}" in said
    assert answers(f"{platform.url}healthz")
    assert answers(f"{platform.url}readyz")


def test_its_state_is_closed_to_others_on_the_machine(platform: Platform) -> None:
    assert (platform.home / "run" / "valkey.sock").stat().st_mode & 0o077 == 0
    assert (platform.home / "log").stat().st_mode & 0o077 == 0
    listening = [c.laddr.ip for c in psutil.net_connections("inet") if c.pid in platform.programs() and not c.raddr]
    assert set(listening) == {"127.0.0.1"}


def test_a_second_start_is_refused(platform: Platform) -> None:
    variables = {**os.environ, "GUILDHALL_HOME": str(platform.home), "PORT": str(free_port())}
    second = subprocess.run(
        [install.REPOSITORY / "deploy" / "up"], env=variables, capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 1
    assert "Guildhall is already running" in second.stderr


@pytest.mark.parametrize(
    "words",
    ["valkey-server", "uvicorn", "-Q model", "-Q tools", "-m workers.sandbox", "celery -A web.celery:app beat"],
)
def test_a_killed_program_comes_back(platform: Platform, words: str) -> None:
    killed = platform.program(words)
    assert killed
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: platform.program(words) not in (0, killed), MENDED_S, platform.home / "log" / "supervisor.log")
    wait_for(lambda: answers(f"{platform.url}readyz"), MENDED_S, platform.home / "log" / "model.log")


def test_a_restore_that_the_console_wants_stops_it_and_starts_it_again(platform: Platform) -> None:
    file, phrase = platform.home.parent / "site.backup", "three small words"
    variables = {**os.environ, "GUILDHALL_HOME": str(platform.home), "BACKUP_PASSPHRASE": phrase}
    backup = [install.PYTHON, install.REPOSITORY / "manage.py", "backup", file]
    subprocess.run(backup, env=variables, capture_output=True, timeout=120, check=True)
    before = (platform.home / "secret.key").read_text()
    folder = platform.home / ".restore"  # as web/operate/backup/wanted.py writes it
    folder.mkdir()
    (folder / "wanted.json").write_text(json.dumps({"path": str(file), "passphrase": phrase}))
    wait_for(lambda: platform.output.read_text().count("Ctrl-C stops") == 2, READY_S, platform.output)
    assert answers(f"{platform.url}readyz")
    assert "Restoring a backup" in platform.output.read_text()
    assert [each.name for each in platform.home.glob("replaced-*/db.sqlite3")]
    assert (folder.exists(), (platform.home / "secret.key").read_text()) == (False, before)


def test_ctrl_c_leaves_no_process(platform: Platform) -> None:
    left = [platform.process.pid, *platform.programs()]
    assert len(left) >= 9  # and perhaps the processes in which the sandbox is just attacking itself
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(STOPPED_S) == 0
    assert not [pid for pid in left if psutil.pid_exists(pid)]
    assert platform.output.read_text().endswith("Stopped.\n")
    assert not answers(f"{platform.url}healthz")
