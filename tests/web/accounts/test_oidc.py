"""Sign-in by OpenID Connect, with a real provider: whose account opens, and which groups come with it."""

import html
import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import httpx
import oidc_provider_mock
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.test import Client

from tests.web.accounts.test_saml import key_pair
from web.accounts import sign_in_providers
from web.accounts.models import User
from web.accounts.models_audit import AuditRow
from web.accounts.models_sign_in import SignInProvider
from web.accounts.services import create_key, valid_key
from web.sign_in import OidcProvider, SignIn, read_sign_in


@pytest.fixture(scope="module")
def provider_url() -> Iterator[str]:
    """A provider in a thread of this process."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def school(provider_url, settings, db):
    """Sets the provider up with these options, as the operator's file would."""

    def set_up(**options: Any) -> None:
        made = OidcProvider(title="School", server=provider_url, client_id="guildhall", secret="s", **options)
        settings.SIGN_IN = SignIn(MappingProxyType({"school": made}))

    return set_up


def sign_in(provider_url: str, sub: str, client: Client | None = None, query: str = "", **claims: Any) -> Client:
    """A browser in which the person `sub` of the provider signs in here, with these claims."""
    client = client or Client()
    httpx.put(f"{provider_url}/users/{sub}", json=claims).raise_for_status()
    page = client.post(f"/account/oidc/school/login/{query}").content.decode()
    url = html.unescape(re.search(r'url=([^"]+)"', page)[1])
    assert url.startswith(provider_url)
    back = httpx.post(url, data={"sub": sub}).headers["Location"]
    client.last = client.get("/" + back.split("/", 3)[3])
    return client


def who(client: Client) -> str:
    """The address of whoever is signed in."""
    user_id = client.session.get("_auth_user_id")
    return User.objects.get(pk=user_id).email if user_id else ""


VERIFIED = {"email": "alice@example.org", "email_verified": True, "name": "Alice of school"}


def test_new_people_get_an_account_and_come_back_to_it(school, provider_url, client, settings):
    settings.SIGNUP_OPEN = False
    school()
    assert b"Sign in with School" in client.get("/account/login/").content
    dana = {"email": "Dana@Example.org", "email_verified": True, "name": "Dana"}
    assert who(sign_in(provider_url, "d1", **dana)) == "dana@example.org"
    assert who(sign_in(provider_url, "d1", **{**dana, "email": "new@example.org"})) == "dana@example.org"
    assert User.objects.get().name == "Dana"
    assert not EmailAddress.objects.get().verified  # by a provider that nobody trusts with the domain

    school(sign_up=False)
    assert b"Sign-up is closed" in sign_in(provider_url, "e1", email="e@example.org").last.content
    settings.SIGN_IN = SignIn()
    assert client.post("/account/oidc/school/login/").status_code == 404


@pytest.mark.parametrize(
    ("domains", "claims"),
    [
        ((), VERIFIED),
        (("other.example",), VERIFIED),
        (("example.org",), {**VERIFIED, "email_verified": False}),
        (("example.org",), {**VERIFIED, "email_verified": "false"}),
        (("example.org",), {"email": "alice@example.org"}),
    ],
)
def test_an_account_is_joined_by_nobody_without_a_verified_address_of_a_trusted_domain(
    school, provider_url, alice, domains, claims
):
    school(trusted_domains=domains)
    stranger = sign_in(provider_url, "m1", **claims)
    assert (who(stranger), stranger.last.status_code) == ("", 403)
    assert User.objects.count() == 1


def test_a_trusted_provider_opens_the_account_of_an_address_to_its_person_alone(school, provider_url, alice):
    school(trusted_domains=["example.org"])
    stranger = Client()  # who registered the address of another
    stranger.force_login(alice)
    _, key = create_key(alice, "stranger’s")
    assert who(sign_in(provider_url, "a1", **VERIFIED)) == "alice@example.org"
    assert stranger.get("/account/me/").status_code == 302
    assert valid_key(key) is None

    alice.refresh_from_db()
    _, key = create_key(alice, "own")
    assert who(sign_in(provider_url, "a2", **VERIFIED)) == "alice@example.org"
    assert valid_key(key) is not None  # the account is confirmed now, and all in it hers
    assert AuditRow.objects.filter(act="sign-in.joined", about_id=str(alice.pk)).count() == 2
    User.objects.update(is_active=False)
    assert who(sign_in(provider_url, "a1", **VERIFIED)) == ""


def test_groups_and_operators_follow_the_provider_and_leave_those_of_the_site(school, provider_url, bob):
    school(trusted_domains=["example.org"], groups="groups", operators="it")
    User.objects.create_superuser("root@example.org")
    by_hand = Group.objects.create(name="by hand")
    bob.groups.add(by_hand)
    bobs = {"email": "bob@example.org", "email_verified": True}

    def groups(*names: str) -> tuple[set[str], bool]:
        sign_in(provider_url, "b1", **bobs, groups=list(names))
        bob.refresh_from_db()
        return set(bob.groups.values_list("name", flat=True)), bob.is_staff

    assert groups("7b", "it") == ({"7b", "it", "by hand"}, True)
    assert groups("7c", "by hand") == ({"7c", "by hand"}, False)
    assert groups() == ({"by hand"}, False)
    User.objects.exclude(pk=bob.pk).delete()
    assert groups("it")[1]
    assert groups()[1]  # the last operator stays one


def test_a_person_connects_a_sign_in_after_their_password_and_removes_it(school, provider_url, alice, client):
    school()
    client.post("/account/login/", {"login": "alice@example.org", "password": "alice-secret-1"})
    url = "/account/3rdparty/"
    sign_in(provider_url, "x9", client, "?process=connect", email="private@example.net")
    assert not SocialAccount.objects.exists()
    assert client.post(client.last.url, {"password": "alice-secret-1"}).url == url
    page = client.get(url).content.decode()
    assert "Connect School" in page
    assert who(sign_in(provider_url, "x9", email="private@example.net")) == "alice@example.org"
    client.post(url, {"account": re.search(r'name="account" value="(\d+)"', page)[1]})
    assert who(sign_in(provider_url, "x9", email="private@example.net")) != "alice@example.org"
    assert AuditRow.objects.filter(act="sign-in.removed").count() == 1


def test_an_answer_that_nobody_asked_for_signs_nobody_in(school, provider_url, client):
    school()
    page = client.get("/account/oidc/school/login/callback/?code=x&state=forged")
    assert (page.status_code, who(client)) == (401, "")
    assert b"Couldn\xe2\x80\x99t sign in" in page.content


def test_the_file_is_read_whole_or_not_at_all(tmp_path):
    file = tmp_path / "sign-in.toml"

    def wrong(text: str) -> list[str]:
        file.write_text(text)
        return read_sign_in(file, {"S": "secret"}.get)[1]

    good = '[oidc.school]\ntitle="School"\nserver="https://id.example"\nclient_id="g"\nsecret_env="S"\n'
    assert wrong(good) == []
    assert read_sign_in(file, {"S": "secret"}.get)[0].oidc["school"].secret.get_secret_value() == "secret"
    assert "https://" in wrong(good.replace("https", "http"))[0]
    assert "not set" in wrong(good.replace('"S"', '"T"'))[0]
    assert "grups" in wrong(good + 'grups="g"')[0]
    assert "no name" in wrong(good.replace("school", "My_School"))[0]
    assert "secret" not in str(wrong(good.replace('secret_env="S"', "secret=['my-secret']")).count("my-secret") or "")


@pytest.fixture
def console(db) -> Client:
    """The browser of an operator who has just signed in."""
    User.objects.create_superuser("oscar@example.org", "oscar-secret-1")
    client = Client()
    client.post("/account/login/", {"login": "oscar@example.org", "password": "oscar-secret-1"})
    client.post("/account/reauthenticate/", {"password": "oscar-secret-1", "next": "/"})
    return client


LIST = "/admin/accounts/signinprovider/"


def form_of(provider_url: str, **fields: str) -> dict[str, str]:
    """The console's form for an OpenID Connect provider."""
    given = {"title": "School", "name": "school", "server": provider_url, "client_id": "guildhall", "is_on": "on"}
    return {
        **given,
        "new_secret": "hush",
        "sign_up": "on",
        "trusted_domains": "@Example.org, other.example",
        **fields,
    }


def test_an_operator_connects_a_provider_in_the_console(console, provider_url, alice, client, settings):
    page = console.post(f"{LIST}add/", form_of(provider_url, _continue="1"), follow=True)
    row = SignInProvider.objects.get()
    assert f"{settings.SITE_URL}/account/oidc/school/login/callback/" in page.text
    assert "hush" not in page.text + str(row.table) + row.sealed
    assert "Sign in with School" in client.get("/account/login/").text
    assert who(sign_in(provider_url, "a1", **VERIFIED)) == "alice@example.org"

    change = f"{LIST}{row.pk}/change/"
    fields = form_of("http://localhost:1", name="other", title="Upper school", new_secret="")
    assert console.post(change, fields).status_code == 302  # the name and the address stay as they are
    assert "Sign in with Upper school" in client.get("/account/login/").text
    assert sign_in_providers.current().oidc["school"].secret.get_secret_value() == "hush"
    assert sign_in_providers.current().oidc["school"].trusted_domains == ("example.org", "other.example")

    del fields["is_on"]
    console.post(change, fields)
    assert "Upper school" not in client.get("/account/login/").text
    assert client.post("/account/oidc/school/login/").status_code == 404
    acts = list(AuditRow.objects.filter(act="sign-in.provider").values_list("facts", flat=True))
    assert [each["how"] for each in acts] == ["changed", "changed", "added"]

    assert "1 people sign in with it" in console.get(f"{LIST}{row.pk}/delete/").text
    console.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert not SocialAccount.objects.exists()
    assert not SignInProvider.objects.exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"server": ""}, "https://"),
        ({"server": "http://id.example"}, "https://"),
        ({"server": "http://localhost:1"}, "can’t be read"),
        ({"client_id": ""}, "This field is required."),
        ({"name": "My school"}, "lower-case letters"),
        ({"name": "saml"}, "lower-case letters"),
        ({"name": "city"}, "sign-in.toml has this name"),
    ],
)
def test_the_console_refuses_what_signs_nobody_in(console, provider_url, settings, fields, says):
    city = OidcProvider(title="City", server=provider_url, client_id="x")
    settings.SIGN_IN = SignIn(MappingProxyType({"city": city}))
    page = console.post(f"{LIST}add/", form_of(provider_url, **fields))
    assert says in page.text
    assert "hush" not in page.text
    assert not SignInProvider.objects.exists()


def test_a_provider_is_connected_only_after_a_fresh_sign_in_and_by_operators(console, provider_url, alice):
    stale, stranger = Client(), Client()
    stale.force_login(User.objects.get(email="oscar@example.org"))
    stranger.force_login(alice)
    assert (
        stale.post(f"{LIST}add/", form_of(provider_url), follow=True)
        .redirect_chain[-1][0]
        .startswith("/account/reauthenticate/")
    )
    assert stranger.post(f"{LIST}add/", form_of(provider_url)).status_code == 404
    assert not SignInProvider.objects.exists()


def test_a_provider_whose_secret_is_lost_has_no_button_until_it_is_entered_again(console, provider_url, client):
    console.post(f"{LIST}add/", form_of(provider_url))
    row = SignInProvider.objects.get()
    SignInProvider.objects.update(sealed="of another site")
    assert "Sign in with School" not in client.get("/account/login/").text
    assert "Secret lost" in console.get(LIST).text
    change = f"{LIST}{row.pk}/change/"
    assert "Enter it again" in console.post(change, form_of(provider_url, new_secret="")).text
    console.post(change, form_of(provider_url))
    assert "Sign in with School" in client.get("/account/login/").text


def test_the_console_connects_a_saml_provider(console, client):
    certificate = key_pair()[1]
    fields = form_of("", name="city", title="City", entity_id="https://idp.example/metadata", certificate=certificate)
    page = console.post(f"{LIST}add/?kind=saml", {**fields, "sso_url": "http://idp.example/sso"})
    assert "https://" in page.text
    fields |= {"sso_url": "https://idp.example/sso", "attribute_email": "mail"}
    console.post(f"{LIST}add/?kind=saml", fields)
    provider = sign_in_providers.current().saml["city"]
    assert (provider.sso_url, provider.attributes) == ("https://idp.example/sso", {"email": "mail"})
    assert "https://idp.example/sso" in client.post("/account/saml/city/login/", HTTP_HOST="testserver").text
    assert 'value="mail"' in console.get(f"{LIST}{SignInProvider.objects.get().pk}/change/").text
