"""The page of a server that shows a result: offered in its chat, and read by its person only."""

import json

import pytest

from gpts.runs.steps import AppView, Finished, ModelReply, ToolCall, ToolResult
from web.runs import copies, files, log
from web.runs.deletion import delete_conversation

GIVEN = {"html": "<script>alert(1)</script>", "tool": {}, "arguments": {}, "result": {}}


@pytest.fixture
def shown(run):
    """Bob's run with a result that a server shows."""
    log.append(run.id, ModelReply(text="", tool_calls=(ToolCall(call_id="t1", name="seats", arguments={}),)))
    file = files.keep(run, "app.json", json.dumps(GIVEN).encode(), untrusted=True)
    view = AppView(file_id=file.id, host="seats.example")
    log.append(run.id, ToolResult(call_id="t1", name="seats", text="4 free", app=view))
    log.append(run.id, ToolResult(call_id="t2", name="other", text="x"))
    log.append(run.id, Finished(text="There are 4."))
    run.refresh_from_db()
    return run


def test_the_chat_offers_it_and_its_page_is_data_only(as_bob, shown):
    page = as_bob.get(f"/c/{shown.message.conversation_id}/").content.decode()
    assert "Open the app from seats.example" in page
    assert "alert(1)" not in page
    assert "app.json" not in page  # no download
    answer = as_bob.get(f"/c/turn/{shown.id}/apps/t1")
    assert (answer.headers["Content-Type"], answer.json()) == ("application/json", GIVEN)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nobody_else_reads_it_and_other_results_have_none(as_bob, as_charlie, shown):
    assert as_charlie.get(f"/c/turn/{shown.id}/apps/t1").status_code == 404
    assert [as_bob.get(f"/c/turn/{shown.id}/apps/{each}").status_code for each in ("t2", "t9")] == [404, 404]


def test_a_fork_has_a_copy_of_its_own(as_bob, shown):
    copy = copies.fork(shown.message.conversation, shown.id)
    of_copy, of_first = (log.read(run)[2].app for run in (copy.shown_id, shown.id))
    assert of_copy.file_id != of_first.file_id
    delete_conversation(shown.message.conversation)
    assert as_bob.get(f"/c/turn/{copy.shown_id}/apps/t1").json() == GIVEN
    assert as_bob.get(f"/c/turn/{shown.id}/apps/t1").status_code == 404
