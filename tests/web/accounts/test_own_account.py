"""Closing one's account, and taking one's data along."""

import io
import json
import zipfile

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from tests.web.runs.attached import attached
from web.accounts.models import User
from web.accounts.models_audit import AuditRow
from web.accounts.services import create_key, valid_key
from web.runs import memories


@pytest.fixture
def bobs(bob) -> Client:
    """Bob's browser, in which he signed in with his password a while ago."""
    client = Client()
    client.post("/account/login/", {"login": "bob@example.org", "password": "bob-secret-1"})
    return client


def confirmed(client: Client, url: str) -> None:
    """Enter the password that the page at `url` asks for."""
    asked = client.get(url)
    assert asked.url.startswith("/account/reauthenticate/")
    client.post("/account/reauthenticate/", {"password": "bob-secret-1", "next": url})


def exported(client: Client) -> zipfile.ZipFile:
    """What the person downloads."""

    async def body(response) -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return zipfile.ZipFile(io.BytesIO(async_to_sync(body)(client.get("/account/export.zip"))))


def test_an_account_is_closed_by_its_person_after_the_password_and_the_address(bobs, bob, alice, sent_tasks):
    _, key = create_key(bob, "laptop")
    confirmed(bobs, "/account/close/")
    refused = bobs.post("/account/close/", {"email": "alice@example.org"})
    assert (refused.status_code, User.objects.get(id=bob.id).is_active) == (422, True)

    assert bobs.post("/account/close/", {"email": "Bob@Example.org"}).url == "/"
    closed = User.objects.get(id=bob.id)
    assert (closed.is_active, closed.erased is not None, valid_key(key)) == (False, True, None)
    assert bobs.get("/account/me/").status_code == 302
    assert AuditRow.objects.filter(act="person.closed", by_id=bob.pk).exists()
    assert User.objects.get(id=alice.id).is_active


def test_the_last_admin_stays(bobs, bob):
    User.objects.filter(id=bob.id).update(is_staff=True)
    confirmed(bobs, "/account/close/")
    assert b"only admin" in bobs.post("/account/close/", {"email": "bob@example.org"}).content
    assert User.objects.get(id=bob.id).is_active


@pytest.mark.django_db(transaction=True)
def test_the_export_has_everything_of_ones_own_and_nothing_of_others(bobs, bob, alice, gpt, run):
    memories.add(bob, gpt, "Bob likes short answers")
    memories.add(alice, gpt, "Alice’s secret")
    for person, text in ((bob, "Bob’s plan"), (alice, "Alice’s secret")):
        secrets = {"hash": "of-the-webhook", "callback_secret": "that-signs"}
        person.schedules.create(gpt=gpt, name="Daily", text=text, cron="0 8 * * *", time_zone="UTC", **secrets)
        person.projects.create(name=text)
    attached(bob, "bobs.txt", b"bytes of bob")
    attached(alice, "alices.txt", b"bytes of alice")
    confirmed(bobs, "/account/export.zip")

    archive = exported(bobs)
    assert archive.testzip() is None
    texts = {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}
    assert json.loads(texts["account.json"])["email"] == "bob@example.org"
    chat = json.loads(texts[f"chats/{run.message.conversation_id}.json"])
    assert chat["messages"][0]["content"] == "Which seal fits the Z-9?"
    assert "short answers" in texts["memories.json"]
    (schedule,) = json.loads(texts["schedules.json"])
    assert (schedule["text"], schedule["cron"], schedule["gpt"]) == ("Bob’s plan", "0 8 * * *", gpt.slug)
    assert not [text for text in texts.values() if "of-the-webhook" in text or "that-signs" in text]
    assert "Bob’s plan" in texts["projects.json"]
    assert [text for name, text in texts.items() if name.endswith("bobs.txt")] == ["bytes of bob"]
    assert not [name for name in texts if name.startswith("gpts/")]
    assert not [text for text in texts.values() if "Alice’s secret" in text or "bytes of alice" in text]


@pytest.mark.django_db(transaction=True)
def test_the_export_has_gpts_that_can_be_imported(gpt, alice, client):
    client.post("/account/login/", {"login": "alice@example.org", "password": "alice-secret-1"})
    client.post("/account/reauthenticate/", {"password": "alice-secret-1", "next": "/"})
    archive = exported(client)
    [name] = [name for name in archive.namelist() if name.startswith("gpts/")]
    packed = zipfile.ZipFile(io.BytesIO(archive.read(name)))
    assert json.loads(packed.read("gpt.json"))["name"] == "Pump Doctor"
