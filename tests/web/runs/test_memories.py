"""The page and the API of what GPTs remember."""

import pytest
from django.test import Client

from tests.publishing import publish
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, update_gpt
from web.runs import memories
from web.runs.errors import Refused
from web.runs.models import Conversation
from web.runs.models_chats import Memory


@pytest.fixture
def gpt(gpt):
    publish(update_gpt(gpt, {"capabilities": ["memory"]}, by=gpt.owner))
    return gpt


@pytest.fixture
def page(bob) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def test_a_person_writes_changes_and_deletes_what_is_remembered(page, gpt, bob):
    assert b"Nothing is remembered" in page.get("/memory/").content
    assert b"Nothing yet" in page.get(f"/memory/?gpt={gpt.slug}").content
    page.post(f"/memory/{gpt.slug}/add", {"text": " I  teach. "})
    memory = Memory.objects.get(owner=bob)
    assert b"I teach." in page.get("/memory/").content
    page.post(f"/memory/{memory.id}/change", {"text": "I learn."})
    assert memories.of(bob, gpt).get().text == "I learn."
    page.post(f"/memory/{memory.id}/change", {"action": "delete"})
    assert not Memory.objects.exists()


def test_a_refused_change_is_explained_and_changes_nothing(page, gpt, bob):
    memory = memories.add(bob, gpt, "I teach.")
    answer = page.post(f"/memory/{memory.id}/change", {"text": "x" * 301}, follow=True)
    assert b"Too long: 301 of 300" in answer.content
    assert b"Enter what to remember" in page.post(f"/memory/{gpt.slug}/add", {"text": " \x00"}, follow=True).content
    long = page.post(f"/memory/{gpt.slug}/add", {"text": "I teach " * 40})
    assert (long.status_code, b'value="I teach I teach' in long.content) == (400, True)
    assert memories.of(bob, gpt).get().text == "I teach."


def test_it_can_be_told_to_each_gpt_with_a_memory_that_one_chatted_with(page, gpt, bob):
    other = publish(create_gpt(gpt.owner, {"name": "Clerk", "instructions": "Help."}), Sharing.STORE).gpt
    for each in (gpt, other):
        Conversation.objects.create(gpt=each, version=each.published, owner=bob)
    text = page.get("/memory/").content.decode()
    assert f"/memory/{gpt.slug}/add" in text
    assert f"/memory/{other.slug}/add" not in text  # it has no memory


def test_two_tabs_neither_double_nor_lose_anything(page, gpt, bob):
    one, other = memories.add(bob, gpt, "I teach."), memories.add(bob, gpt, "I learn.")
    assert memories.add(bob, gpt, "I teach.").id == one.id
    memories.change(memories.access(bob, other.id), "I teach.")
    assert [each.text for each in memories.of(bob, gpt)] == ["I teach."]
    assert page.post(f"/memory/{one.id}/change", {"text": "I rest."}).status_code == 404


def test_all_of_it_together_has_a_limit(gpt, bob, alice):
    for n in range(15):
        memories.add(bob, gpt, f"{n:02}" + "x" * 250)
    with pytest.raises(Refused, match="No room"):
        memories.add(bob, gpt, "y" * 250)
    memories.add(bob, gpt, "y" * 200)
    memories.add(alice, gpt, "I teach.")


def test_after_access_ended_it_can_be_deleted_but_not_added_to(page, gpt, bob):
    memory = memories.add(bob, gpt, "I teach.")
    update_gpt(gpt, {"sharing": Sharing.ME}, by=gpt.owner)
    assert page.post(f"/memory/{gpt.slug}/add", {"text": "More"}).status_code == 404
    assert "doesn’t use these any more".encode() in page.get("/memory/").content
    page.post(f"/memory/{memory.id}/change", {"action": "delete"})
    assert not Memory.objects.exists()


def test_programs_read_and_change_it(page, gpt, bob):
    made = page.post(f"/api/gpts/{gpt.slug}/memories", {"text": "I teach."}, content_type="application/json")
    assert (made.status_code, made.json()["from_chat"]) == (201, False)
    assert [each["text"] for each in page.get(f"/api/gpts/{gpt.slug}/memories").json()["items"]] == ["I teach."]
    where = f"/api/memories/{made.json()['id']}"
    assert page.patch(where, {"text": "I learn."}, content_type="application/json").json()["text"] == "I learn."
    assert page.patch(where, {"text": ""}, content_type="application/json").status_code == 422
    assert page.delete(where).status_code == 204
    publish(update_gpt(gpt, {"capabilities": []}, by=gpt.owner))
    again = page.post(f"/api/gpts/{gpt.slug}/memories", {"text": "I teach."}, content_type="application/json")
    assert again.status_code == 404
    assert page.post(f"/memory/{gpt.slug}/add", {"text": "I teach."}).status_code == 404
