"""Ratings and reviews: who may write, answer, report and hide them, and what accounts made for it can do."""

import pytest
from django.core.exceptions import ValidationError

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from tests.web.store.use import people, use
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing
from web.runs.models import Run
from web.store import profiles, reviews, standings
from web.store.models import Review, Standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def others(alice) -> list[Gpt]:
    """Three more GPTs in the store."""
    made = [create_gpt(alice, {"name": name}) for name in ("Tax Clerk", "Loaf Coach", "Translator")]
    for gpt in made:
        publish(gpt, Sharing.STORE)
    return made


def score(gpt: Gpt) -> float:
    return Standing.objects.get(gpt=gpt).score


def honest(n: int, gpt: Gpt, others: list[Gpt], stars: int) -> list[User]:
    """People who use several GPTs on several days, and rate this one."""
    found = people(n, f"honest-{gpt.slug}-{stars}")
    for person in found:
        use(person, gpt, n_answers=6, n_days=3)
        for other in others[:2]:
            use(person, other)
        reviews.give(gpt, person, stars, "")
    return found


class TestWhoMayRate:
    """Only people who had an answer from it in a chat."""

    def test_nobody_who_has_not_had_an_answer(self, gpt, bob, run):
        assert run.status == "queued"
        with pytest.raises(ValidationError, match="once you’ve had an answer"):
            reviews.give(gpt, bob, 5, "Great")
        Run.objects.filter(id=run.id).update(status="failed")
        with pytest.raises(ValidationError):
            reviews.give(gpt, bob, 5, "Great")

    def test_not_its_creator(self, gpt, alice):
        use(alice, gpt)
        with pytest.raises(ValidationError, match="your own"):
            reviews.give(gpt, alice, 5, "Great")

    def test_once_each_and_changed_in_place(self, gpt, bob):
        use(bob, gpt)
        first = reviews.give(gpt, bob, 2, "Slow")
        again = reviews.give(gpt, bob, 4, "Better now")
        assert (first.id, Review.objects.count(), again.stars) == (again.id, 1, 4)
        assert Standing.objects.get(gpt=gpt).n_ratings == 1

    def test_as_it_reads(self, gpt, bob):
        use(bob, gpt)
        assert reviews.give(gpt, bob, 1, "Don’t\u202e use it.\r\nOr\u200b do.").text == "Don’t use it.\nOr do."

    @pytest.mark.parametrize("stars", [0, 6, -1])
    def test_with_one_to_five_stars(self, gpt, bob, stars):
        use(bob, gpt)
        with pytest.raises(ValidationError, match="one to five"):
            reviews.give(gpt, bob, stars, "")

    def test_so_many_a_day(self, gpt, others, bob, monkeypatch):
        monkeypatch.setattr("web.store.reviews.MAX_A_DAY", 2)
        for other in others:
            use(bob, other)
        for other in others[:2]:
            reviews.give(other, bob, 3, "")
        reviews.give(others[0], bob, 4, "changed")  # is no new one
        with pytest.raises(reviews.TooManyReviews):
            reviews.give(others[2], bob, 3, "")
        answer = bearer(key_of(bob)).put(
            f"/api/gpts/{others[2].slug}/review", {"stars": 3}, content_type="application/json"
        )
        assert (answer.status_code, answer.headers["Content-Type"]) == (429, "application/problem+json")


class TestStuffing:
    """Accounts that were made to push a GPT."""

    def test_fifty_accounts_that_never_used_it_change_nothing(self, gpt, others):
        honest(3, gpt, others, 4)
        before = score(gpt)
        for person in people(50, "fake"):
            with pytest.raises(ValidationError):
                reviews.give(gpt, person, 5, "Best")
        standings.refresh()
        assert (score(gpt), Standing.objects.get(gpt=gpt).n_ratings) == (before, 3)

    def test_fifty_throwaway_messages_do_not_outrank_five_honest_people(self, gpt, others):
        pushed, good = others[0], gpt
        honest(5, good, others[1:], 5)
        for person in people(50, "throwaway"):
            use(person, pushed)
            reviews.give(pushed, person, 5, "Best")
        standings.refresh()
        assert Standing.objects.get(gpt=pushed).n_ratings == 50
        assert score(pushed) < score(good)
        assert score(pushed) < 4.0  # of 5 that each of them gave, and 3.5 that a GPT begins with

    def test_fifty_throwaway_ratings_do_not_sink_a_good_one(self, gpt, others):
        honest(10, gpt, others, 5)
        before = score(gpt)
        for person in people(50, "envious"):
            use(person, gpt)
            reviews.give(gpt, person, 1, "Bad")
        standings.refresh()
        assert before - score(gpt) < 0.5

    def test_a_trend_goes_by_people_who_use_it(self, gpt, others):
        pushed, good = others[0], gpt
        for person in people(3, "real"):
            use(person, good, n_answers=4, n_days=2)
        for person in people(20, "throwaway"):
            use(person, pushed)
        standings.refresh()
        trends = dict(Standing.objects.values_list("gpt__slug", "trend"))
        assert trends[pushed.slug] < trends[good.slug]


def test_a_review_counts_no_less_after_its_writer_deletes_their_chats(gpt, others, bob):
    use(bob, gpt, n_answers=6, n_days=3)
    reviews.give(gpt, bob, 5, "")
    before = Review.objects.get().weight
    assert before > 0
    bob.conversations.all().delete()
    standings.refresh()
    assert Review.objects.get().weight == before


class TestPage:
    """Reviews on the page of a GPT."""

    @pytest.fixture
    def reviewed(self, gpt, bob) -> Review:
        use(bob, gpt)
        return reviews.give(gpt, bob, 4, "Found the <b>seal</b>.")

    def test_bob_writes_changes_and_deletes_his(self, client, gpt, bob):
        use(bob, gpt)
        client.force_login(bob)
        assert "Write a review" in client.get("/g/pump-doctor/").content.decode()
        page = client.post("/g/pump-doctor/review", {"stars": "4", "text": "Found it."}, follow=True).content.decode()
        assert "Found it." in page
        assert "Change your review" in page
        client.post("/g/pump-doctor/review", {"action": "delete"})
        assert not Review.objects.exists()
        assert client.post("/g/pump-doctor/review", {"action": "delete"}).status_code == 404

    def test_without_an_answer_the_page_says_what_it_takes(self, client, gpt, bob):
        client.force_login(bob)
        page = client.get("/g/pump-doctor/").content.decode()
        assert "once you’ve had an answer" in page
        assert "Write a review" not in page
        refused = client.post("/g/pump-doctor/review", {"stars": "5"}, follow=True).content.decode()
        assert "once you’ve had an answer" in refused
        assert not Review.objects.exists()

    def test_it_is_escaped_and_names_nobody_without_a_page(self, client, reviewed, bob, charlie):
        client.force_login(charlie)
        page = client.get("/g/pump-doctor/").content.decode()
        assert "Found the &lt;b&gt;seal" in page
        assert "Bob" not in page
        assert "bob" not in page
        profiles.change(bob, public=True, about="")
        assert 'href="/people/bob/"' in client.get("/g/pump-doctor/").content.decode()

    def test_its_creator_is_told_answers_and_is_not_told_again(self, client, reviewed, alice, bob):
        client.force_login(alice)
        assert "1 new review" in client.get("/gpts/").content.decode()
        page = client.get("/g/pump-doctor/reviews/").content.decode()
        assert "Answer" in page
        assert "1 new review" not in client.get("/gpts/").content.decode()
        client.post(f"/reviews/{reviewed.id}/answer", {"answer": "Glad it helped."})
        client.force_login(bob)
        assert "Glad it helped." in client.get("/g/pump-doctor/").content.decode()

    def test_an_answer_goes_when_the_text_changes(self, reviewed, gpt, alice, bob):
        reviews.answer(alice, reviewed.id, "Glad it helped.")
        assert reviews.give(gpt, bob, 5, "Found the <b>seal</b>.").answer
        changed = reviews.give(gpt, bob, 5, "It insults people.")
        assert (changed.answer, changed.seen) == ("", False)

    def test_a_reported_one_can_be_hidden_and_then_counts_no_more(self, client, reviewed, gpt, charlie, bob):
        client.force_login(charlie)
        client.post(f"/reviews/{reviewed.id}/report", {"reason": "Rude"})
        oscar = User.objects.create_user("oscar@example.org", is_staff=True)
        found = bearer(key_of(oscar)).get("/api/operate/reported-reviews").json()["items"]
        assert [(each["id"], each["reasons"]) for each in found] == [(str(reviewed.id), ["Rude"])]
        client.force_login(oscar)
        client.post(f"/reviews/{reviewed.id}/hide")
        client.force_login(charlie)
        assert "Found the" not in client.get("/g/pump-doctor/").content.decode()
        assert Standing.objects.get(gpt=gpt).n_ratings == 0
        client.force_login(bob)
        assert "Hidden by an admin" in client.get("/g/pump-doctor/").content.decode()

    def test_those_of_a_gpt_that_is_private_again_are_gone(self, client, reviewed, gpt, charlie):
        set_sharing(gpt, Sharing.ME, by=gpt.owner)
        client.force_login(charlie)
        assert client.get("/g/pump-doctor/reviews/").status_code == 404
        assert client.post(f"/reviews/{reviewed.id}/report").status_code == 404


def test_the_api_does_the_same(gpt, alice, bob, charlie):
    use(bob, gpt)
    bobs, path = bearer(key_of(bob)), "/api/gpts/pump-doctor/review"
    json = {"content_type": "application/json"}
    assert bobs.get(path).status_code == 404
    given = bobs.put(path, {"stars": 5, "text": "Quick."}, **json).json()
    assert (given["stars"], given["own"], given["writer"]) == (5, True, None)
    answer = f"/api/reviews/{given['id']}/answer"
    assert bobs.put(answer, {"answer": "Mine"}, **json).status_code == 404
    assert bearer(key_of(alice)).put(answer, {"answer": "Thanks."}, **json).json()["answer"] == "Thanks."
    seen = bearer(key_of(charlie)).get("/api/gpts/pump-doctor/reviews").json()["items"]
    assert [(each["text"], each["answer"], each["own"]) for each in seen] == [("Quick.", "Thanks.", False)]
    card = bearer(key_of(charlie)).get("/api/gpts/pump-doctor").json()
    assert (card["rating"], card["n_ratings"]) == (5.0, 1)
    assert bearer(key_of(charlie)).put(path, {"stars": 1}, **json).status_code == 422
    assert bobs.put(path, {"stars": 9}, **json).status_code == 422
    assert bobs.delete(path).status_code == 204
