"""Origins that may show a chat, and the ink on its colour."""

import pytest

from gpts.spec.embedding import InvalidOrigin, checked_origin, ink_on


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.example.org", "https://www.example.org"),
        (" HTTPS://WWW.Example.org/ ", "https://www.example.org"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("https://*.example.org", "https://*.example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_an_origin_is_written_as_a_policy_has_it(text, origin):
    assert checked_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "https://*", "https://*.org", "https:", "example.org", "http://example.org", "null"),
        *("https://example.org/page", "https://example.org?x", "https://example.org#x", "https://a:b@example.org"),
        *("https://exa mple.org", "https://example.org; script-src *", "https://example.org 'self'", "data:x", 5),
        *("https://example.org:99999", "https://example.org:x", "https://ex*.example.org", "https://bücher.example"),
        *("javascript:alert(1)", "https://example.org\nframe-src *", "https://[::1]"),
    ],
)
def test_whatever_else_a_policy_would_read_is_refused(text):
    with pytest.raises(InvalidOrigin, match="not the address of a site"):
        checked_origin(text)


@pytest.mark.parametrize(("colour", "ink"), [("#000000", "#ffffff"), ("#1d5c4a", "#ffffff"), ("#ffe600", "#161513")])
def test_ink_can_be_read_on_the_colour(colour, ink):
    assert ink_on(colour) == ink
