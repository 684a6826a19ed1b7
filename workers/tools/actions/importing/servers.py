"""The servers and the authentication that an OpenAPI document declares."""

import re
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from gpts.spec.actions import AuthHint

MAX_SERVERS: Final = 20


def servers_of(owner: dict[str, Any], document_url: str = "") -> tuple[str, ...]:
    """The http(s) URLs in `owner`'s `servers`, with variables at their defaults, relative to `document_url`."""
    listed = owner.get("servers")
    servers = listed[:MAX_SERVERS] if isinstance(listed, list) else []
    urls = [_expanded(each) for each in servers if isinstance(each, dict)] or ["/"]
    return tuple(dict.fromkeys(clean for url in urls if (clean := base_url(urljoin(document_url, url)))))


def base_url(url: str) -> str:
    """`url` without query and trailing slash; empty if it is not an http(s) URL with a host."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or re.search(r"[\s\\{}<>\"]", url):
        return ""
    netloc = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{netloc}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _expanded(server: dict[str, Any]) -> str:
    variables = server.get("variables")
    known = variables if isinstance(variables, dict) else {}

    def value(match: re.Match[str]) -> str:
        variable = known.get(match[1])
        return str(variable.get("default", match[0])) if isinstance(variable, dict) else match[0]

    return re.sub(r"\{([^{}]{1,80})\}", value, str(server.get("url", "")))


def auth_hint(document: dict[str, Any]) -> AuthHint:
    """The document's first supported authentication."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    for scheme in schemes.values() if isinstance(schemes, dict) else ():
        if isinstance(scheme, dict) and (hint := _hint(scheme)):
            return hint
    return AuthHint()


def _hint(scheme: dict[str, Any]) -> AuthHint | None:
    kind, place, way = (str(scheme.get(key, "")).lower() for key in ("type", "in", "scheme"))
    if kind == "apikey" and place == "header":
        return AuthHint(kind="header", header=str(scheme.get("name", ""))[:80])
    if kind == "http" and way in ("bearer", "basic"):
        return AuthHint(kind="bearer" if way == "bearer" else "basic")
    flows = scheme.get("flows")
    flow = flows.get("authorizationCode") if kind == "oauth2" and isinstance(flows, dict) else None
    if not isinstance(flow, dict):
        return None
    scopes = flow.get("scopes")
    return AuthHint(
        kind="oauth",
        authorize_url=base_url(str(flow.get("authorizationUrl", ""))),
        token_url=base_url(str(flow.get("tokenUrl", ""))),
        scope=" ".join(map(str, scopes))[:500] if isinstance(scopes, dict) else "",
    )
