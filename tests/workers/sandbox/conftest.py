"""Every way to shut code in that works on this machine, with victims that the tests themselves start."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workers.sandbox.backends import BACKENDS
from workers.sandbox.selfcheck import succeeding_attacks, victims
from workers.sandbox.session import Callbacks, CodeResult
from workers.sandbox.sessions import Sessions
from workers.sandbox.settings import SandboxLimits, SandboxSettings

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def sandbox_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox-home")


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def sessions(request: pytest.FixtureRequest, sandbox_home: Path) -> Iterator[Sessions]:
    """Sessions behind one backend, with limits that are reached fast; skipped where this machine lacks it."""
    limits = SandboxLimits(wall_s=8, cpu_s=6, memory_bytes=400 << 20, disk_bytes=48 << 20, n_entries=1_000)
    settings = SandboxSettings(sandbox_home, n_sessions=4, limits=limits)
    backend = BACKENDS[request.param](settings)
    if reason := backend.unavailable():
        pytest.skip(reason)
    made = Sessions(settings, backend)
    try:
        if reason := succeeding_attacks(replace(settings, limits=limits), made):
            pytest.skip(reason)
        yield made
    finally:
        made.close()


Run = Callable[..., CodeResult]


@pytest.fixture
def run(sessions: Sessions, request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs code in a conversation of this test's own, or in the one that is named."""
    names: set[str] = set()

    def run_code(code: str, session: str = "", files: dict[str, bytes] | None = None, **how: Any) -> CodeResult:
        name = f"{request.node.name} {session}"
        names.add(name)
        return sessions.run(name, code, files or {}, how.get("wall_s", 8), how.get("watch", Callbacks()))

    yield run_code
    for name in names:
        sessions.end(name)


@pytest.fixture(scope="session")
def harm(sessions: Sessions, sandbox_home: Path) -> Iterator[dict[str, Any]]:
    """What attempts are told to attack."""
    (mine := sandbox_home / "mine").write_text("whose mode is tried to change")
    mine.chmod(0o600)
    other = sessions.run(
        "the marker's conversation", "open('marker-file.txt', 'w').write('private')", {}, 8, Callbacks()
    )
    assert not other.error
    with victims(sessions._settings) as told:
        yield told | {
            "settings": str(REPOSITORY / "platform/web/settings.py"),
            "root": str(REPOSITORY),
            "mine": str(mine),
            "disk": next((str(each) for each in Path("/dev").glob("[sv]d[a-z]")), "/dev/sda"),
            "sessions": str(sessions.root),
            "marker": "marker-file",
            "others": [str(each) for each in sessions.root.glob("*/files/marker-file.txt")],
            "ours": [],
        }
