"""What a creator sets for a GPT's chat on other sites: which sites, and a colour that can be read."""

import re
from typing import Final
from urllib.parse import urlsplit

MAX_ORIGINS: Final = 20
_HOST: Final = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LOCAL: Final = ("localhost", "127.0.0.1")
# Contrast of text below which the other text colour is taken (WCAG 2, level AA).
_READABLE: Final = 4.5


class InvalidOrigin(ValueError):
    """The text is not the address of a site that may be listed."""


def checked_origin(text: object) -> str:
    """`text` as an origin in the form of `frame-ancestors`: "https://www.example.org", "https://*.example.org".

    Only HTTPS, except on this machine. Raises InvalidOrigin.
    """
    wrong = InvalidOrigin(
        f"“{str(text)[:80]}” is not the address of a site. Write it like https://www.example.org, without a path."
    )
    if not isinstance(text, str):
        raise wrong
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        raise wrong from None
    host = (parts.netloc.rsplit(":", 1)[0] if port is not None else parts.netloc).removesuffix(":")
    if parts.path not in ("", "/") or parts.query or parts.fragment or not _HOST.fullmatch(host):
        raise wrong
    if host.startswith("*.") and host.count(".") < 2:  # a whole top-level domain
        raise wrong
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL):
        raise wrong
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def ink_on(colour: str) -> str:
    """The colour of text on a ground of `colour` ("#rrggbb"): white where it can be read, else a near-black."""
    return "#ffffff" if 1.05 / (_luminance(colour) + 0.05) >= _READABLE else "#161513"


def _luminance(colour: str) -> float:
    """The relative luminance by WCAG 2, from 0 to 1."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
