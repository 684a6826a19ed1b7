"""A result that is too long for the model is cut at a row, says so, and stays whole as a file."""

import json
from types import SimpleNamespace

import pytest

from gpts.runs.steps import ModelReply
from gpts.spec.gpt import GptSpec
from workers.egress import EgressConfig
from workers.tools import InputFile, ToolContext, ToolError, long_results
from workers.tools.read_more.run import run as read_more
from workers.tools.settings import ToolSettings

ROWS = [{"name": f"n{number}", "amount": number} for number in range(520)]


def turn(context_tokens):
    return SimpleNamespace(steps=(ModelReply(text="", context_tokens=context_tokens),))


def test_the_room_follows_the_context():
    assert long_results.room(turn(4_096)) == 3_000
    assert long_results.room(turn(131_072)) > 40_000


@pytest.mark.parametrize(
    ("text", "ending", "first", "of"),
    [
        (json.dumps(ROWS), ".json", "columns: name (text), amount (number)", "elements 1-"),
        (json.dumps({"total": 520, "rows": ROWS}), ".json", '{"total": 520}', "elements 1-"),
        (
            "\n".join(["name,amount", *(f"n{n},{n}" for n in range(520))]),
            ".csv",
            "columns: name (text), amount (number)",
            "rows 1-",
        ),
        (
            "\n".join(["| a | b |", "|---|---|", *(f"| n{n} | {n} |" for n in range(520))]),
            ".txt",
            "columns: a (text), b (number)",
            "rows 1-",
        ),
        ("\n".join(f"Line {n} of the log." for n in range(520)), ".txt", "Line 0 of the log.", "lines 1-"),
    ],
)
def test_a_result_is_cut_at_a_row_and_says_so(text, ending, first, of):
    name = long_results.file_name(text)
    assert name.endswith(ending)
    *rows, mark = long_results.shortened(text, 2_000, name).splitlines()
    assert rows[0] == first
    assert f"of {len(text):,} characters, {of}" in mark
    assert "of 520 shown" in mark
    assert name in mark
    assert all(row in text for row in rows[3:])
    assert len("\n".join(rows)) <= 2_000


def test_one_long_value_is_cut_in_part():
    assert "element 1 of 1 in part" in long_results.shortened(json.dumps(["x" * 5_000]), 2_000, "f.json")
    assert "cut here: 2,000 of 5,000 characters, line 1 of 1 in part shown" in long_results.shortened(
        "x" * 5_000, 2_000, "f.txt"
    )


def test_the_rest_is_read_from_any_row(tmp_path):
    path = tmp_path / "any"
    path.write_text("\n".join(["name,amount", *(f"n{n},{n}" for n in range(520))]))
    files = (InputFile("result-a.csv", path), InputFile("secret.csv", path))
    context = ToolContext("c", "s", 1, GptSpec(slug="x", name="X"), 9.0, files, room_chars=2_000)
    read = lambda **given: read_more(given, context, ToolSettings(EgressConfig()))  # noqa: E731
    output = read(name="result-a.csv", offset=519)
    assert output.text.splitlines()[:3] == ["name,amount", "n518,518", "n519,519"]
    assert output.untrusted
    assert output.written_by == ("the file result-a.csv",)
    assert output.private
    for wrong in ({"name": "secret.csv"}, {"name": "result-a.csv", "offset": 521}):
        with pytest.raises(ToolError):
            read(**wrong)
