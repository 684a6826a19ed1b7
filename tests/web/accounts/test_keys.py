"""API keys: shown once, revoked at once, each person's own."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from web.accounts.models import ApiKey
from web.accounts.services import create_key, valid_key

SECRET = re.compile(r"gh_[\w-]{40,}")


def test_a_new_key_is_shown_once_and_works(client, alice):
    client.force_login(alice)

    page = client.post("/account/keys/", {"name": "Report", "days": "30", "scopes": ["chat"]}).content.decode()
    secret = SECRET.search(page)[0]

    assert valid_key(secret).user == alice
    assert not SECRET.search(client.get("/account/keys/").content.decode())
    assert secret not in str(ApiKey.objects.values_list())


def test_a_key_may_approve_only_if_its_owner_says_so(client, alice):
    client.force_login(alice)
    for scopes, may_approve in ((["chat"], False), (["chat", "approve"], True)):
        page = client.post("/account/keys/", {"name": "Report", "days": "30", "scopes": scopes}).content.decode()
        assert ApiKey.objects.get().may_approve is may_approve
        assert ('<span class="tag">Can approve actions</span>' in page) is may_approve
        ApiKey.objects.all().delete()
    call_command("createkey", alice.email, "--scope", "approve", stdout=StringIO())
    assert (ApiKey.objects.get().may_approve, ApiKey.objects.get().scopes) == (True, ["approve"])


def test_a_key_needs_a_name_and_a_known_lifetime(client, alice):
    client.force_login(alice)

    assert (
        b"This field is required"
        in client.post("/account/keys/", {"name": "", "days": "30", "scopes": ["chat"]}).content
    )
    client.post("/account/keys/", {"name": "Report", "days": "9999", "scopes": ["chat"]})
    assert not ApiKey.objects.exists()


def test_a_revoked_key_opens_nothing(client, alice):
    key, secret = create_key(alice, "Report")
    client.force_login(alice)

    client.post(f"/account/keys/{key.id}/revoke")

    assert valid_key(secret) is None
    assert b"Report" not in client.get("/account/keys/").content


def test_nobody_revokes_or_sees_the_keys_of_another(client, alice, bob):
    key, secret = create_key(alice, "Alice's nightly report")
    client.force_login(bob)

    assert client.post(f"/account/keys/{key.id}/revoke").status_code == 404
    assert b"nightly" not in client.get("/account/keys/").content
    assert valid_key(secret).user == alice


def test_createkey_prints_the_key_and_nothing_else(alice):
    out = StringIO()
    call_command("createkey", "Alice@Example.org", "--name", "cron", "--days", "7", stdout=out)

    assert SECRET.fullmatch(out.getvalue().strip())
    assert valid_key(out.getvalue().strip()).user == alice
    assert ApiKey.objects.get().expires is not None
    with pytest.raises(CommandError):
        call_command("createkey", "nobody@example.org")
