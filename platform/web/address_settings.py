"""What follows from the address that people use, for the settings and for operators who set one on a page."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit


def address_settings(url: str, hosts: Iterable[str]) -> dict[str, Any]:
    """Django's and allauth's settings with the site at `url`, which answers to these other hosts too."""
    host, is_https = urlsplit(url).hostname or "localhost", url.startswith("https://")
    return {
        "ALLOWED_HOSTS": list(dict.fromkeys([host, *hosts])),
        "CSRF_TRUSTED_ORIGINS": [url],
        "SESSION_COOKIE_SECURE": is_https,
        "CSRF_COOKIE_SECURE": is_https,
        "SECURE_HSTS_SECONDS": 31_536_000 if is_https else 0,  # after a restart, if a page sets it
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if is_https else None,
        # Browsers offer passkeys without TLS on this computer only, whose origin allauth would otherwise refuse.
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": host in ("localhost", "127.0.0.1"),
    }
