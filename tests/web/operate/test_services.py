"""What operators set on the console's page Services: in force at once, never shown, and never sent elsewhere."""

import html
import io
import re
import smtplib

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from web import confined
from web.accounts import live_settings
from web.accounts.models import User
from web.accounts.models_audit import AuditRow
from web.accounts.models_live import LiveSetting
from web.accounts.models_outbox import Delivery
from web.accounts.services import create_sign_in_link
from web.builder.set_up import missing_here
from web.notifications import mails
from web.operate.backup import planned
from web.operate.models_backup import Backup

MAIL = {
    "service": "mail",
    "EMAIL_HOST": "smtp.example.org",
    "EMAIL_PORT": "587",
    "EMAIL_USE_TLS": "on",
    "EMAIL_HOST_USER": "site",
    "EMAIL_HOST_PASSWORD": "hunter-2",
    "DEFAULT_FROM_EMAIL": "gpts@example.org",
}
PAGE = "/admin/services/"
SITE = "/admin/site/"


@pytest.fixture(autouse=True)
def afterwards(settings):
    """Put back what a test set."""
    settings.FROM_ENVIRONMENT = set()
    yield
    live_settings.forget({})
    live_settings.follow()


@pytest.fixture
def console(db) -> Client:
    """The browser of an operator who has just entered the password again."""
    User.objects.create_superuser("oscar@example.org", "oscar-secret-1")
    client = Client()
    client.post("/account/login/", {"login": "oscar@example.org", "password": "oscar-secret-1"})
    client.post("/account/reauthenticate/", {"password": "oscar-secret-1"})
    return client


def test_a_page_asks_for_the_password_first(console):
    client = Client()
    client.force_login(User.objects.get())
    assert "/account/reauthenticate/" in client.get(PAGE).headers["Location"]


def test_what_is_sent_too_late_for_a_fresh_sign_in_is_not_kept_meanwhile(console):
    client = Client()
    client.force_login(User.objects.get())
    for page in (PAGE, "/operate/models/connect/", "/admin/accounts/signinprovider/add/"):
        assert client.post(page, MAIL).headers["Location"] == page
        assert client.get(page).headers["Location"].startswith("/account/reauthenticate/")
    assert "hunter-2" not in str(dict(client.session))


def test_mail_is_set_tried_and_used_at_once(console, settings, monkeypatch):
    backend = settings.EMAIL_BACKEND
    monkeypatch.setattr("web.accounts.live_settings.mail_settings", lambda host: {})  # the outbox of tests stays
    assert "Ask an admin for a sign-in link" in Client().get("/account/login/").text
    page = console.post(PAGE, {**MAIL, "test": "1"}, follow=True).text
    assert "A message was sent to oscar@example.org" in page
    assert (mail.outbox[0].to, mail.outbox[0].from_email) == (["oscar@example.org"], "gpts@example.org")
    assert "hunter-2" not in page
    assert "hunter-2" not in str(LiveSetting.objects.values())
    assert settings.EMAIL_HOST_PASSWORD == "hunter-2"
    assert backend == settings.EMAIL_BACKEND
    assert "Send me a code instead" in Client().get("/account/login/").text
    live_settings.change("EMAIL_HOST", None, None)
    assert "Ask an admin for a sign-in link" in Client().get("/account/login/").text


def test_a_server_decides_whether_addresses_are_confirmed(console, settings):
    console.post(PAGE, MAIL)
    assert settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    assert settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory"
    console.post(PAGE, {"service": "mail"})
    assert (settings.EMAIL_HOST, settings.ACCOUNT_EMAIL_VERIFICATION) == ("", "none")


def test_a_password_goes_to_no_other_server(console, settings):
    console.post(PAGE, MAIL)
    kept = {**MAIL, "EMAIL_HOST_PASSWORD": ""}
    console.post(PAGE, {**kept, "EMAIL_HOST_USER": "other"})
    assert settings.EMAIL_HOST_PASSWORD == "hunter-2"
    console.post(PAGE, {**kept, "EMAIL_HOST": "smtp.evil.example"})
    assert (settings.EMAIL_HOST, settings.EMAIL_HOST_PASSWORD) == ("smtp.evil.example", "")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (smtplib.SMTPAuthenticationError(535, b"no"), "refuses the user name and password"),
        (smtplib.SMTPRecipientsRefused({}), "refuses mail to this address"),
        (smtplib.SMTPNotSupportedError(), "doesn’t encrypt as expected"),
        (TimeoutError(), "doesn’t answer as a mail server"),
    ],
)
def test_what_is_wrong_with_mail_is_said_in_words(console, monkeypatch, error, says):
    def fails(message):
        raise error

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fails)
    assert says in console.post(PAGE, {**MAIL, "test": "1"}).text


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({**MAIL, "EMAIL_HOST": "smtp example"}, "Enter the name of a server"),
        ({**MAIL, "EMAIL_PORT": "70000"}, "less than or equal to 65535"),
        ({**MAIL, "DEFAULT_FROM_EMAIL": "nobody"}, "Enter a valid email address"),
        ({"service": "search", "SEARCH_PROVIDER": "brave"}, "This is needed with “Provider”"),
        ({"service": "search", "SEARCH_PROVIDER": "searxng", "SEARCH_URL": "ftp://x"}, "Enter a full address"),
        ({"service": "pictures", "IMAGE_URL": "http://10.0.0.5:9000/v1"}, "This is needed with “Address”"),
        ({"service": "backups", "BACKUP_DIR": "backups"}, "Enter the full path"),
        ({"service": "backups", "BACKUP_DIR": "/b", "BACKUP_PASSPHRASE": "short"}, "at least 8 characters"),
    ],
)
def test_what_cannot_work_is_refused_beside_its_field(console, sent, says):
    assert says in console.post(PAGE, sent).text
    assert not LiveSetting.objects.exists()


def test_a_folder_that_the_site_serves_is_no_place_for_backups(console, settings):
    served = {"service": "backups", "BACKUP_DIR": f"{settings.GUILDHALL_HOME}/pictures/x"}
    assert "The site serves files from there" in console.post(PAGE, served).text


def test_search_and_pictures_appear_once_they_are_set(console):
    assert {"web_browsing", "image_generation"} <= missing_here().keys()
    console.post(PAGE, {"service": "search", "SEARCH_PROVIDER": "duckduckgo"})
    console.post(PAGE, {"service": "pictures", "IMAGE_URL": "http://10.0.0.5:9000/v1", "IMAGE_MODEL": "flux"})
    assert not {"web_browsing", "image_generation"} & missing_here().keys()


def test_a_passphrase_is_made_and_shown_once(console, settings, tmp_path):
    settings.GUILDHALL_HOME = tmp_path / "home"
    page = console.post(PAGE, {"service": "backups", "BACKUP_DIR": str(tmp_path), "BACKUP_HOURS": "12"}).text
    made = settings.BACKUP_PASSPHRASE
    assert (len(made) >= 24, made in page, made in console.get(PAGE).text) == (True, True, False)
    assert (settings.BACKUP_DIR, settings.BACKUP_HOURS, planned.missing_settings()) == (tmp_path, 12, [])
    console.post(PAGE, {"service": "backups", "BACKUP_DIR": str(tmp_path), "BACKUP_HOURS": "6"})
    assert made == settings.BACKUP_PASSPHRASE
    assert settings.BACKUP_HOURS == 6


def test_what_the_environment_sets_stays(console, settings):
    settings.FROM_ENVIRONMENT = {"EMAIL_PORT", "SIGNUP_OPEN"}
    assert "Set in the environment: <code>EMAIL_PORT</code>" in console.get(PAGE).text
    console.post(PAGE, MAIL)
    assert settings.EMAIL_HOST == ""
    assert "Set by SIGNUP_OPEN in the environment" in console.get("/admin/settings/").text
    live_settings.change("SIGNUP_OPEN", False, None)
    assert live_settings.get("SIGNUP_OPEN") is True


def test_the_audit_log_has_values_but_no_secrets(console):
    console.post(PAGE, MAIL)
    console.post(PAGE, {**MAIL, "EMAIL_PORT": "2525", "EMAIL_HOST_PASSWORD": "hunter-3"})
    log = html.unescape(console.get("/admin/accounts/auditrow/").text)
    for about, value in (
        ("Server", "empty → smtp.example.org"),
        ("Port", "587 → 2,525"),
        ("Password", "empty → ***"),
    ):
        assert re.search(rf"Mail: {about}\s*<.{{,600}}value: {re.escape(value)}", log, re.DOTALL), about
    assert "*** → ***" in log
    assert "hunter" not in log + str(AuditRow.objects.values_list("facts"))
    live_settings.change("EMAIL_HOST", None, None)
    assert AuditRow.objects.first().facts == {"before": "smtp.example.org", "after": ""}


def test_a_lost_key_leaves_the_password_empty(console, settings):
    console.post(PAGE, MAIL)
    settings.SECRET_KEY, settings.SECRETS_KEYS = "another-key-altogether", []
    live_settings.forget()
    live_settings._followed.clear()
    live_settings.follow()
    assert (settings.EMAIL_HOST, settings.EMAIL_HOST_PASSWORD) == ("smtp.example.org", "")


def test_nobody_else_opens_the_page(bob):
    client = Client()
    client.force_login(bob)
    assert client.get(PAGE).status_code in (302, 403, 404)


def test_the_name_the_welcome_and_whom_to_ask_are_seen_everywhere(console):
    sent = {"service": "name", "SITE_NAME": "Goethe School", "SITE_WELCOME": "Hello, 7b!"}
    page = console.post(SITE, {**sent, "HELP_CONTACT": "Ms Berg, room 12"}, follow=True).text
    assert "Name: saved." in page
    assert "Goethe School" in page.split("<body")[1]  # the console's frame
    sign_in = Client().get("/account/login/").text
    for text in ("Goethe School", "Hello, 7b!", "Trouble signing in? Ask Ms Berg, room 12."):
        assert text in sign_in
    assert "Whom to ask: Ms Berg, room 12" in Client().get("/account/password/reset/").text


def test_mail_says_whom_to_ask_in_the_language_of_its_reader(console, settings, alice, proven):
    settings.EMAIL_HOST, settings.SITE_LANGUAGE, settings.HELP_CONTACT = "smtp.example.org", "de", "Frau Berg"
    gone = Delivery(person=alice, kind=Delivery.Kind.MAIL, event="backups", facts={"backup": 0})
    alice.is_staff = True
    message = mails.composed(gone)
    assert message.subject == "Ein Backup ist fehlgeschlagen"
    assert "Fragen? Wenden Sie sich an: Frau Berg" in message.body
    alice.language = "fr"
    assert mails.composed(gone).subject != message.subject
    alice.save()
    Client().post("/account/password/reset/", {"email": alice.email})
    assert "Frau Berg" in mail.outbox[-1].body
    assert "Des questions" in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("accepted", "cookie", "language"),
    [("tlh", "", "de"), ("", "", "de"), ("en-GB,en;q=0.9", "", "en"), ("fr", "", "fr"), ("tlh", "en", "en")],
)
def test_the_default_language_is_for_browsers_that_ask_for_no_other(console, accepted, cookie, language):
    console.post(SITE, {"service": "language", "SITE_LANGUAGE": "de", "TIME_ZONE": "UTC"})
    browser = Client(headers={"Accept-Language": accepted})
    if cookie:
        browser.cookies["django_language"] = cookie
    assert browser.get("/account/login/").headers["Content-Language"] == language
    assert browser.get("/api/gpts").headers["Content-Language"] == "en"


def test_the_time_zone_is_in_force_at_once(console):
    console.post(SITE, {"service": "language", "SITE_LANGUAGE": "", "TIME_ZONE": "Asia/Tokyo"})
    assert timezone.get_default_timezone_name() == "Asia/Tokyo"
    live_settings.change("TIME_ZONE", None, None)
    live_settings.follow()
    assert timezone.get_default_timezone_name() == "UTC"


def test_the_address_is_where_links_lead_and_the_site_answers(console, settings):
    console.post(SITE, {"service": "address", "SITE_URL": "https://gpts.example.org/"})
    assert create_sign_in_link(User.objects.get()).startswith("https://gpts.example.org/enter/")
    assert Client().get("/account/login/", headers={"Host": "gpts.example.org"}).status_code == 200
    assert Client().get("/account/login/", headers={"Host": "localhost"}).status_code == 200
    assert settings.SESSION_COOKIE_SECURE
    assert "https://gpts.example.org/enter/" in call_command_output("signinlink", "--operator")
    live_settings.change("SITE_URL", None, None)
    assert Client().get("/account/login/", headers={"Host": "gpts.example.org"}).status_code == 400
    assert not settings.SESSION_COOKIE_SECURE


def call_command_output(*command: str) -> str:
    said = io.StringIO()
    call_command(*command, stdout=said)
    return said.getvalue()


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"service": "address", "SITE_URL": "gpts.example.org"}, "Enter a full address"),
        ({"service": "address", "SITE_URL": "https://example.org/gpts"}, "Enter the address alone"),
        ({"service": "language", "SITE_LANGUAGE": "tlh", "TIME_ZONE": "UTC"}, "Select a valid choice"),
        ({"service": "language", "SITE_LANGUAGE": "de", "TIME_ZONE": "Mars/Base"}, "Select a valid choice"),
        ({"service": "name", "SITE_NAME": "n" * 41}, "at most 40 characters"),
        ({"service": "retention", "KEEP_CHATS_DAYS": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_a_detail_of_the_site_is_refused(console, sent, says):
    assert says in console.post(SITE, sent).text
    assert not LiveSetting.objects.exists()


def test_what_the_environment_sets_stays_and_the_rest_can_be_changed(console, settings):
    settings.FROM_ENVIRONMENT = {"SITE_NAME"}
    page = console.get(SITE).text
    assert "Set in the environment: <code>SITE_NAME</code>" in page
    console.post(SITE, {"service": "name", "SITE_NAME": "Other", "SITE_WELCOME": "Hello"})
    assert (settings.SITE_NAME, settings.SITE_WELCOME) == ("Guildhall", "Hello")


def test_the_logo_is_what_a_worker_made_of_it(console, settings, monkeypatch, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    asked = []
    monkeypatch.setattr("web.confined.read", lambda by, reader, chunks: asked.append(reader) or b"RIFF")
    upload = SimpleUploadedFile("crest.png", b"\x89PNG")
    console.post(SITE, {"service": "name", "SITE_NAME": "Guildhall", "SITE_LOGO": upload})
    assert asked == ["logo"]
    address = re.search(r'<img class="logo" src="([^"]+)"', Client().get("/account/login/").text)[1]
    assert b"".join(Client().get(address)) == b"RIFF"
    assert Client().get("/site/logo/other.webp").status_code == 404
    console.post(SITE, {"service": "name", "SITE_NAME": "Guildhall"})
    assert settings.SITE_LOGO
    console.post(SITE, {"service": "name", "SITE_NAME": "Guildhall", "remove_logo": "1"})
    assert Client().get(address).status_code == 404


def test_a_logo_that_cannot_be_read_is_refused(console, monkeypatch):
    def unreadable(*_):
        raise confined.Unreadable

    monkeypatch.setattr("web.confined.read", unreadable)
    upload = SimpleUploadedFile("crest.svg", b"<svg/>")
    page = console.post(SITE, {"service": "name", "SITE_NAME": "New", "SITE_LOGO": upload}).text
    assert "Use PNG, JPEG, WebP or GIF." in page
    assert not LiveSetting.objects.exists()


def test_chats_are_kept_as_long_as_a_page_says(console, settings):
    console.post(SITE, {"service": "retention", "KEEP_CHATS_DAYS": "90", "KEEP_TEMPORARY_DAYS": "1"})
    assert (settings.KEEP_CHATS_DAYS, settings.KEEP_TEMPORARY_DAYS) == (90, 1)
    console.post(SITE, {"service": "retention", "KEEP_CHATS_DAYS": "", "KEEP_TEMPORARY_DAYS": "1"})
    assert settings.KEEP_CHATS_DAYS is None


@pytest.mark.parametrize(
    ("made", "at", "hours", "due"),
    [
        ("2026-03-01 02:03", 2, 24, "2026-03-02 02:00"),
        ("2026-03-01 15:00", 2, 24, "2026-03-02 02:00"),
        ("2026-03-01 02:03", 2, 6, "2026-03-02 02:00"),
        ("2026-03-01 02:03", 2, 48, "2026-03-03 02:00"),
        ("2026-03-01 02:03", None, 6, "2026-03-01 08:03"),
    ],
)
def test_backups_are_made_at_their_hour(db, settings, tmp_path, made, at, hours, due):
    settings.BACKUP_DIR, settings.BACKUP_AT, settings.BACKUP_HOURS = tmp_path, at, hours
    row = Backup.objects.create(path=f"{tmp_path}/x", state=Backup.State.READY)
    Backup.objects.filter(pk=row.pk).update(created=f"{made}+00:00")
    assert f"{planned.next_due():%Y-%m-%d %H:%M}" == due
