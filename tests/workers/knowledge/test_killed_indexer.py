"""An indexer that is killed at any step leaves no half-visible index, and the next one finishes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workers.knowledge.pipeline import remove_leftovers

ROOT = Path(__file__).parents[3]


@pytest.mark.process
def test_killed_at_any_step_it_leaves_all_or_nothing_and_the_next_one_finishes() -> None:
    script = Path(__file__).with_name("build_and_die.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    steps = " ".join(run["step"] for run in runs)
    for stage in ("subprocess.Popen", "/parsed/", "encode", "/segments/.new-", "os.rename", "os.remove"):
        assert stage in steps
    assert len(runs) > 10
    assert all(run["whole"] and run["complete"] for run in runs)
    # Only the last steps, behind the rename, may leave the index; before it, nothing is seen.
    shown = [run["n_visible"] for run in runs]
    assert shown == sorted(shown)
    assert shown[0] == 0
    assert shown[-1] == 1


def test_leftovers_are_swept_once_nobody_can_be_at_them(tmp_path: Path) -> None:
    fresh, old = tmp_path / "segments" / ".new-fresh", tmp_path / "segments" / ".new-old"
    half, segment = tmp_path / "parsed" / ".new-half", tmp_path / "segments" / "abc"
    waiting, forgotten = tmp_path / "parsed" / "a-1.json", tmp_path / "parsed" / "b-1.json"
    for folder in (fresh, old, segment):
        folder.mkdir(parents=True)
    (old / "vectors").touch()
    (tmp_path / "parsed").mkdir()
    for file in (half, waiting, forgotten):
        file.touch()
    now = time.time()
    for place, age in ((old, 4_000), (half, 4_000), (segment, 10**8), (waiting, 86_400), (forgotten, 40 * 86_400)):
        os.utime(place, (now - age, now - age))
    assert remove_leftovers(tmp_path) == 3
    assert fresh.exists()
    assert segment.exists()
    assert waiting.exists()
    assert not any(place.exists() for place in (old, half, forgotten))


def test_a_home_without_segments_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert remove_leftovers(tmp_path) == 0
