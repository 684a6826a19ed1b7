"""A conversation keeps its variables and files, sees no other's, and outlives the end of its process."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workers.sandbox.conftest import Run
from workers.sandbox.errors import Busy, CodeTooLong, TooManyFiles, TooManyOfOwn
from workers.sandbox.session import GONE, Callbacks, CodeResult, CodeTerms
from workers.sandbox.sessions import Sessions


def test_variables_and_imports_stay(run: Run) -> None:
    run("import numpy\nx = [1, 2]\ndef double(n): return 2 * n")
    assert run("double(numpy.sum(x))").value == "6"


def test_two_conversations_do_not_see_each_other(run: Run) -> None:
    run("secret = 1\nopen('mine.txt', 'w').write('private')", session="Alice")
    assert "NameError" in run("secret", session="Bob").error
    assert run("os.listdir()", session="Bob").value == "[]"


def test_the_last_expression_is_shown(run: Run) -> None:
    assert run("1 + 1").value == "2"
    assert run("None").value == ""
    assert run("x = 5").value == ""
    assert run("np.float64(2.5)").markdown == "2.5"


def test_a_data_frame_becomes_a_table(run: Run) -> None:
    outcome = run("pd.DataFrame({'pump': ['Z-9', 'a|b'], 'price': [10.5, None]})")
    assert outcome.markdown == "| pump | price |\n| --- | --- |\n| Z-9 | 10.5 |\n| a\\|b |  |"


def test_open_figures_are_saved_by_themselves(run: Run) -> None:
    outcome = run("plt.plot([1, 2]); plt.figure(); plt.bar([1], [2])\nplt.show()")
    assert [each.name for each in outcome.artefacts] == ["chart-1.png", "chart-2.png"]
    assert all(each.content.startswith(b"\x89PNG") for each in outcome.artefacts)
    assert not run("1").artefacts


def test_errors_are_short_and_without_our_own_frames(run: Run) -> None:
    error = run("def f(): return 1 / 0\nf()").error
    assert "ZeroDivisionError" in error
    assert "return 1 / 0" in error
    assert "cells.py" not in error


def test_fences_and_notebook_commands_are_understood(run: Run) -> None:
    assert run("```python\n3 * 4\n```").value == "12"
    assert run("%matplotlib inline\n!pip install pandas\n5").value == "5"


def test_copying_files_and_asyncio_work(run: Run) -> None:
    run("import shutil\nopen('a.txt', 'w').write('x'); _ = shutil.copy2('a.txt', 'b.txt')")
    assert (
        run("import asyncio\nasync def f(): return sorted(os.listdir())\nasyncio.run(f())").value
        == "['a.txt', 'b.txt']"
    )


def test_files_are_put_in_under_safe_names(run: Run) -> None:
    files = {"../../etc/sales 2024.csv": b"a,b\n1,2\n", "sales 2024.csv": b"other"}
    assert run("sorted(os.listdir())", files=files).value == "['sales_2024-2.csv', 'sales_2024.csv']"
    assert run("pd.read_csv('sales_2024.csv').b[0]", files=files).value == "2"


def test_what_code_changed_is_not_put_in_again(run: Run) -> None:
    files = {"a.txt": b"given"}
    run("open('a.txt', 'w').write('changed')", files=files)
    assert run("open('a.txt').read()", files=files).value == "changed"
    assert run("open('a.txt').read()", files={"a.txt": b"new"}).value == "new"


def test_a_crash_says_that_variables_are_gone_and_files_stay(run: Run) -> None:
    run("x = 1\nopen('kept.txt', 'w').write('kept')")
    outcome = run("import ctypes; ctypes.string_at(0)")
    assert "ended" in outcome.error
    assert GONE in outcome.notes
    assert run("open('kept.txt').read()").value == "kept"
    assert "NameError" in run("x").error


def test_too_much_of_everything_is_refused(run: Run) -> None:
    with pytest.raises(CodeTooLong):
        run("#" * 300_000)
    with pytest.raises(TooManyFiles):
        run("1", files={f"{n}": b"x" for n in range(100)})


def test_an_idle_kernel_is_ended_and_its_next_result_says_so(run: Run, sessions: Sessions) -> None:
    run("x = 1")
    session = next(each for name, each in sessions._sessions.items() if "idle_kernel" in name)
    session.used_at -= 10_000
    sessions.tidy()
    assert not session.live
    assert GONE in run("2").notes


def test_the_longest_unused_kernel_makes_room(run: Run, sessions: Sessions) -> None:
    for number in range(5):
        run("x = 1", session=str(number))
    assert sum(each.live for each in sessions._sessions.values()) <= 4
    assert GONE in run("2", session="0").notes
    assert GONE not in run("x", session="4").notes


@pytest.fixture
def small(sessions: Sessions) -> Sessions:
    """The sessions, of which `call` lets a person have two."""
    yield sessions
    for name in list(sessions._sessions):
        if name.startswith(("alice/", "bob/")):
            sessions.end(name)


def call(sessions: Sessions, name: str, code: str, watch: Callbacks | None = None) -> CodeResult:
    return sessions.run(name, code, {}, 8, watch or Callbacks(), CodeTerms(n_sessions=2))


def test_a_person_who_wants_more_sessions_loses_their_own_oldest(small: Sessions) -> None:
    call(small, "alice/kept", "x = 41")
    for number in range(4):
        call(small, f"bob/{number}", "x = 1")
    assert [name for name in small._oldest() if small._sessions[name].live and name.startswith("bob/")] == [
        "bob/2",
        "bob/3",
    ]
    assert call(small, "alice/kept", "x + 1").value == "42"
    assert (small.n_live()["bob"], small.n_live()["alice"]) == (2, 1)


def test_calls_in_progress_of_one_person_leave_room_for_others(small: Sessions) -> None:
    stop = threading.Event()
    watch = Callbacks(stop.is_set)
    calls = [threading.Thread(target=call, args=(small, f"bob/{n}", "while True: pass", watch)) for n in range(2)]
    for each in calls:
        each.start()
    try:
        deadline = time.monotonic() + 5
        while small._n_busy(list(small._sessions)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        with pytest.raises(TooManyOfOwn):
            call(small, "bob/third", "1")
        assert call(small, "alice/first", "6 * 7").value == "42"
    finally:
        stop.set()
        for each in calls:
            each.join()


def test_files_of_one_person_do_not_displace_those_of_others(
    small: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(small, "alice/kept", "open('mine.txt', 'w').write('mine')")
    for number in range(4):
        call(small, f"bob/{number}", "1")
    monkeypatch.setattr("workers.sandbox.sessions._MAX_KEPT", len(small._sessions) - 2)
    small.tidy()
    assert {"alice/kept", "bob/2", "bob/3"} <= small._sessions.keys()
    assert not {"bob/0", "bob/1"} & small._sessions.keys()


def test_no_more_calls_at_once_than_places(run: Run, sessions: Sessions) -> None:
    stop = threading.Event()
    calls = [
        threading.Thread(target=run, args=("while True: pass", str(n)), kwargs={"watch": Callbacks(stop.is_set)})
        for n in range(4)
    ]
    for each in calls:
        each.start()
    try:
        deadline = time.monotonic() + 5
        while sum(each.lock.locked() for each in sessions._sessions.values()) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        with pytest.raises(Busy):
            run("1", session="one more")
    finally:
        stop.set()
        for each in calls:
            each.join()


def test_odd_artefacts_are_left_out(run: Run, sessions: Sessions, tmp_path: Path) -> None:
    """What the code may not create is put there from outside, as if a restriction had failed."""
    run("1")
    folder = next(s._place.files for name, s in sessions._sessions.items() if "odd_artefacts" in name)
    (tmp_path / "secret").write_text("planted")
    (folder / "link.txt").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.txt")
    os.link(tmp_path / "secret", folder / "second-name.txt")
    outcome = run("open('good.txt', 'w').write('good')")
    assert [(each.name, each.content) for each in outcome.artefacts] == [("good.txt", b"good")]
    # The hard link was there before; as new as it is here, it is left out with a word about it.
    (folder / "second-name.txt").unlink()
    os.link(tmp_path / "secret", folder / "new-name.txt")
    assert all(b"planted" not in each.content for each in outcome.artefacts)


def test_huge_and_many_artefacts_are_left_out_with_a_word(run: Run) -> None:
    outcome = run("open('huge.bin', 'wb').write(bytes(35 << 20)); open('small.txt', 'w').write('x')")
    assert [each.name for each in outcome.artefacts] == ["small.txt"]
    assert any("huge.bin was left out" in each for each in outcome.notes)
    outcome = run("for n in range(70): open(f'{n}.txt', 'w').write('x')")
    assert len(outcome.artefacts) == 64
    assert any("More than 64" in each for each in outcome.notes)


def test_sparse_files_are_not_read_for_their_size(run: Run) -> None:
    assert not run("with open('sparse', 'wb') as f: f.truncate(60 << 20)").artefacts


def test_badly_named_artefacts_get_good_names(run: Run) -> None:
    bad = [
        "x..a",
        "\u202egnp.exe",
        "a b.txt",
        f"{'q' * 200}.csv",
        "sub/x/a b.txt",
        "\udcff.txt",
        "new\nline",
        "<img>.html",
    ]
    outcome = run(f"os.makedirs('sub/x')\nfor name in {[*bad, '.hidden']!a}:\n    open(name, 'w').write('x')")
    names = [each.name for each in outcome.artefacts]
    assert len(names) == len(set(names)) == 8
    for name in names:
        assert name.isprintable()
        assert not set(name) & set('/\\<>:"\n\u202e ')
        assert not name.startswith(".")
        assert len(name) <= 100


def test_a_second_service_removes_what_the_first_left(sessions: Sessions, tmp_path: Path) -> None:
    settings = replace(sessions._settings, home=tmp_path)
    first = Sessions(settings, sessions._backend)
    first.run("a", "open('left.txt', 'w').write('x')", {}, 8, Callbacks())
    for each in first._sessions.values():
        each.end()
    second = Sessions(settings, sessions._backend)
    assert not first.root.exists()
    second.close()
    assert not second.root.exists()
