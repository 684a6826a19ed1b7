"""What workers leave of runs that ask each other is what the chat, the tree page and the API show."""

import pytest
from django.test import Client

from tests.workers.trees import Worker, ask, asks, call, make_gpt, says, scripted_services
from web.runs.deletion import delete_conversation
from web.runs.models import Run
from web.runs.trees import tree_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(alice, bob, sent_tasks, settings) -> Run:
    """Bob's answered question to Front Desk, that asks Tax Clerk the same twice, that asks Fee Clerk."""
    tax = make_gpt(alice, "Tax Clerk", make_gpt(alice, "Fee Clerk"))
    run = ask(bob, make_gpt(alice, "Front Desk", tax))
    script = {
        "Front Desk": asks(call("ask_tax_clerk", "What is the VAT?"), call("ask_tax_clerk", "what is  the vat")),
        "Tax Clerk": asks(call("ask_fee_clerk", "Any fee?")),
        "Fee Clerk": says("None."),
    }
    Worker(sent_tasks, scripted_services(script)).drain()
    run.refresh_from_db()
    return run


@pytest.fixture
def as_bob(bob) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def test_the_tree_is_that_of_the_log(run):
    top = tree_of(run)
    told = [(node.gpt.name, node.run.depth, node.joined, node.status) for node in top.all()]
    assert told == [
        ("Front Desk", 0, False, "completed"),
        ("Tax Clerk", 1, False, "completed"),
        ("Fee Clerk", 2, False, "completed"),
        ("Tax Clerk", 1, True, "completed"),
    ]
    assert top.total.both == sum(Run.objects.values_list("n_tokens", flat=True))


def test_every_page_shows_its_part(run, as_bob):
    tax, fee = Run.objects.filter(root=run).order_by("depth")
    chat = as_bob.get(f"/c/{run.message.conversation_id}/").content.decode()
    assert "Asked Tax Clerk 2 times" in chat
    assert chat.count(f'data-delegated="/c/turn/{tax.id}/part"') == 2
    assert f'data-delegated="/c/turn/{fee.id}/part"' in as_bob.get(f"/c/turn/{tax.id}/part").content.decode()
    assert "got the same question earlier" in as_bob.get(f"/runs/{run.id}/tree").content.decode()
    api = as_bob.get(f"/api/runs/{run.id}/tree").json()
    assert api["children"][0]["children"][0]["answer"] == "None."


def test_a_deleted_chat_takes_all_of_them_out_of_sight(run, as_bob):
    parts = [run, *Run.objects.filter(root=run)]
    delete_conversation(run.message.conversation)
    for each in parts:
        for address in (f"/runs/{each.id}/", f"/runs/{each.id}/tree", f"/c/turn/{each.id}/part"):
            assert as_bob.get(address).status_code == 404
        assert as_bob.get(f"/api/runs/{each.id}/tree").status_code == 404
