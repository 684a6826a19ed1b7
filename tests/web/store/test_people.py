"""Pages of creators, collections, and the categories of an operator."""

import pytest
from django.core.exceptions import ValidationError

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from web.accounts.models import User
from web.builder.categories import DEFAULTS, categories
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing
from web.operate.categories import set_categories
from web.store import collections, profiles
from web.store.models import Collection

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}


class TestCreatorPage:
    """A person's page is theirs to turn on."""

    def test_there_is_none_until_its_person_wants_one(self, client, gpt, alice):
        assert "/people/" not in client.get("/g/pump-doctor/").content.decode()
        profiles.change(alice, public=False, about="Pumps since 1990.")
        assert client.get("/people/alice/").status_code == 404
        profiles.change(alice, public=True, about="Pumps since 1990.")
        page = client.get("/people/alice/").content.decode()
        assert "Pumps since 1990." in page
        assert "Pump Doctor" in page
        assert 'href="/people/alice/"' in client.get("/").content.decode()
        assert "alice@example.org" not in page

    def test_it_shows_what_is_in_the_store_only(self, client, gpt, alice):
        publish(create_gpt(alice, {"name": "Ledger"}), Sharing.ME)
        profiles.change(alice, public=True, about="")
        assert "Ledger" not in client.get("/people/alice/").content.decode()
        client.force_login(alice)
        assert "Ledger" not in client.get("/people/alice/").content.decode()

    def test_it_needs_a_name_that_is_no_part_of_an_email_address(self, client):
        person = User.objects.create_user("private.address@example.org")
        with pytest.raises(ValidationError, match="Set your name"):
            profiles.change(person, public=True, about="")
        client.force_login(person)
        assert (
            "Set your name first" in client.post("/account/profile/", {"public": "on"}, follow=True).content.decode()
        )

    def test_two_people_of_one_name_have_two_pages(self, alice, bob):
        bob.name = "Alice"
        bob.save()
        slugs = [profiles.change(each, public=True, about="").slug for each in (alice, bob)]
        assert slugs == ["alice", "alice-2"]

    def test_over_the_api(self, gpt, alice, bob):
        alices, bobs = bearer(key_of(alice)), bearer(key_of(bob))
        assert alices.get("/api/account/profile").json() == {
            "slug": "",
            "name": "Alice",
            "about": "",
            "public": False,
        }
        assert alices.put("/api/account/profile", {"public": True, "about": "Hi"}, **JSON).json()["slug"] == "alice"
        assert bobs.get("/api/creators/alice").json()["about"] == "Hi"
        assert [each["slug"] for each in bobs.get("/api/creators/alice/gpts").json()["items"]] == ["pump-doctor"]
        assert bobs.get("/api/creators/nobody").status_code == 404


class TestCollections:
    """Lists of GPTs."""

    @pytest.fixture
    def own(self, bob, gpt) -> Collection:
        made = collections.create(bob, name="Workshop", about="For the team")
        collections.add(made, gpt.slug)
        return made

    def test_bob_makes_one_from_the_page_of_a_gpt(self, client, gpt, bob):
        client.force_login(bob)
        client.post("/collections/", {"name": "Workshop", "gpt": gpt.slug, "from": "gpt"})
        made = Collection.objects.get()
        assert "Pump Doctor" in client.get(f"/collections/{made.id}/").content.decode()
        client.post(f"/collections/{made.id}/change", {"action": "remove", "gpt": gpt.slug})
        assert "No GPTs in it yet" in client.get(f"/collections/{made.id}/").content.decode()

    def test_it_is_private_until_its_owner_shares_it(self, client, own, charlie):
        client.force_login(charlie)
        assert client.get(f"/collections/{own.id}/").status_code == 404
        collections.change(own, public=True)
        page = client.get(f"/collections/{own.id}/").content.decode()
        assert "Workshop" in page
        assert "Edit collection" not in page
        assert client.post(f"/collections/{own.id}/change", {"name": "Mine"}).status_code == 404

    def test_nobody_sees_a_gpt_in_it_that_they_may_not_use(self, client, own, gpt, charlie):
        collections.change(own, public=True)
        set_sharing(gpt, Sharing.ME, by=gpt.owner)
        client.force_login(charlie)
        assert "Pump Doctor" not in client.get(f"/collections/{own.id}/").content.decode()

    def test_nobody_adds_a_gpt_that_they_may_not_use(self, client, own, gpt, alice, bob):
        publish(create_gpt(alice, {"name": "Ledger"}), Sharing.ME)
        client.force_login(bob)
        assert client.post(f"/collections/{own.id}/change", {"action": "add", "gpt": "ledger"}).status_code == 404

    def test_operators_feature_theirs_in_the_store_and_others_do_not(self, client, gpt, oscar, own, bob):
        with pytest.raises(ValidationError, match="Only admins"):
            collections.change(own, featured=True)
        made = collections.create(oscar, name="Start here", featured=True)
        assert made.public
        page = client.get("/").content.decode()
        assert "Start here" in page
        assert "Workshop" not in page

    def test_there_are_limits(self, bob, gpt, monkeypatch):
        monkeypatch.setattr(collections, "MAX_COLLECTIONS", 1)
        made = collections.create(bob, name="One")
        with pytest.raises(ValidationError, match="can have 1"):
            collections.create(bob, name="Two")
        monkeypatch.setattr(collections, "MAX_GPTS", 0)
        with pytest.raises(ValidationError, match="can have 0"):
            collections.add(made, gpt.slug)

    def test_over_the_api(self, gpt, bob, charlie):
        bobs, charlies = bearer(key_of(bob)), bearer(key_of(charlie))
        made = bobs.post("/api/collections", {"name": "Workshop"}, **JSON).json()
        path = f"/api/collections/{made['id']}"
        assert bobs.put(f"{path}/gpts/pump-doctor").status_code == 204
        assert charlies.get(path).status_code == 404
        assert bobs.patch(path, {"public": True}, **JSON).json()["public"] is True
        assert bobs.patch(path, {"featured": True}, **JSON).status_code == 422
        assert [each["slug"] for each in charlies.get(f"{path}/gpts").json()["items"]] == ["pump-doctor"]
        assert charlies.get("/api/collections").json()["items"] == []
        assert bobs.delete(f"{path}/gpts/pump-doctor").status_code == 204
        assert bobs.delete(f"{path}/gpts/pump-doctor").status_code == 404
        assert bobs.delete(path).status_code == 204


class TestCategories:
    """Those of the operator, instead of the usual ones."""

    def test_the_usual_ones_apply_until_an_operator_sets_some(self, client, gpt, oscar):
        assert categories() == DEFAULTS
        gpt.category = "work"
        gpt.save()
        client.force_login(oscar)
        assert 'value="Programming"' in client.get("/operate/categories/").content.decode()
        rows = {"key": ["other", "", "home"], "title": ["Rest", "Ship & crew", "Home"], "place": ["9", "1", "2"]}
        client.post("/operate/categories/", rows)
        assert categories() == {"ship-crew": "Ship & crew", "home": "Home", "other": "Rest"}
        assert Gpt.objects.get().category == "other"
        assert "Rest" in client.get("/g/pump-doctor/").content.decode()

    def test_forms_and_the_api_take_no_others(self, client, gpt, alice):
        set_categories([("ship", "Ship"), ("other", "Other")])
        alices = bearer(key_of(alice))
        assert alices.patch("/api/gpts/pump-doctor", {"category": "ship"}, **JSON).json()["category"] == "ship"
        assert alices.patch("/api/gpts/pump-doctor", {"category": "work"}, **JSON).status_code == 422
        assert alices.get("/api/gpts?scope=store&category=work").status_code == 422
        assert alices.get("/api/categories").json()["categories"][0] == {"key": "ship", "title": "Ship"}
        client.force_login(alice)
        assert '<option value="ship" selected>Ship</option>' in client.get("/gpts/pump-doctor/edit").content.decode()

    @pytest.mark.parametrize(
        "rows",
        [[("work", "Work")], [("other", "A"), ("work", "a")], [("other", "A"), ("other", "B")],
         [("other", "A"), ("no key!", "B")], [("other", "A"), ("b", "")],
         [("other", "A"), *((f"k{n}", f"T{n}") for n in range(40))]],
    )  # fmt: skip
    def test_an_unusable_list_changes_nothing(self, rows, oscar):
        with pytest.raises(ValidationError):
            set_categories(rows)
        assert categories() == DEFAULTS
        shown = [{"key": key, "title": title} for key, title in rows]
        answer = bearer(key_of(oscar, may_approve=True)).put("/api/operate/categories", {"categories": shown}, **JSON)
        assert answer.status_code == 422
