"""A call that waits for a person: the client asks them in a form, sends them to the page, or gets the address."""

import pytest
from mcp_types import ElicitRequestFormParams, ElicitResult, ErrorData

from tests.web.api.conftest import ANSWER, key_of
from tests.web.mcp.conftest import LEGACY, MODERN, TOOL, Program
from web.runs import approving, log
from web.runs.connections import in_database
from web.runs.models import Run


@pytest.fixture
def asking(worker, meanwhile) -> None:
    """The next run asks for approval; once it is answered, it goes on to its end."""

    def work() -> None:
        worker.take()
        worker.ask_person()
        worker.next_run()  # woken by the answer
        worker.retake()
        worker.finish()

    meanwhile(work)


def approvals(worker) -> list[bool]:
    return [step.allowed for step in log.read(worker.run_id) if step.kind == "approval"]


@pytest.mark.parametrize(("decision", "allowed"), [("Allow", True), ("Decline", False)])
def test_a_key_that_may_approve_gets_a_form(bobs, bob, worker, asking, decision, allowed):
    seen = []

    async def person(context, params) -> ElicitResult:
        seen.append(params)
        return ElicitResult(action="accept", content={"decision": decision})

    bobs.key = key_of(bob, may_approve=True)
    result = bobs.ask("Send it", elicitation_callback=person)
    assert result.structured_content["answer"] == ANSWER
    assert isinstance(seen[0], ElicitRequestFormParams)
    assert "Pump Doctor asks for approval: send_mail." in seen[0].message
    assert (len(seen), approvals(worker)) == (1, [allowed])


def test_any_other_key_has_the_person_answer_on_the_page(bobs, worker, asking):
    seen = []

    async def person(context, params) -> ElicitResult:
        seen.append(params)
        if len(seen) == 1:
            await answer(worker)
        return ElicitResult(action="accept", content={"decision": "Allow"})

    result = bobs.ask("Send it", elicitation_callback=person)
    assert result.structured_content["answer"] == ANSWER
    assert [params.mode for params in seen] == ["url"]
    assert seen[0].url.endswith(f"/runs/{worker.run_id}/")
    assert approvals(worker) == [True]


async def answer(worker) -> None:
    """The person allows the call on the page, a little after their client sent them there."""
    await in_database(lambda: approving.answer_approval(Run.objects.get(id=worker.run_id), "w1", True))


def test_nothing_that_a_client_sends_approves_without_the_right_key(bobs, worker, meanwhile):
    async def eager(context, params) -> ElicitResult:
        return ElicitResult(action="decline", content={"decision": "Allow"})

    meanwhile(lambda: (worker.take(), worker.ask_person()))
    result = bobs.ask("Send it", elicitation_callback=eager)
    assert (result.is_error, result.content[0].text) == (True, "The run was stopped.")
    assert approvals(worker) == []
    assert Run.objects.get(id=worker.run_id).status == Run.Status.CANCELLED


@pytest.mark.parametrize("can_ask", [True, False])
def test_a_person_who_does_not_answer_now_can_later(bobs, worker, meanwhile, can_ask):
    async def leaves(context, params) -> ElicitResult:
        return ElicitResult(action="cancel")

    meanwhile(lambda: (worker.take(), worker.ask_person()))
    result = bobs.ask("Send it", **({"elicitation_callback": leaves} if can_ask else {}))
    assert result.is_error
    text = result.content[0].text
    assert f"/runs/{worker.run_id}/" in text
    assert f'{{"run": "{worker.run_id}"}}' in text
    assert Run.objects.get(id=worker.run_id).status == Run.Status.REQUIRES_ACTION
    approving.answer_approval(Run.objects.get(id=worker.run_id), "w1", True)
    worker.retake()
    worker.finish()
    later = bobs.run(lambda client: client.call_tool(TOOL, {"run": str(worker.run_id)}))
    assert later.structured_content["answer"] == ANSWER


def test_a_client_that_fails_to_ask_gets_the_address(live, gpt, bob, worker, meanwhile):
    async def broken(context, params) -> ErrorData:
        return ErrorData(code=-32603, message="There is no window.")

    meanwhile(lambda: (worker.take(), worker.ask_person()))
    result = Program(live, key_of(bob), LEGACY).ask("Send it", elicitation_callback=broken)
    assert f"/runs/{worker.run_id}/" in result.content[0].text
    assert Run.objects.get(id=worker.run_id).status == Run.Status.REQUIRES_ACTION


def test_only_runs_of_programs_are_continued(bobs, run):
    result = bobs.run(lambda client: client.call_tool(TOOL, {"run": str(run.id)}))  # a chat on the page
    assert (result.is_error, result.content[0].text) == (True, "Run not found.")
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED


def test_the_state_of_a_call_is_no_other_person_s(live, gpt, alice, bob, worker, meanwhile):
    async def first(client) -> object:
        return await client.session.call_tool(TOOL, {"question": "Send it"}, allow_input_required=True)

    async def person(context, params) -> ElicitResult:
        raise AssertionError

    meanwhile(lambda: (worker.take(), worker.ask_person()))
    bobs = Program(live, key_of(bob), MODERN)
    asked = bobs.run(first, elicitation_callback=person)
    assert str(worker.run_id) not in asked.request_state

    async def take_over(client) -> object:
        return await client.session.call_tool(
            TOOL, {"question": "Send it"}, request_state=asked.request_state, allow_input_required=True
        )

    with pytest.raises(Exception, match="Invalid or expired requestState"):
        Program(live, key_of(alice, may_approve=True), MODERN).run(take_over, elicitation_callback=person)
