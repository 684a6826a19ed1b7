"""Hints for the first time: shown until they are dismissed, to those who need them, on pages and over the API."""

import pytest
from django.test import Client

from web.accounts.services import create_key
from web.builder.services import create_gpt
from web.runs.services import start_conversation, start_run

FIRST_GPT, FIRST_CHAT = "Your first GPT", "Your first chat"


@pytest.fixture
def bobs(bob) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def test_the_first_gpt_comes_with_a_hint_until_it_is_dismissed(bobs, bob):
    own = create_gpt(bob, {"name": "Crumb"})
    page = f"/gpts/{own.slug}/edit"
    assert FIRST_GPT in bobs.get(page).content.decode()
    assert bobs.post("/account/hints/creator", {"next": page}).url == page
    assert FIRST_GPT not in bobs.get(page).content.decode()
    bob.refresh_from_db()
    assert bob.hints_seen == ["creator"]


def test_who_has_made_gpts_before_gets_none(bobs, bob):
    for name in ("Crumb", "Loaf"):
        own = create_gpt(bob, {"name": name})
    assert FIRST_GPT not in bobs.get(f"/gpts/{own.slug}/edit").content.decode()


def test_the_first_chat_comes_with_a_hint_and_the_second_one_without(bobs, bob, gpt):
    assert FIRST_CHAT in bobs.get(f"/g/{gpt.slug}/chat").content.decode()
    start_run(start_conversation(bob, gpt), "Hello")
    assert FIRST_CHAT not in bobs.get(f"/g/{gpt.slug}/chat").content.decode()


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", ""])
def test_dismissing_leads_to_no_other_site(bobs, there):
    assert bobs.post("/account/hints/chatter", {"next": there}).url == "/"


def test_unknown_hints_are_not_kept(bobs, bob):
    assert bobs.post("/account/hints/other").status_code == 404
    bob.refresh_from_db()
    assert bob.hints_seen == []


def test_programs_read_and_change_what_was_dismissed(bob):
    _, secret = create_key(bob, "laptop")
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    change = {"hints_seen": ["chatter"]}
    changed = client.patch("/api/account", change, content_type="application/json")
    assert changed.json()["hints_seen"] == ["chatter"]
    assert client.get("/api/account").json()["hints_seen"] == ["chatter"]
    wrong = client.patch("/api/account", {"hints_seen": ["other"]}, content_type="application/json")
    assert wrong.status_code == 422
