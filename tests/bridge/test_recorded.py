"""Recorded conversations with a capable model come out as they were judged to be right."""

import os
from datetime import date
from pathlib import Path

import pytest
from django.utils import timezone

from tests.bridge.recorded import FOLDER, Stage, read, save
from web.runs import stream

# Tools run in threads with connections of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet(monkeypatch) -> None:
    monkeypatch.setattr(stream, "publish", lambda run_id, *new: None)
    monkeypatch.setattr(stream, "partial_text", lambda run_id: "")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
def test_each_turn_ends_with_the_answer_and_the_levels_of_its_sentences(path: Path, alice, sent_tasks, monkeypatch):
    given, turns = read(path)
    today = date.fromisoformat(given.setdefault("today", date.today().isoformat()))
    monkeypatch.setattr(timezone, "localdate", lambda *args: today)
    stage = Stage(alice, given, sent_tasks)
    played = [stage.play(turn) for turn in turns]
    if "BRIDGE" in os.environ:
        turns = [{**new, **turn} for turn, new in zip(turns, played, strict=True)]
        save(path, given, turns)
    wrong = [
        f"chat {turn['chat']}, {turn['message']!r}: {name} is {new[name]!r}, not {turn[name]!r}"
        for turn, new in zip(turns, played, strict=True)
        for name in ("answer", "coverage", "levels", "cites")
        if new[name] != turn[name]
    ]
    assert not wrong, "\n".join(wrong)
