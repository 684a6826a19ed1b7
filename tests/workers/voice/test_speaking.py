"""The processes that read aloud, with other programs in piper's place."""

import json
import subprocess
from pathlib import Path

import pytest

from workers.voice import speaking
from workers.voice.errors import NotReady, TooLate

Started = list[tuple[tuple[str, ...], "subprocess.Popen[bytes]"]]


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    facts = {"audio": {"sample_rate": 22_050}, "inference": {"length_scale": 1.5}}
    (tmp_path / "anna.onnx.json").write_text(json.dumps(facts))
    return tmp_path / "anna.onnx"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Started:
    """The processes that were started, each with its options; they run the program of the test's parameter."""
    found: Started = []

    def start(options: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        found.append((options, subprocess.Popen(request.param, stdin=subprocess.PIPE, stdout=subprocess.PIPE)))
        return found[-1][1]

    monkeypatch.setattr(speaking, "_started", start)
    monkeypatch.setattr(speaking, "_spare", speaking._Spare())
    yield found
    for _, process in found:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("started", [["cat"]], indirect=True)
def test_each_text_has_a_process_and_the_next_one_waits(started: Started, voice: Path) -> None:
    assert speaking.speak("one", voice, 1, 10) == (b"one", 22_050)
    (_, first), (options, second) = started
    assert options[-1] == "1.500"  # the voice's own
    assert (first.poll(), second.poll()) == (0, None)
    assert speaking.speak("two", voice, 1, 10)[0] == b"two"
    assert (second.poll(), len(started)) == (0, 3)
    assert speaking.speak("fast", voice, 2, 10)[0] == b"fast"
    # The one that waited for a slow text is gone, and one waits for a fast text.
    assert [options[-1] for options, process in started if process.poll() is None] == ["0.750"]


@pytest.mark.parametrize("started", [["sleep", "60"]], indirect=True)
def test_one_that_hangs_is_ended(started: Started, voice: Path) -> None:
    with pytest.raises(TooLate):
        speaking.speak("one", voice, 1, 0.2)
    assert [process.poll() for _, process in started] == [-9]


@pytest.mark.parametrize("started", [["false"]], indirect=True)
def test_one_that_fails_is_the_sites_fault(started: Started, voice: Path) -> None:
    with pytest.raises(NotReady):
        speaking.speak("one", voice, 1, 10)
