"""What a link in an answer reveals: its host, the data it carries, and whether only outside text named it.

A model that follows instructions on a hostile page can put confidential data into a link and wait for a click.
Callers that show answers mark such links; what the model says about them is ignored.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from gpts.safety.urls import carriers, split

# Values of this length are suspicious: searches and titles in URLs are shorter than a long text; names, dates and
# numbers are shorter than a code.
_LONG_CHARS: Final = 120
_CODE_CHARS: Final = 20
# Entropy per character at this length: random base64 about 5 bits, hexadecimal 3.5, hyphenated words 3.8.
_CODE_BITS: Final = 3.9
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){10,}|(?:[0-9A-F]{2}){10,}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_EMAIL: Final = re.compile(r"[^\s@/]+@[^\s@/]+\.[a-z]{2,}", re.I)
# Readable words joined by hyphens or underscores: the headline of an article, not a code.
_SLUG: Final = re.compile(r"[^\W_]{1,20}(?:[-_.+ ][^\W_]{1,20})*")
_VOWEL: Final = re.compile(r"[aeiouyäöüáéíóúàèìòù]", re.I)
_TRAILING: Final = ".,;:!?"


def host_of(url: str) -> str:
    """The host that `url` leads to, in a form that cannot be mistaken for another; empty if there is none.

    Names in other scripts are given as Punycode, as browsers do for mixed scripts.
    """
    parts = split(url)
    return unmistakable((parts and parts.hostname) or "")


def unmistakable(host: str) -> str:
    """`host` in that form."""
    plain = unicodedata.normalize("NFKC", host).rstrip(".").lower()
    return ".".join(_label(label) for label in plain.split("."))


def hidden_data(url: str) -> str:
    """The longest part of `url` that looks like data (long or encoded), unescaped; empty if none.

    Cut to 200 characters.
    """
    found = [value for value in _values(url) if _is_data(value)]
    return max(found, key=len, default="")[:200]


def is_only_from_untrusted(url: str, trusted_texts: Iterable[str], untrusted_urls: Iterable[str]) -> bool:
    """Whether only outside text named `url`: no trusted text contains it, or its host if the URL is just a host.

    `trusted_texts` are written by the person, the creator and the platform; `untrusted_urls` are the addresses given
    by pages, search results and files. A link found in neither was written by the model; it counts as from outside if
    one of those addresses has the same host, or if there are any and the link carries data.
    """
    wanted, host = _plain(url), host_of(url)
    bare = not _carries(url)
    for text in trusted_texts:
        text = text.casefold()
        if _names(text, wanted) or (bare and host and _names(text, host)):
            return False
    outside = {(host_of(each), _plain(each)) for each in untrusted_urls}
    if any(host == other or wanted == plain for other, plain in outside):
        return True
    return bool(outside) and bool(hidden_data(url))


def _label(label: str) -> str:
    """`label` if it is ASCII, otherwise as Punycode (RFC 3492), which cannot be mistaken for another name."""
    if label.isascii():
        return label
    try:
        return "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return ""


def _values(url: str) -> list[str]:
    """The parts of `url` that could carry data; all of it if it is not a web address."""
    parts = split(url)
    if parts is None:
        return [url]
    pairs = ((parts.username or "", parts.password or ""), *carriers(parts))
    return [each for pair in pairs for each in pair if each]


def _is_data(value: str) -> bool:
    if len(value) >= _LONG_CHARS or _EMAIL.fullmatch(value):
        return True
    if len(value) < _CODE_CHARS or _UUID.fullmatch(value):
        return False
    if _HEX.fullmatch(value):
        return True
    # Words may precede a code, "some-words-a8Fk…": each part between separators is checked as well.
    return any(_is_code(each) for each in (value, *re.split(r"[-_.,;:|~ ]", value)))


def _is_code(value: str) -> bool:
    """Whether `value` looks like base64 or the like: many different letters, capitals and digits inside words."""
    if not _BASE64.fullmatch(value) or _is_slug(value):
        return False
    counts = Counter(value.rstrip("="))
    total = counts.total()
    bits = -sum(n / total * math.log2(n / total) for n in counts.values())
    return bits >= min(_CODE_BITS, 0.75 * math.log2(total)) and _n_changes(value) * 8 >= len(value)


def _is_slug(value: str) -> bool:
    """Whether `value` is words joined by hyphens."""
    if not _SLUG.fullmatch(value) or not re.search(r"[-_.+ ]", value):
        return False
    words = re.split(r"[-_.+ ]", value)
    readable = [word for word in words if word.isdigit() or (_VOWEL.search(word) and _n_changes(word) <= 1)]
    return len(readable) * 4 >= len(words) * 3


def _n_changes(value: str) -> int:
    """How often `value` changes between lower case, upper case, digits and other characters."""
    kinds = ["a" if each.islower() else "A" if each.isupper() else "0" if each.isdigit() else "-" for each in value]
    return sum(one != other for one, other in pairwise(kinds))


def _carries(url: str) -> bool:
    """Whether `url` is more than a host."""
    parts = split(url)
    return parts is None or bool(parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)


def _plain(url: str) -> str:
    """`url` for comparison: without scheme, www, fragment and trailing slash."""
    text = re.sub(r"^[a-z][a-z0-9+.-]*://", "", url.strip().casefold())
    return text.split("#", 1)[0].removeprefix("www.").rstrip("/" + _TRAILING)


def _names(text: str, wanted: str) -> bool:
    """Whether `text` contains the address `wanted`, and not only as part of a longer one."""
    if not wanted:
        return False
    return bool(re.search(rf"(?<![\w@-])(?<!\w\.)(?:www\.)?{re.escape(wanted)}(?![\w@-]|\.\w|[/?=&]\w)", text))
