"""Removes secrets from outside text, in every encoding that a server may echo."""

import base64
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

REMOVED: Final = "[removed]"
# Shorter secrets would match ordinary words; encoded fragments this short occur by chance.
SHORTEST: Final = 4
_SHORTEST_ENCODED: Final = 6
# Allowed between two characters: line breaks and invisible characters.
_HEX_GAP: Final = r"[\s:,-]*(?:0x|\\x)?"
_GAP: Final = r"[\s\u200b-\u200f\u2060\ufeff]*"


def scrub(text: str, secrets: Iterable[str]) -> str:
    """`text` without `secrets`, including base64, hex, URL, JSON or HTML escapes, and broken-up spellings.

    Secrets of fewer than four characters are left, because they would match ordinary words.
    """
    forms = [form for secret in set(secrets) if len(secret.strip()) >= SHORTEST for form in _forms(secret.strip())]
    # Longer forms first: a secret may be part of another one.
    for form in sorted(forms, key=len, reverse=True):
        text = re.sub(form, REMOVED, text)
    return text


def _forms(secret: str) -> Iterator[str]:
    """Patterns that match the secret: plain or escaped, character by character; in hex; in base64."""
    yield _GAP.join(_spellings(char) for char in secret)
    data = secret.encode()
    yield f"(?i:{_HEX_GAP.join(f'{byte:02x}' for byte in data)})"
    for core in set(_base64_cores(data)):
        if len(core) >= _SHORTEST_ENCODED:
            inner = _GAP.join(re.escape(char) for char in core)
            yield inner.replace(r"\+", r"(?:[+\-]|%2[Bb])").replace("/", "(?:[/_]|%2[Ff])") + r"[\w+/-]?=*"


def _spellings(char: str) -> str:
    """A pattern for one character as itself or as an escape of URLs, JSON, Python or HTML."""
    percent = "".join(f"%{byte:02x}" for byte in char.encode())
    units = char.encode("utf-16-be")
    unicode = "".join(rf"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    forms = [rf"\\?{re.escape(char)}", rf"(?i:{percent})", rf"(?i:{unicode})"]
    forms += [rf"&#0*{ord(char)};", rf"(?i:&#x0*{ord(char):x};)"]
    if ord(char) < 256:
        forms.append(rf"(?i:\\x{ord(char):02x})")
    if char == " ":
        forms.append(r"\+")
    if escape(char) != char:
        forms.append(re.escape(escape(char)))
    return f"(?:{'|'.join(forms)})"


def _base64_cores(data: bytes) -> Iterator[str]:
    """The base64 characters that depend on `data` alone, for each of the three possible alignments."""
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + data).decode()
        yield whole[skipped : (before + len(data)) * 8 // 6]
