"""Second factors: set up, asked for at every way in, used once, required, removed; and sessions ended."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from tests.web.accounts.test_sign_in_links import path_of
from web.accounts.services import confirm, create_key, create_sign_in_link

PASSWORD = {"login": "alice@example.org", "password": "alice-secret-1"}


def code_of(secret: str, steps: int = 0) -> str:
    """What the app shows now, or `steps` periods later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def set_up(client: Client, password: str) -> tuple[str, list[str]]:
    """Turn on an app for whoever is signed in: its key, and the recovery codes."""
    url = "/account/2fa/totp/activate/"
    response = client.get(url)
    if response.status_code == 302:
        response = client.post(response.url, {"password": password, "next": url}, follow=True)
    secret = re.search(rb'id="totp-key" readonly value="(\w+)"', response.content)[1].decode()
    page = client.post(url, {"code": code_of(secret)}, follow=True)
    return secret, re.findall(r"\b\d{8}\b", page.content.decode())


def test_a_second_factor_is_asked_for_at_every_way_in_and_each_code_works_once(client, alice):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    client.post("/account/login/", PASSWORD)
    secret, codes = set_up(client, "alice-secret-1")
    assert len(codes) == 10
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    now = code_of(secret, 1)

    def second_step(code: str, first: tuple[str, dict[str, str]] = ("/account/login/", PASSWORD)) -> bool:
        cache.clear()  # as another process has it
        client.logout()
        assert client.post(*first).url == "/account/2fa/authenticate/"
        assert "_auth_user_id" not in client.session
        client.post("/account/2fa/authenticate/", {"code": code})
        return "_auth_user_id" in client.session

    assert not second_step("000000")
    assert second_step(now)
    assert not second_step(now)
    assert second_step(codes[0])
    assert not second_step(codes[0])
    assert second_step(codes[1], (path_of(create_sign_in_link(alice)), {}))
    call_command("signinlink", "alice@example.org", "--remove-second-factor")
    client.logout()
    client.post("/account/login/", PASSWORD)
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize("required", ["admins", "everyone"])
def test_operators_may_require_a_second_factor(client, alice, settings, required):
    settings.SECOND_FACTOR = required
    alice.is_staff = required == "admins"
    alice.save()
    _, key = create_key(alice, "laptop")
    client.force_login(alice)

    assert client.get("/gpts/").url == "/account/2fa/"
    assert b"requires a second factor" in client.get("/account/2fa/").content
    assert client.get("/api/account").status_code == 401
    assert Client().get("/api/account", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    set_up(client, "alice-secret-1")
    assert client.get("/gpts/").status_code == client.get("/api/account").status_code == 200


def test_nobody_else_is_asked(client, alice, settings):
    settings.SECOND_FACTOR = "admins"
    client.force_login(alice)
    assert client.get("/gpts/").status_code == 200


def test_a_stranger_who_registered_an_address_keeps_no_second_factor(client, alice):
    client.post("/account/login/", PASSWORD)
    set_up(client, "alice-secret-1")
    confirm(alice)
    assert not Authenticator.objects.exists()


def test_a_person_ends_one_session_or_all_others(alice, bob):
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML) Chrome/126.0 Safari/537.36 Edg/126.0"
    here, phone, library = (Client(headers={"User-Agent": edge}) for _ in range(3))
    bobs = Client(headers={"User-Agent": "Bobs browser"})
    for client, person in ((here, alice), (phone, alice), (library, alice), (bobs, bob)):
        client.force_login(person)
    for client in (phone, library, bobs):
        client.get("/account/sessions/")
    tablet = Client()  # whose session is as old as an update
    tablet.force_login(alice)
    page = here.get("/account/sessions/").content.decode()
    listed = re.findall(r'name="session" value="(\d+)"', page)
    assert len(listed) == 2
    assert "Bobs browser" not in page
    assert "Edge, Windows" in page
    told = here.get("/api/sessions").json()["items"]
    assert (told[0]["is_current"], told[0]["browser"]) == (True, "Edge, Windows")
    assert {str(each["id"]) for each in told[1:]} == set(listed)

    assert bobs.delete(f"/api/sessions/{listed[0]}").status_code == 404
    assert bobs.post("/account/sessions/", {"session": listed[0]}).status_code == 404
    here.post("/account/sessions/", {"session": listed[0]})
    assert sorted(client.get("/gpts/").status_code for client in (phone, library)) == [200, 302]
    here.post("/account/sessions/")
    assert [client.get("/gpts/").status_code for client in (here, phone, library, bobs, tablet)] == [
        *(200, 302, 302, 200, 302)
    ]
    assert b"This browser" in here.get("/account/sessions/").content
    alice.refresh_from_db()
    phone.force_login(alice)
    [_, new] = phone.get("/api/sessions").json()["items"]
    assert phone.delete(f"/api/sessions/{new['id']}").status_code == 204
    tablet.force_login(alice)
    assert phone.delete("/api/sessions").status_code == 204
    assert [client.get("/gpts/").status_code for client in (here, phone, tablet)] == [302, 200, 302]
