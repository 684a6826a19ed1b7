"""Who may create an account: by an invitation's link, until its places are taken; and by domain."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.web.accounts.test_sign_in_links import output_of, path_of
from web.accounts import invitations
from web.accounts.models import User
from web.accounts.models_audit import AuditRow
from web.accounts.models_invitations import Invitation


def sign_up(client: Client, name: str, domain: str = "example.org") -> bool:
    """Fill in the form. Whether there is such a person then."""
    email = f"{name}@{domain}"
    client.post("/account/signup/", {"name": name, "email": email, "password1": "correct-horse-9"})
    return User.objects.filter(email=email).exists()


def accept(path: str) -> Client:
    """The browser of somebody who accepted the invitation."""
    client = Client()
    client.post(path)
    return client


def invite(most: int = 1, groups: tuple[Group, ...] = ()) -> tuple[Invitation, str]:
    made, url = invitations.create(None, "7b", most, timezone.now() + timedelta(days=1), groups)
    return made, path_of(url)


def test_a_link_lets_people_in_and_into_groups_until_it_is_withdrawn(db, client, alice, settings):
    settings.SIGNUP_OPEN = False
    path = path_of(output_of("invite", "Class 7b", "--people", "3", "--group", "7b"))
    assert not sign_up(client, "stranger")
    assert "invited" in client.get(path).content.decode()
    assert not sign_up(client, "reader")  # looking at it accepts nothing

    pupil = accept(path)
    assert sign_up(pupil, "pupil")
    client.force_login(alice)
    client.post(path)
    client.post(path)  # once more takes no second place
    invitation = Invitation.objects.get()
    assert invitation.n_used == 2
    assert {"pupil", "alice"} == {each.email.split("@")[0] for each in Group.objects.get(name="7b").user_set.all()}

    late = accept(path)
    invitations.withdraw(invitation.id, None)
    assert not sign_up(late, "late")
    assert client.get(path).status_code == client.post(path).status_code == 410
    acts = list(AuditRow.objects.filter(act__startswith="invitation").order_by("id").values_list("act", flat=True))
    assert acts == ["invitation.created", "invitation.used", "invitation.used", "invitation.withdrawn"]


def test_an_invitation_ends_with_its_time_and_no_account_is_left_of_it(db, settings):
    settings.SIGNUP_OPEN = False
    invitation, path = invite()
    late, second = accept(path), accept(path)
    assert sign_up(accept(path), "first")
    assert not sign_up(second, "second")
    Invitation.objects.filter(id=invitation.id).update(most=9, expires=timezone.now())
    assert not sign_up(late, "late")


@pytest.mark.django_db(transaction=True)
def test_thirty_places_never_make_thirty_one(settings):
    settings.SIGNUP_OPEN = False
    people = [User.objects.create_user(f"p{n}@example.org") for n in range(40)]

    def take(person: User) -> bool:
        try:
            invitations.use(Invitation.objects.first(), person)
        except invitations.InvitationOver:
            return False
        finally:
            connection.close()
        return True

    for n in (30, 40):
        invitation, _ = invite(30)
        with ThreadPoolExecutor(n) as pool:
            assert sorted(pool.map(take, people[:n])) == [False] * (n - 30) + [True] * 30
        invitation.refresh_from_db()
        assert (invitation.n_used, invitation.people.count()) == (30, 30)


def test_only_some_domains_may_sign_up_and_an_invitation_lets_in_others(db, client, settings):
    settings.SIGNUP_DOMAINS = ("school.example", "*.uni.example")
    settings.EMAIL_HOST = "mail.example.org"
    for domain in ("example.org", "evilschool.example", "school.example.org", "uni.example"):
        assert not sign_up(client, "a", domain)
    assert (
        "Use an address of school.example"
        in client.post("/account/signup/", {"email": "a@b.example"}).content.decode()
    )
    assert sign_up(Client(), "a", "School.example".lower())
    assert sign_up(Client(), "a", "cs.uni.example")
    assert sign_up(accept(invite()[1]), "guest")


def test_operators_make_and_withdraw_links_over_the_api(client, alice, bob):
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    made = client.post(
        "/api/operate/invitations", {"name": "7b", "most": 30, "groups": ["7b"]}, "application/json"
    ).json()
    assert made["url"].rpartition("/join/")[2].strip("/") not in str(Invitation.objects.values_list())
    (listed,) = client.get("/api/operate/invitations").json()["items"]
    assert (listed["most"], listed["n_used"], listed["groups"], "url" in listed) == (30, 0, ["7b"], False)
    bobs = Client()
    bobs.force_login(bob)
    assert bobs.delete(f"/api/operate/invitations/{made['id']}").status_code == 404
    assert client.delete(f"/api/operate/invitations/{made['id']}").status_code == 204
    assert client.delete(f"/api/operate/invitations/{made['id']}").status_code == 404
    assert Client().get(path_of(made["url"])).status_code == 410


def test_operators_make_and_withdraw_links_in_the_console(client, db):
    group = Group.objects.create(name="7b")
    client.force_login(User.objects.create_superuser("oscar@example.org"))
    new = {"name": "7b", "most": "30", "expires_0": "2099-01-01", "expires_1": "12:00", "groups": [group.pk]}
    page = client.post("/admin/accounts/invitation/add/", new, follow=True).content.decode()
    path = path_of(re.search(r"https?://[^ <]+/join/[^ <]+/", page)[0])
    assert path not in client.get("/admin/accounts/invitation/").content.decode()
    assert sign_up(accept(path), "pupil")
    assert list(group.user_set.values_list("email", flat=True)) == ["pupil@example.org"]
    made = Invitation.objects.get()
    client.post("/admin/accounts/invitation/", {"action": "withdraw", "_selected_action": [made.pk]})
    assert client.get(path).status_code == 410
