"""Secrets lie encrypted, open for their own row only, and survive a change of keys."""

import pytest

from web.secrets import SecretLost, seal, unseal


def test_a_secret_opens_for_its_row_only():
    sealed = seal("sk-1", "action:1:7")
    assert "sk-1" not in sealed
    assert unseal(sealed, "action:1:7") == "sk-1"
    for other in ("action:2:7", "action:1:8", ""):
        with pytest.raises(SecretLost):
            unseal(sealed, other)


def test_a_changed_text_does_not_open():
    sealed = seal("sk-1", "a")
    with pytest.raises(SecretLost):
        unseal(sealed[:-4] + "AAA=", "a")
    with pytest.raises(SecretLost):
        unseal("", "a")


def test_keys_can_be_replaced(settings):
    settings.SECRET_KEY, settings.SECRETS_KEYS = "old", []
    sealed = seal("sk-1", "a")
    settings.SECRET_KEY, settings.SECRETS_KEYS = "new", ["old"]
    assert unseal(sealed, "a") == "sk-1"
    settings.SECRETS_KEYS = []
    with pytest.raises(SecretLost, match="Enter it again"):
        unseal(sealed, "a")


def test_new_secrets_are_sealed_under_the_first_key(settings):
    settings.SECRETS_KEYS = ["first", "second"]
    sealed = seal("sk-1", "a")
    settings.SECRETS_KEYS, settings.SECRET_KEY = ["first"], "changed"
    assert unseal(sealed, "a") == "sk-1"
