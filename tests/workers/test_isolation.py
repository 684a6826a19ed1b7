"""A file is read in a process that can be stopped, that may crash, and that tells how far it is."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from workers.isolation import errors
from workers.isolation.child import report_pages
from workers.isolation.parent import LIMITS, run_isolated

ROOT = Path(__file__).parents[3]
HERE = "tests.workers.test_isolation"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "upload").write_bytes(b"some text")
    return tmp_path / "upload"


def echo(data: bytes, more: str = "", n: int = 0) -> bytes:
    return data + more.encode() * n


def hang(data: bytes) -> bytes:
    time.sleep(60)
    return data


def turn_pages(data: bytes, n_pages: int, seconds: float) -> bytes:
    for n_read in range(1, n_pages + 1):
        time.sleep(seconds)
        report_pages(n_read, n_pages)
    return data


def spin(data: bytes) -> bytes:
    while True:
        hash(data)


def abort(data: bytes) -> bytes:
    os.abort()


def leave(data: bytes) -> bytes:
    os._exit(3)


def stop_early(data: bytes) -> bytes:
    os._exit(0)


def fail(data: bytes) -> bytes:
    raise ZeroDivisionError


def refuse(data: bytes) -> bytes:
    raise errors.NoText("held")


def take_memory(data: bytes) -> bytes:
    return bytes(bytearray(3_000_000_000)[:1])


def answer_at_length(data: bytes) -> bytes:
    return bytes(200_000)


def print_noise(data: bytes) -> bytes:
    os.write(1, b"noise")
    os.write(2, b"noise")
    return data


def tell_pid_and_hang(data: bytes) -> bytes:
    report_pages(os.getpid(), 0)
    return hang(data)


def environment(data: bytes) -> bytes:
    return " ".join(sorted(os.environ)).encode()


def test_the_function_gets_the_file_and_the_arguments(source: Path) -> None:
    assert run_isolated(f"{HERE}:echo", source, ["!", 3]) == b"some text!!!"


def test_pages_are_told_as_they_are_read(source: Path) -> None:
    told: list[tuple[int, int]] = []
    run_isolated(f"{HERE}:turn_pages", source, [3, 0.05], on_progress=lambda *pages: told.append(pages))
    assert told[0] == (0, 0)
    assert {(1, 3), (2, 3)} <= set(told)


def test_what_hangs_is_stopped_by_the_clock(source: Path) -> None:
    with pytest.raises(errors.TimedOut):
        run_isolated(f"{HERE}:hang", source, limits=replace(LIMITS, wall_s=1))


def test_many_pages_may_take_longer(source: Path) -> None:
    limits = replace(LIMITS, wall_s=4, page_s=2)
    assert run_isolated(f"{HERE}:turn_pages", source, [5, 1.0], limits) == b"some text"


def test_what_spins_is_stopped_by_its_processor_time(source: Path) -> None:
    with pytest.raises(errors.TimedOut):
        run_isolated(f"{HERE}:spin", source, limits=replace(LIMITS, cpu_s=1))


@pytest.mark.parametrize("function", ["abort", "leave", "stop_early", "fail"])
def test_a_crash_is_a_broken_file(function: str, source: Path) -> None:
    with pytest.raises(errors.BrokenFile):
        run_isolated(f"{HERE}:{function}", source)


def test_a_reason_arrives_with_its_message(source: Path) -> None:
    with pytest.raises(errors.NoText, match="held"):
        run_isolated(f"{HERE}:refuse", source)


@pytest.mark.parametrize("function", ["take_memory", "answer_at_length"])
def test_what_takes_too_much_is_too_large(function: str, source: Path) -> None:
    with pytest.raises(errors.TooLarge):
        run_isolated(f"{HERE}:{function}", source, limits=replace(LIMITS, answer_bytes=100_000))


def test_what_libraries_print_is_no_answer(source: Path) -> None:
    assert run_isolated(f"{HERE}:print_noise", source) == b"some text"


def test_a_cancelled_child_is_gone(source: Path) -> None:
    pids = []

    def cancel_once_it_runs(n_read: int, n_pages: int) -> None:
        if n_read:
            pids.append(n_read)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run_isolated(f"{HERE}:tell_pid_and_hang", source, on_progress=cancel_once_it_runs)
    assert not Path(f"/proc/{pids[0]}").exists()


def test_a_killed_parent_takes_the_child_with_it(source: Path) -> None:
    program = (
        f"from pathlib import Path; from workers.isolation.parent import run_isolated\n"
        f"report = lambda n, _: print(n, flush=True)\n"
        f"run_isolated('{HERE}:tell_pid_and_hang', Path({str(source)!r}), on_progress=report)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = next(pid for line in parent.stdout if (pid := int(line)))
        parent.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()


def test_the_child_sees_no_settings_but_those_for_text_recognition(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SECRET_KEY", "secret")
    monkeypatch.setenv("OCR_LANGUAGES", "eng")
    names = run_isolated(f"{HERE}:environment", source).decode().split()
    assert "OCR_LANGUAGES" in names
    assert "DJANGO_SECRET_KEY" not in names


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(errors.NotAFile):
            run_isolated(f"{HERE}:echo", place)
