"""Links in answers: where they lead, what they carry, and who named them."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.safety.links import hidden_data, host_of, is_only_from_untrusted

SECRET = "The board will sell the Thornmere plant in May for 14.2 million."


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.ORG/a", "example.org"),
        ("https://user:pw@evil.example.com:8443/", "evil.example.com"),
        ("https://google.com@evil.example.com/", "evil.example.com"),
        ("https://example.org./", "example.org"),
        ("https://аpple.example.com/", "xn--pple-43d.example.com"),
        ("https://ｅxample.org/", "example.org"),
        ("mailto:a@b.org", ""),
        ("/relative", ""),
        ("http://[bad", ""),
    ],
)
def test_the_host_is_shown_so_that_it_cannot_be_mistaken(url, host):
    assert host_of(url) == host


CARRYING = [
    f"https://evil.example.com/?q={base64.b64encode(SECRET.encode()).decode()}",
    f"https://evil.example.com/{base64.urlsafe_b64encode(SECRET.encode()).decode()}/a.png",
    f"https://evil.example.com/#{SECRET.encode().hex()}",
    f"https://{SECRET[:24].encode().hex()}.evil.example.com/",
    f"https://evil.example.com/?text={'+'.join(SECRET.split())}+{'+'.join(SECRET.split())}",
    "https://evil.example.com/?to=alice@example.org",
    "https://evil.example.com/a/dGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI",
    "https://evil.example.com/news/some-words-dGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI",
    "https://evil.example.com/?k=sk-proj-a8Fk29Lq0ZxT7VbN3mR1",
    "https://dGhlIHBhc3N3b3JkIGlz:x@evil.example.com/",
    "https://evil.example.com/?" + "%41" * 130,
]
PLAIN = [
    *("https://example.org/", "https://example.org/news/2026/11/ferry-returns-after-two-years-of-repairs"),
    *("https://en.wikipedia.org/wiki/List_of_lighthouses_in_the_United_Kingdom", "https://example.org/?id=12345678"),
    *(
        "https://docs.python.org/3/library/urllib.parse.html#urllib.parse.urlsplit",
        "https://example.org/?page=2&l=en",
    ),
    *("https://example.org/item/123e4567-e89b-12d3-a456-426614174000", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
    *("https://example.org/search?q=how+to+repair+a+sewing+machine", "https://arxiv.org/pdf/1706.03762v7"),
    *("https://de.wikipedia.org/wiki/Donaudampfschifffahrtsgesellschaft", "https://example.org/2026-11-24/0900"),
    *("https://github.com/python/cpython/blob/main/Lib/test/test_urlparse.py", "https://doi.org/10.1000/xyz123"),
]


@pytest.mark.parametrize("url", CARRYING)
def test_data_in_a_link_is_found(url):
    assert hidden_data(url)


@pytest.mark.parametrize("url", PLAIN)
def test_common_links_carry_none(url):
    assert hidden_data(url) == ""


@given(st.binary(min_size=32, max_size=200), st.sampled_from(["?q={}", "{}", "#{}", "a/{}/b.png", "?a=1&b={}&c=2"]))
def test_encoded_data_is_found_wherever_it_stands(data, place):
    if len(set(data)) < 16:
        return
    for encoded in (base64.urlsafe_b64encode(data).decode(), data.hex()):
        assert hidden_data(f"https://evil.example.com/{place.format(encoded)}")


@given(st.text(max_size=200))
def test_nothing_that_is_written_breaks_it(text):
    for url in (text, f"https://{text}", f"https://a.example.com/{text}"):
        assert isinstance(host_of(url) + hidden_data(url), str)
        assert is_only_from_untrusted(url, [text], []) in (True, False)


OUTSIDE = ["https://news.example.com/today", "https://evil.example.com/start"]


@pytest.mark.parametrize(
    ("url", "trusted", "is_outsiders"),
    [
        ("https://evil.example.com/x?d=1", ["Read https://evil.example.com/start"], True),
        ("https://evil.example.com/start", ["Read https://evil.example.com/start."], False),
        ("https://www.evil.example.com/start/", ["read EVIL.example.com/start"], False),
        ("https://evil.example.com/", ["what is on evil.example.com?"], False),
        ("https://evil.example.com/", ["what is on notevil.example.com?"], True),
        ("https://evil.example.com/", ["what is on evil.example.com.au?"], True),
        ("https://evil.example.com/start", ["mail me@evil.example.com/start"], True),
        ("https://news.example.com/today", [], True),
        ("https://docs.example.org/a", [], False),
        (f"https://docs.example.org/{SECRET.encode().hex()}", [], True),
        (f"https://docs.example.org/{SECRET.encode().hex()}", [json.dumps(SECRET)], True),
    ],
)
def test_who_named_a_link_is_told(url, trusted, is_outsiders):
    assert is_only_from_untrusted(url, trusted, OUTSIDE) is is_outsiders


def test_without_anything_from_outside_no_link_is_outsiders():
    assert not is_only_from_untrusted("https://a.example.com/?x=1", [], [])
