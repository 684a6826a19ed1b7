"""The GPTs that one's own GPT may ask, over the API: the same rules as in the form."""

import json

import pytest

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing, update_gpt

URL = "/api/gpts/pump-doctor/delegates"


@pytest.fixture
def clerk(bob):
    """Bob's GPT in the store."""
    clerk = create_gpt(bob, {"name": "Price Clerk"})
    publish(clerk, Sharing.STORE)
    return clerk


@pytest.fixture
def client(gpt, alice, clerk):
    """Alice's program."""
    return bearer(key_of(alice))


def send(client, method: str, path: str, body):
    return client.generic(method, path, json.dumps(body), content_type="application/json")


def test_a_gpt_is_added_changed_and_removed(client, gpt):
    added = send(client, "POST", URL, {"gpt": "price-clerk"})
    entry = {"gpt": "price-clerk", "name": "Price Clerk", "when": "", "trouble": "", "changes": []}
    assert (added.status_code, added.json()) == (201, entry)

    changed = send(client, "PATCH", f"{URL}/price-clerk", {"when": "Prices"}).json()
    assert changed == {**entry, "when": "Prices"} == client.get(URL).json()["items"][0]
    assert gpt.draft_spec().delegates[0].when == "Prices"

    assert client.delete(f"{URL}/price-clerk").status_code == 204
    assert client.delete(f"{URL}/price-clerk").status_code == 404
    assert client.get(URL).json()["items"] == []


def test_the_whole_list_is_replaced(client, alice):
    create_gpt(alice, {"name": "Idea"})
    send(client, "POST", URL, {"gpt": "idea"})

    listed = send(client, "PUT", URL, [{"gpt": "price-clerk", "when": "Prices"}]).json()

    assert [(each["gpt"], each["when"]) for each in listed] == [("price-clerk", "Prices")]
    assert send(client, "PUT", URL, []).json() == []


@pytest.mark.parametrize("slug", ["nowhere", "secret", "pump-doctor"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_may_not_be_asked_is_refused_by_field(client, bob, slug, method):
    create_gpt(bob, {"name": "Secret"})
    body = {"gpt": slug}
    refused = send(client, method, URL, body if method == "POST" else [body])
    assert (refused.status_code, refused.json()["field"]) == (422, "gpt")


@pytest.mark.parametrize(
    "body", [[{"gpt": "price-clerk"}] * 2, [{"gpt": "price-clerk", "when": "w" * 301}], [{}] * 21]
)
def test_lists_that_are_none_are_refused(client, body):
    assert send(client, "PUT", URL, body).status_code == 422
    assert client.get(URL).json()["items"] == []


def test_trouble_is_told_as_in_the_form(client, clerk):
    send(client, "POST", URL, {"gpt": "price-clerk"})
    set_sharing(clerk, Sharing.ME, by=clerk.owner)
    [entry] = client.get(URL).json()["items"]
    assert (entry["name"], entry["trouble"]) == (
        "price-clerk",
        "Not used: it was deleted or is no longer shared with you.",
    )


def test_how_it_asks_is_part_of_the_gpt(client, gpt, bob):
    changed = send(
        client, "PATCH", "/api/gpts/pump-doctor", {"delegates_to_all": True, "delegates_to_store": True}
    ).json()
    assert (changed["delegates_to_all"], changed["delegates_to_store"]) == (True, True)
    seen = bearer(key_of(bob)).get("/api/gpts/pump-doctor").json()
    assert (seen["delegates_to_all"], seen["delegates_to_store"]) == (False, False)  # not published yet
    publish(update_gpt(gpt, {"delegates_to_all": True}, by=gpt.owner))
    assert bearer(key_of(bob)).get("/api/gpts/pump-doctor").json()["delegates_to_all"]
