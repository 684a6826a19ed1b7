"""Normalised URLs: exactly what is checked here is connected to later.

Parsers disagree about unusual URLs, and attacks exploit the difference. So a URL that two of them could read
differently is refused, hosts are normalised as browsers do (WHATWG URL, "host parsing"), and the URL is rebuilt from
its parts.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import idna

from gpts.egress.errors import EgressRefused

MAX_URL_CHARS: Final = 8_000
PORTS: Final = {"http": 80, "https": 443}
# Space, controls, backslashes and other characters invalid in a URL. Browsers drop or convert some of them.
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff]")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*")
# All characters that may appear unescaped in a path or query (RFC 3986), and the escape sign itself.
_SAFE: Final = "/:?#[]@!$&'()*+,;=%-._~"

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL. `host` is lower case ASCII; an IPv6 address is without brackets.

    `address` is set if the host is an address. `rest` is path and query.
    """

    scheme: str
    host: str
    port: int
    rest: str
    address: IpAddress | None = None

    @property
    def authority(self) -> str:
        """Host and port for the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole normalised URL, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.rest}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port, which must match before a secret is sent again."""
        return self.scheme, self.host, self.port


def target_of(url: str) -> Target:
    """`url` parsed. Raises EgressRefused if it is no plain http or https URL."""
    url = url.strip(" \t\r\n")
    if len(url) > MAX_URL_CHARS:
        raise EgressRefused("The address is too long.")
    if _FORBIDDEN.search(url):
        raise EgressRefused("The address has spaces or other invalid characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EgressRefused("This isn't a web address.") from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise EgressRefused("Only addresses that start with http:// or https:// can be opened.")
    if "@" in parts.netloc:
        raise EgressRefused("Addresses with a user name or password can't be opened.")
    host, address = _host(_host_part(parts.netloc))
    rest = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    if port == 0:
        raise EgressRefused("Port 0 can't be opened.")
    return Target(scheme, host, port or PORTS[scheme], rest, address)


def _host_part(netloc: str) -> str:
    """The host in `netloc` with its case kept; `urlsplit` would lower-case parts of it first."""
    if netloc.startswith("["):
        inside, closed, behind = netloc.partition("]")
        if not closed or not re.fullmatch(r"(?::\d*)?", behind, re.ASCII):
            raise EgressRefused("This isn't a web address.")
        return inside + closed
    host, _, port = netloc.partition(":")
    if not re.fullmatch(r"\d*", port, re.ASCII):
        raise EgressRefused("This isn't a web address.")
    return host


def _host(raw: str) -> tuple[str, IpAddress | None]:
    """The normalised host, and the address if it is one. Raises EgressRefused."""
    if raw.startswith("["):
        return _ipv6(raw[1:-1])
    host = _ascii(raw).removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise EgressRefused("The address has an invalid host.")
    if _NUMBER.fullmatch(labels[-1]):
        address = _ipv4(labels)
        return str(address), address
    return host, None


def _ipv6(text: str) -> tuple[str, IpAddress]:
    try:
        if "%" in text:
            raise ValueError
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise EgressRefused("The address has an invalid host.") from error
    return str(address), address


def _ascii(raw: str) -> str:
    """`raw` in lower case ASCII: full-width letters and dots folded, other scripts as Punycode."""
    if raw.isascii():
        return raw.lower()
    try:
        folded = idna.uts46_remap(unicodedata.normalize("NFKC", raw), std3_rules=False, transitional=False)
        return folded.lower() if folded.isascii() else idna.encode(folded).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise EgressRefused("The address has an invalid host.") from error


def _ipv4(labels: list[str]) -> ipaddress.IPv4Address:
    """The address as browsers and `inet_aton` read it, in decimal, octal, hexadecimal or short form."""
    try:
        numbers = [_number(label) for label in labels]
    except ValueError as error:
        raise EgressRefused("The address has an invalid host.") from error
    *first, last = numbers
    if len(numbers) > 4 or any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
        raise EgressRefused("The address has an invalid host.")
    value = last + sum(number << 8 * (3 - place) for place, number in enumerate(first))
    return ipaddress.IPv4Address(value)


def _number(label: str) -> int:
    """A part of an IPv4 address. Raises ValueError."""
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    if len(label) > 1 and label.startswith("0"):
        return int(label, 8)
    return int(label, 10)
