"""Sending, asking again, renaming and deleting: by the page's script (JSON) and by plain forms."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from gpts.runs.steps import Finished
from web.builder.models_access import Sharing
from web.builder.services import set_sharing, update_gpt
from web.runs import log, services
from web.runs.models import Conversation, Message, Run

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def url(name: str, conversation: Conversation) -> str:
    return reverse(f"chat_{name}", args=[conversation.id])


def test_a_starter_begins_a_chat_and_leads_to_it(as_bob, gpt, sent_tasks):
    response = as_bob.post(reverse("chat_start", args=[gpt.slug]), {"text": "It leaks."})
    chat = Conversation.objects.get()
    assert response.url == reverse("chat", args=[chat.id])
    assert chat.title == "It leaks."
    assert chat.messages.get().runs.get().status == "queued"


def test_the_script_gets_the_new_chat_as_json(as_bob, gpt):
    data = as_bob.post(reverse("chat_start", args=[gpt.slug]), {"text": "It leaks."}, headers=JSON).json()
    run = Run.objects.get()
    assert data["run"] == str(run.id)
    assert data["url"] == reverse("chat", args=[run.message.conversation_id])
    assert f'data-run="{run.id}"' in data["turn"]


def test_the_worker_is_woken_once_the_message_is_stored(as_bob, gpt, sent_tasks, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        as_bob.post(reverse("chat_start", args=[gpt.slug]), {"text": "It leaks."})
    assert [task for task, _, _ in sent_tasks] == ["workers.tasks.advance"]


def test_a_message_survives_the_way_over_the_sign_in_page(client, gpt, bob):
    response = client.post(reverse("chat_start", args=[gpt.slug]), {"text": "It leaks & drips."})
    assert response.status_code == 302
    client.force_login(bob)
    back = parse_qs(urlsplit(response.url).query)["next"][0]
    assert ">It leaks &amp; drips.</textarea>" in client.get(back).content.decode()


def test_a_refused_first_message_leaves_no_empty_chat(as_bob, gpt, settings):
    settings.MAX_MESSAGE_CHARS = 10
    response = as_bob.post(reverse("chat_start", args=[gpt.slug]), {"text": "x" * 11}, headers=JSON)
    assert response.status_code == 413
    assert "up to 10 characters" in response.json()["error"]
    assert not Conversation.objects.exists()


def test_the_next_message_joins_its_chat(as_bob, conversation, run):
    log.append(run.id, Finished(text="ZP-771."))
    data = as_bob.post(url("send", conversation), {"text": "Why?"}, headers=JSON).json()
    assert [message.text for message in conversation.messages.all()] == ["Which seal fits the Z-9?", "Why?"]
    assert "Why?" in data["turn"]


def test_a_chat_that_is_still_answering_takes_no_message(as_bob, conversation, run):
    response = as_bob.post(url("send", conversation), {"text": "Why?"}, headers=JSON)
    assert response.status_code == 409
    assert "still answering" in response.json()["error"]
    assert Message.objects.count() == 1


def test_too_many_answers_at_once_are_refused(as_bob, bob, gpt, settings, run):
    settings.MAX_ACTIVE_RUNS = 1
    other = services.start_conversation(bob, gpt)
    other.save()
    assert as_bob.post(url("send", other), {"text": "Why?"}, headers=JSON).status_code == 429


def test_a_refusal_without_script_is_a_message_on_the_page(as_bob, conversation, run):
    response = as_bob.post(url("send", conversation), {"text": "Why?"}, follow=True)
    assert "This chat is still answering" in response.content.decode()


def test_someone_signed_out_is_told_and_may_send_again(client, conversation):
    response = client.post(url("send", conversation), {"text": "Why?"}, headers=JSON)
    assert response.status_code == 401
    assert response.json()["sign_in"] == reverse("account_login")


@pytest.mark.parametrize("name", ["send", "regenerate", "rename", "delete", "dismiss"])
def test_others_cannot_touch_a_chat(as_charlie, conversation, run, name):
    response = as_charlie.post(url(name, conversation), {"text": "x", "title": "x"}, headers=JSON)
    assert response.status_code == 404
    conversation.refresh_from_db()
    assert (conversation.title, conversation.deleted, Run.objects.count()) == ("Which seal fits the Z-9?", None, 1)


@pytest.mark.parametrize("name", ["send", "regenerate", "rename", "delete", "dismiss"])
def test_a_chat_changes_by_post_only(as_bob, conversation, name):
    assert as_bob.get(url(name, conversation)).status_code == 405


def test_a_forged_form_is_refused(bob, conversation):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)
    assert browser.post(url("send", conversation), {"text": "x"}).status_code == 403


def test_nothing_can_be_sent_once_the_gpt_is_no_longer_shared(as_bob, gpt, conversation, run):
    log.append(run.id, Finished(text="ZP-771."))
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    for name in ("send", "regenerate"):
        response = as_bob.post(url(name, conversation), {"text": "Why?"}, headers=JSON)
        assert response.status_code == 403
        assert "no longer shared" in response.json()["error"]


def test_the_last_answer_can_be_made_again(as_bob, conversation, run):
    log.append(run.id, Finished(text="ZP-771."))
    data = as_bob.post(url("regenerate", conversation), headers=JSON).json()
    assert run.message.runs.count() == 2
    assert data["run"] != str(run.id)
    assert "data-live" in data["turn"]


def test_an_empty_chat_has_nothing_to_make_again(as_bob, conversation):
    assert as_bob.post(url("regenerate", conversation), headers=JSON).status_code == 404


def test_a_chat_can_be_renamed(as_bob, conversation, run):
    assert as_bob.post(url("rename", conversation), {"title": "  Seal \n kit "}, headers=JSON).json() == {
        "title": "Seal kit"
    }
    assert as_bob.post(url("rename", conversation), {"title": " "}, headers=JSON).status_code == 400
    conversation.refresh_from_db()
    assert conversation.title == "Seal kit"


def test_deleting_a_chat_stops_what_runs_in_it(as_bob, conversation, run):
    assert as_bob.post(url("delete", conversation)).url == reverse("chats")
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert as_bob.get(reverse("chat", args=[conversation.id])).status_code == 404


def test_a_preview_talks_to_the_saved_draft_of_ones_own(client, alice, gpt):
    client.force_login(alice)
    update_gpt(gpt, {"instructions": "Speak in verse."}, by=gpt.owner)
    start = reverse("preview_start", args=[gpt.slug])
    data = client.post(start, {"text": "Hello"}, headers=JSON).json()
    preview = Conversation.objects.get(id=data["conversation"])
    assert preview.origin == "preview"
    assert preview.version.number is None
    assert preview.version.spec().instructions == "Speak in verse."
    run = Run.objects.get(id=data["run"])
    log.append(run.id, Finished(text="Hail."))
    assert client.post(data["send"], {"text": "More"}, headers=JSON).status_code == 200


def test_a_preview_is_its_owners_only(as_bob, gpt):
    assert as_bob.post(reverse("preview_start", args=[gpt.slug]), {"text": "Hello"}).status_code == 404
