"""`bench delegation` reads cases as they come, counts whom the router asks, and says which line is wrong."""

import json
from collections import Counter
from pathlib import Path

import pytest

from workers.bench import delegation
from workers.bench import delegation_routing as routing
from workers.bench.cases import BadCases, read_cases
from workers.smallmodel.routing.candidates import Choice

DEV = routing.CASES.with_name("delegation-dev.jsonl")
# Of cases that nobody looked at while the router was trained, and of some on subjects that it was trained on.
FLOORS = {routing.CASES: 0.73, DEV: 0.74}

GOOD = {
    "id": "one",
    "message": "can i deduct my desk",
    "candidates": [
        {"slug": "tax", "name": "Tax Clerk", "description": "Taxes", "when": "", "starters": ["Can I deduct it?"]},
        {"slug": "cook", "name": "Cook", "description": "Recipes"},
    ],
    "expect": "tax",
}


def write(folder: Path, *rows: object) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_a_case_is_a_message_and_gpts(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello"}]
    one, two = read_cases(write(tmp_path, GOOD, GOOD | {"conversation": turns, "expect": None}), routing.case_of)
    assert [each.name for each in one.candidates] == ["tax", "cook"]
    assert one.candidates[0].examples == ("Can I deduct it?",)
    assert one.expect == "tax"
    assert two.conversation == (("user", "hi"), ("assistant", "Hello"), ("user", "can i deduct my desk"))
    assert two.expect == ""


@pytest.mark.parametrize(
    "row",
    [
        "{",
        [],
        GOOD | {"expect": "unknown"},
        GOOD | {"message": None},
        GOOD | {"candidates": "tax"},
        GOOD | {"candidates": [{"name": "no slug"}]},
        GOOD | {"candidates": [{"slug": "tax", "description": 3}]},
        GOOD | {"candidates": [{"slug": "tax", "starters": "one"}]},
        GOOD | {"conversation": [{"content": "x"}]},
        GOOD | {"conversation": "hi"},
        {key: value for key, value in GOOD.items() if key != "expect"},
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(BadCases, match=r"Line 2 of cases\.jsonl: \S"):
        read_cases(write(tmp_path, GOOD, row), routing.case_of)


def test_a_missing_or_empty_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadCases, match="cannot be read"):
        read_cases(tmp_path / "absent.jsonl", routing.case_of)
    with pytest.raises(BadCases, match="no cases"):
        read_cases(write(tmp_path, ""), routing.case_of)


def test_right_choices_are_counted_by_what_was_expected(tmp_path: Path) -> None:
    cases = read_cases(
        write(tmp_path, GOOD, GOOD | {"expect": None, "note": "near"}, GOOD | {"expect": "cook"}), routing.case_of
    )
    outcomes = [routing.DelegationOutcome(case, Choice("tax", 0.9), 1.0) for case in cases]
    found = routing.routing_figures(outcomes)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["cases"] == 3
    assert found["median_ms"] == 1.0
    assert found["groups"]["a GPT expected"] == {"accuracy": 0.5, "cases": 2}
    assert found["groups"]["note: near"] == {"accuracy": 0, "cases": 1}
    assert "none expected" in routing.routing_text(found)


def test_our_own_cases_are_well_formed_and_varied() -> None:
    cases = read_cases(routing.CASES, routing.case_of)
    assert len(cases) >= 160
    assert len({case.id for case in cases}) == len(cases)
    assert len({case.expect for case in cases}) > 12
    assert all(len(case.candidates) >= 8 for case in cases)
    assert 0.25 < sum(not case.expect for case in cases) / len(cases) < 0.45
    languages = Counter(routing.language_of(case.conversation[-1][1]) for case in cases)
    assert all(languages[language] >= 20 for language in ("en", "de", "fr", "es"))


def test_our_own_cases_are_not_what_was_trained_on() -> None:
    from workers.smallmodel.routing.training.gpt_examples import domains

    cases = read_cases(routing.CASES, routing.case_of)
    gpts = [gpt for domain in domains() for gpt in domain.gpts]
    said = {text.lower() for gpt in gpts for text in gpt.says}
    offered = {each.name for case in cases for each in case.candidates}
    # Written later, by people who had not seen these cases, and about the same as three of their 24 GPTs.
    twins = {"building-permits", "motor-claims", "wedding-planner"}
    assert {gpt.candidate.name for gpt in gpts} & offered == twins
    assert said.isdisjoint(case.conversation[-1][1].lower() for case in cases)


@pytest.mark.model
@pytest.mark.parametrize("cases", FLOORS)
def test_the_bundled_embedder_asks_the_right_one_often_enough(cases: Path) -> None:
    text = delegation.report({"cases": cases, "routing_only": True, "json": True, "inside": None}, lambda line: None)
    found = json.loads(text)
    assert found["routing"]["accuracy"] >= FLOORS[cases]
    assert {"id", "expect", "chosen"} <= found["wrong"][0].keys()
