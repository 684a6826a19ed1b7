"""Feedback on answers: given, changed, taken back, and never on other people's."""

import pytest
from django.urls import reverse

from gpts.runs.steps import Finished
from web.runs import feedback, log, services
from web.runs.deletion import delete_conversation
from web.runs.errors import Refused
from web.runs.models import Run
from web.runs.models_chats import Feedback

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(run):
    log.append(run.id, Finished(text="450 hours."))
    return reverse("chat_feedback", args=[run.id])


def test_an_answer_is_rated_explained_and_taken_back(as_bob, url, run, gpt):
    shown = as_bob.post(url, {"rating": "bad"}, headers={"Accept": "application/json"}).json()["html"]
    assert "What was wrong?" in shown
    more = {"rating": "bad", "reasons": ["wrong", "sources"], "text": "It is 500.", "shows_chat": "true"}
    as_bob.post(url, more)
    given = Feedback.objects.get()
    assert (given.gpt, given.is_good, given.reasons) == (gpt, False, ["sources", "wrong"])
    assert (given.text, given.shows_chat) == ("It is 500.", True)
    page = as_bob.get(reverse("chat", args=[run.message.conversation_id])).content.decode()
    assert "Change your feedback" in page
    as_bob.post(url, {"rating": "good"})
    assert (Feedback.objects.get().is_good, Feedback.objects.get().shows_chat) == (True, False)
    as_bob.post(url, {"rating": "none"})
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"rating": "great"}, {"rating": "good", "reasons": ["wrong"], "text": ""}])
def test_what_is_not_a_rating_is_refused(as_bob, url, sent):
    response = as_bob.post(url, sent, headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert not Feedback.objects.exists()


def test_others_rate_nothing(as_charlie, url):
    assert as_charlie.post(url, {"rating": "good"}).status_code == 404


def test_an_answer_in_progress_is_not_rated(run):
    with pytest.raises(Refused):
        feedback.give(Run.objects.get(id=run.id), True)


def test_it_goes_with_the_chat(as_bob, url, run):
    as_bob.post(url, {"rating": "good"})
    delete_conversation(run.message.conversation)
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("shares", [False, True])
def test_the_creator_sees_the_chat_only_if_the_person_shares_it(as_bob, client, alice, url, run, gpt, bob, shares):
    sent = {"rating": "bad", "reasons": ["wrong"], "text": "It is 500.", **({"shows_chat": "true"} if shares else {})}
    as_bob.post(url, sent)
    later = services.start_run(run.message.conversation, "A later secret")
    log.append(later.id, Finished(text="Later."))
    client.force_login(alice)
    page = client.get(reverse("gpt_use", args=[gpt.slug])).content.decode()
    assert "It is 500." in page
    assert "Not correct" in page
    assert ("450 hours." in page) == shares
    assert bob.shown_name not in page
    assert "A later secret" not in page
    received = client.get(f"/api/gpts/{gpt.slug}/feedback").json()["items"]
    assert [len(each["turns"]) for each in received] == [int(shares)]
