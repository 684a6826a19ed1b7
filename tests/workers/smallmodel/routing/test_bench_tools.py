"""`bench tools` reads cases as they come, counts what is right, and says which line is wrong."""

import json
from collections import Counter
from pathlib import Path

import pytest

from workers.bench import tools
from workers.bench.cases import BadCases, read_cases
from workers.smallmodel.routing.candidates import RoutedChoice

DEV = tools.CASES.with_name("dev-hard.jsonl")
# Of cases that nobody looked at while the router was trained, and of those that its settings were chosen on.
FLOORS = {tools.CASES: 0.7, DEV: 0.82}

GOOD = {
    "id": "one",
    "conversation": [{"role": "user", "content": "what is 3*4"}],
    "tools": ["code_interpreter", {"type": "function", "function": {"name": "pay"}}, {"name": "bare"}],
    "expect": "code_interpreter",
}


def write(folder: Path, *rows: object) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_tools_are_built_in_ones_or_functions(tmp_path: Path) -> None:
    (case,) = read_cases(write(tmp_path, GOOD), tools.case_of)
    assert [each.name for each in case.tools] == ["code_interpreter", "pay", "bare"]
    assert case.expect == "code_interpreter"


@pytest.mark.parametrize(
    "row",
    [
        "{",
        [],
        GOOD | {"expect": "unknown"},
        GOOD | {"tools": ["no_such_tool"]},
        GOOD | {"tools": [{"type": "function"}]},
        GOOD | {"conversation": []},
        GOOD | {"conversation": [{"content": "x"}]},
        {key: value for key, value in GOOD.items() if key != "expect"},
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(BadCases, match=r"Line 2 of cases\.jsonl: \S"):
        read_cases(write(tmp_path, GOOD, row), tools.case_of)


def test_a_missing_or_empty_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadCases, match="cannot be read"):
        read_cases(tmp_path / "absent.jsonl", tools.case_of)
    with pytest.raises(BadCases, match="no cases"):
        read_cases(write(tmp_path, ""), tools.case_of)


def test_right_choices_are_counted_by_what_was_expected(tmp_path: Path) -> None:
    cases = read_cases(write(tmp_path, GOOD, GOOD | {"expect": None}, GOOD | {"expect": "pay"}), tools.case_of)
    outcomes = [tools.Outcome(case, RoutedChoice("code_interpreter", 0.9), 1.0) for case in cases]
    groups = tools.accuracies(outcomes)["groups"]
    assert groups["all"] == {"accuracy": pytest.approx(1 / 3), "cases": 3}
    assert groups["a tool expected"] == {"accuracy": 0.5, "cases": 2}
    assert groups["none expected"] == {"accuracy": 0, "cases": 1}


def test_our_own_cases_are_well_formed_and_varied() -> None:
    cases = read_cases(tools.CASES, tools.case_of)
    assert len(cases) >= 240
    assert {case.conversation for case in cases}.isdisjoint(
        case.conversation for case in read_cases(DEV, tools.case_of)
    )
    assert len({case.id for case in cases}) == len(cases)
    nothing = sum(not case.expect for case in cases)
    assert 0.25 < nothing / len(cases) < 0.45
    assert sum(len(case.conversation) > 1 for case in cases) >= 20
    languages = Counter(tools.language_of(case.conversation[-1][1]) for case in cases)
    assert all(languages[language] >= 10 for language in ("en", "de", "fr", "es"))


def test_calls_are_sampled_from_the_cases_that_expect_one() -> None:
    cases = read_cases(tools.CASES, tools.case_of)
    some = tools.sample(cases, 60)
    assert 45 <= len(some) <= 60
    assert all(case.expect for case in some)
    assert tools.sample(cases, 0) == []
    assert len(tools.sample(cases, 10_000)) == sum(bool(case.expect) for case in cases)


@pytest.mark.model
@pytest.mark.parametrize("cases", FLOORS)
def test_the_bundled_embedder_chooses_well_enough(cases: Path) -> None:
    text = tools.report({"cases": cases, "no_model": True, "json": True, "calls": 0}, lambda line: None)
    found = json.loads(text)
    assert found["choice"]["groups"]["all"]["accuracy"] >= FLOORS[cases]
    assert {"id", "expect", "chosen"} <= found["wrong"][0].keys()
