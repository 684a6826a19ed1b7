"""The container backend against a stand-in for `docker`, which runs the kernel here and notes what it was told."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.sandbox.conftest import REPOSITORY
from workers.sandbox.backends.container import Container
from workers.sandbox.session import GONE, Callbacks
from workers.sandbox.sessions import Sessions
from workers.sandbox.settings import SandboxSettings

_DOCKER = """#!{python}
import json, os, re, signal, sys
notes = {notes!r}
with open(notes, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
words = sys.argv[1:]
pids = notes + ".pids"
if words[0] == "run":
    name = words[words.index("--name") + 1]
    folders = dict(each.rsplit(":", 2)[1::-1] for each in words if each.startswith("/") and each.endswith(":rw"))
    told = json.loads(words[-1])
    told["files"], told["tmp"] = folders[told["files"]], folders[told["tmp"]]
    open(f"{{pids}}-{{name}}", "w").write(str(os.getpid()))
    told["parent"] = os.getppid()
    variables = {{"PYTHONPATH": {root!r}, "MPLBACKEND": "Agg"}}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "workers.sandbox.kernel", json.dumps(told)], variables)
numbers = {{"pause": signal.SIGSTOP, "unpause": signal.SIGCONT, "rm": signal.SIGKILL, "kill": signal.SIGINT}}
os.kill(int(open(f"{{pids}}-{{words[-1]}}").read()), numbers[words[0]])
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def sessions(tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    folder = tmp_path / "bin"
    folder.mkdir()
    docker = folder / "docker"
    docker.write_text(_DOCKER.format(python=sys.executable, notes=str(notes), root=str(REPOSITORY)))
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    settings = SandboxSettings(tmp_path, image="python-with-pandas")
    backend = Container(settings)
    assert backend.unavailable() == ""
    backend.own_user = False  # the stand-in changes no user
    made = Sessions(settings, backend)
    yield made
    made.close()


def test_code_runs_in_a_container_without_network_and_rights(sessions: Sessions, notes: Path) -> None:
    assert sessions.run("a", "x = 6", {}, 8, Callbacks()).error == ""
    assert sessions.run("a", "x * 7", {}, 8, Callbacks()).value == "42"
    told = notes.read_text().splitlines()[0]
    for words in (
        *('"--network", "none"', '"--read-only"', '"--cap-drop", "ALL"', '"no-new-privileges"', '"--pull", "never"'),
        *('"--memory", "536870912"', '"--memory-swap", "536870912"', '"--pids-limit", "64"', "python-with-pandas"),
    ):
        assert words in told
    assert str(sessions.root) in told
    assert "SECRET" not in told


def test_a_loop_in_a_container_is_interrupted_and_the_container_removed(sessions: Sessions, notes: Path) -> None:
    outcome = sessions.run("a", "while True: pass", {}, 0.3, Callbacks())
    assert "longer than" in outcome.error
    outcome = sessions.run(
        "a", "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass", {}, 0.3, Callbacks()
    )
    assert GONE in outcome.notes
    assert '["rm", "--force"' in notes.read_text()


def test_it_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "neither docker nor podman" in Container(SandboxSettings(tmp_path)).unavailable()
