"""Sign-in with a directory's password, against ldap3's own mock of a server, which checks filters and passwords."""

import logging
import re

import ldap3
import pytest
from ldap3.core.exceptions import LDAPSocketOpenError

from web.accounts import ldap, ldap_directory
from web.accounts.models import User
from web.accounts.services import create_key, valid_key
from web.sign_in import LdapDirectory, SignIn, read_sign_in

PEOPLE, GROUPS = "ou=people,dc=example,dc=org", "ou=groups,dc=example,dc=org"
ALICE = f"uid=alice,{PEOPLE}"
ENTRIES = {
    "cn=reader,dc=example,dc=org": {"userPassword": "reader-secret"},
    ALICE: {
        "mail": "alice@example.org",
        "cn": "Alice Directory",
        "userPassword": "directory-1",
        "memberOf": f"cn=7b,{GROUPS}",
    },
    f"uid=bob,{PEOPLE}": {"mail": "bob@other.example", "cn": "Bob", "userPassword": "directory-2"},
    f"uid=twin1,{PEOPLE}": {"mail": "twin@example.org", "cn": "One", "userPassword": "directory-3"},
    f"uid=twin2,{PEOPLE}": {"mail": "twin@example.org", "cn": "Two", "userPassword": "directory-3"},
    f"cn=chess,{GROUPS}": {"cn": "chess", "member": ALICE},
}
DIRECTORY = LdapDirectory(
    url="ldaps://ldap.example.org",
    base=PEOPLE,
    groups="memberOf",
    groups_base=GROUPS,
    bind_dn="cn=reader,dc=example,dc=org",
    password="reader-secret",
    trusted_domains=["example.org"],
)


@pytest.fixture
def directory(settings, monkeypatch, db) -> None:
    """A directory of these people, which the site is set up to ask."""
    settings.SIGN_IN = SignIn(ldap=DIRECTORY)

    def connect(_: LdapDirectory, user: str, password: str) -> ldap3.Connection | None:
        connection = ldap3.Connection(ldap3.Server("mock"), user, password, client_strategy=ldap3.MOCK_SYNC)
        for dn, fields in ENTRIES.items():
            connection.strategy.add_entry(dn, fields)
        return connection if connection.bind() else None

    monkeypatch.setattr(ldap_directory, "connect", connect)


def sign_in(client, email: str, password: str) -> str:
    """The address of whoever is signed in after the form was sent."""
    client.logout()
    client.post("/account/login/", {"login": email, "password": password})
    user_id = client.session.get("_auth_user_id")
    return User.objects.get(pk=user_id).email if user_id else ""


def test_people_of_the_directory_sign_in_and_get_an_account_with_their_groups(client, directory, settings):
    settings.SIGNUP_OPEN = False
    assert sign_in(client, "Alice@example.org", "directory-1") == "alice@example.org"
    alice = User.objects.get()
    assert (alice.name, alice.has_usable_password()) == ("Alice Directory", False)
    assert set(alice.groups.values_list("name", flat=True)) == {"7b", "chess"}
    _, key = create_key(alice, "own")
    assert sign_in(client, "alice@example.org", "directory-1") == "alice@example.org"
    assert valid_key(key)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("alice@example.org", "wrong"),
        ("alice@example.org", ""),
        ("bob@other.example", "directory-2"),  # of a domain that the directory is not trusted with
        ("twin@example.org", "directory-3"),  # two of them
        ("*@example.org", "directory-1"),
        ("nobody)(uid=alice@example.org", "directory-1"),
        ("a" * 300 + "@example.org", "directory-1"),
        ("alice@example.org", "d" * 100_000),
    ],
)
def test_nobody_else_does(client, directory, email, password):
    assert sign_in(client, email, password) == ""
    assert ldap.LdapBackend().authenticate(None, email=email, password=password) is None
    assert not User.objects.exists()


def test_an_account_that_a_stranger_registered_becomes_its_persons_alone(client, directory, alice):
    _, key = create_key(alice, "stranger’s")
    assert sign_in(client, "alice@example.org", "directory-1") == "alice@example.org"
    assert valid_key(key) is None
    assert sign_in(client, "alice@example.org", "alice-secret-1") == ""
    User.objects.update(is_active=False)
    assert sign_in(client, "alice@example.org", "directory-1") == ""


def test_a_directory_that_is_down_keeps_nobody_from_signing_in_otherwise(client, directory, alice, monkeypatch):
    def down(*_: object) -> None:
        raise LDAPSocketOpenError("no route")

    monkeypatch.setattr(ldap_directory, "connect", down)
    logging.disable(logging.CRITICAL)
    assert sign_in(client, "alice@example.org", "directory-1") == ""
    assert sign_in(client, "alice@example.org", "alice-secret-1") == "alice@example.org"
    logging.disable(logging.NOTSET)


def test_ldap3_is_loaded_by_one_module_and_that_only_by_a_site_with_a_directory(settings):
    texts = {path.name: path.read_text() for path in settings.REPOSITORY.glob("platform/web/**/*.py")}
    assert [name for name, text in texts.items() if re.search(r"^(from|import) ldap3\b", text, re.M)] == [
        "ldap_directory.py"
    ]
    assert not any(re.search(r"^(from|import) .*\bldap_directory\b", text, re.M) for text in texts.values())


def test_the_directory_must_be_encrypted_and_trusted_with_some_domains(tmp_path):
    file = tmp_path / "sign-in.toml"

    def wrong(text: str) -> list[str]:
        file.write_text(f'[ldap]\nbase="dc=org"\n{text}')
        return read_sign_in(file, {}.get)[1]

    domains = 'trusted_domains=["example.org"]\n'
    assert wrong(f'url="ldaps://ldap.example.org"\n{domains}') == []
    assert "ldaps" in wrong(f'url="ldap://ldap.example.org"\nstart_tls=false\n{domains}')[0]
    assert "trusted_domains" in wrong('url="ldaps://ldap.example.org"\n')[0]
