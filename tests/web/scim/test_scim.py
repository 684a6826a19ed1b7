"""SCIM: the checks of scim2-tester, the requests of Okta and Entra, and what no directory may do."""

import re
import uuid
from typing import Any, Final

import pytest
import scim2_tester.filling
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from web.accounts import directory_tokens, people
from web.accounts.models import User
from web.accounts.models_audit import AuditRow
from web.accounts.services import create_key

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Directory:
    """A directory with a token."""

    def __init__(self) -> None:
        self.token, self.secret = directory_tokens.create(None, "Okta")
        self._client = Client()

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The JSON of the answer, which must have this status."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        send = {"data": body, "content_type": "application/scim+json"} if body is not None else {}
        response = getattr(self._client, method.lower())(f"/scim/v2/{path}", headers=headers, **send)
        assert response.status_code == status, response.content
        if status >= 400:
            assert response["Content-Type"] == "application/scim+json"
            assert response.json()["status"] == str(status)
        return response.json() if response.content else None

    def patch(self, path: str, *operations: dict[str, Any], status: int = 200) -> Any:
        """The same for a PATCH."""
        return self("PATCH", path, {"schemas": [PATCH], "Operations": operations}, status)


@pytest.fixture
def directory(db) -> Directory:
    return Directory()


@pytest.fixture
def kept_connection():
    """As Django's test client has it: a request does not close the test's connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def person(email: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": email, "active": True, **more}


def test_the_checks_of_scim2_tester_find_no_error(directory, kept_connection, monkeypatch):
    example = scim2_tester.filling.get_random_example_value
    # It cannot guess from a schema that user names are addresses.
    monkeypatch.setattr(
        scim2_tester.filling,
        "get_random_example_value",
        lambda path: f"{uuid.uuid4()}@example.org" if str(path).endswith("userName") else example(path),
    )
    headers = {"Authorization": f"Bearer {directory.secret}"}
    site = WSGISCIMClient(get_wsgi_application(), "http://localhost/scim/v2", headers)
    results = check_server(site)
    assert [(each.title, each.reason) for each in results if each.status in (Status.ERROR, Status.CRITICAL)] == []
    passed = [each for each in results if each.status == Status.SUCCESS]
    assert len(passed) >= 40
    # Searching several kinds at once is all that was not checked.
    skipped = {each.title for each in results if each.status == Status.SKIPPED}
    assert skipped == {"search_with_attributes"}


def test_okta_finds_creates_changes_suspends_and_deletes_a_person(directory):
    ann = person(" Ann@Example.ORG ", externalId="00u1", name={"givenName": "Ann", "familyName": "Lee"})
    ann |= {"emails": [{"value": "other@example.org", "primary": True}], "password": "t1meMa$heen", ENTERPRISE: {}}
    assert directory("GET", 'Users?filter=userName eq "ann@example.org"&startIndex=1&count=100')["totalResults"] == 0
    made = directory("POST", "Users", ann, 201)
    where = f"Users/{made['id']}"
    assert (made["userName"], made["displayName"], made["active"]) == ("ann@example.org", "Ann Lee", True)
    assert made["emails"] == [{"value": "ann@example.org", "primary": True}]
    user = User.objects.get(email="ann@example.org")
    assert not user.has_usable_password()
    assert not user.is_staff
    again = directory("POST", "Users", person("ANN@example.org"), 409)
    assert again["scimType"] == "uniqueness"
    for filter_ in (
        'userName eq "ANN@example.org"',
        'externalId eq "00u1"',
        f'id eq "{user.pk}" and userName eq "{user.email}"',
    ):
        assert [each["id"] for each in directory("GET", f"Users?filter={filter_}")["Resources"]] == [str(user.pk)]
    assert directory("GET", 'Users?filter=externalId eq "00U1"')["totalResults"] == 0

    _, key = create_key(user, "Program")
    browser = Client()
    browser.force_login(user)
    program = {"Authorization": f"Bearer {key}"}
    assert browser.get("/api/account", headers=program).status_code == 200
    off = directory.patch(where, {"op": "replace", "value": {"active": False}})
    assert off["active"] is False
    assert browser.get("/api/account", headers=program).status_code == 401
    assert browser.get("/account/me/").status_code == 302
    assert directory("PUT", where, {**ann, "active": True})["active"] is True
    assert browser.get("/account/me/").status_code == 302  # sessions ended; they did not only pause

    group = Group.objects.create(name="Staff")
    directory.patch(f"Groups/{group.pk}", {"op": "add", "path": "members", "value": [{"value": made["id"]}]})
    assert directory("DELETE", where, status=204) is None
    directory("GET", where, status=404)
    user.refresh_from_db()
    assert (user.is_active, list(user.groups.all())) == (False, [])
    other = directory("POST", "Users", {**ann, "externalId": "00u2"}, 409)  # who has the address now is somebody else
    assert "erases that account first" in other["detail"]
    back = directory("POST", "Users", ann, 201)  # the same person comes back to what they made
    assert (back["id"], back["active"], back["displayName"]) == (made["id"], True, "Ann Lee")
    acts = [
        row.act
        for row in AuditRow.objects.filter(facts__source="scim", facts__token=directory.token.pk).order_by("id")
    ]
    assert acts[:4] == ["person.created", "person.changed", "person.suspended", "person.reactivated"]
    assert not any("example" in str(row.facts) for row in AuditRow.objects.all())


def test_entra_changes_people_and_groups_in_its_own_ways(directory):
    ids = [directory("POST", "Users", person(f"p{n}@example.org"), 201)["id"] for n in range(3)]
    first = f"Users/{ids[0]}"
    directory.patch(
        first,
        {"op": "Add", "path": "externalId", "value": "e-1"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "x@example.org"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Pumps"},
        {"op": "Add", "path": "name.givenName", "value": "Pia"},
        {"op": "Replace", "path": "displayName", "value": "Pia\u0000 P."},
        {"op": "Replace", "path": "userName", "value": "Pia@example.org"},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    pia = directory("GET", first)
    assert (pia["userName"], pia["displayName"], pia["active"]) == ("pia@example.org", "Pia P.", False)
    assert (pia["name"], pia["externalId"]) == ({"givenName": "Pia"}, "e-1")
    assert directory.patch(first, {"op": "Replace", "path": "active", "value": "True"})["active"] is True

    sent = {"schemas": [GROUP], "displayName": "Pumps", "externalId": "g-1"}
    where = f"Groups/{directory('POST', 'Groups', sent, 201)['id']}"
    assert directory("POST", "Groups", sent, 409)["scimType"] == "uniqueness"
    added = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": key} for key in ids]}
    assert len(directory.patch(where, added)["members"]) == 3
    directory.patch(where, {"op": "Remove", "path": "members", "value": [{"value": ids[0]}]})
    left = directory.patch(where, {"op": "remove", "path": f'members[value eq "{ids[1]}"]'})
    assert [each["value"] for each in left["members"]] == [ids[2]]
    found = directory(
        "GET", f'Groups?excludedAttributes=members&filter=displayName eq "pumps" and members eq "{ids[2]}"'
    )
    assert [each.get("members") for each in found["Resources"]] == [None]
    assert directory("GET", f"Users/{ids[2]}")["groups"][0]["display"] == "Pumps"
    # Okta's way of a new name, with the id that it has already.
    renamed = {"op": "replace", "value": {"id": where.partition("/")[2], "displayName": "Valves"}}
    assert directory.patch(where, renamed)["displayName"] == "Valves"
    assert "members" not in directory("PUT", where, {"schemas": [GROUP], "displayName": "Valves"})
    wrong = directory.patch(where, {"op": "add", "path": "members", "value": [{"value": "987654"}]}, status=400)
    assert wrong["scimType"] == "invalidValue"
    directory("DELETE", where, status=204)
    assert not Group.objects.filter(name="Valves").exists()


def test_a_directory_makes_no_operators_and_leaves_the_last_one_alone(directory):
    boss = User.objects.create_superuser("boss@example.org")
    off = {"op": "replace", "path": "active", "value": False}
    last = directory.patch(f"Users/{boss.pk}", off, status=403)
    assert "last admin" in last["detail"]
    directory("DELETE", f"Users/{boss.pk}", status=403)
    directory.patch(
        f"Users/{boss.pk}", {"op": "replace", "path": "userName", "value": "evil@example.org"}, status=403
    )
    second = User.objects.create_superuser("second@example.org")
    assert directory.patch(f"Users/{second.pk}", off)["active"] is False
    # Restoring an operator is making one.
    assert directory("PUT", f"Users/{second.pk}", person("second@example.org"))["active"] is False
    ann = directory("POST", "Users", person("ann@example.org", roles=[{"value": "admin"}], is_staff=True), 201)
    user = User.objects.get(pk=ann["id"])
    assert not user.is_staff
    assert not user.is_superuser
    # Whom an operator suspended stays so, although the directory says at each round that they are active.
    directory.patch(f"Users/{user.pk}", off)
    people.reactivate(user, boss)
    people.suspend(user, boss)
    assert directory("PUT", f"Users/{user.pk}", person("ann@example.org"))["active"] is False
    # An address that somebody has, or confirmed, is no other's.
    EmailAddress.objects.create(user=boss, email="boss2@example.org", verified=True)
    for taken in ("boss@example.org", "boss2@example.org"):
        moved = {"op": "replace", "path": "userName", "value": taken}
        assert directory.patch(f"Users/{user.pk}", moved, status=409)["scimType"] == "uniqueness"
    boss.refresh_from_db()
    assert (boss.is_active, boss.email) == (True, "boss@example.org")


def test_what_is_wrong_is_refused_in_the_format_of_scim(directory):
    for sent, kind in (
        (person("no address"), "invalidValue"),
        ({"schemas": [USER]}, "invalidValue"),
        (person("a@example.org", externalId="x" * 256), "invalidValue"),
        (person("a@example.org", active="perhaps"), "invalidValue"),
        ([], "invalidSyntax"),
        ("{", "invalidSyntax"),
        ("[" * 30_000, "invalidSyntax"),
    ):
        assert directory("POST", "Users", sent, 400)["scimType"] == kind, sent
    assert not User.objects.exists()
    one, two = (directory("POST", "Users", person(f"{name}@example.org"), 201)["id"] for name in "ab")
    for filter_ in ('userName sw "a"', "userName pr", 'nothing eq "a"', 'userName eq "a" or userName eq "b"', "((("):
        assert directory("GET", f"Users?filter={filter_}", status=400)["scimType"] == "invalidFilter"
    assert directory("GET", 'Users?filter=userName eq "a\\u0000"')["totalResults"] == 0
    page = directory("GET", "Users?startIndex=2&count=1")
    assert (page["totalResults"], page["startIndex"], [each["id"] for each in page["Resources"]]) == (2, 2, [two])
    assert directory("GET", "Users?count=0")["totalResults"] == 2
    assert directory("GET", f"Users?startIndex={10**30}")["totalResults"] == 2
    for key in ("0", "x", "9" * 30, "١"):
        directory("GET", f"Users/{key}", status=404)
    directory("PUT", "Users", {}, 405)
    directory("GET", "Nothing", status=404)
    directory("POST", "Bulk", {}, 501)
    half = ({"op": "replace", "path": "displayName", "value": "New"}, {"op": "replace", "path": "id", "value": "7"})
    directory.patch(f"Users/{one}", *half, status=400)
    assert "displayName" not in directory("GET", f"Users/{one}")


def test_only_a_live_token_opens_it_and_it_opens_nothing_else(directory, capsys, operator_client):
    users = "/scim/v2/Users"
    client, headers = Client(), {"Authorization": f"Bearer {directory.secret}"}
    assert client.get(users, headers=headers).status_code == 200
    assert client.get("/api/account", headers=headers).status_code == 401
    refused = client.get(users)
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
    assert directory.secret not in str(list(type(directory.token).objects.values()))

    call_command("scimtoken", "Entra")
    secret = capsys.readouterr().out.strip()
    assert client.get(users, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    call_command("scimtoken", "Entra", withdraw=True)
    assert client.get(users, headers={"Authorization": f"Bearer {secret}"}).status_code == 401

    made = operator_client.post("/admin/accounts/directorytoken/add/", {"name": "City"}, follow=True)
    shown = re.findall(r"ghscim_[\w-]{43}", made.content.decode())
    assert len(set(shown)) == 1
    assert client.get(users, headers={"Authorization": f"Bearer {shown[0]}"}).status_code == 200
    table = operator_client.get("/admin/accounts/directorytoken/")
    assert shown[0] not in table.content.decode()
    chosen = {"action": "withdraw", "_selected_action": [str(directory.token.pk)]}
    operator_client.post("/admin/accounts/directorytoken/", chosen)
    assert client.get(users, headers=headers).status_code == 401
    acts = AuditRow.objects.filter(act__startswith="scim-token").order_by("id").values_list("act", flat=True)
    assert [act.partition(".")[2] for act in acts] == ["created", "created", "withdrawn", "created", "withdrawn"]


@pytest.fixture
def operator_client(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op@example.org"))
    return client
