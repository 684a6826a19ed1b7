"""A form on the page of its chat: as text, for its person only, with and without script."""

import pytest

from gpts.runs.forms import Form, FormField
from gpts.runs.steps import Approval, ApprovalRequest, Finished, ModelReply, ToolCall, ToolResult, ToolStarted
from web.runs import approving, log

EVIL = '<img src=x onerror="alert(1)">'
FIELDS = (
    FormField(name="city", title="City", required=True, minimum=2),
    FormField(name="nights", kind="integer", minimum=1, maximum=30),
    FormField(name="room", kind="choice", options=("s", "d"), option_titles=("Single", EVIL)),
    FormField(name="extras", kind="several_choices", options=("a", "b")),
    FormField(name="quiet", kind="yes_no", default=True),
    FormField(name="note", title=EVIL, description=EVIL, maximum=500),
    FormField(name="when", kind="date_time"),
)
FORM = Form(message=f"Where to? {EVIL}", fields=FIELDS)
SENT = {"call_id": "w1", "digest": "d" * 64}
JSON = {"Accept": "application/json"}


@pytest.fixture
def asked(run):
    """Bob's run, which waits for his answers."""
    log.append(run.id, ModelReply(text="", tool_calls=(ToolCall(call_id="w1", name="ask_user", arguments={}),)))
    log.append(run.id, ApprovalRequest(call_id="w1", name="ask_user", digest="d" * 64, form=FORM))
    return run


def answers(run) -> list[Approval]:
    return [step for step in log.read(run.id) if isinstance(step, Approval)]


def test_the_form_says_who_asks_and_shows_all_text_as_text(as_bob, asked):
    page = as_bob.get(f"/c/{asked.message.conversation_id}/").content.decode()
    assert "<bdi>Pump Doctor</bdi> asks you" in page
    assert "Your answers become part of this chat." in page
    assert "Never enter passwords" in page
    assert EVIL not in page
    assert page.count("&lt;img src=x onerror=") >= 4
    assert 'type="datetime-local"' in page


def test_a_servers_form_says_where_the_answers_go(as_bob, run):
    log.append(run.id, ModelReply(text="", tool_calls=(ToolCall(call_id="w1", name="book", arguments={}),)))
    log.append(run.id, ToolStarted(call_id="w1", name="book"))
    form = FORM.model_copy(update={"asker": "rooms.example"})
    because = ("the page evil.example",)
    log.append(run.id, ApprovalRequest(call_id="w1", name="book", digest="d" * 64, form=form, because=because))
    page = as_bob.get(f"/c/{run.message.conversation_id}/").content.decode()
    assert "<bdi>rooms.example</bdi> asks you" in page
    assert "Your answers are sent to <b>rooms.example</b>" in page
    assert "has read the page evil.example, which may have asked for this" in page


def test_answers_without_script_lead_back_to_the_chat(as_bob, asked):
    given = {
        "answer-city": "Rome",
        "answer-nights": "2",
        "answer-extras": ["a", "b"],
        "answer-when": "2026-01-31T10:00",
    }
    answer = as_bob.post(f"/runs/{asked.id}/answer", {**SENT, **given, "action": "accept"})
    assert (answer.status_code, answer.url) == (302, f"/c/{asked.message.conversation_id}/")
    (step,) = answers(asked)
    assert step.answers == {
        "city": "Rome",
        "nights": 2,
        "extras": ["a", "b"],
        "quiet": False,
        "when": "2026-01-31T10:00:00Z",
    }


def test_wrong_answers_are_shown_again_with_what_is_wrong(as_bob, asked):
    given = {"answer-city": "R", "answer-nights": "many", "answer-note": "keep me", "action": "accept"}
    page = as_bob.post(f"/runs/{asked.id}/answer", SENT | given)
    text = page.content.decode()
    assert page.status_code == 422
    assert "City: Enter 2 characters or more. nights: Enter a whole number." in text
    assert ">keep me</textarea>" in text
    assert text.count('aria-invalid="true"') == 2
    script = as_bob.post(f"/runs/{asked.id}/answer", SENT | given, headers=JSON)
    assert (script.status_code, list(script.json()["fields"])) == (422, ["city", "nights"])
    assert answers(asked) == []


@pytest.mark.parametrize(("action", "dismissed"), [("decline", False), ("cancel", True)])
def test_it_can_be_declined_or_closed_empty(as_bob, asked, action, dismissed):
    assert as_bob.post(f"/runs/{asked.id}/answer", SENT | {"action": action}, headers=JSON).status_code == 200
    (step,) = answers(asked)
    assert (step.allowed, step.dismissed, step.answers) == (False, dismissed, {})


def test_of_two_tabs_the_second_is_told(as_bob, asked):
    given = SENT | {"answer-city": "Rome", "action": "accept"}
    assert as_bob.post(f"/runs/{asked.id}/answer", given, headers=JSON).status_code == 200
    second = as_bob.post(f"/runs/{asked.id}/answer", given | {"answer-city": "Paris"}, headers=JSON)
    assert second.status_code == 409
    assert "already answered" in second.json()["error"]
    assert [step.answers["city"] for step in answers(asked)] == ["Rome"]


def test_a_stale_form_or_an_unknown_action_is_refused(as_bob, asked):
    given = SENT | {"answer-city": "Rome", "action": "accept"}
    assert as_bob.post(f"/runs/{asked.id}/answer", given | {"digest": "e" * 64}, headers=JSON).status_code == 409
    assert as_bob.post(f"/runs/{asked.id}/answer", given | {"action": "x"}, headers=JSON).status_code == 409
    assert as_bob.post(f"/runs/{asked.id}/approve", SENT | {"allowed": "true"}, headers=JSON).status_code == 409
    assert answers(asked) == []


def test_nobody_else_answers(as_charlie, asked):
    given = SENT | {"answer-city": "Rome", "action": "accept"}
    assert as_charlie.post(f"/runs/{asked.id}/answer", given).status_code == 404
    assert answers(asked) == []


def test_the_steps_say_that_the_person_answered(as_bob, asked):
    approving.answer_form(asked, "w1", "accept", lambda form: {"city": "Rome"})
    log.append(asked.id, ToolResult(call_id="w1", name="ask_user", text='The user\'s answers: {"city": "Rome"}'))
    log.append(asked.id, Finished(text="Booked."))
    page = as_bob.get(f"/c/{asked.message.conversation_id}/").content.decode()
    assert "you answered" in page
    assert "Asked you: " in page  # no GPT called "User" was asked
