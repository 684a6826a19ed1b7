"""However an address is written, only the public internet is reached."""

import ipaddress
import socket

import httpcore
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gpts.egress.urls import target_of
from workers.egress import EgressConfig, EgressError, EgressRefused, FetchLimits, Guard, fetch, resolving

PUBLIC = EgressConfig()

# What must not be reached, as attackers write it.
ATTACKS = [
    *("http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/"),
    *("http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://0x7f.1/", "http://017700000001/", "http://0/"),
    *("http://127.0.0.1./", "http://127.0.0.1:80/", "http://127.255.255.254/", "http://0.0.0.0/"),
    *("http://１２７.０.０.１/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/", "http://127．0．0．1/"),
    *("http://169.254.169.254/latest/meta-data/", "http://0xa9fea9fe/", "http://2852039166/"),
    *("http://0251.0376.0251.0376/", "http://169.254.43518/", "http://168.63.129.16/", "http://192.0.0.192/"),
    *("http://100.64.0.1/", "http://100.100.100.200/", "http://10.0.0.5/", "http://172.16.0.1/"),
    *("http://172.31.255.255/", "http://192.168.1.1/", "http://198.18.0.1/", "http://192.0.2.1/"),
    *("http://198.51.100.7/", "http://203.0.113.9/", "http://224.0.0.1/", "http://240.0.0.1/"),
    *("http://255.255.255.255/", "http://192.88.99.1/", "http://192.0.0.8/", "http://0.1.2.3/"),
    *("http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/"),
    *("http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/"),
    *("http://[64:ff9b::10.0.0.1]/", "http://[64:ff9b:1::a00:1]/", "http://[2002:7f00:1::]/"),
    *("http://[2002:a00:1::1]/", "http://[2001:0:7f00:1::]/", "http://[2001::1]/", "http://[fe80::1]/"),
    *("http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/"),
    *("http://[fec0::1]/", "http://[ff02::1]/", "http://[100::1]/", "http://[2001:db8::1]/", "http://[3fff::1]/"),
    *("http://[5f00::1]/", "http://[::ffff:169.254.169.254]/", "http://[::ffff:0:127.0.0.1]/"),
    *("http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://intranet/", "http://redis/"),
    *("http://metadata.google.internal/", "http://a.b.internal./", "http://printer.local/"),
    *("http://api.localhost/", "http://router.lan/", "http://wiki.corp/", "http://x.home.arpa/"),
    *("http://a.localdomain/", "http://secret.onion/", "http://ｌｏｃａｌｈｏｓｔ/"),
    *("http://user@example.com/", "http://user:pw@example.com/", "http://example.com@127.0.0.1/"),
    *("http://127.0.0.1#@example.com/", "http://127.0.0.1\\@example.com/", "http://example.com\\@127.0.0.1/"),
    *("http:\\\\127.0.0.1/", "http://example.com:22/", "http://example.com:6379/", "https://example.com:8443/"),
    *("http://example.com:0/", "http://example.com:99999/", "http://example.com:80a/", "http://example.com:8０/"),
    *("file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:11211/"),
    *("data:text/plain,hi", "javascript:alert(1)", "jar:http://example.com!/", "unix:/run/valkey.sock"),
    *("//example.com/", "example.com", "", "http://", "http:///", "http:/127.0.0.1/", "http:127.0.0.1"),
    *("http://exa mple.com/", "http://example.com/\r\nX: y", "http://example.com\t/", "http://exam\u00adple\n.com/"),
    *("http://127.0.0.1%2f.example.com/", "http://%31%32%37.0.0.1/", "http://[127.0.0.1]/", "http://[::1/"),
    *("http://[::1]x/", "http://[::1]:x/", "http://-a.example.com/", "http://a..example.com/", "http://.com/"),
    *("http://1.2.3.4.5/", "http://256.256.256.256/", "http://08.1.1.1/", "http://1.2.3.0xfff/"),
    *(f"http://{'a' * 64}.com/", f"http://{'a.' * 130}com/", "http://example.com/" + "a" * 9_000),
]

BENIGN = [
    *("https://example.com/", "https://example.com", "http://example.com:80/", "https://example.com:443/a?b=c#d"),
    *("HTTPS://Example.COM/Path", "https://www.bbc.co.uk/news/articles/c0k7xn8wz", "https://example.com./"),
    *("https://de.wikipedia.org/wiki/Käse", "https://ja.wikipedia.org/wiki/東京", "https://müller-bäckerei.de/"),
    *(
        "https://xn--mller-kva.de/",
        "https://点心.com/",
        "https://правда.рф/новости",
        "https://my_bucket.s3.example.net/",
    ),
    *(
        "https://sub-domain.example-site.org/a(b)",
        "https://8.8.8.8/",
        "http://1.1.1.1/",
        "https://[2606:4700::1111]/",
    ),
    *("https://example.com/search?q=a+b%20c&l=en", "https://example.com/?u=http://127.0.0.1/", "https://1.fm/"),
    *("https://0x.org/", "https://360.cn/", "https://localhost.run/", "https://internal.example.net/"),
    *("https://local.ch/", "https://arxiv.org/pdf/1706.03762", "https://docs.python.org/3/library/os.html#os.open"),
    *("https://example.com/a,b;c=1/d@e:f!$&'()*+", "https://example.com/%E2%9C%93", "https://t.co/abc"),
]


@pytest.fixture
def connections(monkeypatch) -> list[str]:
    """The addresses to which a connection was tried; none is made."""
    tried: list[str] = []

    def connect(self, host, port, timeout=None, local_address=None, socket_options=None):
        tried.append(host)
        raise httpcore.ConnectError("not in this test")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return tried


@pytest.mark.parametrize("url", ATTACKS)
def test_it_never_connects_to(url, connections, monkeypatch):
    # As a hostile name server, or the machine's own hosts file, would answer.
    monkeypatch.setattr(resolving, "look_up", lambda host, port: ["127.0.0.1"])
    with pytest.raises(EgressRefused):
        fetch(url, PUBLIC)
    assert connections == []


@pytest.mark.parametrize("url", BENIGN)
def test_it_does_not_stand_in_the_way_of(url, connections, monkeypatch):
    monkeypatch.setattr(resolving, "look_up", lambda host, port: ["93.184.216.34"])
    with pytest.raises(EgressError, match="Couldn't connect"):
        fetch(url, PUBLIC)
    assert len(connections) == 1


def test_the_refusal_names_the_address():
    with pytest.raises(EgressRefused, match=r"^The address 10\.0\.0\.5 isn't on the public internet\.$"):
        fetch("http://10.0.0.5/", PUBLIC)


@pytest.mark.parametrize(
    ("spelling", "plain"),
    [
        ("http://0x08.010.8.8/", "http://8.8.8.8/"),
        ("HTTP://EXAMPLE.com:80", "http://example.com/"),
        ("https://ｅｘａｍｐｌｅ。com/ä?ö#x", "https://example.com/%C3%A4?%C3%B6"),
        ("https://straße.de/", "https://xn--strae-oqa.de/"),
        ("http://[2606:4700:0:0::1111]/", "http://[2606:4700::1111]/"),
    ],
)
def test_every_address_has_one_spelling(spelling, plain):
    assert target_of(spelling).url == plain


PRIVATE_ADDRESSES = ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1", "fe80::1%eth0"]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_one_private_answer_spoils_a_name(address, connections, monkeypatch):
    monkeypatch.setattr(resolving, "look_up", lambda host, port: ["93.184.216.34", address])
    with pytest.raises(EgressRefused, match="n't on the public internet"):
        fetch("https://rebind.example.com/", PUBLIC)
    assert connections == []


def test_names_without_an_address_fail_in_a_sentence(monkeypatch):
    def unknown(host, port):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(resolving, "look_up", unknown)
    with pytest.raises(EgressError, match=r"^Couldn't find nowhere\.example\.com\. Either"):
        fetch("https://nowhere.example.com/", PUBLIC)


def is_private(text: str) -> bool:
    """An independent look at an address, by what Python's own registry says of it and of what is inside it."""
    address = ipaddress.ip_address(text)
    inner = [address]
    if address.version == 6:
        inner += [each for each in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if each]
    return any(not each.is_global or each.is_multicast for each in inner if not getattr(each, "ipv4_mapped", None))


def written(number: int) -> st.SearchStrategy[str]:
    """An IPv4 address in one of the spellings that some parser takes."""
    a, b, c, d = number.to_bytes(4, "big")
    forms = [
        *(f"{a}.{b}.{c}.{d}", f"{number}", f"0x{number:x}", f"0{number:o}", f"{a}.{b}.{c * 256 + d}"),
        *(f"0{a:o}.0x{b:x}.{c}.{d}", f"{a}.{number & 0xFFFFFF}", f"[::ffff:{a}.{b}.{c}.{d}]"),
        *(f"[64:ff9b::{a}.{b}.{c}.{d}]", f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]", f"{a}.{b}.{c}.{d}."),
        f"{a}.{b}.{c}.{d}".translate(str.maketrans("0123456789.", "０１２３４５６７８９。")),
    ]
    return st.sampled_from(forms)


NASTY = st.sampled_from(["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.0.1", "0.0.0.0", "100.64.1.1"])
NUMBERS = st.one_of(st.integers(0, 2**32 - 1), NASTY.map(lambda text: int(ipaddress.IPv4Address(text))))
HOSTS = st.one_of(
    NUMBERS.flatmap(written),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.from_regex(r"[a-z0-9._\-]{1,20}\.(com|internal|local|org)", fullmatch=True),
    st.text(min_size=1, max_size=12),
)
URLS = st.builds(
    lambda scheme, user, host, port, path: f"{scheme}{user}{host}{port}{path}",
    st.sampled_from(["http://", "https://", "HTTP:", "http:/", "//", "file://", "http:///", "http:\\\\", ""]),
    st.sampled_from(["", "", "", "a@", "a:b@", "example.com\\@", "example.com#@", "example.com?@", "%40"]),
    HOSTS,
    st.sampled_from(["", "", ":80", ":443", ":6379", ":", ":0x50"]),
    st.one_of(st.just("/"), st.text(max_size=10)),
)
ANSWERS = st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str), max_size=3)


@given(url=URLS, answers=ANSWERS)
@example(url="http://a.com/", answers=["::ffff:10.0.0.1"])
@example(url="http://a.com/", answers=["2002:7f00:1::1"])
@example(url="http://a.com/", answers=["::1"])
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_address_whatever_leads_off_the_public_internet(url, answers, connections, monkeypatch):
    connections.clear()
    monkeypatch.setattr(resolving, "look_up", lambda host, port: answers)
    with pytest.raises(EgressError):
        fetch(url, PUBLIC, limits=FetchLimits(timeout_s=5))
    assert not [each for each in connections if is_private(each)]


def test_operators_open_hosts_ports_and_networks():
    guard = Guard(EgressConfig(allow=("wiki", "api.corp:8080", "10.1.0.0/16", "*.dev.example.org", "[fd12::1]:9000")))
    for url in (
        "http://wiki/",
        "https://wiki/a",
        "http://api.corp:8080/",
        "http://10.1.2.3/",
        "http://[fd12::1]:9000/",
    ):
        guard.target(url)
    refused = ("http://wiki:81/", "http://api.corp:8081/", "http://10.2.0.1/", "http://[fd12::1]/")
    for url in (*refused, "http://10.1.2.3:8080/", "http://wiki.evil.example.com:8080/"):
        with pytest.raises(EgressRefused):
            guard.target(url)


def test_an_allowed_host_does_not_lead_to_the_keys_of_the_machine():
    guard = Guard(EgressConfig(allow=("wiki.corp",)))
    guard.check_addresses("wiki.corp", 443, [ipaddress.ip_address("10.0.0.7")])
    for address in ("169.254.169.254", "168.63.129.16", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0"):
        with pytest.raises(EgressRefused):
            guard.check_addresses("wiki.corp", 443, [ipaddress.ip_address(address)])


METADATA = ("169.254.169.254", "fd00:ec2::254", "168.63.129.16", "::ffff:169.254.169.254")


@pytest.mark.parametrize("address", METADATA)
def test_only_a_line_with_the_very_address_opens_one_that_gives_out_keys(address):
    host = f"[{address}]" if ":" in address else address
    wide = (
        "0.0.0.0/0",
        "169.254.0.0/16",
        "169.254.169.254/31",
        "::/0",
        "fd00:ec2::/32",
        "168.63.0.0/16",
        "*.corp",
        "a.corp",
    )
    with pytest.raises(EgressRefused):
        Guard(EgressConfig(allow=wide)).target(f"http://{host}/latest")
    with pytest.raises(EgressRefused):
        Guard(EgressConfig(allow=wide)).check_addresses("a.corp", 80, [ipaddress.ip_address(address)])
    Guard(EgressConfig(allow=(address,))).target(f"http://{host}/latest")
    Guard(EgressConfig(allow=(f"{host}:80",))).target(f"http://{host}/latest")
    Guard(EgressConfig(allow=("10.0.0.0/8",))).target("http://10.0.0.5/")


def test_what_operators_deny_wins_and_takes_the_names_below_along():
    guard = Guard(EgressConfig(allow=("a.example.com",), deny=("example.com", "8.8.8.0/24")))
    for url in ("https://example.com/", "https://a.example.com/", "https://8.8.8.8/"):
        with pytest.raises(EgressRefused, match="doesn't allow"):
            guard.target(url)
    guard.target("https://notexample.com/")


def test_a_line_that_makes_no_sense_is_told():
    with pytest.raises(ValueError, match="neither a host"):
        Guard(EgressConfig(allow=("http://wiki/",)))
