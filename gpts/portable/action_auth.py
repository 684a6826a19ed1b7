"""How ChatGPT's actions authenticate, which LibreChat describes in the same words."""

import re
from collections.abc import Mapping
from typing import Any, Final

from gpts.portable.found import text_of
from gpts.portable.package import Authentication

_HEADER: Final = re.compile(r"^[A-Za-z0-9_-]{1,80}$")
_KEYS: Final = {"bearer": "bearer", "basic": "basic", "custom": "header"}


def authentication(auth: Mapping[str, Any], metadata: Mapping[str, Any], notes: list[str]) -> Authentication:
    """How calls authenticate. People sign in at `client_url`; tokens come from `authorization_url`."""
    match text_of(auth.get("type")):
        case "service_http":
            return _key(auth, notes)
        case "oauth":
            return _oauth(auth, metadata)
        case "" | "none":
            return Authentication()
        case other:
            notes.append(f"The authentication “{other[:40]}” does not exist here: set it.")
            return Authentication()


def _key(auth: Mapping[str, Any], notes: list[str]) -> Authentication:
    kind = _KEYS.get(text_of(auth.get("authorization_type")), "bearer")
    if kind != "header":
        return Authentication(kind="basic" if kind == "basic" else "bearer")
    header = text_of(auth.get("custom_auth_header")).strip()
    if _HEADER.match(header):
        return Authentication(kind="header", header=header)
    notes.append("An action sends its key in a header that has no valid name: set its authentication.")
    return Authentication()


def _oauth(auth: Mapping[str, Any], metadata: Mapping[str, Any]) -> Authentication:
    def first(*names: str) -> str:
        values = (text_of(given.get(name)) for name in names for given in (auth, metadata))
        return next((value for value in values if value), "")[:500]

    return Authentication(
        kind="oauth",
        client_id=first("client_id", "oauth_client_id"),
        authorize_url=first("client_url"),
        token_url=first("authorization_url"),
        scope=first("scope"),
        token_auth="basic" if first("token_exchange_method") == "basic_auth_header" else "post",
    )
