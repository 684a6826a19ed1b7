"""Without a mail server: nothing is offered, logged or claimed that takes one, and an address proves nothing."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

import web.settings
from web.accounts.models import User
from web.accounts.services import create_key, create_sign_in_link, valid_key
from web.builder.models_actions import Action, SignIn
from web.runs.models import Permission

from .test_sign_in_links import path_of

PASSWORD = "a-long-enough-one"
# Pages that say that email was sent or that a link in one was opened.
MAIL_PAGES = ["password/reset/", "password/reset/done/", "password/reset/key/1-abc/", "password/reset/key/done/",
              "confirm-email/", "confirm-email/abc/"]  # fmt: skip


def test_nobody_gets_a_reset_link_and_every_page_says_whom_to_ask(client, alice):
    assert web.settings.EMAIL_BACKEND == "django.core.mail.backends.dummy.EmailBackend"  # not the console, a log file
    for path in MAIL_PAGES:
        page = client.get(f"/account/{path}").content.decode()
        assert "This site doesn’t send email" in page, path
        assert "sent" not in page, path

    for email in ("alice@example.org", "nobody@example.org"):
        assert client.post("/account/password/reset/", {"email": email}).status_code == 403
    assert mail.outbox == []
    assert b"Forgot password?" not in client.get("/account/login/").content


def test_people_change_their_address_without_a_word_about_confirmation(client, alice, bob):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    client.force_login(alice)

    page = client.post("/account/email/", {"email": "new@example.org", "action_add": ""}, follow=True).content
    assert b"This site doesn\xe2\x80\x99t send email" in page
    assert (mail.outbox, EmailAddress.objects.count()) == ([], 1)
    taken = client.post("/account/me/", {"name": "Alice", "email": "BOB@example.org"}).content
    assert b"<span>alice@example.org</span>" in taken  # who is signed in
    assert b"Another account has this email address." in taken
    page = client.post("/account/me/", {"name": "Alice", "email": "New@Example.org"}, follow=True).content
    assert b"new@example.org" in page
    assert b"sent" not in page
    assert not EmailAddress.objects.exists()  # the new address is not confirmed
    assert User.objects.get(email="new@example.org").check_password("alice-secret-1")


@pytest.mark.parametrize("host", ["", "mail.example"])
def test_an_address_is_changed_only_to_one_of_the_domains_that_may_sign_up(client, alice, settings, host):
    settings.EMAIL_HOST, settings.SIGNUP_DOMAINS = host, ("example.org",)
    client.force_login(alice)

    for email in ("ceo@corp.example", "new@example.org"):
        form = {"email": email, "action_add": ""} if host else {"email": email, "name": "Alice"}
        page = client.post("/account/email/" if host else "/account/me/", form, follow=True)
        assert ("Use an address of example.org" in page.text) == (email == "ceo@corp.example")

    alice.refresh_from_db()
    added = EmailAddress.objects.exclude(email=alice.email).values_list("email", flat=True)
    assert {*added, alice.email} == ({"alice@example.org", "new@example.org"} if host else {"new@example.org"})


def test_with_mail_the_address_is_changed_by_confirming_the_new_one(client, alice, settings):
    settings.EMAIL_HOST = "mail.example"
    client.force_login(alice)

    client.post("/account/me/", {"name": "Alice", "email": "ceo@corp.example"})
    client.post("/account/email/", {"email": "new@example.org", "action_add": ""})
    client.logout()
    client.post("/account/password/reset/", {"email": "alice@example.org"})

    alice.refresh_from_db()
    assert alice.email == "alice@example.org"
    assert [message.to for message in mail.outbox] == [["new@example.org"], ["alice@example.org"]]


@pytest.fixture
def stranger(db, gpt) -> Client:
    """A browser in which a stranger signed up as ceo@corp.example, with everything that could keep it open."""
    browser = Client()
    browser.post("/account/signup/", {"email": "ceo@corp.example", "password1": PASSWORD})
    squatted = User.objects.get(email="ceo@corp.example")
    action = Action.objects.create(gpt=gpt, name="CRM", base_url="https://crm.example")
    SignIn.objects.create(user=squatted, action=action, host="crm.example", sealed="the stranger's tokens")
    Permission.objects.create(user=squatted, gpt=gpt, tool="send", host="crm.example")
    return browser


def test_who_registered_somebody_elses_address_keeps_nothing_once_an_operator_signs_that_person_in(client, stranger):
    ceo = User.objects.get(email="ceo@corp.example")
    _, key = create_key(ceo, "the stranger's")
    link = path_of(create_sign_in_link(ceo))
    assert b"someone else may have created this account" in client.get(link).content

    page = client.post(link, follow=True).content

    assert b"Its old password, sessions, API keys" in page
    assert "_auth_user_id" in client.session
    assert valid_key(key) is None
    assert stranger.get("/account/me/").url.startswith("/account/login/")
    ceo.refresh_from_db()
    assert not ceo.check_password(PASSWORD)
    assert not SignIn.objects.filter(user=ceo).exists()
    assert not Permission.objects.filter(user=ceo).exists()


def test_nor_once_the_site_sends_email_and_that_person_resets_the_password(client, stranger, settings):
    ceo = User.objects.get(email="ceo@corp.example")
    _, key = create_key(ceo, "the stranger's")
    settings.EMAIL_HOST = "mail.example"
    client.post("/account/password/reset/", {"email": ceo.email})
    path = re.search(r"http://[^/]+(/account/password/reset/key/\S+)", mail.outbox[0].body)[1]
    form = client.get(path, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "my-own-words-7", "password2": "my-own-words-7"})

    ceo.refresh_from_db()
    assert ceo.check_password("my-own-words-7")
    assert valid_key(key) is None
    assert stranger.get("/account/me/").url.startswith("/account/login/")


def test_who_has_proved_their_address_keeps_password_and_keys(client, stranger):
    ceo = User.objects.get(email="ceo@corp.example")
    client.post(path_of(create_sign_in_link(ceo)))
    client.post("/account/password/set/", {"password1": "my-own-words-7", "password2": "my-own-words-7"})
    _, key = create_key(ceo, "the CEO's")

    page = Client().post(path_of(create_sign_in_link(ceo)), follow=True).content

    assert b"Its old password" not in page
    assert valid_key(key).user == ceo
    assert client.get("/account/me/").status_code == 200
    assert EmailAddress.objects.get(user=ceo).verified


def test_an_address_that_is_the_second_one_of_another_account_moves_to_the_person_signed_in(client, stranger, alice):
    EmailAddress.objects.create(user=alice, email="ceo@corp.example", verified=True)

    client.post(path_of(create_sign_in_link(User.objects.get(email="ceo@corp.example"))))

    assert [each.user.email for each in EmailAddress.objects.filter(email="ceo@corp.example")] == ["ceo@corp.example"]
