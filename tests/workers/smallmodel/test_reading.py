"""The reader tells sentences that answer from those that are only about the same, and is trained on honest data."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from workers.knowledge.embed import shared_embedder
from workers.smallmodel.reading.reader import MOST_TOKENS, WEIGHTS, Reader
from workers.smallmodel.routing.training import reader as training

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


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(shared_embedder())


@pytest.mark.model
class TestReader:
    @pytest.mark.parametrize(
        ("question", "answer", "other"),
        [
            ("how much does a wig cost to hire", "Hire: Wigs: 12 pounds a week.", "Hire: Wigs are washed by us."),
            (
                "who do I ring when the boiler leaks?",
                "Heating: Call Mr Doyle on 0300.",
                "Heating: A leak is no joke.",
            ),
            ("how many rounds are there", "Quiz: It has six rounds.", "Quiz: The rounds are read by Meg."),
            ("can my dog come along?", "House: Pets must stay at home.", "House: Along the wall is a bench."),
        ],
    )
    def test_what_answers_is_likelier_than_what_shares_words(
        self, reader: Reader, question: str, answer: str, other: str
    ) -> None:
        likely, unlikely = reader(question, [answer, other])
        assert likely > unlikely

    def test_a_near_miss_is_unlikely_to_be_answered(self, reader: Reader) -> None:
        texts = ["Garden: The Plover mower weighs 14 kg.", "Garden: It has a two-year warranty."]
        assert max(reader("how heavy is the Plover?", texts)) > max(reader("how wide does the Plover cut?", texts))

    def test_how_long_and_how_many_texts_are_does_not_matter(self, reader: Reader) -> None:
        assert reader("why", []) == []
        texts = [f"Row {n}: {'word ' * n}" for n in range(0, 400, 10)]
        together, alone = (
            reader("which row? " * MOST_TOKENS, texts),
            [reader("which row? " * MOST_TOKENS, texts[7:8])],
        )
        assert len(together) == len(texts)
        assert together[7] == pytest.approx(alone[0][0], abs=0.3)  # bf16, with other padding

    @pytest.mark.parametrize("path", sorted(training.DATA.glob("*.jsonl")), ids=lambda path: path.stem)
    def test_of_the_data_every_answer_is_a_sentence(self, path: Path) -> None:
        for line in path.read_text("utf-8").splitlines():
            document = json.loads(line)
            sentences = {number for number, _ in training.sentences(document["title"], document["units"])}
            assert all(set(answers) <= sentences for _, answers in document["questions"])

    def test_training_writes_weights_that_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("a", training.HELD_OUT):
            (tmp_path / f"{name}.jsonl").write_text(json.dumps(CLINIC) + "\n", "utf-8")
        monkeypatch.setattr(training, "DATA", tmp_path)
        said: list[str] = []
        found = training.train_reader(shared_embedder(), tmp_path, 1, said.append)
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
