"""Hostile code reaches no network, no other process, no other file and no wide door of the kernel."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workers.sandbox.attempts import OTHERS, POSSIBLE, program
from workers.sandbox.session import Callbacks
from workers.sandbox.sessions import Sessions

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the confinement needs Linux")


@pytest.mark.parametrize("name", [*POSSIBLE, *OTHERS])
def test_it_is_held(sessions: Sessions, harm: dict[str, Any], name: str) -> None:
    code = program({**POSSIBLE, **OTHERS}[name], harm)
    # Other attempts leave descriptors open.
    session = "a fresh attacker" if name == "inherited descriptors" else "the attacker"
    outcome = sessions.run(session, code, {}, 8, Callbacks())
    assert outcome.stdout.strip() == "held", outcome


@pytest.mark.parametrize("name", POSSIBLE)
def test_it_would_succeed_without_the_sandbox(harm: dict[str, Any], name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program(POSSIBLE[name], harm)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=20,
    )
    assert done.stdout.startswith("got"), done


def test_the_victims_are_unharmed(harm: dict[str, Any]) -> None:
    assert Path(harm["secret"]).read_text() == "planted"
    assert Path(f"/proc/{harm['pid']}").exists()
    assert not Path("/usr/guildhall-was-here").exists()


def test_code_runs_as_a_user_of_its_own_where_it_can(sessions: Sessions) -> None:
    one, two = (
        sessions.run(name, "print(os.getuid())", {}, 8, Callbacks()).stdout for name in ("the attacker", "a second")
    )
    if sessions._backend.own_user:
        assert one != two
        assert "0" not in (one.strip(), two.strip())
    else:
        assert one == two
