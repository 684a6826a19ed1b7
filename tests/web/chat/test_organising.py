"""Finding, pinning and archiving one's chats, and chats that are not kept."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from gpts.runs.steps import Finished
from tests.web.api.conftest import bearer, key_of
from web.chat.views import chats_of, grouped
from web.runs import branches, finding, log, services
from web.runs.deletion import delete_conversation, forget_transient
from web.runs.models import Conversation

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def talk(bob, gpt):
    def talk(text, answer, conversation=None):
        conversation = conversation or services.start_conversation(bob, gpt)
        run = services.start_run(conversation, text)
        log.append(run.id, Finished(text=answer))
        return run

    return talk


def test_words_are_found_in_messages_and_answers_also_of_other_branches(bob, charlie, talk):
    first = talk("Which SEAL fits the Zephyr?", "The lip seal ZP-771.")
    talk("И сальник?", "Сальник для Зефира.")
    edited = services.edit(first.message, "Which gasket fits?")
    log.append(edited.id, Finished(text="None."))
    found = finding.find(bob, "zephyr seal")
    assert [(hit.run, hit.is_answer) for hit in found] == [(first.id, False)]
    assert (found[0].found.lower(), found[0].after) == ("seal", " fits the Zephyr?")
    assert [hit.is_answer for hit in finding.find(bob, "zp-771 lip")] == [True]
    assert {hit.found for hit in finding.find(bob, "сальник")} == {"сальник", "Сальник"}
    assert finding.find(bob, "100%") == finding.find(bob, "  ") == finding.find(charlie, "seal") == []


def test_what_is_deleted_is_not_found(bob, talk):
    run = talk("Which seal?", "ZP-771.")
    delete_conversation(run.message.conversation)
    assert finding.find(bob, "seal") == []


def test_a_long_text_is_cut_around_the_words(bob, talk):
    talk("x " * 200 + "needle" + " y" * 200, "ok")
    hit = finding.find(bob, "needle")[0]
    assert hit.before.startswith("…")
    assert hit.after.endswith("…")
    assert len(hit.before + hit.found + hit.after) < 200


def test_a_hit_opens_its_branch(as_bob, talk):
    first = talk("Which seal?", "ZP-771.")
    log.append(services.edit(first.message, "Which gasket?").id, Finished(text="None."))
    page = as_bob.get(reverse("chats"), {"q": "ZP-771"}).content.decode()
    assert "<mark>ZP-771</mark>" in page
    chat = first.message.conversation
    response = as_bob.post(reverse("chat_show", args=[chat.id]), {"run": first.id}, follow=True)
    assert "Which seal?" in response.content.decode()


def test_pinned_chats_come_first_and_archived_ones_return_when_used(as_bob, bob, talk):
    old, new = talk("Old", "1").message.conversation, talk("New", "2").message.conversation
    as_bob.post(reverse("chat_pin", args=[old.id]))
    assert [(group.label, [str(chat) for chat in group.chats]) for group in grouped(chats_of(bob))] == [
        ("Pinned", ["Old"]),
        ("Today", ["New"]),
    ]
    as_bob.post(reverse("chat_pin", args=[old.id]), {"off": "1"})
    as_bob.post(reverse("chat_archive", args=[new.id]))
    assert [str(chat) for chat in chats_of(bob)] == ["Old"]
    assert "New" in as_bob.get(reverse("chats"), {"archived": ""}).content.decode()
    talk("More", "3", Conversation.objects.get(id=new.id))
    assert [str(chat) for chat in chats_of(bob)] == ["New", "Old"]


def test_a_temporary_chat_is_not_listed_shared_or_kept(as_bob, bob, gpt):
    shown = as_bob.get(reverse("chat_new", args=[gpt.slug]) + "?temporary").content.decode()
    assert "deleted 2 days after its last message" in shown
    page = as_bob.post(reverse("chat_start", args=[gpt.slug]), {"text": "Psst", "temporary": "true"}).url
    assert "Psst" in as_bob.get(page).content.decode()
    chat = Conversation.objects.get()
    assert chats_of(bob) == []
    assert finding.find(bob, "Psst") == []
    assert as_bob.get(reverse("chat_share", args=[chat.id])).status_code == 404
    run = chat.messages.get().runs.get()
    log.append(run.id, Finished(text="Yes?"))
    assert forget_transient() == 0
    Conversation.objects.update(changed=timezone.now() - timedelta(days=3))
    forget_transient()
    assert not Conversation.objects.exists()


def test_all_of_it_over_the_api(bob, gpt, talk):
    bobs = bearer(key_of(bob))
    run = talk("Which seal?", "ZP-771.")
    chat = f"/api/conversations/{run.message.conversation_id}"
    changed = bobs.patch(chat, {"pinned": True, "archived": True}, content_type=JSON).json()
    assert (changed["pinned"], changed["archived"]) == (True, True)
    assert bobs.get("/api/conversations").json()["items"] == []
    assert len(bobs.get("/api/conversations?archived=true").json()["items"]) == 1
    hits = bobs.get("/api/conversations/search?q=zp-771").json()["items"]
    assert [(hit["run"], hit["found"]) for hit in hits] == [(str(run.id), "ZP-771")]
    made = bobs.post(f"/api/gpts/{gpt.slug}/runs", {"text": "Psst", "temporary": True}, content_type=JSON).json()
    assert Conversation.objects.get(id=made["conversation"]).origin == Conversation.Origin.TEMPORARY
    assert branches.Branches(run.message.conversation).shown == run.id
