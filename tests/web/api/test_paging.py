"""Lists come in pages, which neither repeat nor skip what was there when the first was read."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.core import signing

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from web.api.native import native
from web.api.paging import SALT
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, delete_gpt
from web.runs.deletion import delete_conversation
from web.runs.models import Conversation
from web.runs.services import start_conversation

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def alices(alice):
    return bearer(key_of(alice))


def walk(client, path: str, limit: int = 2, meanwhile=lambda n_pages: None) -> list[dict]:
    """All items, read page by page."""
    items, cursor, n_pages = [], "", 0
    while cursor is not None:
        page = client.get(
            f"{path}{'&' if '?' in path else '?'}{urlencode({'limit': limit, 'cursor': cursor})}"
        ).json()
        assert len(page["items"]) <= limit
        assert set(page) == {"items", "next"}
        items += page["items"]
        cursor = page["next"]
        n_pages += 1
        meanwhile(n_pages)
    return items


@pytest.mark.parametrize("at", [None, NOON], ids=["one after another", "all at once"])
def test_a_page_follows_the_one_before_whatever_is_added_changed_and_deleted_meanwhile(alices, alice, at):
    made = [create_gpt(alice, {"name": f"Gpt {i}"}) for i in range(9)]
    if at:
        Gpt.objects.update(created=at)
        made.sort(key=lambda gpt: gpt.pk)

    def disturb(n_pages: int) -> None:
        if n_pages == 1:
            delete_gpt(made[8])  # the first item of the first page, and the last, whose place the cursor has
            delete_gpt(made[7])
            delete_gpt(made[4])
            create_gpt(alice, {"name": "Newest"})
            Gpt.objects.filter(pk=made[0].pk).update(changed=datetime.now(UTC))

    slugs = [gpt["slug"] for gpt in walk(alices, "/api/gpts", meanwhile=disturb)]

    assert slugs == [made[i].slug for i in (8, 7, 6, 5, 3, 2, 1, 0)]


def test_chats_and_versions_are_read_to_the_end(alices, alice, gpt):
    chats = [Conversation.objects.create(gpt=gpt, version=gpt.published, owner=alice) for _ in range(5)]
    delete_conversation(chats[2])
    Conversation.objects.filter(pk=chats[0].pk).update(changed=datetime.now(UTC))
    ids = [chat["id"] for chat in walk(alices, "/api/conversations")]
    assert ids == [str(chats[i].id) for i in (4, 3, 1, 0)]

    publish(gpt, Sharing.STORE)
    publish(gpt, Sharing.STORE)
    versions = walk(alices, "/api/gpts/pump-doctor/versions", limit=1)
    assert [(each["number"], each["current"]) for each in versions] == [(3, True), (2, False), (1, False)]


def test_what_was_added_first_comes_first_in_the_lists_of_a_gpt(alices, alice, gpt):
    for name in ("One", "Two", "Three"):
        slug = create_gpt(alice, {"name": name}).slug
        alices.post("/api/gpts/pump-doctor/delegates", {"gpt": slug}, content_type="application/json")
    listed = walk(alices, "/api/gpts/pump-doctor/delegates")
    assert [each["name"] for each in listed] == ["One", "Two", "Three"]


@pytest.mark.parametrize("place", [["2026-11-26T12:00:00+00:00", "5"], None], ids=["another list", "none"])
def test_a_cursor_of_another_list_or_none_is_422(alices, place):
    forged = "x" if place is None else signing.dumps(place, salt=SALT)
    response = alices.get("/api/gpts", {"cursor": forged})
    assert (response.status_code, response.json()["field"]) == (422, "cursor")


def test_every_list_has_pages():
    whole = {"/api/usage"}  # one entry for each kind of limit
    for path, methods in native.get_openapi_schema()["paths"].items():
        if "get" in methods and path not in whole:
            content = methods["get"]["responses"].get(200, {}).get("content", {})
            assert '"type": "array"' not in json.dumps(content.get("application/json", {}).get("schema", {}))


def test_a_search_is_paged_like_its_list(alices, alice, bob, charlie):
    for n in range(5):
        made = create_gpt(alice, {"name": f"Pump {n}", "category": "work" if n % 2 else "home", "description": "x"})
        publish(made, Sharing.STORE)
    publish(create_gpt(alice, {"name": "Tea", "category": "work", "description": "x"}), Sharing.STORE)
    create_gpt(alice, {"name": "Secret pump"})
    bobs, store = bearer(key_of(bob)), "/api/gpts?scope=store"

    def withdraw(n_pages: int) -> None:
        if n_pages == 1:
            delete_gpt(Gpt.objects.get(slug="pump-4"))

    found = walk(bobs, f"{store}&q=pumps", meanwhile=withdraw)
    assert [gpt["slug"] for gpt in found] == ["pump-4", "pump-3", "pump-2", "pump-1", "pump-0"]
    assert [gpt["slug"] for gpt in walk(bobs, f"{store}&q=pump&category=work")] == ["pump-3", "pump-1"]
    assert [gpt["slug"] for gpt in walk(bobs, f"{store}&category=work")] == ["tea", "pump-3", "pump-1"]
    assert [gpt["slug"] for gpt in walk(alices, "/api/gpts?q=secret")] == ["secret-pump"]
    assert walk(bobs, "/api/gpts?q=pump") == walk(bobs, f"{store}&q=nothing") == []
    for wrong in ("category=cars", f"q={'x' * 201}", "q=%00"):
        refused = bobs.get(f"{store}&{wrong}")
        assert (refused.status_code, refused.json()["field"]) == (422, wrong.split("=")[0])

    for n in range(5):
        chat = start_conversation(bob, Gpt.objects.get(slug="tea" if n % 2 else "pump-1"))
        chat.save()
        Conversation.objects.filter(id=chat.id).update(title=f"Chat {n}")
    assert [chat["title"] for chat in walk(bobs, "/api/conversations?q=PUMP")] == ["Chat 4", "Chat 2", "Chat 0"]
    assert [chat["title"] for chat in walk(bobs, "/api/conversations?q=chat+3")] == ["Chat 3"]
    assert walk(bearer(key_of(charlie)), "/api/conversations?q=chat") == []
    assert bobs.get("/api/conversations?q=%00").status_code == 422
