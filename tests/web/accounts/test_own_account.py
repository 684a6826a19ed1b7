"""Closing one's account, and taking one's data along."""

import io
import json
import zipfile

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from gpts.runs.steps import Finished
from tests.web.runs.attached import attached
from tests.web.runs.trees import ask, call_of, replied
from web.accounts.models import User
from web.accounts.models_audit import AuditRow
from web.accounts.services import create_key, valid_key
from web.runs import log, memories, services


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
def test_the_export_has_all_versions_and_says_which_chats_are_delegated(bobs, conversation, run, gpt):
    log.append(run.id, Finished(text="ZP-771"))
    again = services.regenerate(run.message)
    log.append(again.id, Finished(text="ZP-7"))
    edited = services.edit(run.message, "Which seal fits the Z-7?")
    call = call_of(gpt, "call_0", "Look")
    log.append(edited.id, replied(call))
    task = ask(edited, gpt, "Look")
    confirmed(bobs, "/account/export.zip")

    archive = exported(bobs)
    chat, delegated = (
        json.loads(archive.read(f"chats/{each.message.conversation_id}.json")) for each in (edited, task)
    )
    assert [(each["id"], each["after"], each["shown"], each["content"]) for each in chat["messages"]] == [
        (str(run.message_id), None, False, "Which seal fits the Z-9?"),
        (str(run.id), str(run.message_id), False, "ZP-771"),
        (str(again.id), str(run.message_id), False, "ZP-7"),
        (str(edited.message_id), None, True, "Which seal fits the Z-7?"),
        (str(edited.id), str(edited.message_id), True, ""),
    ]
    assert delegated["delegated_by"] == {"chat": chat["id"], "answer": str(edited.id)}
    assert "delegated_by" not in chat
    assert all(f'"{key}"' in archive.read("README.txt").decode() for key in ("after", "shown", "delegated_by"))


def test_after_the_password_a_page_says_that_the_download_has_begun(bobs):
    assert b'href="/account/export/"' in bobs.get("/account/me/").content
    confirmed(bobs, "/account/export/")
    page = bobs.get("/account/export/").content.decode()
    assert "Your download has begun" in page
    assert '<meta http-equiv="refresh" content="0; url=/account/export.zip">' in page


@pytest.mark.django_db(transaction=True)
def test_the_export_has_gpts_that_can_be_imported(gpt, alice, client):
    client.post("/account/login/", {"login": "alice@example.org", "password": "alice-secret-1"})
    client.post("/account/reauthenticate/", {"password": "alice-secret-1", "next": "/"})
    archive = exported(client)
    [name] = [name for name in archive.namelist() if name.startswith("gpts/")]
    packed = zipfile.ZipFile(io.BytesIO(archive.read(name)))
    assert json.loads(packed.read("gpt.json"))["name"] == "Pump Doctor"
