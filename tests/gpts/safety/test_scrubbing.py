"""Secrets go from text in every form in which a server may echo them."""

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpts.safety.scrubbing import REMOVED, _lower, scrub

SECRET = 'sk-Ab+/9"x&y z~1ü'


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        "".join(f"%{byte:02X}" for byte in SECRET.encode()),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        html.escape(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        SECRET.encode().hex(":"),
        SECRET[:5] + "\r\n\t" + SECRET[5:],
        " ".join(SECRET),
        "\u200b".join(SECRET),
        json.dumps(quote(SECRET)).replace("/", "\\/")[1:-1],
        "".join(f"&#{ord(char)};" for char in SECRET),
        "".join(f"\\x{byte:02x}" for byte in SECRET.encode()),
        quote(SECRET, safe="", encoding="latin-1"),
        ", ".join(f"0x{byte:02X}" for byte in SECRET.encode())[2:],
    ],
)
def test_the_whole_echo_goes_and_nothing_else(echo: str) -> None:
    assert scrub(f"before {echo} after", [SECRET]) == f"before {REMOVED} after"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "user:"])
def test_base64_goes_wherever_the_secret_begins_in_it(encode, user: str) -> None:
    secret = "sk-live-0123456789-?>~" * 4
    text = scrub(encode(f"{user}{secret}:x".encode()).decode(), [secret])
    assert REMOVED in text
    assert len(text) < len(REMOVED) + 16, "all but what stands around the secret is gone"


@given(st.text(min_size=6, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_is_left(secret: str, before: str, after: str) -> None:
    if len(secret.strip()) >= 4:
        assert secret not in scrub(before + secret + after, [secret]) or secret in REMOVED


def test_ordinary_text_and_short_secrets_are_left() -> None:
    text = "The cat sat. Y2F0 63 61 74"
    assert scrub(text, ["cat", "", "sk-live-0123"]) == text


ENCODERS = [
    quote,
    lambda text: json.dumps(text)[1:-1],
    html.escape,
    lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: text.encode().hex("\n"),
    "\n ".join,
]


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Z"], exclude_characters="\\"),
        min_size=6,
        max_size=20,
    )
)
@example("00¡%00")
@example("p&amp;ä0")
def test_each_encoding_of_any_secret_goes(secret: str) -> None:
    for encode in ENCODERS:
        assert scrub(f"({encode(secret)})", [secret]) == f"({REMOVED})"


def test_all_secrets_go_also_where_they_overlap() -> None:
    assert scrub("user:pass-word, pass-word; dXNlcjpwYXNzLXdvcmQ=", ["user:pass-word", "pass-word"]) == (
        f"{REMOVED}, {REMOVED}; {REMOVED}"
    )


@pytest.mark.parametrize("text", ["a" + " " * 60 + "c", "a " * 50_000, "%41\\u0061" * 10_000, "0x" * 50_000])
@pytest.mark.parametrize("secret", ["a" + " " * 12 + "b", "a" * 2_000, "00x00x00x"])
def test_no_text_and_no_secret_takes_long(text: str, secret: str) -> None:
    """The first secret, stored with its spaces, held the process for half a minute with the first text."""
    begun = time.process_time()
    scrub(text, [secret])
    assert time.process_time() - begun < 1


def test_folding_keeps_the_place_of_each_letter() -> None:
    letters = "".join(map(chr, range(0x110000)))
    assert len(_lower(letters)) == len(letters)
