"""Whether two spellings are the same address, and what data an address carries.

An address written by the model can carry data in every choice of spelling: the case of a host, letters written as
%41, a longer path. So a known address is expanded into its few usual spellings, and one must match exactly.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)
_HOST: Final = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]{1,62}\.?(?::\d{1,5})?")
_URL: Final = re.compile(
    rf"https?://[^\s<>\"'`|\\^{{}}]+|(?<![@\w./:-]){_HOST.pattern}(?:[/?#][^\s<>\"'`|\\^{{}}]*)?", re.I
)
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f\\\s\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_ESCAPE: Final = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PUNCTUATION: Final = frozenset(".,;:!?…»”’*_")
_OPENING: Final = {")": "(", "]": "[", "}": "{"}
_PORTS: Final = {"http": 80, "https": 443}
# Shorter pieces can be decoded by chance.
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_=-]{8,}")


def problem(url: str) -> str:
    """Why `url` may not be opened, as a sentence for the model; empty if it may."""
    if _UNFIT.search(url.strip()):
        return "An address can't contain spaces, backslashes or invisible characters."
    parts = split(url)
    if parts is None or not parts.hostname:
        return "This isn't a web address. Use a full one that starts with https://."
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        return "An address can't contain a user name or password."
    return ""


def urls_in(text: str) -> Iterator[str]:
    """The addresses in `text`, with or without https://, without trailing punctuation."""
    for match in _URL.finditer(text):
        if url := _without_ending(match.group()):
            yield url


def _without_ending(url: str) -> str:
    """The URL without the punctuation and the closing brackets of the text around it."""
    counts, end = Counter(url), len(url)
    while end and (
        url[end - 1] in _PUNCTUATION or counts[url[end - 1]] > counts[_OPENING.get(url[end - 1], url[end - 1])]
    ):
        end -= 1
        counts[url[end]] -= 1
    return url[:end]


def spellings(url: str) -> frozenset[str]:
    """The spellings under which a known address may be opened; none if it may not be opened."""
    if problem(url):
        return frozenset()
    parts = split(url)
    assert parts is not None
    schemes = {parts.scheme.lower(), "https"} if _has_scheme(url) else {"http", "https"}
    found = {url.strip(), url.strip().partition("#")[0]}
    for scheme in schemes:
        for tail in (_tail(parts, plain=False), _tail(parts, plain=True)):
            whole = f"{scheme}://{_host(parts, scheme)}{tail}"
            found |= {whole, whole.partition("#")[0]}
    return frozenset(found)


def known_spellings(urls: Iterable[str]) -> frozenset[str]:
    """All spellings of all `urls`."""
    return frozenset(spelling for url in urls for spelling in spellings(url))


def is_known(url: str, known: frozenset[str]) -> bool:
    """Whether `url` is one of the `known` spellings, ignoring a default port and a missing https://."""
    if problem(url):
        return False
    if url.strip() in known:
        return True
    parts = split(url)
    assert parts is not None
    written = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    if written != written.lower():
        return False  # The host's name server would see the case of each letter.
    scheme = parts.scheme.lower()
    return f"{scheme}://{_host(parts, scheme)}{_tail(parts, plain=False)}" in known


def carried(url: str) -> tuple[str, ...]:
    """The data that an address would send, decoded: its query, path, fragment and subdomains."""
    parts = split(url)
    if parts is None:
        return (url,)
    pieces = (f"{name} = {value}" if name not in ("", "#") else f"{name} {value}" for name, value in carriers(parts))
    return tuple(dict.fromkeys(_readable(piece.strip()) for piece in pieces))


def carriers(parts: SplitResult) -> Iterator[tuple[str, str]]:
    """The parts of an address that can carry data, decoded, each with the name of its query field, "#" or ""."""
    yield from parse_qsl(parts.query, True) or (("", unquote(part)) for part in [parts.query] if part)
    yield from (("", unquote(part)) for part in parts.path.split("/") if part)
    yield from (("#", unquote(part)) for part in [parts.fragment] if part)
    yield from (("", label) for label in (parts.hostname or "").split(".")[:-2] if label != "www")


def _readable(piece: str) -> str:
    """`piece`, with its decoded text if it is base64 or hexadecimal."""
    for match in _ENCODED.finditer(piece):
        for decode in (_from_hex, _from_base64):
            text = decode(match.group())
            if len(text) >= 4 and text.isprintable():
                return f"{piece} (“{text}”)"
    return piece


def _from_hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return ""


def _from_base64(text: str) -> str:
    padded = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _has_scheme(url: str) -> bool:
    """Whether a scheme is written; `example.org:8080/x` begins with a host, not with a scheme."""
    return bool(_SCHEME.match(url.strip())) and not _HOST.match(url.strip())


def split(url: str) -> SplitResult | None:
    """The parts of an http(s) address, https if it has no scheme; None if it is not one."""
    text = url.strip()
    if not _has_scheme(text):
        if not _HOST.match(text):
            return None
        text = "https://" + text
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme.lower() in _PORTS else None


def _host(parts: SplitResult, scheme: str) -> str:
    """The host in lower case and ASCII, without a trailing dot, with its port unless it is the default."""
    name = (parts.hostname or "").rstrip(".")
    try:
        name = name.encode("ascii").decode() if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        name = name.casefold()
    if ":" in name:
        name = f"[{name}]"
    return name if parts.port in (None, _PORTS[scheme]) else f"{name}:{parts.port}"


def _tail(parts: SplitResult, plain: bool) -> str:
    """Everything after the host, as written or, if `plain`, with the usual escapes."""
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return _usual(_without_dots(path) + query + fragment) if plain else path + query + fragment


def _usual(text: str) -> str:
    """`text` without needless escapes, and with the others in capitals (RFC 3986, 6.2.2)."""

    def escape(match: re.Match[str]) -> str:
        char = chr(int(match[1], 16))
        return char if char in _UNRESERVED else match[0].upper()

    return quote(_ESCAPE.sub(escape, text), safe="%/:?#[]@!$&'()*+,;=~-._")


def _without_dots(path: str) -> str:
    """The path with `.` and `..` resolved (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    ending = "/" if parts and parts[-1] in (".", "..") and kept else ""
    return "/" + "/".join(kept) + ending
