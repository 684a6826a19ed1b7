"""`/api/operate/people`, `groups` and `audit`: what the console does with people, for an operator's programs."""

import re
from typing import get_args

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.web.api.conftest import bearer, key_of
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.accounts.quotas import KINDS
from web.accounts.services import create_key
from web.api.people import QuotaKind
from web.builder.services import create_gpt

JSON = {"content_type": "application/json"}


@pytest.fixture
def admin(oscar) -> Client:
    """A program of an operator."""
    return bearer(key_of(oscar, may_approve=True))


def test_people_are_listed_filtered_and_paged(admin, oscar, alice, bob, charlie):
    Group.objects.create(name="7b").user_set.add(bob)
    User.objects.filter(id=charlie.pk).update(is_active=False)

    def found(query: str) -> list[str]:
        return [each["email"].partition("@")[0] for each in admin.get(f"/api/operate/people?{query}").json()["items"]]

    first = admin.get("/api/operate/people?limit=2").json()
    rest = admin.get(f"/api/operate/people?limit=2&cursor={first['next']}").json()
    emails = [each["email"] for each in first["items"] + rest["items"]]
    assert emails == list(User.objects.order_by("-date_joined", "-id").values_list("email", flat=True))
    assert (found("group=7b"), found("state=suspended"), found("admin=true")) == (["bob"], ["charlie"], ["oscar"])
    assert (found("q=ALICE@"), found("signed_in_after=2020-01-01T00:00Z")) == (["alice"], [])
    for scopes in (["read"], ["manage"]):
        assert bearer(create_key(oscar, "chat", scopes=scopes)[1]).get("/api/operate/people").status_code == 403
        assert bearer(create_key(oscar, "chat", scopes=scopes)[1]).get("/api/operate/audit").status_code == 403


def test_a_person_is_suspended_with_a_reason_that_they_appeal(admin, oscar, bob):
    path, client = f"/api/operate/people/{bob.pk}", Client()
    bob.set_password("bob-secret-1")
    bob.save()
    assert admin.post(f"{path}/suspend", {"reason": "Spam <b>"}, **JSON).json()["state"] == "suspended"
    admin.post(f"{path}/suspend", {"reason": "Twice"}, **JSON)
    sent = {"login": bob.email, "password": "bob-secret-1"}
    page = client.post("/account/login/", sent, follow=True)
    assert "Spam &lt;b&gt;" in page.text
    decision = re.search(r'name="decision" value="([^"]+)"', page.text)[1]
    client.post(page.request["PATH_INFO"], {"decision": decision, "text": "It was no spam."})
    (case,) = admin.get("/api/operate/reports").json()["items"]
    assert (case["kind"], case["title"], case["appeal"]) == ("account", "Bob", "It was no spam.")
    console = Client()
    console.force_login(oscar)
    assert "Take the decision back" in console.get(f"/admin/moderation/case/{case['id']}/change/").text
    admin.post(f"/api/operate/reports/{case['id']}/appeal", {"granted": True}, **JSON)
    assert admin.get(path).json()["state"] == "active"

    console.post(f"/admin/accounts/user/{bob.pk}/act/suspend/", {"note": "Again"})
    assert admin.post(f"{path}/reactivate", {"reason": "Sorry."}, **JSON).json()["state"] == "active"
    assert admin.get("/api/operate/reports").json()["items"] == []
    client.post("/account/login/", sent)
    told = client.get("/account/decisions/").text
    assert "Sorry." in told
    assert told.count("Taken back") == 2
    assert "<form" not in told.partition("<main")[2].partition("</main>")[0]


def test_groups_quotas_links_and_sessions_are_changed(admin, alice, bob):
    assert set(get_args(QuotaKind)) == set(KINDS)
    group = admin.post("/api/operate/groups", {"name": "7b"}, **JSON).json()
    path = f"/api/operate/groups/{group['id']}"
    assert admin.post("/api/operate/groups", {"name": "7b"}, **JSON).status_code == 422
    sent = {"add": ["ALICE@example.org", bob.email, "nobody@example.org"]}
    assert len(admin.post(f"{path}/people", sent, **JSON).json()["unknown"]) == 3  # anybody can register an address
    for person in (alice, bob):
        shown = admin.patch(f"/api/operate/people/{person.pk}", {"email_confirmed": True}, **JSON).json()
        assert shown["email_confirmed"]
    changed = admin.post(f"{path}/people", sent, **JSON).json()
    assert (changed["n_people"], changed["unknown"]) == (2, ["nobody@example.org"])
    limits = [{"kind": "messages", "most": 20}, {"kind": "gpts", "most": None}]
    assert admin.put(f"{path}/quotas", {"quotas": limits}, **JSON).json()["quotas"] == limits
    own = f"/api/operate/people/{bob.pk}"
    mine = [{"kind": "messages", "most": 3}]
    person = admin.put(f"{own}/quotas", {"quotas": mine}, **JSON).json()
    assert person["quotas"] == mine
    assert {"kind": "gpts", "most": None} in person["limits"]
    assert mine[0] in person["limits"]
    assert admin.put(f"{own}/quotas", {"quotas": []}, **JSON).json()["quotas"] == []
    person = admin.patch(own, {"groups": ["Helpers"], "name": "Bob B."}, **JSON).json()
    assert (person["groups"], person["name"]) == (["Helpers"], "Bob B.")
    assert admin.get(path).json()["n_people"] == 1

    browser = Client()
    link = admin.post(f"{own}/sign-in-link").json()["url"]
    browser.post(link)
    assert browser.get("/account/me/").status_code == 200
    assert admin.post(f"{own}/sign-out").status_code == 204
    assert browser.get("/account/me/").status_code == 302
    entries = admin.get(f"/api/operate/audit?about_kind=user&about_id={bob.pk}").json()["items"]
    assert [each["act"] for each in entries[:2]] == [Act.PERSON_SIGNED_OUT, Act.SIGN_IN]
    assert admin.delete(path).status_code == 204


def test_a_person_is_erased_with_their_address_and_admins_are_left_to_the_console(admin, oscar, alice, bob, proven):
    gpt, path = create_gpt(alice, {"name": "Pump"}), f"/api/operate/people/{alice.pk}/erase"
    sent = {"email": alice.email, "gpts": "transfer", "heir": bob.email}
    browser = Client()
    oscar.set_password("oscar-secret-1")
    oscar.save()
    browser.force_login(oscar)
    assert browser.post(path, sent, **JSON).json()["code"] == "confirm_first"
    for wrong in (
        {**sent, "email": bob.email},
        {**sent, "heir": "nobody@example.org"},
        {**sent, "heir": alice.email},
    ):
        assert admin.post(path, wrong, **JSON).status_code == 422
    assert User.objects.filter(is_active=True).count() == 3
    assert admin.post(path, sent, **JSON).status_code == 202
    gpt.refresh_from_db()
    assert gpt.owner == bob
    assert admin.get(f"/api/operate/people/{alice.pk}").status_code == 404
    assert AuditRow.objects.get(act=Act.PERSON_CLOSED).by_id == oscar.pk
    for act, body in (("suspend", {}), ("sign-in-link", {}), ("erase", {"email": oscar.email})):
        refused = admin.post(f"/api/operate/people/{oscar.pk}/{act}", body, **JSON)
        assert (refused.status_code, refused.json()["code"]) == (403, "is_admin")
