"""The lab's `tools` and `delegation` read cases as they come, count what is right, and say which line is wrong."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.lab import delegation, tools
from tests.lab.cases import BadCases, read_cases
from tests.lab.routing import RoutingCase, RoutingOutcome, figures
from tests.lab.training.examples import gpts as examples
from workers.smallmodel.routing.candidates import RoutedChoice

DEV = {tools.CASES: "tools-dev.jsonl.gz", delegation.CASES: "delegation-dev.jsonl.gz"}
# Of cases that nobody looked at while the router was trained, and of those that its settings were chosen on or that
# are on subjects that it was trained on.
TOOL_FLOORS = {
    tools.CASES: 0.73,
    tools.CASES.with_name(DEV[tools.CASES]): 0.87,
    tools.CASES.with_name("unseen-tools.jsonl.gz"): 0.78,
}
GPT_FLOORS = {
    delegation.CASES: 0.73,
    delegation.CASES.with_name(DEV[delegation.CASES]): 0.74,
    delegation.CASES.with_name("unseen-gpts.jsonl.gz"): 0.88,
}

TOOLS = {
    "id": "one",
    "conversation": [{"role": "user", "content": "what is 3*4"}],
    "tools": ["code_interpreter", {"type": "function", "function": {"name": "pay"}}, {"name": "bare"}],
    "expect": "code_interpreter",
}
GPTS = {
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


def test_tools_are_built_in_ones_or_functions(tmp_path: Path) -> None:
    (case,) = read_cases(write(tmp_path, TOOLS), RoutingCase)
    assert [each.name for each in case.offered] == ["code_interpreter", "pay", "bare"]
    assert case.expect == "code_interpreter"


def test_a_case_is_a_message_and_gpts(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello"}]
    one, two = read_cases(write(tmp_path, GPTS, GPTS | {"conversation": turns, "expect": None}), RoutingCase)
    assert [each.name for each in one.offered] == ["tax", "cook"]
    assert one.offered[0].examples == ("Can I deduct it?",)
    assert two.turns == (("user", "hi"), ("assistant", "Hello"), ("user", "can i deduct my desk"))
    assert two.expect is None


@pytest.mark.parametrize(
    "row",
    [
        "{",
        [],
        TOOLS | {"expect": "unknown"},
        TOOLS | {"tools": ["no_such_tool"]},
        TOOLS | {"tools": [{"type": "function"}]},
        TOOLS | {"conversation": []},
        TOOLS | {"conversation": [{"content": "x"}]},
        {key: value for key, value in TOOLS.items() if key != "expect"},
        GPTS | {"message": None},
        GPTS | {"candidates": "tax"},
        GPTS | {"candidates": [{"name": "no slug"}], "expect": None},
        GPTS | {"candidates": [{"slug": "tax", "description": 3}]},
        GPTS | {"candidates": [{"slug": "tax", "starters": "one"}]},
        GPTS | {"conversation": "hi"},
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(BadCases, match=r"Line 2 of cases\.jsonl: \S"):
        read_cases(write(tmp_path, TOOLS, row), RoutingCase)


def test_a_missing_or_empty_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadCases, match="cannot be read"):
        read_cases(tmp_path / "absent.jsonl", RoutingCase)
    with pytest.raises(BadCases, match="no cases"):
        read_cases(write(tmp_path, ""), RoutingCase)


def test_right_choices_are_counted_by_what_was_expected(tmp_path: Path) -> None:
    rows = (TOOLS, TOOLS | {"expect": None, "note": "near"}, TOOLS | {"expect": "pay"}, GPTS)
    cases = read_cases(write(tmp_path, *rows), RoutingCase)
    found = figures([RoutingOutcome(case, RoutedChoice("code_interpreter", 0.9), 1.0) for case in cases])
    assert found["groups"]["all"] == {"accuracy": 0.25, "cases": 4}
    assert found["groups"]["a tool expected"] == {"accuracy": 0.5, "cases": 2}
    assert found["groups"]["a GPT expected"] == {"accuracy": 0, "cases": 1}
    assert found["groups"]["none expected"] == {"accuracy": 0, "cases": 1}
    assert found["groups"]["note: near"] == {"accuracy": 0, "cases": 1}
    assert found["median_ms"] == 1.0


@pytest.mark.parametrize(("path", "at_least"), [(tools.CASES, 240), (delegation.CASES, 160)])
def test_our_own_cases_are_well_formed_and_varied(path: Path, at_least: int) -> None:
    cases = read_cases(path, RoutingCase)
    assert len(cases) >= at_least
    assert len({case.id for case in cases}) == len(cases)
    assert {case.turns for case in cases}.isdisjoint(
        case.turns for case in read_cases(path.with_name(DEV[path]), RoutingCase)
    )
    assert 0.25 < sum(not case.expect for case in cases) / len(cases) < 0.45
    languages = Counter(case.language for case in cases)
    assert all(languages[language] >= 10 for language in ("en", "de", "fr", "es"))


def test_conversations_and_many_gpts_are_among_our_own_cases() -> None:
    assert sum(len(case.turns) > 1 for case in read_cases(tools.CASES, RoutingCase)) >= 20
    cases = read_cases(delegation.CASES, RoutingCase)
    assert len({case.expect for case in cases}) > 12
    assert all(len(case.offered) >= 8 for case in cases)


def test_our_own_cases_are_not_what_was_trained_on() -> None:
    cases = read_cases(delegation.CASES, RoutingCase)
    gpts = [each for group in examples().groups for each in group.members]
    said = {text.lower() for gpt in gpts for text in gpt.says}
    offered = {each.name for case in cases for each in case.offered}
    # Written later, by people who had not seen these cases, and about the same as three of their 24 GPTs.
    twins = {"building-permits", "motor-claims", "wedding-planner"}
    assert {gpt.candidate.name for gpt in gpts} & offered == twins
    assert said.isdisjoint(case.turns[-1][1].lower() for case in cases)


def test_calls_are_sampled_from_the_cases_that_expect_one() -> None:
    cases = read_cases(tools.CASES, RoutingCase)
    some = tools.sample(cases, 60)
    assert 45 <= len(some) <= 60
    assert all(case.expect for case in some)
    assert tools.sample(cases, 0) == []
    assert len(tools.sample(cases, 10_000)) == sum(bool(case.expect) for case in cases)


@pytest.mark.model
@pytest.mark.parametrize("cases", TOOL_FLOORS)
def test_the_bundled_embedder_chooses_well_enough(cases: Path) -> None:
    found = tools.report({"cases": cases, "no_model": True, "calls": 0}, lambda line: None)
    assert found["choice"]["groups"]["all"]["accuracy"] >= TOOL_FLOORS[cases]
    assert {"id", "expect", "chosen"} <= found["wrong"][0].keys()


@pytest.mark.model
@pytest.mark.parametrize("cases", GPT_FLOORS)
def test_the_bundled_embedder_asks_the_right_one_often_enough(cases: Path) -> None:
    found = delegation.report({"cases": cases, "routing_only": True, "inside": None}, lambda line: None)
    assert found["routing"]["groups"]["all"]["accuracy"] >= GPT_FLOORS[cases]
    assert {"id", "expect", "chosen"} <= found["wrong"][0].keys()
