"""A question in a form, for clients of the site's own MCP door, of A2A and of its API."""

import pytest
from mcp_types import ElicitResult

from gpts.runs.forms import Form, FormField
from gpts.runs.steps import ApprovalRequest, ModelReply, ToolCall
from tests.web.api.conftest import ANSWER, bearer, key_of
from web.a2a.tasks import task_of
from web.runs import log
from web.runs.models import Run

FIELDS = (FormField(name="city", required=True), FormField(name="room", kind="choice", options=("s", "d")))
REQUEST = ApprovalRequest(
    call_id="w1", name="ask_user", digest="d" * 64, form=Form(message="Where to?", fields=FIELDS)
)


def ask(worker) -> None:
    worker.take()
    worker._append(ModelReply(text="", tool_calls=(ToolCall(call_id="w1", name="ask_user", arguments={}),)))
    worker._append(REQUEST)
    log.hand_over(worker.run_id, worker.lease)


@pytest.fixture
def asking(worker, meanwhile) -> None:
    """The next run asks; once it is answered, it goes on to its end."""

    def work() -> None:
        ask(worker)
        worker.next_run()
        worker.retake()
        worker.finish()

    meanwhile(work)


def given(worker) -> list[tuple[bool, dict]]:
    return [(step.allowed, step.answers) for step in log.read(worker.run_id) if step.kind == "approval"]


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        (ElicitResult(action="accept", content={"city": "Rome"}), (True, {"city": "Rome"})),
        (ElicitResult(action="decline"), (False, {})),
    ],
)
def test_a_client_that_may_answer_gets_the_fields(bobs, bob, worker, asking, result, kept):
    seen = []

    async def person(context, params) -> ElicitResult:
        seen.append(params)
        return result

    bobs.key = key_of(bob, may_approve=True)
    assert bobs.ask("Book it", elicitation_callback=person).structured_content["answer"] == ANSWER
    assert (seen[0].message, list(seen[0].requested_schema["properties"])) == (
        "Pump Doctor asks: Where to?",
        ["city", "room"],
    )
    assert given(worker) == [kept]


def test_answers_that_do_not_fit_are_left_to_the_page(bobs, bob, worker, meanwhile):
    async def person(context, params) -> ElicitResult:
        return ElicitResult(action="accept", content={"city": "", "room": "x"})

    meanwhile(lambda: ask(worker))
    bobs.key = key_of(bob, may_approve=True)
    result = bobs.ask("Book it", elicitation_callback=person)
    assert f"/runs/{worker.run_id}/" in result.content[0].text
    assert given(worker) == []


def test_any_other_key_cannot_answer(bobs, worker, meanwhile):
    async def eager(context, params) -> ElicitResult:
        assert params.mode == "url"
        return ElicitResult(action="cancel", content={"city": "Rome"})

    meanwhile(lambda: ask(worker))
    assert bobs.ask("Book it", elicitation_callback=eager).is_error
    assert given(worker) == []


@pytest.fixture
def asked(run) -> Run:
    log.append(run.id, ModelReply(text="", tool_calls=(ToolCall(call_id="w1", name="ask_user", arguments={}),)))
    log.append(run.id, REQUEST)
    run.refresh_from_db()
    return run


def test_the_api_shows_the_form_and_takes_the_answers(asked, bob):
    client = bearer(key_of(bob, may_approve=True))
    (request,) = client.get(f"/api/runs/{asked.id}").json()["approvals"]
    assert (request["form"]["message"], request["form"]["fields"][0]["name"]) == ("Where to?", "city")
    path, answer = f"/api/runs/{asked.id}/approve", {"call_id": "w1", "allowed": True}
    wrong = client.post(path, answer | {"answers": {"room": "x"}}, content_type="application/json")
    assert wrong.status_code == 422
    assert [error["field"] for error in wrong.json()["errors"]] == ["city", "room"]
    assert client.post(path, answer, content_type="application/json").status_code == 400  # no answers
    other = bearer(key_of(bob))
    assert (
        other.post(path, answer | {"answers": {"city": "Rome"}}, content_type="application/json").status_code == 403
    )
    right = client.post(path, answer | {"answers": {"city": "Rome"}}, content_type="application/json")
    assert right.status_code == 200
    assert log.read(asked.id)[-1].answers == {"city": "Rome"}


def test_a_task_of_a2a_needs_input_and_says_where(asked):
    status = task_of(asked).status
    assert status.state == 6  # TASK_STATE_INPUT_REQUIRED
    assert "Pump Doctor asks: Where to?\n- city\n- room" in status.message.parts[0].text
