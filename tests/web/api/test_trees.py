"""A program reads the tree of a run, and what it waits for, as its own person and nobody else."""

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from gpts.runs.forms import Form, FormField
from gpts.runs.steps import Approval, ApprovalRequest
from tests.web.api.conftest import bearer, key_of
from tests.web.runs import trees
from web.api.errors import ApiError
from web.api.program_runs import approval_required
from web.runs import log, stream
from web.runs.events import ApprovalNeeded, events, waits_for_person


@pytest.fixture
def done(run, alice) -> trees.Tree:
    return trees.grown(run, alice)


@pytest.fixture
def live(run, alice) -> trees.Tree:
    return trees.grown(run, alice, done=False)


@pytest.fixture
def bobs(bob) -> Client:
    """Bob's program."""
    return bearer(key_of(bob, may_approve=True))


def test_it_is_nested_as_it_was_asked(bobs, done):
    top = bobs.get(f"/api/runs/{done.desk.id}/tree").json()
    tax, plants, again = top["children"]
    law, fees = tax["children"]
    assert [each["name"] for each in (top, tax, plants, again, law, fees)] == [
        "Pump Doctor",
        "Tax Clerk",
        "Plant Desk",
        "Tax Clerk",
        "Law Reader",
        "Fee Clerk",
    ]
    assert law["children"][0]["children"][0]["depth"] == 4
    assert (fees["children"][0]["joined"], fees["children"][0]["id"]) == (True, law["id"])
    assert (top["call_id"], tax["call_id"], again["call_id"]) == (None, "a", "c")


def test_it_tells_what_each_used_and_rests_on(bobs, done):
    top = bobs.get(f"/api/runs/{done.desk.id}/tree").json()
    counted = {"prompt_tokens": 300, "completion_tokens": 30, "total_tokens": 330}
    assert top["usage"] == {**counted, "completion_tokens_details": {"reasoning_tokens": 0}}
    assert top["total_usage"]["total_tokens"] == 2310
    assert top["label"] == {"untrusted": True, "written_by": ["the file prices.pdf", "the page fees.example"]}
    tax = top["children"][0]
    assert (tax["answer"], tax["error"], tax["citations"]) == ("Answer of Tax Clerk.", None, [])
    assert tax["label"] == {"untrusted": False, "written_by": []}
    refused = {"call_id": "c", "name": "Plant desk", "task": "Why?", "host": None, "error": trees.REFUSED}
    assert tax["others"] == [refused]
    assert tax["seconds"] >= 0


def test_a_run_tells_of_requests_below_it_and_where_to_answer(bobs, live):
    told = bobs.get(f"/api/runs/{live.desk.id}").json()
    assert told["status"] == "requires_action"
    (waits,) = told["approvals"]
    assert (waits["run"], waits["call_id"], waits["title"]) == (str(live.scribe.id), "w1", "Create ticket")
    answer = {"call_id": "w1", "allowed": True}
    assert bobs.post(f"/api/runs/{waits['run']}/approve", answer, content_type="application/json").status_code == 200
    assert log.read(live.scribe.id)[-1] == Approval(call_id="w1", allowed=True, digest="d" * 64)
    told = bobs.get(f"/api/runs/{live.desk.id}").json()
    assert (told["status"], told["approvals"]) == ("in_progress", [])


def test_a_part_tells_who_asked_for_it(bobs, live):
    told = bobs.get(f"/api/runs/{live.law.id}").json()
    assert [delegator["name"] for delegator in told["delegated_by"]] == ["Pump Doctor", "Tax Clerk"]
    assert bobs.get(f"/api/runs/{live.desk.id}").json()["delegated_by"] == []
    (waits,) = bobs.get(f"/api/runs/{live.law.id}/tree").json()["children"][0]["children"][0]["approvals"]
    assert waits["call_id"] == "w1"


def test_only_its_own_person_reads_it(alice, charlie, done):
    for user in (alice, charlie):
        client = bearer(key_of(user))
        for run in (done.desk, done.law):
            assert client.get(f"/api/runs/{run.id}/tree").status_code == 404
            assert client.get(f"/api/runs/{run.id}").status_code == 404
    assert Client().get(f"/api/runs/{done.desk.id}/tree").status_code == 401


def test_the_document_tells_its_shape(client):
    document = client.get("/api/openapi.json").json()
    shape = document["components"]["schemas"]["RunTree"]
    assert shape["properties"]["children"]["items"] == {"$ref": "#/components/schemas/RunTree"}
    assert "run" in document["components"]["schemas"]["PendingApproval"]["required"]


def test_a_completion_is_told_which_run_to_answer(live):
    asking = waits_for_person(live.desk.id)
    assert asking.run_id == live.scribe.id
    error = approval_required(live.desk, asking)
    assert isinstance(error, ApiError)
    assert f"/runs/{live.scribe.id}/." in error.problem.message
    assert f"/api/runs/{live.desk.id}." in error.problem.message


def test_a_run_that_goes_on_by_itself_waits_for_nobody(live):
    assert waits_for_person(live.plants.id) is None
    log.append(live.scribe.id, Approval(call_id="w1", allowed=False))
    assert waits_for_person(live.desk.id) is None


@pytest.mark.django_db(transaction=True)
def test_a_completion_says_whether_a_form_waits(run, monkeypatch):
    form = Form(message="Where to?", fields=(FormField(name="city"),))
    log.append(run.id, ApprovalRequest(call_id="w1", name="ask_user", digest="d" * 64, form=form))

    async def follow(*_):
        yield "", {}

    async def first() -> None:
        async for _ in events(run.id):
            pass

    monkeypatch.setattr(stream, "follow", follow)

    with pytest.raises(ApprovalNeeded) as needed:
        async_to_sync(first)()
    error = approval_required(run, needed.value)
    assert "asks a person to fill in a form, which they do at" in error.problem.message
    assert "approval" not in error.problem.message
