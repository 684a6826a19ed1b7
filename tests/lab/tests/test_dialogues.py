"""The benchmark of dialogues counts what it says it counts."""

import pytest

from gpts.knowledge.documents import Citation
from gpts.runs.steps import Finished
from tests.lab.cases import read_cases
from tests.lab.dialogues import (
    ATTACHMENT,
    QUESTIONS,
    Expectation,
    ScoredDialogue,
    TurnOutcome,
    contains,
    dialogue_figures,
    held_dialogues,
    wrong_with,
)
from tests.workers.made_services import made_services
from workers.engine.scripted import WEAK
from workers.knowledge.embed import shared_embedder

QUOTE = "We are open from 9:00 to 17:00."
CITED = Citation(
    tag=1,
    file_id="f",
    file_name="f",
    segment="s",
    chunk=0,
    quote=QUOTE,
    start=0,
    end=31,
    answer_start=0,
    answer_end=4,
)

WRONG = {
    "a quote that the answer gives": (Finished(text="We are open from 9 am to 5 pm."), {"quote": QUOTE}, []),
    "a quote that it cites": (Finished(text="Yes.", citations=(CITED,)), {"quote": QUOTE}, []),
    "a quote that is not there": (Finished(text="No idea."), {"quote": QUOTE}, ["quote"]),
    "a figure in another notation": (Finished(text="It costs 1.200 euros."), {"contains": ["1,200"]}, []),
    "another figure": (Finished(text="It costs 12 euros."), {"contains": ["1,200"]}, ["contains 1,200"]),
    "what must not be said": (Finished(text="Until 5 pm."), {"not_contains": ["5 pm"]}, ["not_contains 5 pm"]),
    "declining": (Finished(text="The files don’t mention it."), {"declines": True}, []),
    "not declining": (Finished(text="Yes.", coverage="covered"), {"declines": True}, ["declines"]),
    "declining what is there": (Finished(text="", coverage="not_covered"), {"declines": False}, ["declined"]),
    "quoting what declines": (
        Finished(
            text="Diving isn't included.",
            citations=(CITED.model_copy(update={"answer_end": 22}),),
            coverage="covered",
        ),
        {"declines": False},
        [],
    ),
    "citing in small talk": (Finished(text="Hi", citations=(CITED,)), {"no_citations": True}, ["no_citations"]),
}


@pytest.mark.parametrize(("answer", "expect", "wrong"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_with_an_answer(answer, expect, wrong):
    assert list(wrong_with(answer, Expectation(**expect))) == wrong


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Bis 14 Uhr", "14:00"), ("on March 1, 2026", "1 March 2026"), ("six weeks", "6 weeks"), ("a | b", "|")],
)
def test_figures_are_compared_in_one_form(text, wanted):
    assert contains(text, wanted)


def outcome(kind: str, score: float, *, is_honest: bool = False) -> TurnOutcome:
    wrong = () if score == 1 else ("quote",)
    return TurnOutcome("d", kind, "en", 1, "?", "!", "covered", (), wrong, score, is_honest, 0.1)


def test_an_honest_line_counts_for_tasks_only():
    outcomes = [outcome("facts", 1), outcome("task_on_answer", 0, is_honest=True), outcome("whole_files", 0.5)]
    figures = dialogue_figures(outcomes)
    assert (figures["right"], figures["right_as_asked"]) == (2.5 / 3, 0.5)


def test_dialogues_about_attached_files_count_apart():
    figures = dialogue_figures([outcome("facts", 1), outcome(ATTACHMENT, 0)])
    assert (figures["n_turns"], figures["right"]) == (1, 1.0)
    assert figures["by_kind"] == {"facts": 1.0, ATTACHMENT: 0.0}
    assert dialogue_figures([outcome(ATTACHMENT, 0)])["right"] == 0.0


@pytest.mark.model
def test_a_model_that_cannot_write_answers_from_attached_files():
    dialogues = {each.id: each for each in read_cases(QUESTIONS / "dialogues-dev.jsonl.gz", ScoredDialogue)}
    own = [dialogues["attachment-contract-1"], dialogues["attachment-beside-knowledge-1"]]
    services = made_services(["unused"], None, shared_embedder(), WEAK)
    outcomes = list(held_dialogues(own, services, lambda progress: None))
    assert len(outcomes) == sum(len(each.turns) for each in own)
    assert dialogue_figures(outcomes)["right"] >= 0.9
    assert services.engine.requests == []


def test_the_bundled_sets_are_of_twelve_kinds_over_different_gpts():
    dev, final = (read_cases(QUESTIONS / f"dialogues-{part}.jsonl.gz", ScoredDialogue) for part in ("dev", "final"))
    assert min(len(dev), len(final)) >= 60
    assert {each.kind for each in dev} - {ATTACHMENT} == {each.kind for each in final}
    assert len({each.kind for each in dev}) >= 12
    assert {each.gpt.name for each in dev}.isdisjoint(each.gpt.name for each in final)
    for each in (*dev, *final):
        texts = [*each.files.values(), *(text for turn in each.turns for text in turn.attach.values())]
        text = " ".join(texts)
        assert all(turn.expect.quote in text for turn in each.turns)
