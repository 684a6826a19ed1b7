"""With a mail server: what people and admins see while it refuses, and that setting it up locks no admin out."""

import re
import smtplib

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from tests.web.accounts.test_invitations import accept, invite
from tests.web.accounts.test_sign_in_links import output_of, path_of
from web.accounts import live_settings, mailing, outbox
from web.accounts.models import User
from workers import deliveries
from workers.egress import EgressConfig

PASSWORD = "correct-horse-9"
SIGN_UP = {"name": "New", "email": "new@example.org", "password1": PASSWORD}


@pytest.fixture
def with_mail(settings, monkeypatch):
    """The site has a mail server, as if an operator had set one on the page Services."""
    monkeypatch.setattr("web.accounts.live_settings.mail_settings", lambda host: {})  # the outbox of tests stays
    settings.EMAIL_HOST = "smtp.example.org"
    settings.ACCOUNT_EMAIL_VERIFICATION, settings.MFA_ALLOW_UNVERIFIED_EMAIL = "mandatory", False
    yield
    live_settings.forget({})
    live_settings.follow()


@pytest.fixture
def refusing(with_mail, monkeypatch):
    """Lets the mail server refuse everything until the test calls this."""

    def fails(message, *_):
        raise smtplib.SMTPAuthenticationError(535, b"5.7.8 hunter-2")

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", fails)
        yield patch.undo


def test_who_signs_up_while_mail_fails_reads_so_and_can_try_again(db, refusing, settings):
    settings.SIGNUP_OPEN = False
    invitation, path = invite()
    pupil = accept(path)

    page = pupil.post("/account/signup/", SIGN_UP)

    assert page.status_code == 503
    assert "couldn’t be sent" in page.text
    assert "ask an admin" in page.text
    assert "hunter-2" not in page.text
    assert not User.objects.exists()
    assert not EmailAddress.objects.exists()
    invitation.refresh_from_db()
    assert (invitation.n_used, mail.outbox) == (0, [])

    refusing()
    assert pupil.post("/account/signup/", SIGN_UP).status_code == 302
    assert [message.to for message in mail.outbox] == [["new@example.org"]]
    invitation.refresh_from_db()
    assert invitation.n_used == 1


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/account/password/reset/", {"email": "alice@example.org"}),
        ("/account/login/code/", {"email": "alice@example.org"}),
        ("/account/email/", {"email": "other@example.org", "action_add": ""}),
    ],
)
def test_every_page_that_sends_mail_says_that_it_failed(alice, refusing, path, form):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    client = Client()
    if "action_add" in form:
        client.force_login(alice)

    page = client.post(path, form)

    assert page.status_code == 503
    assert form["email"] in page.text
    assert EmailAddress.objects.count() == 1
    refusing()
    client.post(path, form)
    assert [message.to for message in mail.outbox] == [[form["email"]]]


def test_admins_see_the_last_failure_until_a_message_goes_out(alice, refusing):
    oscar = User.objects.create_superuser("oscar@example.org", PASSWORD)
    console = Client()
    console.post("/account/login/", {"login": oscar.email, "password": PASSWORD})
    console.post("/account/reauthenticate/", {"password": PASSWORD})
    Client().post("/account/password/reset/", {"email": alice.email})
    for page in ("/admin/", "/admin/services/"):
        shown = console.get(page).text
        assert re.search(r"No message could be sent at \d{4}-\d\d-\d\d .*refuses the user name and password", shown)
        assert "hunter-2" not in shown

    refusing()
    Client().post("/account/password/reset/", {"email": alice.email})
    assert "No message could be sent" not in console.get("/admin/").text + console.get("/admin/services/").text


def test_workers_note_failures_too(db, refusing):
    made, path = invite()
    outbox.invite("new@example.org", path, made.pk)
    deliveries.deliver(EgressConfig(), within_s=0)
    assert "refuses the user name" in mailing.last_failure()


def test_an_admin_from_before_mail_was_set_up_still_signs_in(db, with_mail, settings):
    settings.EMAIL_HOST, settings.ACCOUNT_EMAIL_VERIFICATION = "", "none"
    admin = Client()
    admin.post(path_of(output_of("signinlink", "--operator")))
    admin.post("/account/password/set/", {"password1": PASSWORD, "password2": PASSWORD})
    EmailAddress.objects.all().delete()  # as of an admin whom `createsuperuser` made, or an older version
    admin.post("/account/reauthenticate/", {"password": PASSWORD})
    server = {
        "service": "mail",
        "EMAIL_HOST": "smtp.example.org",
        "EMAIL_PORT": "587",
        "DEFAULT_FROM_EMAIL": "a@b.org",
    }
    assert admin.post("/admin/services/", server).status_code == 302
    assert settings.EMAIL_HOST == "smtp.example.org"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    admin.post("/account/logout/")

    signed_in = admin.post("/account/login/", {"login": "operator@localhost", "password": PASSWORD})

    assert "confirm" not in signed_in.headers["Location"]
    assert admin.get("/admin/").status_code == 200
    assert mail.outbox == []


def test_everybody_else_confirms_the_address_first(alice, with_mail):
    client = Client()
    page = client.post("/account/login/", {"login": alice.email, "password": "alice-secret-1"})
    assert page.headers["Location"] == "/account/confirm-email/"
    assert [message.to for message in mail.outbox] == [[alice.email]]
