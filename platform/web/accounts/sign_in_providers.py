"""The providers that people sign in with: those of `sign-in.toml`, and those connected in the console."""

import logging
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.saml.utils import fetch_metadata_url_config
from django.conf import settings
from django.db import transaction

from web.accounts.models_sign_in import SignInProvider
from web.secrets import SecretLost, unseal
from web.sign_in import KINDS, OidcProvider, Provider, SamlProvider, SignIn

logger = logging.getLogger(__name__)

DISCOVERY: Final = "/.well-known/openid-configuration"
_NEEDED: Final = ("authorization_endpoint", "token_endpoint")


def current() -> SignIn:
    """Those that are on. The file decides about a name that both have."""
    file: SignIn = settings.SIGN_IN
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for row in SignInProvider.objects.filter(is_on=True).exclude(name__in=file.providers):
        try:
            found[row.kind][row.name] = read(row, secret_of(row))
        except (SecretLost, ValueError):
            logger.exception("single sign-on: the provider %s can't be used", row.name)
    oidc, saml = {**found["oidc"], **file.oidc}, {**found["saml"], **file.saml}
    return replace(file, oidc=MappingProxyType(oidc), saml=MappingProxyType(saml))


def read(row: SignInProvider, secret: str) -> Provider:
    """The provider that a row describes. Raises ValueError, or ValidationError by field, for what is wrong."""
    table = {**row.table, "secret": secret} if secret else row.table
    return KINDS[row.kind](row.name, table, lambda variable: "")


def secret_of(row: SignInProvider) -> str:
    """Its secret, empty for none. Raises SecretLost."""
    return unseal(row.sealed, row.bound_to) if row.sealed else ""


def try_out(provider: Provider) -> None:
    """Read what the provider publishes of itself. Raises ValueError, with a sentence, unless it signs people in."""
    if isinstance(provider, OidcProvider):
        _discover(provider.server.rstrip("/") + DISCOVERY)
    if isinstance(provider, SamlProvider) and provider.metadata_url:
        idp = {"entity_id": provider.entity_id, "metadata_url": provider.metadata_url}
        if not has_metadata(idp):
            raise ValueError("No metadata of this entity, with an address to sign in at, could be read there.")


def has_metadata(idp: dict[str, Any]) -> bool:
    """Whether a SAML provider's `metadata_url` names an address to sign in at; read at most every four hours."""
    try:
        return bool(fetch_metadata_url_config(idp)["idp"]["singleSignOnService"])
    except Exception:  # of any kind: python3-saml has none of its own for this
        logger.exception("the metadata of the SAML provider %s can't be used", idp["entity_id"])
        return False


def _discover(url: str) -> None:
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(url)
        answer.raise_for_status()
        published = answer.json()
    except (requests.RequestException, ValueError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        why = f"it answers with status {status}" if status else "it doesn’t answer as such a provider does"
        raise ValueError(f"{url} can’t be read: {why}.") from None
    if not (isinstance(published, dict) and all(published.get(name) for name in _NEEDED)):
        raise ValueError(f"{url} doesn’t say where people sign in.")


@transaction.atomic
def remove(row: SignInProvider) -> None:
    """Delete it, and whom it signs in: another provider of this name would know others by the same ids."""
    SocialAccount.objects.filter(provider=row.name).delete()
    row.delete()
