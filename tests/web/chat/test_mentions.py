"""Mentions on the page's own addresses: as Bob, who may chat with it, and Charlie, whose chat this is not."""

import pytest
from django.urls import reverse

from gpts.runs.steps import Finished
from tests.publishing import publish
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, delete_gpt, set_sharing
from web.chat import views_send
from web.runs import log, services
from web.runs.models import Conversation, Run

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture
def clerk(alice) -> Gpt:
    gpt = create_gpt(alice, {"name": "Tax <b>Clerk</b>", "description": "Knows the forms."})
    publish(gpt, Sharing.STORE)
    return gpt


@pytest.fixture
def visited(conversation, clerk) -> Conversation:
    """Bob's chat in which the clerk answers until dismissed, with one answer of it."""
    run = services.start_run(conversation, "How much?", mention=clerk.slug, stay=True)
    log.append(run.id, Finished(text="A third."))
    return conversation


def page_of(client, conversation) -> str:
    return client.get(reverse("chat", args=[conversation.id])).content.decode()


def test_a_message_is_sent_to_the_one_that_was_picked(as_bob, conversation, clerk):
    send = reverse("chat_send", args=[conversation.id])
    data = as_bob.post(send, {"text": "How much?", "mention": clerk.slug}, headers=JSON).json()
    assert Run.objects.get().gpt == clerk
    assert f'<a href="/g/{clerk.slug}/">' in data["turn"]
    assert data["guest"].strip() == "" or "data-guest" not in data["guest"]


def test_the_chip_comes_with_the_message_that_lets_it_stay(as_bob, conversation, clerk):
    send = reverse("chat_send", args=[conversation.id])
    data = as_bob.post(send, {"text": "Hi", "mention": clerk.slug, "stay": "true"}, headers=JSON).json()
    assert f'data-guest="{clerk.slug}"' in data["guest"]
    assert "Tax &lt;b&gt;Clerk&lt;/b&gt;" in data["guest"]


def test_a_first_message_brings_one_in_and_the_chat_stays_the_pages_gpts(as_bob, gpt, clerk):
    as_bob.post(reverse("chat_start", args=[gpt.slug]), {"text": f"@{clerk.slug} how much?"})
    assert Conversation.objects.get().gpt == gpt
    assert Run.objects.get().gpt == clerk


def test_a_mention_that_is_refused_leaves_no_chat(as_bob, gpt, clerk):
    set_sharing(clerk, Sharing.ME, by=clerk.owner)
    response = as_bob.post(
        reverse("chat_start", args=[gpt.slug]), {"text": "Hi", "mention": clerk.slug}, headers=JSON
    )
    assert (response.status_code, response.json()["error"]) == (
        400,
        f"GPT “{clerk.slug}” not found, or you don’t have access to it.",
    )
    assert not Conversation.objects.exists()


def test_who_answered_is_shown_also_once_it_is_gone(as_bob, visited, clerk):
    shown = page_of(as_bob, visited)
    assert shown.count('class="speaker"') == 1
    assert f'href="/g/{clerk.slug}/"' in shown
    delete_gpt(clerk)
    shown = page_of(as_bob, visited)
    assert shown.count('class="speaker"') == 1
    assert f'href="/g/{clerk.slug}/"' not in shown


def test_the_chats_own_answers_bear_no_name(as_bob, conversation, run):
    log.append(run.id, Finished(text="ZP-771."))
    assert 'class="speaker"' not in page_of(as_bob, conversation)


def test_a_page_takes_as_many_queries_with_many_guests(as_bob, visited, django_assert_max_num_queries):
    page_of(as_bob, visited)
    for _ in range(3):
        run = services.start_run(visited, "And now?")
        log.append(run.id, Finished(text="A half."))
    with django_assert_max_num_queries(16):
        page_of(as_bob, visited)


def test_dismissing_is_its_owners(as_bob, as_charlie, client, visited):
    address = reverse("chat_dismiss", args=[visited.id])
    assert as_charlie.post(address, headers=JSON).status_code == 404
    assert as_bob.get(address).status_code == 405
    assert 'data-guest="' in page_of(as_bob, visited)
    assert as_bob.post(address).url == reverse("chat", args=[visited.id])
    assert 'data-guest="' not in page_of(as_bob, visited)
    assert as_bob.post(address, headers=JSON).json() == {"guest": ""}


def test_a_guest_that_is_gone_is_told_of_once(as_bob, visited, clerk):
    delete_gpt(clerk)
    send = reverse("chat_send", args=[visited.id])
    response = as_bob.post(send, {"text": "Hi"}, headers=JSON)
    assert response.status_code == 409
    assert "was deleted by its creator. Send again to ask Pump Doctor." in response.json()["error"]
    assert as_bob.post(send, {"text": "Hi"}, headers=JSON).status_code == 200


class TestList:
    """What the composer asks for while one types."""

    def test_it_says_what_a_gpt_is(self, as_bob, gpt, clerk):
        (found,) = as_bob.get(reverse("mentionable"), {"q": "clerk"}).json()["gpts"]
        assert found.pop("face").startswith("<span class=")
        about = {"slug": clerk.slug, "name": "Tax <b>Clerk</b>", "description": "Knows the forms."}
        assert found == {**about, "creator": "Alice"}

    def test_nobody_learns_of_what_they_may_not_use(self, as_bob, as_charlie, clerk):
        set_sharing(clerk, Sharing.ME, by=clerk.owner)
        for browser in (as_bob, as_charlie):
            for query in ("", "tax", clerk.slug):
                assert browser.get(reverse("mentionable"), {"q": query}).json() == {"gpts": [], "more": False}

    def test_it_says_whether_there_are_more(self, as_bob, clerk, monkeypatch):
        monkeypatch.setattr(views_send, "N_LISTED", 0)
        assert as_bob.get(reverse("mentionable")).json() == {"gpts": [], "more": True}

    def test_it_is_for_people_who_are_signed_in(self, client, clerk):
        assert client.get(reverse("mentionable"), headers=JSON).status_code == 401

    @pytest.mark.parametrize("query", ["x" * 5000, "%_\\'\"", "\x00", "(((", "🦑"])
    def test_any_query_is_answered(self, as_bob, clerk, query):
        assert as_bob.get(reverse("mentionable"), {"q": query}).status_code == 200
