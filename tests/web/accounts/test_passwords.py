"""Anybody may have passwords hashed, so that takes little memory and time."""

import argon2
import pytest
from django.core.cache import cache

from web import settings as site_settings
from web.accounts.models import User


@pytest.fixture(autouse=True)
def site_hashers(settings):
    """The site's own hashers, which other tests do without, and no attempts to sign in so far."""
    settings.PASSWORD_HASHERS = site_settings.PASSWORD_HASHERS
    cache.clear()


def test_a_hash_takes_19_mib_and_older_hashes_are_replaced_at_the_next_sign_in(client, db, settings):
    """Django's profile takes 100 MB for each attempt to sign in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    alice = User.objects.create_user("alice@example.org", "alice-secret-1")
    settings.PASSWORD_HASHERS = site_settings.PASSWORD_HASHERS
    client.post("/account/login/", {"login": "alice@example.org", "password": "alice-secret-1"})

    alice.refresh_from_db()
    assert client.session["_auth_user_id"] == str(alice.id)
    assert "$m=19456,t=2,p=1$" in alice.password
    assert alice.check_password("alice-secret-1")


def test_passwords_have_a_longest_length_and_nothing_beyond_is_hashed(client, alice, monkeypatch):
    refused = client.post("/account/signup/", {"email": "dana@example.org", "password1": "x1" * 129})
    assert "Too long: 258 of 256 characters." in refused.content.decode()
    assert "at least 8 characters" in client.get("/account/signup/").content.decode().split("<li>")[1]
    assert "256" not in client.get("/account/signup/").content.decode()
    alice.set_password("x1" * 128)
    assert alice.check_password("x1" * 128)
    assert not alice.check_password("x1" * 129)

    hashed = []
    hash_secret = argon2.low_level.hash_secret
    monkeypatch.setattr(
        argon2.low_level,
        "hash_secret",
        lambda secret, *rest, **rest_by_name: (
            hashed.append(len(secret)) or hash_secret(secret, *rest, **rest_by_name)
        ),
    )
    client.post("/account/login/", {"login": "nobody@example.org", "password": "x" * 1_000_000})
    assert set(hashed) == {256}
