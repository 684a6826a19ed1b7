"""Sign-in with accounts of elsewhere: what a provider is, and those of a TOML file (`SIGN_IN_FILE`).

The file is read once, with the settings; `accounts/sign_in_providers.py` adds those that operators connected in the
console. Requests go to their addresses, and to those that providers name, by the ordinary way and not the guarded
one: an operator has chosen them, and a provider is often on a private network.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificate
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Provider(BaseModel):
    """What every kind of provider can have.

    `trusted_domains`: the provider decides who has addresses of these domains. Its people join accounts that have
    such an address already; without it they never do. `groups`: the name of the claim that lists a person's groups.
    `operators`: the group whose members are operators, and nobody else whom this provider signs in. `sign_up`: its
    people get accounts also while sign-up is closed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("", max_length=60)
    trusted_domains: tuple[str, ...] = ()
    groups: str = ""
    operators: str = ""
    sign_up: bool = True


class OidcProvider(Provider):
    """An OpenID Connect provider at `server`, the URL before /.well-known/openid-configuration."""

    server: str
    client_id: str = Field(min_length=1)
    secret: SecretStr = SecretStr("")
    secret_env: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")


class SamlProvider(Provider):
    """A SAML 2.0 identity provider. Assertions must be signed with the key of `certificate` (PEM).

    `sso_url`: where people are sent (HTTP-Redirect). Both can come from `metadata_url`, read every four hours.
    `attributes`: the names of the attributes with the `uid`, `email` and `name` of a person; without `uid` it is the
    subject's NameID, which must then be persistent.
    """

    entity_id: str = Field(min_length=1)
    sso_url: str = ""
    certificate: str = ""
    metadata_url: str = ""
    attributes: dict[Literal["uid", "email", "name"], str] = {"email": "email", "name": "name"}


class LdapDirectory(Provider):
    """The one LDAP directory. `bind_dn` searches below `base` for who has an address in the attribute `email`.

    `groups` is the attribute that lists a person's groups (memberOf); `groups_base`: where to search for groups that
    list them instead. It must have `trusted_domains`: it signs in people with addresses of these.
    """

    url: str
    base: str = Field(min_length=1)
    trusted_domains: tuple[str, ...] = Field(min_length=1)
    bind_dn: str = ""
    password: SecretStr = SecretStr("")
    password_env: str = ""
    start_tls: bool = True
    ca_file: str = ""
    email: str = Field("mail", pattern=r"^[\w-]+$")
    name: str = "cn"
    groups_base: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The providers by name, which no two of them share."""

    oidc: Mapping[str, OidcProvider] = field(default_factory=lambda: MappingProxyType({}))
    saml: Mapping[str, SamlProvider] = field(default_factory=lambda: MappingProxyType({}))
    ldap: LdapDirectory | None = None

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Those that have a button on the page for signing in."""
        return {**self.oidc, **self.saml}


def read_domains(text: str) -> tuple[str, ...]:
    """The domains in a text that people typed, `*.` before those that stand for all below. Raises ValueError."""
    found = tuple(each.strip("@").lower() for each in text.replace(",", " ").replace(";", " ").split())
    for each in found:
        if not re.fullmatch(r"(\*\.)?([\w-]+\.)+[\w-]{2,}", each):
            raise ValueError(f"“{each}” isn’t a domain. Enter domains such as school.org or *.school.org.")
    return found


def read_sign_in(file: Path, read: Callable[[str], str]) -> tuple[SignIn, list[str]]:
    """What `file` sets up, and what is wrong with it, as sentences. A file with anything wrong counts as empty.

    `read` returns the value of an environment variable.
    """
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return SignIn(), []
    except (OSError, ValueError) as error:
        return SignIn(), [f"It can't be read: {error}."]
    ldap = tables.pop("ldap", None)
    wrong = [f"[{kind}] is unknown. It can have: {', '.join(KINDS)}, ldap." for kind in tables.keys() - KINDS.keys()]
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for kind, name, table in _entries(tables, KINDS):
        with _collected(wrong, f"{kind}.{name}"):
            if any(name in others for others in found.values()):
                raise ValueError("has the name of another provider.")
            found[kind][name] = KINDS[kind](name, table, read)
    directory = None
    if ldap is not None:
        with _collected(wrong, "ldap"):
            directory = _ldap(ldap, read)
    if wrong:
        return SignIn(), wrong
    return SignIn(MappingProxyType(found["oidc"]), MappingProxyType(found["saml"]), directory), []


@contextmanager
def _collected(wrong: list[str], place: str) -> Iterator[None]:
    """Add what is wrong with the table `place` to the list, as sentences."""
    try:
        yield
    except ValidationError as error:
        wrong += [f"[{place}] {'.'.join(map(str, each['loc']))}: {each['msg']}." for each in _errors(error)]
    except ValueError as error:
        wrong.append(f"[{place}] {error}")


def _entries(tables: dict[str, Any], known: Iterable[str]) -> Iterator[tuple[str, str, Any]]:
    for kind in known:
        for name, table in tables.get(kind, {}).items():
            yield kind, name, table


def _errors(error: ValidationError) -> list[Any]:
    return list(error.errors(include_input=False))  # which may hold a secret


def _named(name: str, table: Any) -> Any:
    if not _NAME.fullmatch(name) or name in KINDS:  # allauth looks for a name also among its kinds of providers
        raise ValueError("is no name: use up to 30 lower-case letters, digits and hyphens.")
    return {"title": name, **table} if isinstance(table, dict) else table


def _saml(name: str, table: Any, read: Callable[[str], str]) -> SamlProvider:
    made = SamlProvider.model_validate(_named(name, table))
    if bool(made.metadata_url) == bool(made.sso_url or made.certificate):
        raise ValueError("needs either metadata_url, or sso_url and certificate.")
    check_address(made.metadata_url or made.sso_url)
    if made.metadata_url:
        return made
    try:
        load_pem_x509_certificate(made.certificate.encode())
    except ValueError:
        raise ValueError("has a certificate that can't be read: give it as text (PEM).") from None
    return made


def _oidc(name: str, table: Any, read: Callable[[str], str]) -> OidcProvider:
    made = OidcProvider.model_validate(_named(name, table))
    check_address(made.server)
    return made.model_copy(update={"secret": _secret(made.secret, made.secret_env, read)})


# What reads a provider's table, by kind: its name, the table, and `read` of `read_sign_in`. Raises ValueError.
KINDS: Final[Mapping[str, Callable[[str, Any, Callable[[str], str]], Provider]]] = {"oidc": _oidc, "saml": _saml}


def _ldap(table: Any, read: Callable[[str], str]) -> LdapDirectory:
    made = LdapDirectory.model_validate(table)
    parts = urlsplit(made.url)
    is_safe = parts.scheme == "ldaps" or (parts.scheme == "ldap" and (made.start_tls or parts.hostname in _LOOPBACK))
    if not (is_safe and parts.hostname):
        raise ValueError("needs a url that starts with ldaps://, or with ldap:// and start_tls.")
    return made.model_copy(update={"password": _secret(made.password, made.password_env, read)})


def _secret(given: SecretStr, variable: str, read: Callable[[str], str]) -> SecretStr:
    """The secret itself, or that in the environment variable. Raises ValueError if that is not set."""
    if not variable:
        return given
    if not (secret := read(variable)):
        raise ValueError(f"needs the environment variable {variable}, which is not set.")
    return SecretStr(secret)


def check_address(url: str) -> None:
    """Raises ValueError unless the URL begins with https://, or is on this computer."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (is_safe and parts.hostname and "@" not in parts.netloc):
        raise ValueError("needs a URL that starts with https://, without a password.")


def allauth_apps(sign_in: SignIn) -> list[dict[str, Any]]:
    """The same, as the fields of allauth's SocialApp."""
    oidc = [
        {
            "provider": "openid_connect",
            "provider_id": name,
            "name": each.title,
            "client_id": each.client_id,
            "secret": each.secret.get_secret_value(),
            "settings": {"server_url": each.server.rstrip("/"), "scope": each.scopes, "oauth_pkce_enabled": True},
        }
        for name, each in sign_in.oidc.items()
    ]
    return oidc + [_saml_app(*each) for each in sign_in.saml.items()]


def _saml_app(name: str, provider: SamlProvider) -> dict[str, Any]:
    # Answers that this site did not ask for, and those without a signed assertion, are refused.
    advanced = {"strict": True, "want_assertion_signed": True, "reject_idp_initiated_sso": True}
    advanced |= {"want_name_id": True, "allow_single_label_domains": True}
    idp = {"entity_id": provider.entity_id, "sso_url": provider.sso_url, "x509cert": provider.certificate}
    if provider.metadata_url:
        idp = {"entity_id": provider.entity_id, "metadata_url": provider.metadata_url}
    settings = {"idp": idp, "attribute_mapping": provider.attributes, "advanced": advanced}
    return {"provider": "saml", "provider_id": name, "client_id": name, "name": provider.title, "settings": settings}
