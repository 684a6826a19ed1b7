"""Lists of the store: orders, filters, what cards tell, and how many queries they take."""

import pytest
from django.core.cache import cache
from django.db import connection

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from tests.web.store.use import use
from web import rpc
from web.builder import fulltext
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_store import SearchEntry
from web.builder.search import PAUSED, Half, catch_up, find, fused
from web.builder.services import create_gpt, update_gpt
from web.operate.tidying import analyse
from web.store import reviews, standings

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(alice) -> dict[str, Gpt]:
    """Three GPTs in the store, the oldest first."""
    rows = (("Pump Doctor", ["code_interpreter"]), ("Painter", ["image_generation"]), ("Tax Clerk", []))
    gpts = {name: create_gpt(alice, {"name": name, "capabilities": abilities}) for name, abilities in rows}
    for gpt in gpts.values():
        publish(gpt, Sharing.STORE)
    return gpts


def order(page: str, *names: str) -> list[str]:
    return sorted(names, key=page.index)


def test_it_can_be_sorted_by_people_ratings_trend_and_date(client, shelf, bob, charlie):
    use(bob, shelf["Tax Clerk"], n_answers=4, n_days=2)
    use(charlie, shelf["Tax Clerk"])
    use(bob, shelf["Painter"])
    reviews.give(shelf["Tax Clerk"], bob, 1, "")
    reviews.give(shelf["Painter"], bob, 5, "")
    standings.refresh()
    found = {
        sort: order(client.get(f"/?sort={sort}").content.decode(), *shelf)
        for sort in ("used", "rated", "trending", "newest", "nonsense")
    }
    assert found["used"] == found["nonsense"] == ["Tax Clerk", "Painter", "Pump Doctor"]
    assert found["rated"] == ["Painter", "Tax Clerk", "Pump Doctor"]
    assert found["trending"] == ["Tax Clerk", "Painter", "Pump Doctor"]
    assert found["newest"] == ["Tax Clerk", "Painter", "Pump Doctor"]
    api = bearer(key_of(bob))
    for sort, names in found.items():
        if sort != "nonsense":
            items = api.get(f"/api/gpts?scope=store&sort={sort}").json()["items"]
            assert [item["name"] for item in items] == names
    assert api.get("/api/gpts?scope=store&sort=nonsense").status_code == 422


def test_it_can_be_filtered_by_what_a_gpt_can_use_and_what_works_here(client, shelf, settings, bob):
    settings.IMAGE_MODEL = settings.IMAGE_URL = ""
    settings.SANDBOX = "auto"
    page = client.get("/?has=code_interpreter").content.decode()
    assert "Pump Doctor" in page
    assert "Tax Clerk" not in page
    page = client.get("/?works=1").content.decode()
    assert "Painter" not in page
    assert "Pump Doctor" in page
    assert "No GPTs fit these filters" in client.get("/?works=1&has=image_generation").content.decode()
    api = bearer(key_of(bob))
    assert [item["slug"] for item in api.get("/api/gpts?scope=store&has=image_generation").json()["items"]] == [
        "painter"
    ]
    assert api.get("/api/gpts?scope=store&has=image_generation&works=true").json()["items"] == []
    assert api.get("/api/gpts/painter").json()["not_set_up"] == ["Image generation"]


def test_cards_tell_what_a_gpt_can_access(client, shelf):
    page = client.get("/").content.decode()
    assert "Can access: </span>Code interpreter" in page


def test_a_republished_gpt_is_filtered_by_its_new_version(client, shelf):
    update_gpt(shelf["Tax Clerk"], {"capabilities": ["code_interpreter"]}, by=shelf["Tax Clerk"].owner)
    assert "Tax Clerk" not in client.get("/?has=code_interpreter").content.decode()
    publish(shelf["Tax Clerk"])
    assert "Tax Clerk" in client.get("/?has=code_interpreter").content.decode()


@pytest.mark.parametrize("url", ["/", "/?q=helper", "/?sort=rated", "/?works=1&has=files&category=other"])
def test_the_number_of_queries_does_not_grow_with_the_store(client, alice, url, django_assert_max_num_queries):
    for n in range(20):
        publish(create_gpt(alice, {"name": f"Helper {n}", "starters": ["Go"]}), Sharing.STORE)
    standings.refresh()
    with django_assert_max_num_queries(13):
        client.get(url)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL counts its rows itself")
def test_sqlite_looks_gpts_up_by_id_once_it_has_counted_its_rows(alice):
    rows = [Gpt(owner=alice, slug=f"gpt-{n}", name=f"GPT {n}", sharing=Sharing.STORE) for n in range(300)]
    Gpt.objects.bulk_create(rows)
    wanted = Gpt.objects.in_store().filter(id__in=[row.id for row in rows[:24]]).order_by()
    assert "(sharing=?" in wanted.explain()
    analyse()
    assert "(id=?)" in wanted.explain()


def test_pages_of_an_order_reach_every_gpt_once_over_the_api(shelf, bob):
    api, cursor, found = bearer(key_of(bob)), "", []
    for _ in range(4):
        page = api.get(f"/api/gpts?scope=store&sort=used&limit=1&cursor={cursor}").json()
        found += [item["name"] for item in page["items"]]
        if not (cursor := page["next"]):
            break
    assert sorted(found) == sorted(shelf)
    assert api.get("/api/gpts?scope=store&sort=used&cursor=forged").status_code == 422
    newest = api.get("/api/gpts?scope=store&limit=1").json()["next"]
    assert api.get(f"/api/gpts?scope=store&sort=used&cursor={newest}").status_code == 422


class TestMeaning:
    """What a worker finds near to a query, beside the words."""

    @pytest.fixture
    def near(self, shelf, monkeypatch) -> list[tuple[str, float]]:
        """What the worker answers, which can be changed."""
        found = [(str(shelf["Tax Clerk"].id), 0.55)]

        def start(task, query, **options):
            assert (task, options["queue"]) == ("workers.tasks.search_store", "model")
            return lambda: {"found": found, "trust": 1.0}

        cache.delete(PAUSED)
        monkeypatch.setattr(rpc, "start", start)
        return found

    def test_a_gpt_is_found_without_a_word_in_common(self, shelf, near):
        assert find("revenue service") == [shelf["Tax Clerk"].id]
        assert find("revenue service", by_meaning=False) == []

    def test_words_and_meaning_count_together(self, shelf, near):
        near.append((str(shelf["Painter"].id), 0.5))
        assert find("painter") == [shelf["Painter"].id, shelf["Tax Clerk"].id]

    def test_a_gpt_that_left_the_store_is_not_found(self, shelf, near):
        Gpt.objects.update(sharing=Sharing.ME)
        assert find("revenue service") == []

    def test_no_worker_is_waited_for_twice(self, shelf, monkeypatch):
        asked = []

        def late():
            raise rpc.NoResult(rpc.TOO_LATE)

        def start(*args, **options):
            asked.append(args)
            return late

        cache.delete(PAUSED)
        monkeypatch.setattr(rpc, "start", start)
        assert find("pump") == find("pump doctor") == [shelf["Pump Doctor"].id]
        assert len(asked) == 1

    def test_the_same_query_is_compared_once(self, shelf, near, monkeypatch):
        find("Revenue service")
        monkeypatch.setattr(rpc, "start", None)
        assert find("revenue service") == [shelf["Tax Clerk"].id]

    def test_what_the_embedder_cannot_read_counts_little(self):
        words, meaning = Half({1: 3.0}, 1.0), {2: 0.6}
        assert fused(words, Half(meaning, 1.0))[2] > fused(words, Half(meaning, 1.0))[1]
        assert fused(words, Half(meaning, 0.2))[2] < fused(words, Half(meaning, 0.2))[1]


def test_a_worker_notices_a_new_name_of_a_creator_and_another_category(shelf, alice):
    assert catch_up() == 0
    alice.name = "Zacharias"
    alice.save()
    assert find("zacharias") == []
    assert catch_up() == 3
    assert len(find("zacharias")) == 3
    update_gpt(shelf["Tax Clerk"], {"category": "work"}, by=shelf["Tax Clerk"].owner)
    assert catch_up() == 1


def test_the_texts_of_drafts_are_in_no_index(alice):
    gpt = create_gpt(alice, {"name": "Quokka plan"})  # a word of no other test: the index is not emptied between them
    catch_up()
    assert not SearchEntry.objects.filter(gpt=gpt).exists()
    assert not fulltext.is_known("quokka")
