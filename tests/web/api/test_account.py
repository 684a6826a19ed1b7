"""What people do about their own account over `/api`: with a key they can only read their keys."""

from django.test import Client

from tests.web.api.conftest import bearer, key_of
from web.accounts import grants
from web.accounts.models import ApiKey
from web.builder.models_access import Sharing
from web.builder.services import set_sharing


def test_a_person_makes_a_key_that_can_make_none(bob, gpt):
    browser = Client()
    browser.force_login(bob)
    made = browser.post("/api/keys", {"name": "My program", "days": 30}, content_type="application/json")
    key = made.json()
    assert (made.status_code, key["name"], key["may_approve"]) == (201, "My program", False)
    program = bearer(key["secret"])

    [listed] = program.get("/api/keys").json()["items"]
    assert (listed["id"], listed["prefix"], "secret" in listed) == (key["id"], key["secret"][:9], False)
    for refused in (
        program.post("/api/keys", {"name": "Another", "scopes": ["approve"]}, content_type="application/json"),
        program.delete(f"/api/keys/{key['id']}"),
    ):
        assert refused.status_code == 401
    assert ApiKey.objects.count() == 1
    assert browser.delete(f"/api/keys/{key['id']}").status_code == 204
    assert program.get("/api/keys").status_code == 401


def test_a_key_is_made_with_the_token_of_the_page_only(bob):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)
    refused = browser.post("/api/keys", {"name": "Forged"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")


def test_nobody_sees_or_revokes_the_keys_of_others(bob, charlie):
    key_of(bob)
    browser = Client()
    browser.force_login(charlie)
    assert browser.get("/api/keys").json()["items"] == []
    assert browser.delete(f"/api/keys/{bob.api_keys.get().id}").status_code == 404
    assert bob.api_keys.get().revoked is None


def test_a_secret_link_is_replaced(alice, gpt):
    alices = bearer(key_of(alice))
    assert alices.post("/api/gpts/pump-doctor/link").status_code == 404
    set_sharing(gpt, Sharing.LINK, by=gpt.owner)
    before = gpt.link_secret
    link = alices.post("/api/gpts/pump-doctor/link").json()["link"]
    assert link
    assert before not in link


def test_an_answer_is_regenerated_while_one_may_chat_with_the_gpt(bob, gpt, run):
    bobs = bearer(key_of(bob))
    url = f"/api/conversations/{run.message.conversation_id}/regenerate"
    assert bobs.post(url).status_code == 409  # still answering
    assert bobs.post(f"/api/runs/{run.id}/cancel").json() == {"cancelled": True}
    again = bobs.post(url)
    assert (again.status_code, again.json()["conversation"]) == (202, str(run.message.conversation_id))
    assert again.json()["id"] != str(run.id)
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    assert bobs.post(url).status_code == 404


def test_a_program_lists_connected_programs_and_only_a_browser_disconnects_them(alice, bob):
    program = grants.register("editor", {"client_name": "Editor", "redirect_uris": ["http://127.0.0.1:1/back"]})
    code = grants.token("code", grants.grant(bob, program, "http://testserver/mcp", {}))
    assert grants.exchange(code)
    bobs, bobs_browser, alices_browser = bearer(key_of(bob)), Client(), Client()
    bobs_browser.force_login(bob)
    alices_browser.force_login(alice)

    [listed] = bobs.get("/api/programs").json()["items"]
    assert (listed["name"], listed["resource"]) == ("Editor", "http://testserver/mcp")
    assert alices_browser.get("/api/programs").json()["items"] == []
    url = f"/api/programs/{listed['id']}"
    assert (bobs.delete(url).status_code, alices_browser.delete(url).status_code) == (401, 404)
    assert bob.grants.count() == 1
    assert bobs_browser.delete(url).status_code == 204
    assert bobs.get("/api/programs").json()["items"] == []
    gone = bobs_browser.delete(url)
    assert (gone.status_code, gone.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_person_changes_the_name_that_others_see(alice, bob):
    bobs = bearer(key_of(bob))
    changed = bobs.patch("/api/account", {"name": " Robert "}, content_type="application/json").json()
    named = {"email": "bob@example.org", "name": "Robert", "shown_name": "Robert"}
    assert changed == {**named, "hints_seen": [], "language": ""}
    for wrong in ({"name": "x" * 61}, {"name": "a\x00b"}, {"name": 7}):
        refused = bobs.patch("/api/account", wrong, content_type="application/json")
        assert (refused.status_code, refused.json()["field"]) == (422, "name")
        assert refused.headers["Content-Type"] == "application/problem+json"
    bobs.patch("/api/account", {"email": "eve@example.org"}, content_type="application/json")
    assert bobs.get("/api/account").json() == changed
    emptied = bobs.patch("/api/account", {"name": ""}, content_type="application/json").json()
    assert emptied["shown_name"] == "bob"
    assert bearer(key_of(alice)).get("/api/account").json()["name"] == "Alice"
