"""A long attached table is given by its columns, its size and its first rows; the model reads on by calls."""

import json
from dataclasses import replace

import pytest

from gpts.runs.state import TurnState
from gpts.runs.steps import Finished, ToolResult, UserMessage
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.file_tools import READ_MORE
from gpts.spec.gpt import GptSpec
from tests.workers import advancing
from tests.workers.conftest import read
from tests.workers.made_services import made_services
from web.runs import files, log, services, stream
from workers.engine.scripted import CAPABLE
from workers.knowledge.index import KnowledgeIndex
from workers.runs import searching

# Tools run in threads with connections of their own.
pytestmark = pytest.mark.django_db(transaction=True)
ROWS = "\n".join(["part,left,since", *(f"Pump {n},{n},2026-01-{n % 28 + 1:02}" for n in range(1, 1501))])
QUESTION = "How many pieces of Pump 900 are left?"


@pytest.fixture
def turn(conversation, bob, home, words, monkeypatch):
    """The steps of a turn about an attached file, and the requests to the model."""
    monkeypatch.setattr(stream, "publish", lambda run_id, *new: None)

    def answered(rows, *replies, ability=CAPABLE):
        file = read(files.attach(bob, "stock.csv", [rows.encode()]))
        assert file.error == ""
        run = services.start_run(conversation, QUESTION, attachments=[file.id])
        its = made_services(list(replies), KnowledgeIndex(home, words), words, ability)
        for queue in ("model", "tools") * 3:
            advancing.advance(run.id, queue, lambda: its)
        return log.read(run.id), its.engine.requests

    return answered


def test_the_rows_of_a_long_table_are_read_by_calls_and_cited(turn):
    call = {"name": "read_more", "arguments": {"name": "stock.csv", "offset": 895}}
    answer = "Of Pump 900, 900 are left."
    steps, requests = turn(ROWS, f"<tool_call>{json.dumps(call)}</tool_call>", answer)
    given = requests[0].messages[-1].content
    assert "1,500 rows; columns: part (text), left (number), since (date)" in given
    assert "| part | left | since |\n| --- | --- | --- |\n| Pump 1 | 1 | 2026-01-02 |" in given
    assert "of 1,500 shown; the whole is in the file stock.csv: read_more gives other rows" in given
    assert len(given) < 3_000
    assert [tool.name for tool in requests[0].tools] == ["search_files", "read_files", "read_more"]
    [result] = [step for step in steps if isinstance(step, ToolResult)]
    assert result.text.startswith("| part | left | since |\n| --- | --- | --- |\n| Pump 895 | 895 | ")
    assert result.label.is_untrusted
    end = steps[-1]
    assert isinstance(end, Finished)
    assert end.text == answer
    assert [cited.quote for cited in end.citations] == ["| Pump 900 | 900 | 2026-01-05 |"]


@pytest.mark.parametrize(
    ("rows", "ability"),
    [
        ("\n".join(ROWS.splitlines()[:100]), CAPABLE),
        (ROWS, CAPABLE.model_copy(update={"calls_tools": False, "context_tokens": 100_000, "reads_tokens": 40_000})),
    ],
)
def test_short_tables_and_those_of_models_without_calls_stay_whole(turn, rows, ability):
    _, requests = turn(rows, "90 are left.", ability=ability)
    given = requests[-1].messages[-1].content
    assert "cut here" not in given
    assert "| Pump 90 | 90 |" in given
    assert not requests[-1].tools


@pytest.mark.parametrize(("opens_own", "is_part"), [(True, True), (False, False)])
def test_a_gpts_own_table_is_cut_where_its_tools_may_open_it(bob, home, words, opens_own, is_part):
    file = read(files.attach(bob, "stock.csv", [ROWS.encode()])).ref()
    spec = GptSpec(slug="x", name="X", knowledge=(file.as_knowledge(),))
    ability = CAPABLE.model_copy(update={"context_tokens": 100_000, "reads_tokens": 40_000})
    tools = {READ_MORE: BUILTIN_TOOLS[READ_MORE].spec}
    state = TurnState(spec, ability, (UserMessage(text=QUESTION),), (), tools)
    its = made_services([], KnowledgeIndex(home, words), words, ability)
    [given] = searching.whole_files(state, its, opens_own=opens_own)
    assert given.is_part is is_part
    assert bool(replace(state, whole_files=(given,)).long_files()) is is_part
