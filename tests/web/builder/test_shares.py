"""GPTs shared with people and groups: what each right opens, and what creators are told that somebody gets."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.publishing import publish
from web.accounts import people
from web.accounts.models import User
from web.accounts.services import confirm, create_key, vouch_for_address
from web.builder import shares, stewardship
from web.builder.models import Gpt
from web.builder.services import create_gpt, update_gpt


@pytest.fixture
def private(alice, proven) -> Gpt:
    """Alice's published GPT, for nobody else."""
    gpt = create_gpt(alice, {"name": "Tax help", "instructions": "Be exact.", "capabilities": ["web_browsing"]})
    publish(gpt)
    return gpt


def browser(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def opens(person, gpt: Gpt) -> tuple[int, int]:
    """The statuses of the GPT's page, and of a copy of its settings."""
    client = browser(person)
    export = client.get(f"/gpts/{gpt.slug}/export?of=draft")
    return client.get(f"/g/{gpt.slug}/").status_code, export.status_code


def test_a_group_may_chat_a_person_may_see_the_settings_and_nobody_else_anything(private, alice, bob, charlie):
    group = Group.objects.create(name="Class 7b")
    bob.groups.add(group)
    alice.groups.add(group)
    creator = browser(alice)
    page = f"/gpts/{private.slug}/people"
    assert opens(bob, private) == (404, 404)
    assert "Class 7b" in creator.post(page, {"group": group.pk, "right": "chat"}, follow=True).text
    assert (opens(bob, private), opens(charlie, private)) == ((200, 404), (404, 404))
    creator.post(page, {"email": "Bob@Example.org", "right": "view"})
    assert opens(bob, private) == (200, 200)
    assert browser(bob).get(f"/gpts/{private.slug}/edit").status_code == 404
    assert browser(bob).get(page).status_code == 404
    stewardship.withdraw(Gpt.objects.get(id=private.id), alice)
    assert opens(bob, private) == (404, 404)
    stewardship.restore(Gpt.objects.get(id=private.id), alice)
    for share in private.shares.all():
        creator.post(f"{page}/{share.pk}/remove")
    assert opens(bob, private) == (404, 404)


def test_an_operator_is_led_to_the_account_whose_address_waits_to_be_confirmed(oscar, charlie):
    gpt = create_gpt(oscar, {"name": "Rota"})
    publish(gpt)
    page = browser(oscar)
    shown = page.post(f"/gpts/{gpt.slug}/people", {"email": charlie.email}, follow=True).text
    assert "Shared. Waits until an admin confirms the address." in shown
    person = f"/admin/accounts/user/{charlie.pk}/change/"
    assert person in shown
    assert gpt.open_to == "Only you can use it."
    assert "Confirm the address" in page.get(person).text
    vouch_for_address(charlie)
    shown = page.get(f"/gpts/{gpt.slug}/people").text
    assert "Waits" not in shown
    assert opens(charlie, gpt) == (200, 404)


def test_a_private_gpt_says_how_many_people_can_use_it(private, alice, bob, charlie):
    group = Group.objects.create(name="Class 7b")
    for member in (alice, bob, charlie):
        member.groups.add(group)
    alice_sees = browser(alice)
    assert "Only you can use it." in alice_sees.get(f"/gpts/{private.slug}/edit").text
    shares.share(private, "chat", email="dana@example.org")
    shares.share(private, "chat", email=bob.email)
    assert "Only you and 1 person can use it." in alice_sees.get(f"/gpts/{private.slug}/edit").text
    shares.share(private, "chat", group=group.pk)
    form = alice_sees.get(f"/gpts/{private.slug}/edit").text
    assert ("Only you and 2 people can use it." in form, "<b>You and 2 people</b>" in form) == (True, True)
    assert "You and 2 people" in alice_sees.get("/gpts/").text
    assert "Only you and 2 people can use it." in alice_sees.get(f"/g/{private.slug}/").text


def test_what_is_shared_with_somebody_is_listed_and_found_for_them(private, alice, bob, charlie):
    shares.share(private, "chat", email=bob.email)
    for person, sees in ((bob, True), (charlie, False), (alice, False)):
        for path in ("/gpts/", "/?q=tax"):
            shown = browser(person).get(path).text
            assert ("Shared with you" in shown) is sees, (person, path)
            assert (f'href="/g/{private.slug}/"' in shown) is (sees or (person == alice and path == "/gpts/"))
    stewardship.withdraw(private, alice)
    assert "Shared with you" not in browser(bob).get("/gpts/").text


def test_who_may_see_the_settings_reaches_them_and_a_copy_from_its_page(private, alice, bob, charlie):
    hidden, page = create_gpt(alice, {"name": "Payroll"}), browser(bob)
    publish(hidden)
    private.delegates.create(delegate=hidden)
    shares.share(private, "chat", email=bob.email)
    assert "/settings" not in page.get(f"/g/{private.slug}/").text
    assert page.get(f"/gpts/{private.slug}/settings").status_code == 404
    shares.share(private, "view", email=bob.email)
    shown = page.get(f"/g/{private.slug}/").text
    assert f'href="/gpts/{private.slug}/settings"' in shown
    assert f'action="/gpts/{private.slug}/duplicate"' in shown
    settings = page.get(f"/gpts/{private.slug}/settings").text
    assert "Be exact." in settings
    assert "Tax help" in settings
    assert "payroll" not in settings.lower()
    assert page.post(f"/gpts/{private.slug}/duplicate").status_code == 302
    assert bob.gpts.get().instructions == "Be exact."


def test_what_cannot_be_shared_is_refused(private, alice, bob):
    foreign = Group.objects.create(name="Board")
    page = browser(alice)
    for sent in ({"group": foreign.pk}, {"email": "nobody here"}, {"email": "no@body"}, {"email": alice.email}, {}):
        assert 'role="alert"' in page.post(f"/gpts/{private.slug}/people", {"right": "chat", **sent}).text
    assert not private.shares.exists()


def test_a_creator_shares_with_somebody_who_has_a_user_name_only(private, alice):
    mia = User.objects.create_user("mia@localhost")
    confirm(mia)
    vouch_for_address(mia)
    page = browser(alice)
    shown = page.post(f"/gpts/{private.slug}/people", {"email": " Mia ", "right": "chat"}, follow=True).text
    assert ">mia<" in shown
    assert "mia@localhost" not in shown
    assert opens(mia, private) == (200, 404)
    view = page.get(f"/gpts/{private.slug}/people?see=mia").text
    assert "Can chat: yes" in view
    waiting = page.post(f"/gpts/{private.slug}/people", {"email": "leo", "right": "chat"}, follow=True).text
    assert "Waits until an admin adds somebody with this user name." in waiting


WAITS = "Waits until somebody signs up with this address and an admin confirms it."


def test_a_creator_reads_that_a_share_waits_and_not_who_has_an_account(private, alice, bob, charlie):
    people.suspend(charlie, None)
    erin = User.objects.create_user("erin@example.org")  # who has not proved it
    page, told = browser(alice), set()
    for email in (erin.email, charlie.email, "dana@example.org"):
        shown = page.post(f"/gpts/{private.slug}/people", {"email": email, "right": "view"}, follow=True).text
        row = next(each for each in shown.split("<li") if f">{email}<" in each)
        see = page.get(f"/gpts/{private.slug}/people?see={email}").text
        view = see[see.index('id="see"') :]
        for part in (row.partition("</li>")[0], view.partition("</main>")[0]):
            assert WAITS in part
            told.add(re.sub(r"people/\d+|value=\"[^\"]+\"|see=[^#]+", "", part.replace(email, "")))
        assert f"Shared. {WAITS}" in shown
    assert len(told) == 2
    assert "Shared." in page.post(f"/gpts/{private.slug}/people", {"email": bob.email}, follow=True).text
    assert not private.shares.get(user=bob).waits
    dana = User.objects.create_user("dana@example.org")
    assert opens(dana, private) == (404, 404)  # anybody can register an address
    confirm(dana)
    assert opens(dana, private) == (200, 200)
    shares.share(private, "chat", email=dana.email)
    assert (opens(dana, private), private.shares.filter(address=dana.email).count()) == ((200, 404), 1)


def test_who_takes_somebodys_address_gets_nothing_until_an_operator_confirms_it(private, alice, bob, settings):
    mallory = User.objects.create_user("mallory@example.org")
    browser(mallory).post("/account/me/", {"name": "", "email": "ceo@corp.example"})
    mallory.refresh_from_db()
    for _ in range(2):
        shares.share(private, "edit", email="CEO@corp.example")
    assert (mallory.email, opens(mallory, private)) == ("ceo@corp.example", (404, 404))
    assert not shares.seen_by(private, mallory).may_edit
    assert [each.address for each in private.shares.all()] == ["ceo@corp.example"]
    vouch_for_address(mallory)  # an operator says who that is
    assert opens(mallory, private) == (200, 200)
    shares.share(private, "chat", email="ceo@corp.example")
    assert [(each.user, each.right) for each in private.shares.all()] == [(mallory, "chat")]
    browser(mallory).post("/account/me/", {"name": "", "email": "other@corp.example"})
    shares.share(private, "chat", email="ceo@corp.example")  # which is nobody's now
    assert opens(mallory, private) == (404, 404)


def test_seeing_it_as_a_person_agrees_with_what_they_can_open(private, alice, bob, charlie):
    other = create_gpt(alice, {"name": "Forms"})
    publish(other)
    private.delegates.create(delegate=other)
    publish(update_gpt(private, {"files_downloadable": True}, by=private.owner))
    shares.share(private, "view", email=bob.email)
    for person in (alice, bob, charlie):
        view = shares.seen_by(private, person)
        assert (view.may_chat, view.may_view) == tuple(status == 200 for status in opens(person, private))
    of_bob = shares.seen_by(private, bob)
    assert (of_bob.asks, of_bob.asks_not, of_bob.may_download) == ((), 1, True)
    assert shares.seen_by(private, alice).asks == ("Forms",)
    shown = browser(alice).get(f"/gpts/{private.slug}/people?see=bob@example.org").text
    assert "Can chat: yes (2)" in shown
    assert "GPTs that it can ask for them: – (−1)" in shown
    assert "Can chat: no" in browser(alice).get(f"/gpts/{private.slug}/people?see=charlie@example.org").text
    people.suspend(bob, alice)
    bob.refresh_from_db()
    assert shares.seen_by(private, bob).reason == "Their account is suspended."


def test_programs_share_and_ask_what_a_person_gets(private, alice, bob):
    _, key = create_key(alice, "laptop")
    ask = Client(headers={"Authorization": f"Bearer {key}"})
    at = f"/api/gpts/{private.slug}"
    made = ask.post(f"{at}/shares", {"email": "bob@example.org"}, content_type="application/json")
    assert (made.status_code, made.json()["name"], made.json()["right"]) == (201, "bob@example.org", "chat")
    assert not made.json()["waits"]
    again = ask.post(f"{at}/shares", {"email": "bob@example.org", "right": "view"}, content_type="application/json")
    assert [each["right"] for each in ask.get(f"{at}/shares").json()["items"]] == ["view"]
    assert ask.get(f"{at}/access?email=bob@example.org").json()["may_view"]
    assert not ask.get(f"{at}/access?email=no@example.org").json()["may_view"]
    refused = ask.post(f"{at}/shares", {"email": "no one"}, content_type="application/json")
    assert refused.status_code == 422
    assert ask.delete(f"{at}/shares/{again.json()['id']}").status_code == 204
    assert not Gpt.objects.chattable_by(bob).exists()
    assert ask.get("/api/gpts/no-such/shares").status_code == 404
