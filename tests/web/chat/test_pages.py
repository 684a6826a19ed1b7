"""The chat's pages, for those who may see them and for those who may not."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from gpts.runs.steps import Error, Finished, Retrieval
from tests.publishing import publish
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, delete_gpt, set_sharing
from web.chat.views import chats_of, grouped
from web.runs import log, services
from web.runs.deletion import delete_conversation
from web.runs.models import Conversation

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(run):
    return reverse("chat", args=[run.message.conversation.id])


def test_an_empty_chat_shows_the_gpt_and_stores_nothing(as_bob, gpt):
    shown = as_bob.get(reverse("chat_new", args=[gpt.slug])).content.decode()
    assert "Pump Doctor" in shown
    assert "It leaks." in shown
    assert not Conversation.objects.exists()


def test_a_stranger_is_asked_to_sign_in(client, gpt, page):
    for url in (page, reverse("chats"), reverse("chat_new", args=[gpt.slug])):
        response = client.get(url)
        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))


def test_a_private_gpt_has_no_chat_page_for_others(as_charlie, gpt):
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    assert as_charlie.get(reverse("chat_new", args=[gpt.slug])).status_code == 404


def test_an_unpublished_gpt_says_so(client, alice):
    draft = create_gpt(alice, {"name": "Draft"})
    client.force_login(alice)
    shown = client.get(reverse("chat_new", args=[draft.slug]), follow=True)
    assert "not published yet" in shown.content.decode()


def test_only_its_owner_reads_a_chat(as_bob, as_charlie, alice, client, page, run):
    assert as_bob.get(page).status_code == 200
    assert as_charlie.get(page).status_code == 404
    assert as_charlie.get(reverse("chat_turn", args=[run.id])).status_code == 404
    client.force_login(alice)  # who made the GPT, but not the chat
    assert client.get(page).status_code == 404


def test_a_deleted_chat_is_gone(as_bob, conversation, page):
    delete_conversation(conversation)
    assert as_bob.get(page).status_code == 404
    assert as_bob.get(reverse("chats")).content.decode().count("Which seal fits") == 0


def test_a_preview_has_no_page(client, alice, gpt):
    preview = services.start_conversation(alice, gpt, Conversation.Origin.PREVIEW)
    preview.save()
    client.force_login(alice)
    assert client.get(reverse("chat", args=[preview.id])).status_code == 404


def test_a_live_answer_names_its_stream(as_bob, page, run):
    shown = as_bob.get(page).content.decode()
    assert f'data-events="{reverse("run_events", args=[run.id])}"' in shown
    assert "Queued" in shown


def test_a_finished_answer_shows_its_text_its_tags_and_its_passage(as_bob, page, run, answer):
    answer(run)
    shown = as_bob.get(page).content.decode()
    assert "data-live" not in shown
    assert shown.count('class="cite" href=') == 2
    assert '<mark data-marks="0">Service it every 450 hours.</mark>' in shown
    assert '<mark data-marks="1">Drain the housing first.</mark>' in shown
    assert "page 41, “Seals”" in shown
    assert "1 source<" in shown


def test_the_fragment_is_what_the_page_holds(as_bob, page, run, answer):
    answer(run)
    tokens = r'name="csrfmiddlewaretoken" value="[^"]+"'

    plain = [
        re.sub(tokens, "", as_bob.get(url).content.decode()) for url in (page, reverse("chat_turn", args=[run.id]))
    ]
    whole, fragment = ("".join(text.split()) for text in plain)
    assert fragment in whole


def test_starters_that_an_answer_ends_with_can_be_clicked(as_bob, page, run):
    services.finish_run(run.id, Finished(text="Hello!\n\nYou could ask me:\n\n- It leaks."), None)
    shown = as_bob.get(page).content.decode()
    assert '<button class="chip" name="text" value="It leaks.">It leaks.</button>' in shown
    assert "<li>It leaks.</li>" not in shown
    other = services.start_run(run.message.conversation, "Again")
    services.finish_run(other.id, Finished(text="Hello!\n\n- It leaks.\n- It rusts."), None)
    assert "<li>It leaks.</li>" in as_bob.get(page).content.decode()


def test_a_question_is_shown_as_text(as_bob, conversation):
    services.start_run(conversation, "<script>alert(1)</script> & **bold**")
    shown = as_bob.get(reverse("chat", args=[conversation.id])).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; **bold**" in shown


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Error(message="The model isn't responding."), "Try again"),
        (Finished(text="I do not know.", coverage="not_covered"), "Not covered by the files"),
        (Finished(text="And then", finish="length"), "reached its length limit"),
        (Finished(text="And then", finish="deadline"), "reached its time limit"),
        (Finished(text="", finish="deadline"), "This took too long."),
    ],
)
def test_the_end_of_an_answer_is_told(as_bob, page, run, end, words):
    log.append(run.id, end)
    assert words in as_bob.get(page).content.decode()


def test_an_answer_that_its_limit_cut_can_be_continued_by_a_message(as_bob, page, run, conversation):
    log.append(run.id, Finished(text="And then", finish="length"))
    shown = as_bob.get(page).content.decode()
    form = shown.partition('<form class="go-on"')[2].partition("</form>")[0]
    assert f'action="/c/{conversation.id}/send"' in form
    said = form.partition('value="Continue')[2].partition('"')[0]
    sent = as_bob.post(f"/c/{conversation.id}/send", {"text": f"Continue{said}"})
    assert sent.status_code == 302
    assert conversation.messages.last().text == "Continue exactly where you stopped."


def test_a_stopped_answer_keeps_what_was_shown(as_bob, page, run, monkeypatch):
    monkeypatch.setattr("web.runs.stream.partial_text", lambda run_id: "Half an ans")
    services.cancel_run(run)
    shown = as_bob.get(page).content.decode()
    assert "Half an ans" in shown
    assert "Stopped." in shown


def test_the_newest_answer_to_a_message_is_the_shown_one(as_bob, page, run):
    log.append(run.id, Finished(text="The first answer."))
    again = services.regenerate(run.message)
    log.append(again.id, Finished(text="The second answer."))
    shown = as_bob.get(page).content.decode()
    assert "The second answer." in shown
    assert "The first answer." not in shown


def test_a_search_without_result_says_so(as_bob, page, run):
    log.append(run.id, Retrieval(query="x", covered=False))
    log.append(run.id, Finished(text="No."))
    assert "Searched the files, no match" in as_bob.get(page).content.decode()


def test_a_long_chat_needs_few_queries(as_bob, page, conversation, run, answer, django_assert_max_num_queries):
    answer(run)
    for number in range(5):
        answer(services.start_run(conversation, f"Question {number}"))
    with django_assert_max_num_queries(14):
        as_bob.get(page)


def test_a_chat_stays_readable_when_its_gpt_is_no_longer_shared(as_bob, gpt, page, run, answer):
    answer(run)
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    shown = as_bob.get(page).content.decode()
    assert "Service the seal" in shown
    assert "no longer shared with you" in shown
    assert "data-composer" not in shown
    assert "Regenerate" not in shown
    assert reverse("chat_new", args=[gpt.slug]) not in shown


def test_a_chat_stays_readable_when_its_gpt_is_deleted(as_bob, gpt, page, run, answer):
    answer(run)
    delete_gpt(gpt)
    assert "was deleted by its creator" in as_bob.get(page).content.decode()


def test_a_chat_shows_the_version_it_began_with(as_bob, alice, gpt, page, run):
    gpt.name = "Pump Surgeon"
    gpt.save()
    publish(gpt)
    shown = as_bob.get(page).content.decode()
    assert "version 1" in shown


def test_the_list_of_chats_teaches_while_it_is_empty(as_bob):
    assert "No chats yet" in as_bob.get(reverse("chats")).content.decode()


def test_the_list_of_chats_begins_new_ones_and_hits_carry_the_title(as_bob, run):
    page = as_bob.get("/chats/?q=seal").content.decode()
    assert "data-start>" in page
    assert 'id="start-dialog"' in page
    assert f'data-hit="{run.message.conversation_id}"' in page


def test_the_list_of_chats_holds_ones_own_and_finds_by_title(as_bob, as_charlie, run):
    url = reverse("chats")
    assert "Which seal fits the Z-9?" in as_bob.get(url).content.decode()
    assert "Which seal fits" in as_bob.get(url, {"q": "SEAL"}).content.decode()
    assert "No chats found" in as_bob.get(url, {"q": "sourdough"}).content.decode()
    assert "Which seal fits" not in as_charlie.get(url).content.decode()


def test_chats_stand_under_the_names_of_their_days(bob, gpt):
    now = timezone.now().replace(hour=12)
    for days in (0, 1, 3, 40):
        chat = services.start_conversation(bob, gpt)
        chat.save()
        Conversation.objects.filter(id=chat.id).update(changed=now - timedelta(days=days))
    month = f"{now - timedelta(days=40):%B %Y}"
    assert [group.label for group in grouped(chats_of(bob))] == ["Today", "Yesterday", "Last week", month]


def test_previews_and_api_calls_are_no_chats(alice, gpt):
    services.start_conversation(alice, gpt, Conversation.Origin.PREVIEW).save()
    services.start_conversation(alice, gpt, Conversation.Origin.API).save()
    assert chats_of(alice) == []
