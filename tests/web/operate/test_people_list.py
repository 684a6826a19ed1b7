"""Adding people from a list: what is read, refused and shown before anything is stored, and who can sign in then."""

import csv
import html
import io
import re
from base64 import b64decode

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from web.accounts import outbox
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.accounts.models_outbox import Delivery
from web.notifications import mails
from web.operate import people_list
from web.operate.people_list import rows_of

PAGE = "/admin/people/list/"
CLASS = "Anna Müller;anna;7b\nBen Öz;ben.oez;7b\nCleo;cleo@example.org;7c\n"


@pytest.fixture
def console(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("oscar@example.org", "oscar-secret-1"))
    return client


def seen(page: str) -> str:
    return re.search(r'name="seen" value="(\w*)"', page)[1]


def add(console: Client, text: str, hand_out: str = "passwords", group: str = "") -> str:
    """The page that comes once a previewed list is confirmed."""
    sent = {"text": text, "group": group, "hand_out": hand_out}
    return console.post(PAGE, {**sent, "seen": seen(console.post(PAGE, sent).text)}).text


def handed_out(page: str) -> list[list[str]]:
    """The rows of the file to save, without its head."""
    file = b64decode(re.search(r"data:text/csv;base64,([\w+/=]+)", html.unescape(page))[1])
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))[1:]


def test_pupils_without_mail_sign_in_with_their_user_names_from_a_list(console, settings):
    page = console.post(PAGE, {"text": CLASS, "hand_out": "passwords"}).text
    assert "3 new accounts. Nothing is stored yet." in page
    assert User.objects.count() == 1
    rows = handed_out(add(console, CLASS))
    assert [row[:2] for row in rows] == [["Anna Müller", "anna"], ["Ben Öz", "ben.oez"], ["Cleo", "cleo@example.org"]]
    assert sorted(Group.objects.get(name="7b").user_set.values_list("name", flat=True)) == ["Anna Müller", "Ben Öz"]
    browser = Client()
    assert browser.post("/account/login/", {"login": "anna", "password": "wrong"}).status_code == 200
    assert browser.post("/account/login/", {"login": " Anna ", "password": rows[0][2]}).status_code == 302
    me = browser.get("/account/me/").text
    assert "<p>anna</p>" in me
    assert "You sign in with your user name and password." in me
    settings.EMAIL_HOST, settings.ACCOUNT_EMAIL_VERIFICATION = "smtp.example.org", "mandatory"
    assert Client().post("/account/login/", {"login": "anna", "password": rows[0][2]}).url == "/"
    entries = AuditRow.objects.filter(act=Act.PEOPLE_ADDED)
    assert [entry.facts for entry in entries] == [{"new": 3, "already_here": 0, "groups": 2}]
    assert not AuditRow.objects.filter(act__in=(Act.PERSON_CREATED, Act.LINK_MADE)).exists()


def test_what_people_sign_in_with_is_shown_once(console):
    page = add(console, CLASS)
    assert handed_out(page)[0][2] in page
    again = add(console, CLASS)
    assert "0 accounts added. 3 people were here already." in again
    assert "base64" not in again


def test_links_work_once_for_two_weeks(console, monkeypatch):
    (row,) = handed_out(add(console, "Anna;anna", "links"))
    path = row[2].removeprefix("http://127.0.0.1:8000")
    assert "<b>anna</b>" in Client().get(path).text
    assert Client().post(path).status_code == 302
    assert Client().post(path).status_code == 410


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Anna;", "No user name or email address."),
        ("Anna;anna müller", "A user name has the letters"),
        ("Anna;anna@", "Enter a valid email address."),
        ("Anna;anna\nAnna B;ANNA", "Is in line 1 already."),
        (f"{'A' * 61};anna", "The name is too long: 61 of 60 characters."),
        (f"Anna;anna;{'g' * 151}", "The group is too long"),
        ("Bob;bob@example.org", "Has an account that is suspended, or whose address nobody confirmed"),
        ("Bob;second@example.org", "This is another address of somebody with an account."),
    ],
)
def test_a_row_with_an_error_is_named_and_nobody_is_added(console, bob, text, says):
    EmailAddress.objects.create(user=User.objects.get(is_staff=True), email="second@example.org", verified=True)
    sent = {"text": f"Zoe;zoe\n{text}", "hand_out": "passwords"}
    page = html.unescape(console.post(PAGE, sent).text)
    assert says.replace("line 1", "line 2") in page
    assert "1 row has an error" in page
    assert console.post(PAGE, {**sent, "seen": "x"}).status_code == 200
    assert not User.objects.filter(name="Zoe").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The list is empty."),
        ("Name;User name\n", "The list is empty."),
        ("\n".join(f"n{n};u{n}" for n in range(501)), "the list has 501 people. Add up to 500"),
        ("x" * 200_001, "a list can have 200,000 characters"),
    ],
)
def test_what_is_no_list_is_refused(console, text, says):
    assert says in console.post(PAGE, {"text": text, "hand_out": "links"}).text


def test_a_list_that_was_changed_after_its_preview_is_previewed_again(console):
    sent = {"text": "Anna;anna", "hand_out": "passwords", "group": ""}
    mark = seen(console.post(PAGE, sent).text)
    page = console.post(PAGE, {**sent, "text": "Anna;annika", "seen": mark}).text
    assert "Nothing is stored yet" in page
    assert User.objects.count() == 1


def test_people_who_are_here_join_the_group_and_keep_their_password(console):
    add(console, "Anna;anna;7b")
    before = User.objects.get(name="Anna").password
    page = console.post(PAGE, {"text": "Anna;anna;8b\nBen;ben;8b", "hand_out": "passwords"}).text
    assert "Has an account, is put into the group" in page
    add(console, "Anna;anna;8b\nBen;ben;8b")
    anna = User.objects.get(name="Anna")
    assert sorted(group.name for group in anna.groups.all()) == ["7b", "8b"]
    assert anna.password == before


@pytest.mark.parametrize(
    "data",
    [
        "Vorname;Nachname;Klasse;Benutzername\r\nZoë;Müller;7b;zoe\r\n".encode("cp1252"),
        "sep=;\nVorname;Name;Klasse;E-Mail\nZoë;Müller;7b;zoe\n".encode("utf-8-sig"),
        "Email\tGroup\tFull name\nzoe\t7b\tZoë Müller\n".encode("utf-16"),
        '"Zoë Müller",zoe,7b\n'.encode(),
        '\n"Zoë Müller"\tzoe\t7b'.encode(),
    ],
)
def test_files_of_spreadsheets_are_read_in_every_encoding_and_order(console, data):
    sent = {"file": SimpleUploadedFile("list.csv", data), "hand_out": "passwords"}
    page = console.post(PAGE, sent).text
    assert "<td>Zoë Müller</td><td>zoe</td><td>7b</td><td>New</td>" in page
    (row,) = rows_of(people_list.decoded(data))
    assert (row.name, row.address, row.group) == ("Zoë Müller", "zoe@localhost", "7b")


def test_a_file_that_is_no_text_or_too_large_is_refused(console):
    for data, says in ((b"\x81\x8d\xff", "This isn’t a text file"), (b"a" * 200_001, "Too large")):
        page = console.post(PAGE, {"file": SimpleUploadedFile("list.csv", data), "hand_out": "links"}).text
        assert says in page


def test_a_name_is_no_formula_in_the_file_to_save(console):
    (row,) = handed_out(add(console, "=1+1;anna"))
    assert row[0] == "'=1+1"


def test_nothing_is_sent_to_a_user_name(console, settings):
    add(console, "Anna;anna")
    settings.EMAIL_HOST = "smtp.example.org"
    anna = User.objects.get(name="Anna")
    outbox.notify(anna, "decisions", case="1")
    with pytest.raises(outbox.Unwanted):
        mails.composed(Delivery.objects.get(person=anna))
    Client().post("/account/password/reset/", {"email": "anna@localhost"})
    assert not mail.outbox


def test_a_forgotten_password_is_replaced_by_an_operator(console):
    add(console, "Anna;anna")
    anna = User.objects.get(name="Anna")
    browser = Client()
    browser.force_login(anna)
    page = console.post(f"/admin/accounts/user/{anna.pk}/act/password/").text
    password = re.search(r'id="secret" readonly value="([^"]+)"', page)[1]
    assert browser.get("/account/me/").status_code == 302
    assert browser.post("/account/login/", {"login": "anna", "password": password}).status_code == 302


def test_groups_take_user_names_and_a_form_keeps_them(console):
    add(console, "Anna;anna")
    anna, group = User.objects.get(name="Anna"), Group.objects.create(name="7b")
    console.post(f"/admin/auth/group/{group.pk}/people/", {"emails": "anna"})
    assert group.user_set.get() == anna
    sent = {"email": "anna", "name": "Anna B", "quota_limits-TOTAL_FORMS": "0", "quota_limits-INITIAL_FORMS": "0"}
    console.post(f"/admin/accounts/user/{anna.pk}/change/", sent)
    anna.refresh_from_db()
    assert (anna.name, anna.email) == ("Anna B", "anna@localhost")
