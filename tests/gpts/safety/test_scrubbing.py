"""Secrets go from text in every form in which a server may echo them."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.safety.scrubbing import REMOVED, scrub

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
