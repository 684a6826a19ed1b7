"""Sign-in by SAML, with assertions that the tests sign: which are refused, and whose account the others open."""

import base64
import html
import io
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.sessions.models import Session
from django.test import Client
from onelogin.saml2 import idp_metadata_parser
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from web.accounts.models import User
from web.sign_in import SamlProvider, SignIn, read_sign_in

IDP = "https://idp.example/metadata"
SITE = "http://testserver/account/saml/city"
ACS = f"{SITE}/acs/"
SAML = "urn:oasis:names:tc:SAML:2.0"


def key_pair() -> tuple[str, str]:
    """A new private key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    cert = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), cert.decode()


KEY, CERTIFICATE = key_pair()
OTHER_KEY, OTHER_CERTIFICATE = key_pair()


@dataclass
class Answer:
    """What an identity provider sends; each field says how it is made."""

    email: str = "alice@example.org"
    groups: tuple[str, ...] = ("7b",)
    audience: str = f"{SITE}/metadata/"
    recipient: str = ACS
    issuer: str = IDP
    minutes: int = 5  # until it is no longer valid
    key: str = KEY
    certificate: str = CERTIFICATE
    signed: str = "assertion"
    answers: str = field(default="")  # another request than that of the browser

    def xml(self, request_id: str) -> str:
        """The response to the request."""
        now = datetime.now(UTC)
        until, at = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (now + timedelta(minutes=self.minutes), now))
        issuer, about = f"<saml:Issuer>{self.issuer}</saml:Issuer>", self.answers or request_id
        values = "".join(f"<saml:AttributeValue>{each}</saml:AttributeValue>" for each in self.groups)
        assertion = (
            f'<saml:Assertion xmlns:saml="{SAML}:assertion" ID="_a1" Version="2.0" IssueInstant="{at}">{issuer}'
            f'<saml:Subject><saml:NameID Format="{SAML}:nameid-format:persistent">n-1</saml:NameID>'
            f'<saml:SubjectConfirmation Method="{SAML}:cm:bearer">'
            f'<saml:SubjectConfirmationData NotOnOrAfter="{until}"'
            f' Recipient="{self.recipient}" InResponseTo="{about}"/>'
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotOnOrAfter="{until}"><saml:AudienceRestriction>'
            f"<saml:Audience>{self.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
            f'<saml:AuthnStatement AuthnInstant="{at}"><saml:AuthnContext><saml:AuthnContextClassRef>'
            f"{SAML}:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            f'<saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>{self.email}'
            f'</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups">{values}</saml:Attribute>'
            "</saml:AttributeStatement></saml:Assertion>"
        )
        if self.signed == "assertion":
            assertion = OneLogin_Saml2_Utils.add_sign(assertion, self.key, self.certificate).decode()
        return (
            f'<samlp:Response xmlns:samlp="{SAML}:protocol" xmlns:saml="{SAML}:assertion" ID="_r1" Version="2.0"'
            f' IssueInstant="{at}" Destination="{self.recipient}" InResponseTo="{about}">{issuer}<samlp:Status>'
            f'<samlp:StatusCode Value="{SAML}:status:Success"/></samlp:Status>{assertion}</samlp:Response>'
        )


@pytest.fixture(autouse=True)
def city(settings, db) -> None:
    """The provider, as an operator sets it up."""
    options = {"title": "City", "sso_url": "https://idp.example/sso", "trusted_domains": ["example.org"]}
    made = SamlProvider(entity_id=IDP, certificate=CERTIFICATE, groups="groups", **options)
    settings.SIGN_IN = SignIn(saml=MappingProxyType({"city": made}))


def browser() -> Client:
    """One that names the site's host, as all do."""
    return Client(headers={"Host": "testserver"})


@pytest.fixture
def client() -> Client:
    return browser()


def ask(client: Client) -> str:
    """Begin to sign in; the id of the request that goes to the provider."""
    page = client.post("/account/saml/city/login/").content.decode()
    url = html.unescape(re.search(r'url=([^"]+)"', page)[1])
    assert url.startswith("https://idp.example/sso?")
    sent = base64.b64decode(parse_qs(urlsplit(url).query)["SAMLRequest"][0])
    return re.search(r'ID="([^"]+)"', zlib.decompress(sent, -15).decode())[1]


def deliver(client: Client, xml: str) -> str:
    """Bring an answer here; the address of whoever is signed in then."""
    body = {"SAMLResponse": base64.b64encode(xml.encode()).decode()}
    client.last = client.post("/account/saml/city/acs/", body, follow=True)
    user_id = client.session.get("_auth_user_id")
    return User.objects.get(pk=user_id).email if user_id else ""


def test_a_signed_assertion_opens_the_account_of_its_person_with_their_groups(client, alice):
    assert b"Sign in with City" in client.get("/account/login/").content
    assert deliver(client, Answer().xml(ask(client))) == "alice@example.org"
    assert list(alice.groups.values_list("name", flat=True)) == ["7b"]
    stranger = browser()
    assert (
        deliver(stranger, Answer(email="bob@other.example").xml(ask(stranger))) == "alice@example.org"
    )  # one subject


@pytest.mark.parametrize(
    "answer",
    [
        Answer(signed=""),
        Answer(key=OTHER_KEY, certificate=OTHER_CERTIFICATE),
        Answer(audience="http://testserver/account/saml/other/metadata/"),
        Answer(recipient="https://other.example/acs/"),
        Answer(issuer="https://other.example/metadata"),
        Answer(minutes=-10),
        Answer(answers="ONELOGIN_another"),
    ],
    ids=["unsigned", "other key", "audience", "recipient", "issuer", "too late", "another request"],
)
def test_any_other_answer_signs_nobody_in(client, alice, answer):
    assert deliver(client, answer.xml(ask(client))) == ""
    assert client.last.status_code in (401, 403)


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("city", {"SAMLResponse": "a" * 300_000}, 400),
        ("city", {"other": "a" * 200_000}, 400),
        ("nobody", {"SAMLResponse": "a" * 200_000}, 404),
    ],
    ids=["too long", "no answer", "no provider"],
)
def test_nobody_fills_the_database_with_what_is_no_answer(client, path, sent, status):
    assert client.post(f"/account/saml/{path}/acs/", sent).status_code == status
    assert not Session.objects.exists()


def test_an_answer_is_good_once_and_in_the_browser_that_asked(client, alice):
    xml = Answer().xml(ask(client))
    thief = browser()
    ask(thief)
    assert deliver(thief, xml) == ""
    assert deliver(client, xml) == "alice@example.org"
    client.logout()
    assert deliver(client, xml) == ""


def test_a_changed_or_wrapped_assertion_signs_nobody_in(client, alice, bob):
    xml = Answer().xml(ask(client))
    assert deliver(client, xml.replace("alice@example.org", "bob@example.org")) == ""
    forged = re.search(r"<saml:Assertion.*</saml:Assertion>", Answer(email="bob@example.org", signed="").xml("x"))[0]
    wrapped = (
        Answer().xml(ask(client)).replace("<saml:Assertion", forged.replace("_a1", "_a2") + "<saml:Assertion", 1)
    )
    assert deliver(client, wrapped) == ""


def test_it_describes_itself_and_signs_nobody_out(client):
    text = client.get("/account/saml/city/metadata/").content.decode()
    assert f'Location="{ACS}"' in text
    assert 'WantAssertionsSigned="true"' in text
    assert "SingleLogoutService" not in text
    assert client.get("/account/saml/city/sls/").status_code == 404
    assert client.get("/account/saml/other/metadata/").status_code == 404


def test_the_file_needs_a_certificate_and_a_name_of_its_own(tmp_path):
    file = tmp_path / "sign-in.toml"
    table = f'entity_id="{IDP}"\nsso_url="https://idp.example/sso"\ncertificate="""{CERTIFICATE}"""\n'
    file.write_text(f"[saml.city]\n{table}")
    assert read_sign_in(file, {}.get)[1] == []
    file.write_text(f"[saml.city]\n{table.replace('BEGIN', 'BEGUN')}")
    assert "certificate" in read_sign_in(file, {}.get)[1][0]
    file.write_text(f'[oidc.city]\nserver="https://id.example"\nclient_id="x"\n[saml.city]\n{table}')
    assert "another provider" in read_sign_in(file, {}.get)[1][0]


def test_the_provider_can_be_described_by_its_metadata(settings, client, alice, tmp_path, monkeypatch):
    """The file is read from its URL by allauth; here, instead of HTTP, by `urlopen` from disk."""
    bare = "".join(CERTIFICATE.splitlines()[1:-1])
    metadata = (
        f'<md:EntityDescriptor xmlns:md="{SAML}:metadata" entityID="{IDP}">'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{SAML}:protocol"><md:KeyDescriptor use="signing">'
        f'<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{bare}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f'<md:SingleSignOnService Binding="{SAML}:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
    file = tmp_path / "sign-in.toml"
    lines = (
        f'[saml.city]\nentity_id="{IDP}"\ntrusted_domains=["example.org"]\nmetadata_url="https://idp.example/m.xml"\n'
    )
    file.write_text(f'{lines}sso_url="https://idp.example/sso"\n')
    assert "either metadata_url" in read_sign_in(file, {}.get)[1][0]
    file.write_text(lines)
    settings.SIGN_IN, wrong = read_sign_in(file, {}.get)
    assert wrong == []
    monkeypatch.setattr(idp_metadata_parser.urllib2, "urlopen", lambda *_, **__: io.BytesIO(b"<html>Not now</html>"))
    assert client.post("/account/saml/city/login/").status_code == 503
    monkeypatch.setattr(idp_metadata_parser.urllib2, "urlopen", lambda *_, **__: io.BytesIO(metadata.encode()))
    assert deliver(client, Answer(key=OTHER_KEY, certificate=OTHER_CERTIFICATE).xml(ask(client))) == ""
    assert deliver(client, Answer().xml(ask(client))) == alice.email
