"""The service as a process of its own: without our environment, on a socket of its owner's, mended after a kill."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workers.sandbox.conftest import REPOSITORY
from workers.sandbox.client import Client
from workers.sandbox.errors import SandboxError, Unavailable
from workers.sandbox.service import Service
from workers.sandbox.settings import NAMES, SandboxSettings, from_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the service needs Linux")


@dataclass
class Running:
    """A service in its own process, and the way to it."""

    process: "subprocess.Popen[bytes]"
    client: Client
    home: Path


def start(home: Path, **settings: str) -> Running:
    variables = {**os.environ, "GUILDHALL_HOME": str(home), "SECRET_KEY": "planted-secret", **settings}
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):  # as on a bare machine, where Python sets one of them by itself
        variables.pop(name, None)
    process = subprocess.Popen([sys.executable, "-m", "workers.sandbox"], cwd=REPOSITORY, env=variables)
    path = home / "run" / "sandbox.sock"
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    return Running(process, Client(path), home)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = start(tmp_path_factory.mktemp("home"))
    yield made
    made.process.terminate()
    assert made.process.wait(10) == 0
    assert not (made.home / "run" / "sandbox.sock").exists()
    assert not Path((made.home / "run" / "sandbox.folder").read_text()).exists()


@pytest.fixture
def able(service: Running) -> Running:
    """The service, if this machine can shut code in at all."""
    if why := service.client.why_not():
        pytest.skip(why)
    return service


def test_it_answers_and_keeps_variables(able: Running) -> None:
    assert able.client.run("Bob", "x = 3847", {}, 10).error == ""
    heard: list[str] = []
    answer = able.client.run("Bob", "print(x * 291)", {}, 10, on_output=heard.append)
    assert answer.stdout == "1119477\n"
    assert "".join(heard) == "1119477\n"


def test_files_go_in_and_come_out(able: Running, tmp_path: Path) -> None:
    sent, empty = tmp_path / "sent", tmp_path / "empty"
    sent.write_bytes(b"abc")
    empty.touch()
    code = "open('b.txt', 'wb').write(open('a.bin', 'rb').read()[::-1])"
    answer = able.client.run("files", code, {"empty": empty, "a.bin": sent}, 10)
    assert [(each.name, each.content) for each in answer.artefacts] == [("b.txt", b"cba")]


def test_only_its_owner_can_open_the_socket(service: Running) -> None:
    assert stat.S_IMODE((service.home / "run" / "sandbox.sock").stat().st_mode) == 0o600


def test_it_holds_no_secret_of_the_platform(service: Running) -> None:
    kept = Path(f"/proc/{service.process.pid}/environ").read_bytes()
    assert b"planted-secret" not in kept
    names = {each.split(b"=")[0].decode() for each in kept.split(b"\0") if each}
    assert names <= {*NAMES, "PATH", "LANG", "LC_ALL", "TZ", "PYTHONUNBUFFERED"}


def test_it_listens_on_no_network(service: Running) -> None:
    own = {os.readlink(each) for each in Path(f"/proc/{service.process.pid}/fd").iterdir()}
    tables = "".join(Path(f"/proc/{service.process.pid}/net/{each}").read_text() for each in ("tcp", "tcp6", "udp"))
    inodes = set(re.findall(r"socket:\[(\d+)\]", " ".join(own)))
    assert not inodes & set(re.findall(r"\b\d{3,}\b", tables))


def test_it_imports_neither_the_site_nor_heavy_libraries() -> None:
    heavy = ("django", "web", "torch", "numpy", "pandas", "celery")
    code = (
        "import sys, workers.sandbox.__main__, workers.sandbox.client\n"
        f"print([each for each in sys.modules if each.split('.')[0] in {heavy}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_stopped_call_ends_its_code_within_two_seconds(able: Running) -> None:
    class Stop(Exception):
        pass

    shown: list[str] = []

    def check() -> None:
        if shown:
            raise Stop

    able.client.run("stopped", "x = 1", {}, 10)
    with pytest.raises(Stop):
        able.client.run("stopped", "print('endless', flush=True)\nwhile True: pass", {}, 30, check, shown.append)
    stopped = time.monotonic()
    # The conversation's next call waits until the loop has ended.
    assert able.client.run("stopped", "x", {}, 10).value == "1"
    assert time.monotonic() - stopped < 2


def test_calls_of_one_conversation_wait_for_each_other(able: Running) -> None:
    able.client.run("two", "order = []", {}, 10)
    code = "import time\norder.append({0}); time.sleep(0.2); order.append({0})"
    calls = [threading.Thread(target=able.client.run, args=("two", code.format(n), {}, 10)) for n in (1, 2)]
    for each in calls:
        each.start()
    for each in calls:
        each.join()
    assert able.client.run("two", "order", {}, 10).value in ("[1, 1, 2, 2]", "[2, 2, 1, 1]")


def test_nonsense_does_not_disturb_it(able: Running) -> None:
    import socket

    for data in (b"GET / HTTP/1.1\r\n\r\n", b"J\x00\x00\x00\x02[]", b"J\xff\xff\xff\xff", b""):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(able.home / "run" / "sandbox.sock"))
            one.sendall(data)
    assert able.client.run("after", "1 + 1", {}, 10).value == "2"


def test_its_kernels_end_with_it_even_when_it_is_killed(tmp_path: Path) -> None:
    made = start(tmp_path)
    if why := made.client.why_not():
        made.process.kill()
        made.process.wait()
        pytest.skip(why)
    made.client.run("a", "1", {}, 10)
    kernels = kernels_of(made.process.pid)
    assert kernels
    made.process.send_signal(signal.SIGKILL)
    made.process.wait()
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in kernels):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kernels_of(service: int) -> list[int]:
    """The processes below the service."""
    found, waiting = [], [service]
    while waiting:
        above = waiting.pop()
        for task in Path(f"/proc/{above}/task").iterdir():
            below = [int(each) for each in (task / "children").read_text().split()]
            found += below
            waiting += below
    return found


def test_who_finds_the_socket_is_heard(tmp_path: Path) -> None:
    found: list[bool] = []

    class Watched(Service):
        def server_activate(self) -> None:
            found.append(self.settings.socket.exists())
            super().server_activate()

    service = Watched(SandboxSettings(tmp_path))
    assert found == [False]
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(service.settings.socket))
    service.close()
    assert list(service.settings.socket.parent.iterdir()) == []


def test_off_says_so_and_runs_nothing(tmp_path: Path) -> None:
    made = start(tmp_path, SANDBOX="off")
    try:
        assert "turned off" in made.client.why_not()
        assert made.client.n_live() == {}
        with pytest.raises(Unavailable):
            made.client.run("a", "1", {}, 10)
    finally:
        made.process.terminate()
        made.process.wait()


def test_an_unknown_backend_runs_nothing(tmp_path: Path) -> None:
    made = start(tmp_path, SANDBOX="chroot")
    try:
        assert "not set up correctly" in made.client.why_not()
    finally:
        made.process.terminate()
        made.process.wait()


def test_no_service_is_an_answer_too(tmp_path: Path) -> None:
    assert Client(tmp_path / "no.sock").why_not() == "The sandbox is not running."
    with pytest.raises(SandboxError):
        Client(tmp_path / "no.sock").run("a", "1", {}, 1)


def test_settings_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("256\n")
    told = {"SANDBOX_MEMORY_MB_FILE": str(tmp_path / "memory"), "SANDBOX_WALL_S": "5", "GUILDHALL_HOME": "/x"}
    made = from_environment(told)
    assert (made.limits.memory_bytes, made.limits.wall_s, str(made.socket)) == (256 << 20, 5.0, "/x/run/sandbox.sock")
