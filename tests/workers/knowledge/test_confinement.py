"""A parser that was taken over reaches no network, no other file, no other process, and cannot write."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.knowledge.attacks import HELD
from workers.confinement.landlock import version as landlock_version
from workers.confinement.syscalls import DENIED
from workers.isolation.child import missing
from workers.isolation.parent import run_isolated

ROOT = Path(__file__).parents[3]
ATTACKS = "tests.workers.knowledge.attacks"
needs_landlock = pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the confinement needs Linux")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "upload").write_bytes(b"some text")
    return tmp_path / "upload"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("planted")
    return tmp_path / "secret"


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_INET6, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_NETLINK, socket.SOCK_RAW),
        (socket.AF_PACKET, socket.SOCK_RAW),
        (socket.AF_ALG, socket.SOCK_SEQPACKET),
        (socket.AF_VSOCK, socket.SOCK_STREAM),
    ],
)
def test_no_socket_of_any_family_can_be_made(source: Path, family: int, kind: int) -> None:
    assert run_isolated(f"{ATTACKS}:family", source, [int(family), int(kind)]) == HELD


def test_a_listening_server_is_out_of_reach(source: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert run_isolated(f"{ATTACKS}:tcp", source, [server.getsockname()[1]]) == HELD


@pytest.mark.parametrize("attack", ["dns", "pair", "fork", "run", "spawn", "replace_itself", "kill_all", "outlive"])
def test_names_programs_and_processes_are_out_of_reach(source: Path, attack: str) -> None:
    assert run_isolated(f"{ATTACKS}:{attack}", source) == HELD


def test_its_limits_cannot_be_raised(source: Path) -> None:
    assert run_isolated(f"{ATTACKS}:raise_limits", source) == HELD


def test_threads_are_allowed(source: Path) -> None:
    assert run_isolated(f"{ATTACKS}:thread", source) == b"started"


def test_another_process_cannot_be_killed_or_read(source: Path) -> None:
    with subprocess.Popen(["sleep", "60"], env={"TOKEN": "planted"}) as victim:
        assert run_isolated(f"{ATTACKS}:kill", source, [victim.pid]) == HELD
        assert victim.poll() is None
        victim.kill()


@needs_landlock
@pytest.mark.parametrize("what", ["environ", "maps", "cmdline"])
def test_the_parents_memory_and_environment_cannot_be_read(source: Path, what: str) -> None:
    assert run_isolated(f"{ATTACKS}:read", source, [f"/proc/{os.getpid()}/{what}"]) == HELD


@needs_landlock
def test_other_files_cannot_be_read_or_listed(source: Path, secret: Path) -> None:
    assert run_isolated(f"{ATTACKS}:read", source, [str(secret)]) == HELD
    assert run_isolated(f"{ATTACKS}:list_folder", source, [str(secret.parent)]) == HELD
    assert run_isolated(f"{ATTACKS}:read", source, ["/etc/passwd"]) == HELD
    assert run_isolated(f"{ATTACKS}:list_folder", source, ["/"]) == HELD


def test_a_folder_for_text_recognition_can_be_read(
    source: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESSDATA", str(secret.parent))
    assert run_isolated(f"{ATTACKS}:read", source, [str(secret)]) == b"got b'planted'"


@pytest.mark.parametrize("attack", ["write", "append", "unlink", "make_folder", "change_mode", "truncate"])
def test_nothing_can_be_written(source: Path, secret: Path, attack: str) -> None:
    before = sorted(secret.parent.iterdir())
    assert run_isolated(f"{ATTACKS}:{attack}", source, [str(secret)]) == HELD
    assert secret.read_text() == "planted"
    assert sorted(secret.parent.iterdir()) == before


def test_only_its_own_descriptors_are_open(source: Path, secret: Path) -> None:
    inherited = os.open(secret, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        assert run_isolated(f"{ATTACKS}:leftovers", source) == b"0 1 2 3 4"
    finally:
        os.close(inherited)


_CALLS = (
    "ptrace process_vm_readv bpf perf_event_open io_uring_setup userfaultfd keyctl memfd_create memfd_secret mount "
    "unshare setns pidfd_open pidfd_getfd open_by_handle_at personality shmget mq_open mknodat pivot_root chroot "
    "seccomp"
).split()


@pytest.mark.parametrize("name", _CALLS)
def test_wide_doors_into_the_kernel_are_shut(source: Path, name: str) -> None:
    assert run_isolated(f"{ATTACKS}:system_call", source, list(DENIED[name])) == HELD


@pytest.mark.parametrize("number", [435, 437, 463, 500])
def test_calls_whose_arguments_or_purpose_are_unknown_do_not_exist(source: Path, number: int) -> None:
    assert run_isolated(f"{ATTACKS}:system_call", source, [number, number]) == HELD


@needs_landlock
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may become somebody else")
def test_the_confinement_holds_for_an_ordinary_user_too(secret: Path) -> None:
    for folder in (secret, *secret.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o055)
    program = (
        "import os; from workers.isolation.child import confine\n"
        "from tests.workers.knowledge import attacks\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); confine()\n"
        f"print(attacks.read(b'', {str(secret)!r}), attacks.fork(b''), attacks.family(b'', 2, 1))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "b'held' b'held' b'held'", done.stderr


def test_what_is_missing_is_said() -> None:
    assert all(len(each) > 20 for each in missing())
    assert bool(landlock_version()) == (not any("Landlock" in each for each in missing()))
