"""Which turns of a long chat its page shows."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from gpts.runs.steps import Finished
from web.chat.views import N_TURNS
from web.runs import log, services
from web.runs.models import CreatorQuestion, Run

pytestmark = pytest.mark.django_db

N = 40


@pytest.fixture
def runs(conversation) -> list[Run]:
    """The runs of a chat with N turns."""
    runs = []
    for number in range(N):
        runs.append(services.start_run(conversation, f"Question {number}"))
        log.append(runs[-1].id, Finished(text=f"Answer {number}."))
    return runs


@pytest.fixture
def get(as_bob, conversation):
    """Gets the numbers of the questions on the page of the chat with this query, and what its link asks for."""

    def of(**query: object) -> tuple[list[int], str | None]:
        text = as_bob.get(reverse("chat", args=[conversation.id]), query).content.decode()
        link = re.search(r'href="\?from=([^"]+)" data-earlier', text)
        return [int(number) for number in re.findall(r"<p>Question (\d+)</p>", text)], link and link[1]

    return of


def test_a_long_chat_opens_with_its_last_turns_and_a_link_to_those_before(get, runs):
    shown, link = get()
    assert shown == list(range(N - N_TURNS, N))
    assert link == f"{runs[0].id}#run-{runs[N - N_TURNS].id}"
    assert get(**{"from": runs[0].id}) == (list(range(N)), None)


def test_a_page_from_a_turn_holds_at_least_the_last_ones(get, runs):
    assert get(**{"from": runs[5].id})[0] == list(range(5, N))
    assert get(**{"from": runs[5].id})[1] == f"{runs[0].id}#run-{runs[5].id}"
    assert get(**{"from": runs[-1].id})[0] == list(range(N - N_TURNS, N))


def test_exactly_the_turns_between_two_are_shown(get, runs):
    assert get(**{"from": runs[3].id, "before": runs[7].id}) == ([3, 4, 5, 6], f"{runs[0].id}#run-{runs[3].id}")
    assert get(**{"from": runs[-2].id, "before": ""})[0] == [N - 2, N - 1]


def test_a_turn_of_another_branch_stands_for_its_place(get, runs):
    edited = services.edit(runs[34].message, "Question 340", [])
    log.append(edited.id, Finished(text="Other."))
    assert get(**{"from": runs[34].id, "before": ""})[0] == [340]
    assert get(**{"from": runs[38].id, "before": ""})[0] == [*range(5, 34), 340]  # this branch is not as long


@pytest.mark.parametrize("run", ["", "x", uuid4(), "0" * 500])
def test_a_turn_that_does_not_exist_is_ignored(get, runs, run):
    assert get(**{"from": run})[0] == list(range(N - N_TURNS, N))
    assert get(**{"from": runs[0].id, "before": run})[0] == list(range(N))


def test_showing_a_version_or_rating_opens_the_page_at_the_turn(as_bob, conversation, runs):
    page = f"{reverse('chat', args=[conversation.id])}?from={runs[2].id}#run-{runs[2].id}"
    assert as_bob.post(reverse("chat_show", args=[conversation.id]), {"run": runs[2].id}).url == page
    assert as_bob.post(reverse("chat_feedback", args=[runs[2].id]), {"rating": "good"}).url == page
    assert f'id="run-{runs[2].id}"' in as_bob.get(page).content.decode()


def test_an_answer_of_the_creator_is_seen_once_its_turn_is_shown(get, gpt, bob, runs):
    asked = {"gpt": gpt, "owner": bob, "message": runs[2].message, "text": "Why?"}
    question = CreatorQuestion.objects.create(**asked, answer="Because.")
    get()
    question.refresh_from_db()
    assert not question.seen
    get(**{"from": runs[0].id, "before": runs[5].id})
    question.refresh_from_db()
    assert question.seen


def test_a_long_chat_needs_no_more_queries(as_bob, conversation, runs, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        as_bob.get(reverse("chat", args=[conversation.id]))


def test_an_export_has_all_turns(as_bob, conversation, runs):
    text = as_bob.get(reverse("chat_export", args=[conversation.id, "md"])).content.decode()
    assert all(f"Answer {number}." in text for number in range(N))
