"""Signing in and out, one's name, and what every page carries."""

import pytest

from web.accounts.models import User

PUBLIC = ["/", "/account/login/", "/account/signup/", "/account/password/reset/", "/no-such-page"]
OWN = ["/account/me/", "/account/keys/", "/account/email/", "/account/password/change/", "/account/logout/"]


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_open_for_everyone_under_a_strict_policy(client, db, path):
    response = client.get(path)

    policy = response.headers["Content-Security-Policy"]
    assert response.status_code == (404 if path == "/no-such-page" else 200)
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert b" style=" not in response.content
    assert b"Guildhall" in response.content


@pytest.mark.parametrize("path", OWN)
def test_pages_of_ones_own_ask_strangers_to_sign_in(client, alice, path):
    assert client.get(path).url.startswith(("/account/login/", "/"))
    client.force_login(alice)
    response = client.get(path)
    assert response.status_code == 200
    assert b" style=" not in response.content


def test_an_address_that_is_taken_says_what_to_do_next(client, alice):
    page = client.post("/account/signup/", {"email": alice.email, "password1": "a-long-enough-one"}).content.decode()
    assert 'already. <a class="link" href="/account/login/">Sign in</a>, or ask an admin' in page


@pytest.mark.parametrize("path", ["login", "signup", "password/change"])
def test_every_form_with_a_password_can_show_it(client, alice, path):
    if path == "password/change":
        client.force_login(alice)
    assert client.get(f"/account/{path}/").content.decode().count("data-show-password") == 1


def test_people_sign_up_with_a_name_and_sign_in_with_their_address(client, db):
    fields = {"name": "Dana", "email": "dana@example.org", "password1": "a-long-enough-one"}
    client.post("/account/signup/", fields)
    assert User.objects.get().shown_name == "Dana"

    client.post("/account/logout/")
    client.post("/account/login/", {"login": "dana@example.org", "password": "a-long-enough-one"})
    assert client.session["_auth_user_id"] == str(User.objects.get().id)


def test_a_closed_hall_takes_no_new_people(client, db, settings):
    settings.SIGNUP_OPEN = False

    client.post("/account/signup/", {"email": "dana@example.org", "password1": "a-long-enough-one"})

    assert b"Sign-up is closed" in client.get("/account/signup/").content
    assert b"Create an account" not in client.get("/account/login/").content
    assert not User.objects.exists()


def test_guessing_passwords_is_slowed_down(client, alice):
    for _ in range(12):
        response = client.post("/account/login/", {"login": "alice@example.org", "password": "wrong"})

    assert b"Too many failed login attempts" in response.content
    response = client.post("/account/login/", {"login": "alice@example.org", "password": "alice-secret-1"})
    assert "_auth_user_id" not in client.session


def test_people_choose_the_name_that_their_gpts_show(client, alice, gpt):
    client.force_login(alice)

    client.post("/account/me/", {"name": "Alice of the North"})

    assert b"Alice of the North" in client.get("/").content
    assert client.post("/account/me/", {"name": "x" * 61}).status_code == 200
    alice.refresh_from_db()
    assert alice.name == "Alice of the North"


def test_signing_out_takes_a_post(client, alice):
    client.force_login(alice)

    client.get("/account/logout/")
    assert "_auth_user_id" in client.session
    client.post("/account/logout/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("path", ["/account/login/", "/account/signup/", "/account/logout/"])
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_an_address_that_is_none_leads_nowhere(client, alice, path, is_signed_in):
    if is_signed_in:
        client.force_login(alice)
    for url in ("//[", "http://[", "https://[::1", "/api/gpts/a\x00b"):
        assert client.get(path, {"next": url}).status_code < 400
        answer = client.post(path, {"next": url})
        assert answer.status_code < 400
        assert "[" not in answer.headers.get("Location", "")
