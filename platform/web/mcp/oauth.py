"""The authorization server of the MCP server: OAuth 2.1 with the SDK's handlers, over the tables of people's grants.

All programs are public clients: a secret that anyone gets who asks for one protects nothing, and PKCE is demanded of
all. A program registers itself (RFC 7591), or its id is the https URL of its metadata (Client ID Metadata Documents).
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    TokenError,
)
from mcp.shared.auth import InvalidRedirectUriError, OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl

from web.accounts import grants
from web.accounts.models import GrantToken, Program
from web.checks import is_loopback

# What any program may do: see and ask the GPTs that the person can use. It approves nothing.
SCOPE: Final = "chat"
CODE_REUSED: Final = "This was used before."
WRONG_RESOURCE: Final = "Access is given to the MCP server of this site only."
MAX_REDIRECTS: Final = 10
MAX_REDIRECT_CHARS: Final = 500
MAX_NAME_CHARS: Final = 60
# Schemes that browsers open themselves; any other belongs to an installed program.
_BROWSERS: Final = frozenset(
    "about blob chrome data file filesystem ftp javascript mailto view-source vbscript ws wss".split()
)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
# Hosts are part of the page's Content-Security-Policy, where other characters have a meaning.
_HOST: Final = re.compile(r"[a-z0-9.-]+")
T = TypeVar("T")


def origin_of(request: HttpRequest) -> str:
    """The origin by which the request reached this site: SITE_URL, or another of the names that operators allow."""
    site = urlsplit(settings.SITE_URL)
    host = request.get_host()
    return settings.SITE_URL if host == site.netloc else f"{request.scheme}://{host}"


def resource_of(request: HttpRequest) -> str:
    """The MCP server as a resource (RFC 8707)."""
    return origin_of(request) + reverse("mcp")


def check_redirects(uris: list[AnyUrl] | None) -> None:
    """Raise RegistrationError unless all are https, on the person's own computer, or of an installed program."""
    if not uris or len(uris) > MAX_REDIRECTS:
        raise RegistrationError("invalid_redirect_uri", f"Send 1 to {MAX_REDIRECTS} redirect URIs.")
    for uri in map(str, uris):
        parts = urlsplit(uri)
        is_own = parts.scheme == "http" and is_loopback(parts.hostname)
        is_app = parts.scheme not in (*_BROWSERS, "http", "https") and _SCHEME.fullmatch(parts.scheme)
        is_web = parts.scheme == "https" and _HOST.fullmatch(parts.hostname or "")
        if not (is_own or is_app or is_web) or parts.fragment or "@" in parts.netloc or len(uri) > MAX_REDIRECT_CHARS:
            why = "Redirect URIs must use https, or http on the computer itself, without a fragment."
            raise RegistrationError("invalid_redirect_uri", why)


class OAuthClient(OAuthClientInformationFull):
    """A program as the SDK's handlers know it."""

    def validate_scope(self, requested_scope: str | None) -> list[str]:
        """The one scope, whatever was requested: the token response says so (RFC 6749, 3.3)."""
        return [SCOPE]

    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:
        """The URI if it is registered; on the computer itself its port may be another (RFC 8252, 7.3)."""
        if redirect_uri is None or _without_port(redirect_uri) not in map(_without_port, self.redirect_uris or ()):
            raise InvalidRedirectUriError("This redirect URI is not one of the program’s.")
        return redirect_uri


def _without_port(uri: AnyUrl) -> str:
    parts = urlsplit(str(uri))
    if parts.scheme != "http" or not is_loopback(parts.hostname):
        return str(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
    return urlunsplit(parts._replace(netloc=host))


def shown_name(metadata: OAuthClientInformationFull) -> str:
    """What the program calls itself, as one short line of visible characters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in metadata.client_name or "")
    return " ".join(printable.split())[:MAX_NAME_CHARS]


def client_of(program: Program) -> OAuthClient:
    """The program for the SDK's handlers."""
    return OAuthClient.model_validate(
        {**program.metadata, "client_id": program.id, "token_endpoint_auth_method": "none"}
    )


def keep(metadata: OAuthClientInformationFull) -> Program:
    """Store what a program says of itself. Raises RegistrationError."""
    check_redirects(metadata.redirect_uris)
    name = shown_name(metadata)
    kept = metadata.model_copy(update={"client_name": name, "scope": SCOPE, "token_endpoint_auth_method": "none"})
    fields = {"client_name", "redirect_uris", "grant_types", "response_types", "scope", "application_type"}
    return grants.register(metadata.client_id, kept.model_dump(mode="json", include=fields))


class Code(AuthorizationCode):
    """A code with its row."""

    row: Any


class Refresh(RefreshToken):
    """A refresh token with its row."""

    row: Any


async def _query(function: Callable[..., T], *args: Any) -> T:
    return await sync_to_async(function)(*args)


class OAuthProvider(OAuthAuthorizationServerProvider[Code, Refresh, AccessToken]):
    """What the handlers ask for. `resource` is the MCP server at the origin by which the request came.

    After a valid authorization request, `asked` holds it.
    """

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.asked: AuthorizationParams | None = None

    async def get_client(self, client_id: str) -> OAuthClient | None:
        """The program with this id."""
        program = await _query(Program.objects.filter(id=client_id).first)
        return client_of(program) if program else None

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Store a new program, as a public client. Raises RegistrationError."""
        client_info.token_endpoint_auth_method = "none"  # noqa: S105 - its name
        client_info.client_secret = client_info.client_secret_expires_at = None
        client_info.scope, client_info.client_name = SCOPE, shown_name(client_info)
        await _query(keep, client_info)

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Keep the request for the page that asks the person. Raises AuthorizeError."""
        if params.resource not in (None, self.resource):
            raise AuthorizeError("invalid_target", WRONG_RESOURCE)
        self.asked = params
        return ""

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> Code | None:
        """The unexpired code, used or not."""
        row = await _query(grants.token, GrantToken.Kind.CODE, authorization_code)
        if row is None:
            return None
        return Code(
            code=authorization_code,
            expires_at=row.expires.timestamp(),
            client_id=row.grant.program_id,
            scopes=[SCOPE],
            redirect_uri_provided_explicitly=True,
            row=row,
            **row.request,
        )

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> Refresh | None:
        """The unexpired refresh token, used or not."""
        row = await _query(grants.token, GrantToken.Kind.REFRESH, refresh_token)
        return Refresh(token=refresh_token, client_id=row.grant.program_id, scopes=[SCOPE], row=row) if row else None

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: Code
    ) -> OAuthToken:
        """The first tokens. Raises TokenError if the code was used before."""
        return await _query(_exchanged, authorization_code.row)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: Refresh, scopes: list[str]
    ) -> OAuthToken:
        """The next tokens. Raises TokenError if the refresh token was used before."""
        return await _query(_exchanged, refresh_token.row)

    async def load_access_token(self, token: str) -> AccessToken | None:
        """Never called: a request's grant is looked up with its key."""
        raise NotImplementedError

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        """Never called: the handler that would demands a client secret."""
        raise NotImplementedError


def _exchanged(row: GrantToken) -> OAuthToken:
    pair = grants.exchange(row)
    if pair is None:
        raise TokenError("invalid_grant", CODE_REUSED)
    lifetime_s = int(grants.LIFETIMES[GrantToken.Kind.ACCESS].total_seconds())
    return OAuthToken(access_token=pair[0], refresh_token=pair[1], expires_in=lifetime_s, scope=SCOPE)
