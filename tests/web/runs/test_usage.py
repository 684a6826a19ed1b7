"""What a creator learns of a GPT's use: counts by people and by GPTs, and nothing of who or what."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.publishing import publish
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing, update_gpt
from web.runs.models import Conversation, DelegationRow, Message, Run
from web.runs.usage import PRIVATE, DelegatorUsage, GptUsage, Share, usage_of

CHAT, PREVIEW, API, RESPONSE, DELEGATION = map(
    Conversation.Origin, ("chat", "preview", "api", "response", "delegation")
)


def asked(gpt: Gpt, person: User, origin: str = CHAT, root: Run | None = None) -> Run:
    """A finished run of 100 tokens and 20 seconds."""
    talk = Conversation.objects.create(gpt=gpt, version=gpt.published, owner=person, origin=origin)
    message = Message.objects.create(conversation=talk, text="A secret question")
    run = Run.objects.create(message=message, version=gpt.published, owner=person, n_tokens=100, root=root)
    Run.objects.filter(id=run.id).update(ended=run.created + timedelta(seconds=20), status="completed")
    return run


def delegated(parent: Run, gpt: Gpt) -> Run:
    """A run of `gpt` that `parent` asked for."""
    child = asked(gpt, parent.owner, DELEGATION, parent.root or parent)
    DelegationRow.objects.create(parent=parent, call_id=str(child.id), child=child)
    return child


@pytest.fixture
def desk(bob) -> Gpt:
    """Bob's GPT in the store, which asks Alice's."""
    desk = create_gpt(bob, {"name": "Front Desk"})
    publish(desk, Sharing.STORE)
    return desk


def test_a_gpt_that_nobody_asked_has_no_use(gpt):
    assert usage_of(gpt) == GptUsage(30, 0, Share(0, 0, 0), Share(0, 0, 0), ())


def test_people_are_counted_once_and_their_questions_each(gpt, bob, charlie):
    for person in (bob, bob, charlie):
        asked(gpt, person)
    asked(gpt, bob, API)
    asked(gpt, bob, RESPONSE)

    usage = usage_of(gpt)

    assert (usage.n_people, usage.by_people, usage.by_gpts.n_runs) == (2, Share(5, 500, 100), 0)


def test_what_other_gpts_ask_is_a_share_of_its_own(gpt, desk, charlie):
    delegated(asked(desk, charlie), gpt)
    delegated(asked(desk, charlie, API), gpt)

    usage = usage_of(gpt)

    assert (usage.n_people, usage.by_people) == (0, Share(0, 0, 0))
    assert usage.by_gpts == Share(2, 200, 40)
    assert usage.by_delegator == (DelegatorUsage("Front Desk", "front-desk", 2, 200),)
    assert usage_of(desk).by_people == Share(2, 200, 40)  # each GPT has its own tokens only


def test_previews_do_not_count_nor_what_they_ask(gpt, desk, alice, bob):
    asked(gpt, alice, PREVIEW)
    delegated(asked(desk, bob, PREVIEW), gpt)
    assert usage_of(gpt).by_people.n_runs == usage_of(gpt).by_gpts.n_runs == 0


def test_gpts_that_the_creator_may_not_see_are_one_private_gpt(gpt, desk, bob, charlie):
    for name in ("Hidden plan", "Other plan"):
        hidden = create_gpt(charlie, {"name": name})
        publish(hidden, Sharing.ME)
        delegated(asked(hidden, charlie), gpt)
    delegated(asked(desk, bob), gpt)
    update_gpt(desk, {"name": "Unannounced"}, by=desk.owner)

    assert usage_of(gpt).by_delegator == (
        DelegatorUsage(PRIVATE, None, 2, 200),
        DelegatorUsage("Front Desk", "front-desk", 1, 100),
    )


def test_a_run_that_several_wait_for_counts_once(gpt, desk, bob):
    first = asked(desk, bob)
    child = delegated(first, gpt)
    DelegationRow.objects.create(parent=first, call_id="again", child=child)

    usage = usage_of(gpt)

    assert (usage.by_gpts.n_runs, usage.by_delegator[0].n_runs, usage.by_delegator[0].n_tokens) == (1, 1, 100)


def test_what_is_longer_ago_does_not_count(gpt, bob):
    old = asked(gpt, bob)
    Run.objects.filter(id=old.id).update(created=timezone.now() - timedelta(days=8))
    assert (usage_of(gpt, 7).by_people.n_runs, usage_of(gpt, 30).by_people.n_runs) == (0, 1)


def test_a_run_under_way_counts_without_a_time(gpt, run):
    assert usage_of(gpt).by_people == Share(1, 0, 0)


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (200, "3 min"), (10_800, "3 h"), (10**7, "2,778 h")])
def test_time_is_told_in_words(seconds, words):
    assert Share(1, 1, seconds).took == words


class TestPage:
    """The page for the creator."""

    URL = "/gpts/pump-doctor/use/"

    def test_it_shows_numbers_and_names_of_gpts_only(self, client, gpt, desk, alice, bob):
        delegated(asked(desk, bob), gpt)
        asked(gpt, bob)
        client.force_login(alice)

        page = client.get(self.URL, {"days": "7"}).content.decode()

        assert "Front Desk" in page
        assert 'href="?days=7" aria-current="page"' in page
        assert "Bob" not in page
        assert "A secret question" not in page

    @pytest.mark.parametrize("days", ["", "8", "x", "-7"])
    def test_without_a_period_of_its_own_it_shows_thirty_days(self, client, gpt, alice, days):
        client.force_login(alice)
        page = client.get(self.URL, {"days": days}).content.decode()
        assert "No one used Pump Doctor in the last 30 days." in page

    def test_a_draft_says_that_it_has_to_be_published(self, client, alice):
        create_gpt(alice, {"name": "Idea"})
        client.force_login(alice)
        assert b"Publish it" in client.get("/gpts/idea/use/").content

    @pytest.mark.parametrize(("person", "status"), [(None, 302), ("bob", 404), ("charlie", 404), ("alice", 200)])
    def test_it_is_its_owners(self, client, request, gpt, person, status):
        set_sharing(gpt, Sharing.STORE, by=gpt.owner)
        if person:
            client.force_login(request.getfixturevalue(person))
        assert client.get(self.URL).status_code == status
