"""The reader is trained on honest data."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from tests.lab import packed
from tests.lab.training import reader as training
from tests.lab.training.learning import Plan
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.reading.reader import WEIGHTS

CLINIC = {
    "title": "prices.md",
    "units": [
        "# Dental prices",
        "A crown costs 690 pounds.",
        "A bridge takes three visits.",
        "# Payment",
        "You pay half of it in advance.",
        "Cash is not taken.",
    ],
    "questions": [["how much is a crown", [1]], ["do you take cash?", [5]], ["how much is a bridge?", []]],
}


@pytest.mark.parametrize("path", sorted(training.DOCUMENTS.glob("*.gz")), ids=lambda path: path.name[0])
def test_of_the_data_every_answer_is_a_sentence(path: Path) -> None:
    for document in packed.rows(path):
        sentences = {number for number, _ in training.sentences(document["title"], document["units"])}
        assert all(set(answers) <= sentences for _, answers in document["questions"])


@pytest.mark.model
def test_training_writes_weights_that_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jsonl", "g.jsonl"):
        (tmp_path / name).write_text(json.dumps(CLINIC) + "\n", "utf-8")
        packed.pack(tmp_path / name)
    monkeypatch.setattr(training, "DOCUMENTS", tmp_path)
    said: list[str] = []
    found = training.train_reader(shared_embedder(), Plan(), tmp_path, said.append)
    assert set(found) == {"best sentence answers", "questions with and without an answer told apart"}
    with np.load(tmp_path / WEIGHTS.name) as new, np.load(WEIGHTS) as kept:
        assert {name: new[name].shape for name in new.files} == {name: kept[name].shape for name in kept.files}


@pytest.mark.model
def test_of_a_question_an_answer_and_the_closest_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "TYPO", 0.0)
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(CLINIC) + "\n", "utf-8")
    asked = training.read_asked(path, shared_embedder())
    assert [each.is_answered for each in asked] == [True, True, False]
    assert asked[1].sentences[asked[1].answers.index(True)] == (
        "prices",
        "Payment",
        "You pay half of it in advance.",
        "Cash is not taken.",
    )
    for each in asked:
        pairs, labels = training.drawn(each, asked, random.Random(1))
        assert {question for question, _ in pairs} == {each.question}
        assert sum(labels) == each.is_answered
        assert 3 <= len(pairs) == len(labels) <= 4
