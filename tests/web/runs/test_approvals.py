"""A person's answers: to the very request that was shown, once, in time, remembered only where that is offered."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from gpts.runs.steps import Approval, ApprovalRequest
from gpts.spec.actions import ActionSpec, Operation
from web.runs import approving, log, permissions
from web.runs.errors import Refused
from web.runs.models import Permission, Run, StepRow
from workers.tools.actions import tool_spec

ONE_TABLE = {"type": "object", "properties": {"table": {"type": "string"}}}
RESERVE = Operation(name="reserve", method="POST", path="/tables/{table}", parameters=ONE_TABLE)


def as_tool(operation: Operation, base_url: str = "https://shop.example"):
    return tool_spec("reserve", ActionSpec(action_id="a", name="Shop", base_url=base_url), operation)


ASKS = ApprovalRequest(
    call_id="call_0",
    name="reserve",
    digest="d",
    title="Reserve",
    host="shop.example",
    binding=as_tool(RESERVE).binding,
    may_remember=True,
)


@pytest.fixture
def asking(run) -> Run:
    """Bob's run, waiting for his word."""
    log.append(run.id, ASKS)
    run.refresh_from_db()
    return run


def last(run: Run):
    return log.read(run.id)[-1]


def test_the_answer_is_bound_to_the_request_that_was_shown(asking):
    with pytest.raises(Refused):
        approving.answer_approval(asking, "call_0", True, digest="of another call")
    approving.answer_approval(asking, "call_0", True, digest="d")
    assert last(asking) == Approval(call_id="call_0", allowed=True, digest="d")


def test_it_counts_once(asking, sent_tasks, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        approving.answer_approval(asking, "call_0", False)
    assert sent_tasks[-1][:2] == ("workers.tasks.advance", str(asking.id))
    with pytest.raises(Refused):
        approving.answer_approval(asking, "call_0", True)


def test_always_is_for_one_gpt_tool_and_host(asking, bob, gpt, charlie):
    approving.answer_approval(asking, "call_0", True, remember=True)
    tools = {"reserve": as_tool(RESERVE)}
    assert permissions.standing(bob.id, gpt.id, tools, "strict").always == {"reserve"}
    elsewhere = {"reserve": as_tool(RESERVE, "https://evil.example")}
    assert not permissions.standing(bob.id, gpt.id, elsewhere, "strict").always
    assert not permissions.standing(charlie.id, gpt.id, tools, "strict").always


@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"path": "/account"},
        {"path": "/tables/{table}/all"},
        {"parameters": {"type": "object", "properties": {"table": {"type": "integer"}}}},
        {"parameters": {"type": "object", "properties": {**ONE_TABLE["properties"], "all": {"type": "boolean"}}}},
        {"wires": {"table": {"name": "delete"}}},
        {"places": {"table": "query"}},
    ],
)
def test_always_ends_when_the_operation_does_something_else(asking, bob, gpt, change):
    approving.answer_approval(asking, "call_0", True, remember=True)
    republished = as_tool(Operation.model_validate(RESERVE.model_dump() | change))
    assert not permissions.standing(bob.id, gpt.id, {"reserve": republished}, "strict").always
    log.append(asking.id, ASKS.model_copy(update={"binding": republished.binding}))
    approving.answer_approval(asking, "call_0", True, remember=True)
    assert permissions.standing(bob.id, gpt.id, {"reserve": republished}, "strict").always == {"reserve"}
    assert not permissions.standing(bob.id, gpt.id, {"reserve": as_tool(RESERVE)}, "strict").always
    assert Permission.objects.count() == 1


def test_another_description_of_the_same_operation_changes_nothing(asking, bob, gpt):
    approving.answer_approval(asking, "call_0", True, remember=True)
    reworded = {"reserve": as_tool(RESERVE.model_copy(update={"summary": "Book a table."}))}
    assert permissions.standing(bob.id, gpt.id, reworded, "strict").always == {"reserve"}


def test_declining_is_never_remembered(asking):
    approving.answer_approval(asking, "call_0", False, remember=True)
    assert not Permission.objects.exists()


def test_what_must_be_asked_each_time_cannot_be_remembered(run):
    log.append(run.id, ASKS.model_copy(update={"may_remember": False}))
    with pytest.raises(Refused):
        approving.answer_approval(run, "call_0", True, remember=True)
    assert last(run).kind == "approval_request"


def test_nobody_answering_declines_in_the_end(asking, settings):
    assert approving.expire_approvals() == 0
    StepRow.objects.filter(run=asking, kind="approval_request").update(
        created=timezone.now() - timedelta(days=settings.APPROVAL_DAYS, seconds=1)
    )
    assert approving.expire_approvals() == 1
    assert last(asking) == Approval(call_id="call_0", allowed=False, expired=True)
    assert approving.expire_approvals() == 0


def test_signing_in_lets_the_runs_go_on_that_wait_for_it(run, bob, charlie):
    log.append(run.id, ASKS.model_copy(update={"sign_in": "shop.example"}))
    assert approving.signed_in(charlie, "shop.example") == 0
    assert approving.signed_in(bob, "other.example") == 0
    assert approving.signed_in(bob, "shop.example") == 1
    assert last(run).allowed


class TestPages:
    """The card's form, and the list of what was allowed for good."""

    def approve(self, client, run, **told):
        return client.post(reverse("run_approve", args=[run.id]), {"call_id": "call_0", **told})

    def test_only_the_person_concerned_can_answer(self, client, asking, charlie, alice):
        for user in (None, charlie, alice):
            if user:
                client.force_login(user)
            assert self.approve(client, asking, allowed="true").status_code == 404
        assert last(asking).kind == "approval_request"

    def test_a_plain_form_goes_back_to_the_chat(self, client, asking, bob):
        client.force_login(bob)
        response = client.post(
            reverse("run_approve", args=[asking.id]),
            {"call_id": "call_0", "allowed": "true"},
            headers={"accept": "text/html"},
        )
        assert response.url == reverse("chat", args=[asking.message.conversation_id])
        assert last(asking).allowed

    def test_a_script_is_told_that_it_came_too_late(self, client, asking, bob):
        client.force_login(bob)
        headers = {"accept": "application/json"}
        form = {"call_id": "call_0", "allowed": "false"}
        address = reverse("run_approve", args=[asking.id])
        assert client.post(address, form, headers=headers).json() == {"allowed": False}
        assert client.post(address, form, headers=headers).status_code == 409

    def test_a_permission_is_taken_back_by_its_owner_only(self, client, asking, bob, charlie):
        approving.answer_approval(asking, "call_0", True, remember=True)
        permission = Permission.objects.get()
        client.force_login(charlie)
        assert client.post(reverse("permission_revoke", args=[permission.id])).status_code == 404
        client.force_login(bob)
        client.post(reverse("permission_revoke", args=[permission.id]))
        assert not Permission.objects.exists()
