"""One-time links: they sign in once, for a day, and only on a POST."""

from datetime import timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from web.accounts.models import SignInLink, User
from web.accounts.services import create_sign_in_link


def path_of(url: str) -> str:
    """The path of an absolute URL of this site."""
    return "/" + url.split("/", 3)[3]


def output_of(*command: str) -> str:
    """What a management command prints."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue().strip()


def test_looking_at_a_link_does_not_use_it_up(client, alice):
    path = path_of(create_sign_in_link(alice))

    assert b"alice@example.org" in client.get(path).content
    assert client.get(path).status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_link_signs_in_once(client, django_user_model, alice):
    path = path_of(create_sign_in_link(alice))

    assert client.post(path).url == "/"
    assert client.session["_auth_user_id"] == str(alice.id)
    client.logout()
    assert client.post(path).status_code == 410
    assert client.get(path).status_code == 410
    assert "_auth_user_id" not in client.session


def test_a_link_stops_working_after_a_day(client, alice):
    path = path_of(create_sign_in_link(alice))
    SignInLink.objects.update(expires=timezone.now() - timedelta(seconds=1))

    assert client.post(path).status_code == 410
    assert "_auth_user_id" not in client.session


def test_a_new_link_ends_the_older_ones(client, alice, bob):
    first, of_bob, second = (path_of(create_sign_in_link(person)) for person in (alice, bob, alice))

    assert client.post(first).status_code == 410
    assert client.post(of_bob).status_code == 302
    client.logout()
    assert client.post(second).status_code == 302


def test_a_new_password_ends_the_links(client, alice):
    path = path_of(create_sign_in_link(alice))
    client.force_login(alice)
    fields = {"oldpassword": "alice-secret-1", "password1": "my-own-words-7", "password2": "my-own-words-7"}
    client.post("/account/password/change/", fields)

    assert client.post(path).status_code == 410


def test_the_link_of_a_locked_account_leads_nowhere(client, alice):
    path = path_of(create_sign_in_link(alice))
    User.objects.update(is_active=False)

    assert client.post(path).status_code == 410


def test_the_first_start_makes_an_operator_and_prints_their_link(client, db):
    path = path_of(output_of("signinlink", "--operator", "--first"))

    assert b"an admin of this site" in client.get(path).content
    client.post(path)
    assert User.objects.get(email="operator@localhost").is_staff
    assert client.session["_auth_user_id"] == str(User.objects.get().id)


def test_nothing_is_printed_once_an_operator_has_signed_in(client, db):
    client.post(path_of(output_of("signinlink", "--operator", "--first")))

    assert output_of("signinlink", "--operator", "--first") == ""
    assert output_of("signinlink", "--operator").startswith("http")
    assert User.objects.count() == 1


def test_an_operator_may_hand_out_links_to_people(client, alice):
    client.post(path_of(output_of("signinlink", "alice@example.org")))

    assert client.session["_auth_user_id"] == str(alice.id)
    with pytest.raises(CommandError, match="No user has"):
        call_command("signinlink", "nobody@example.org")


def test_the_first_operator_signs_in_by_password_once_the_site_has_mail(client, db, settings, mailoutbox):
    settings.ACCOUNT_EMAIL_VERIFICATION, settings.SITE_NAME, settings.EMAIL_HOST = "mandatory", "Pump School", "mail"
    client.post(path_of(output_of("signinlink", "--operator", "--first")))
    client.post("/account/password/set/", {"password1": "my-own-words-7", "password2": "my-own-words-7"})
    client.logout()
    client.post("/account/login/", {"login": "operator@localhost", "password": "my-own-words-7"})

    assert client.session["_auth_user_id"] == str(User.objects.get().id)
    client.post("/account/password/reset/", {"email": "operator@localhost"})
    assert not mailoutbox  # nobody reads it
    User.objects.create_user("eve@example.org")
    client.post("/account/password/reset/", {"email": "eve@example.org"})
    assert mailoutbox[0].subject.startswith("Pump School: ")
    assert "Hello from Pump School!" in mailoutbox[0].body


def test_a_person_learns_of_links_that_admins_made_although_somebody_used_one(alice, bob):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)

    def enters(path: str = "") -> str:
        """The page after a sign-in by password or with the link, and that of sessions."""
        browser = Client()
        form = {} if path else {"login": alice.email, "password": "alice-secret-1"}
        first = browser.post(path or "/account/login/", form, follow=True)
        return first.text.replace("An admin made", "NOTICE: An admin made") + browser.get("/account/sessions/").text

    create_sign_in_link(alice, by=alice)
    assert "links that admins made" not in enters()
    path = path_of(create_sign_in_link(alice, by=bob))
    assert "NOTICE: An admin made a sign-in link for you on" in enters(path)  # perhaps the admin
    own = enters()
    assert "NOTICE" in own
    assert "links that admins made" in own
    again = enters()
    assert "NOTICE" not in again
    assert "links that admins made" in again


def test_the_first_admin_reads_nothing_of_the_link_of_the_installer(client, db):
    page = client.post(path_of(output_of("signinlink", "--operator")), follow=True)
    assert page.status_code == 200
    assert "An admin made" not in page.text
