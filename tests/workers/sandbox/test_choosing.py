"""A backend that fails the self-check is not used, and where all fail no code is run."""

from pathlib import Path
from typing import Any

import pytest

from workers.sandbox import restrictions, selfcheck
from workers.sandbox.backends import BACKENDS
from workers.sandbox.backends.landlock import Landlock
from workers.sandbox.running import Running, SessionPlace, kernel_environment, start
from workers.sandbox.settings import SandboxSettings

# A kernel that does not confine itself.
_OPEN = """
import sys, json
from workers.confinement import landlock, seccomp
from workers.sandbox import restrictions, kernel
restrictions.confine = lambda *given: None
kernel.main(json.loads(sys.argv[1]))
"""


class Unrestricted(Landlock):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.own_user = False  # another user's files would be closed to it without any restriction

    def start(self, place: SessionPlace) -> Running:
        import os
        import sys

        command = [sys.executable, "-c", _OPEN, place.configuration(parent=os.getpid())]
        program = start(command, cwd="/", env=kernel_environment(place.tmp))
        return Running(program, program.pid)


def test_missing_restrictions_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfcheck, "BACKENDS", {"unrestricted": Unrestricted})
    sessions, name, why = selfcheck.open_sessions(SandboxSettings(tmp_path))
    assert sessions is None
    assert name == ""
    for attack in ("read_a_secret", "connect_by_tcp", "start_a_process", "read_a_process"):
        assert attack in why


@pytest.mark.parametrize("missing", ["landlock", "seccomp"])
def test_one_restriction_alone_is_not_enough(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holes = {
        "landlock": "landlock.version = lambda: 0",
        "seccomp": "seccomp.install = lambda *given: None",
    }
    hole = holes[missing]
    monkeypatch.setattr(f"{__name__}._OPEN", _OPEN.replace("restrictions.confine = lambda *given: None", hole))
    monkeypatch.setattr(selfcheck, "BACKENDS", {"unrestricted": Unrestricted})
    sessions, _, why = selfcheck.open_sessions(SandboxSettings(tmp_path))
    assert sessions is None
    assert ("read_a_secret" if missing == "landlock" else "start_a_process") in why


def test_the_next_backend_is_taken_where_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfcheck, "BACKENDS", {"unrestricted": Unrestricted, "landlock": Landlock})
    sessions, name, why = selfcheck.open_sessions(SandboxSettings(tmp_path))
    if reason := Landlock(SandboxSettings(tmp_path)).unavailable():
        pytest.skip(reason)
    assert (name, why) == ("landlock", "")
    assert sessions is not None
    sessions.close()


def test_a_kernel_that_does_not_start_is_no_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_confine(*_: Any) -> None:
        raise OSError("no restrictions here")

    monkeypatch.setattr(restrictions, "confine", no_confine)
    monkeypatch.setattr(Landlock, "start", lambda self, place: (_ for _ in ()).throw(OSError("cannot")))
    monkeypatch.setattr(selfcheck, "BACKENDS", {"landlock": Landlock})
    sessions, _, why = selfcheck.open_sessions(SandboxSettings(tmp_path))
    assert sessions is None
    assert "its self-check failed" in why


def test_the_registry_holds_the_three_ways() -> None:
    assert list(BACKENDS) == ["bubblewrap", "landlock", "container"]
