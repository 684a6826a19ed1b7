"""What code may use is bounded, and whatever it does it is over soon."""

import time
from pathlib import Path

from tests.workers.sandbox.conftest import Run
from workers.sandbox.session import GONE, STOPPED, Callbacks
from workers.sandbox.sessions import Sessions


def kernels(sessions: Sessions) -> list[int]:
    """The processes of all kernels that were started under these sessions' folder or namespace."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes()
        except OSError:
            continue
        if b"workers.sandbox.kernel" in words and b"bwrap" not in words.split(b"\0")[0]:
            found.append(int(each.parent.name))
    return found


def test_memory_at_once_is_an_error_and_the_variables_stay(run: Run) -> None:
    run("x = 41")
    assert "MemoryError" in run("big = bytearray(2_500_000_000)").error
    assert run("x + 1").value == "42"


def test_memory_bit_by_bit_is_an_error(run: Run) -> None:
    outcome = run("parts = []\nwhile True: parts.append(bytes(range(256)) * 65536)")
    assert "MemoryError" in outcome.error or "memory" in outcome.error


def test_shared_memory_counts_too(run: Run) -> None:
    outcome = run("import mmap\nm = mmap.mmap(-1, 1_500_000_000)\nwhile True: m[:] = bytes(1) * len(m)")
    assert outcome.error
    assert run("print('alive')").stdout == "alive\n"


def test_children_cannot_multiply_the_memory(run: Run) -> None:
    code = "n = 0\nfor _ in range(8):\n    try: n += os.fork() > 0\n    except PermissionError: pass\nprint(n)"
    assert run(code).stdout == "0\n"


def test_400_forks_are_none(run: Run, sessions: Sessions) -> None:
    run("1")
    before = len(kernels(sessions))
    run("for _ in range(400):\n    try: os.fork()\n    except OSError: pass")
    assert len(kernels(sessions)) == before


def test_400_threads_are_too_many(run: Run) -> None:
    thread = "threading.Thread(target=time.sleep, args=(60,), daemon=True)"
    outcome = run(f"import threading, time\nfor _ in range(400): {thread}.start()")
    assert "start new thread" in outcome.error or "threads" in outcome.error or "MemoryError" in outcome.error


def test_5000_descriptors_are_too_many(run: Run) -> None:
    assert "Too many open files" in run("files = [open(os.devnull) for _ in range(5000)]").error


def test_a_full_disk_ends_the_session(run: Run) -> None:
    outcome = run("for n in range(100):\n    with open(f'{n}', 'wb') as f: f.write(bytes(10_000_000))\n    time = n")
    assert "wrote more than 48 MB" in outcome.error
    assert run("os.listdir()").value == "[]"


def test_one_file_cannot_be_larger_than_its_limit(run: Run) -> None:
    assert "File too large" in run("with open('big', 'wb') as f: f.seek(1 << 40); f.write(b'x')").error


def test_many_small_files_end_the_session(run: Run) -> None:
    outcome = run("for n in range(10**7): open(f'{n}', 'w').close()")
    assert "1000 files" in outcome.error


def test_folders_in_folders_end_the_session(run: Run) -> None:
    assert run("for n in range(900):\n    os.mkdir('d'); os.chdir('d')").error
    assert run("os.listdir()").value == "[]"


def test_endless_output_is_cut(run: Run) -> None:
    outcome = run("while True: print('x' * 1000)")
    assert "TooMuchOutput" in outcome.error
    assert len(outcome.stdout) <= 256 << 10


def test_output_that_ignores_the_limit_ends_the_code(run: Run) -> None:
    flood = "sys.stdout.buffer.raw._channel.send(b'O', b'x' * 60_000)"
    outcome = run(f"import sys\nwhile True:\n    try: {flood}\n    except Exception: pass")
    assert "printed too much" in outcome.error
    assert GONE in outcome.notes


def test_nonsense_on_the_channel_ends_the_code(run: Run) -> None:
    run("1")
    outcome = run("import sys\nos.write(sys.stdout.buffer.raw._channel._out, b'O' + b'\\xff' * 100)")
    assert "crashed" in outcome.error
    assert run("2").value == "2"


def test_an_endless_loop_is_interrupted_and_the_variables_stay(run: Run) -> None:
    run("x = 7")
    outcome = run("while True: x += 0", wall_s=0.5)
    assert "longer than 0.5 s" in outcome.error
    assert run("x").value == "7"


def test_a_loop_that_refuses_to_stop_is_killed(run: Run) -> None:
    run("x = 7")
    began = time.monotonic()
    outcome = run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass", wall_s=0.3)
    assert time.monotonic() - began < 3
    assert GONE in outcome.notes
    assert "NameError" in run("x").error


def test_cancelling_ends_an_endless_loop_within_two_seconds(run: Run) -> None:
    run("1")
    began = time.monotonic()
    outcome = run("import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass", watch=Callbacks(lambda: True))
    assert time.monotonic() - began < 2
    assert outcome.error == STOPPED


def test_nothing_runs_between_calls(run: Run) -> None:
    count = "n = 0\ndef count():\n    global n\n    while True: n += 1\n"
    run(f"import threading\n{count}threading.Thread(target=count, daemon=True).start()")
    one = int(run("n").value)
    time.sleep(0.5)
    two = int(run("n").value)
    # Some thousand steps in the instants around the two calls, not the millions of half a second.
    assert two - one < 2_000_000


def test_ending_a_session_leaves_no_process(run: Run, sessions: Sessions) -> None:
    before = set(kernels(sessions))
    assert run("print('up')").stdout == "up\n"
    mine = set(kernels(sessions)) - before
    assert mine
    for name in list(sessions._sessions):
        if "leaves_no_process" in name:
            sessions.end(name)
    assert not mine & set(kernels(sessions))
