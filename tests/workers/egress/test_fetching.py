"""What hostile servers, name servers and redirects try, and what the guarded client makes of it."""

import gzip
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from ssl import PROTOCOL_TLS_SERVER, SSLContext, create_default_context
from threading import Thread
from time import monotonic, sleep

import anyio
import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.workers.egress.servers import serving
from workers.egress import (
    EgressConfig,
    EgressError,
    EgressFailed,
    EgressRefused,
    FetchLimits,
    GuardedAsyncTransport,
    connecting,
    fetch,
)
from workers.egress.connecting import _must_be


def allowing(*servers, host: str = "127.0.0.1") -> EgressConfig:
    return EgressConfig(allow=tuple(f"{host}:{server.port}" for server in servers))


def ok(asked):
    asked.give(body=b"hello", Content_Type="text/plain")


def test_it_returns_what_the_server_gave():
    with serving(ok) as server:
        response = fetch(f"http://127.0.0.1:{server.port}/a?b=1", allowing(server))
    assert (response.status, response.content, response.content_type) == (200, b"hello", "text/plain")
    assert server.seen[0].path == "/a?b=1"
    assert "Guildhall" in server.seen[0].headers["user-agent"]
    assert server.seen[0].headers["host"] == f"127.0.0.1:{server.port}"


def test_without_permission_the_same_server_is_not_asked():
    with serving(ok) as server:
        for config in (EgressConfig(), EgressConfig(allow=("127.0.0.1",)), EgressConfig(allow=("127.0.0.2",))):
            with pytest.raises(EgressRefused):
                fetch(f"http://127.0.0.1:{server.port}/", config)
    assert server.seen == []


def test_a_name_that_changes_its_mind_is_asked_once_and_only_its_first_answer_counts(names, monkeypatch):
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])
    names["rebind.example.com"] = lambda: next(answers)
    tried = []

    def connect(self, host, port, **kwargs):
        tried.append(host)
        raise httpcore.ConnectError("not in this test")

    monkeypatch.setattr(
        httpcore.SyncBackend, "connect_tcp", lambda self, host, port, *rest: connect(self, host, port)
    )
    with pytest.raises(EgressFailed):
        fetch("http://rebind.example.com/", EgressConfig())
    assert names["asked"] == ["rebind.example.com"]
    assert tried == ["93.184.216.34"]


def test_the_socket_leads_to_the_address_that_was_checked(names):
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    names["rebind.example.com"] = lambda: next(answers)
    with serving(ok, "127.0.0.1") as checked:
        config = allowing(checked, host="rebind.example.com")
        fetch(f"http://rebind.example.com:{checked.port}/", config)
    assert names["asked"] == ["rebind.example.com"]
    assert checked.seen[0].headers["host"] == f"rebind.example.com:{checked.port}"


def test_a_connection_that_leads_elsewhere_is_not_used():
    for peer in (("127.0.0.1", 80), None):
        with pytest.raises(EgressRefused):
            _must_be(ip_address("93.184.216.34"), peer)


def test_each_hop_of_a_rebinding_redirect_is_looked_up_and_checked_anew(names):
    answers = iter([["127.0.0.1"], ["10.0.0.5"]])
    names["rebind.example.com"] = lambda: next(answers)
    with serving(lambda asked: asked.give(302, Location="/again")) as server:
        config = EgressConfig(allow=(f"127.0.0.1:{server.port}",), deny=("10.0.0.0/8",))
        config = EgressConfig(allow=(*config.allow, f"rebind.example.com:{server.port}"), deny=config.deny)
        with pytest.raises(EgressRefused, match=r"10\.0\.0\.5"):
            fetch(f"http://rebind.example.com:{server.port}/", config)
    assert len(server.seen) == 1


REDIRECTS = [
    *("http://127.0.0.1:1/", "http://10.0.0.5/", "http://169.254.169.254/latest", "//localhost/", "http://[::1]/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "javascript:alert(1)", "http://a@example.com/"),
    *("http://0x7f000001/", "http://metadata.google.internal/", "\\\\127.0.0.1\\", "http://１２７.0.0.1/"),
]


@pytest.mark.parametrize("location", REDIRECTS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_to(status, location):
    def answer(asked):
        asked.give(status, Location=location.encode().decode("latin-1"))

    with serving(answer) as server, pytest.raises(EgressRefused):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server))
    assert len(server.seen) == 1


def test_three_redirects_are_followed_and_a_fourth_is_not():
    def answer(asked):
        n = int(asked.path[1:])
        asked.give(302, Location=f"/{n - 1}") if n else asked.give(body=b"there")

    with serving(answer) as server:
        base = f"http://127.0.0.1:{server.port}"
        response = fetch(f"{base}/3", allowing(server))
        assert (response.content, response.url) == (b"there", f"{base}/0")
        with pytest.raises(EgressFailed, match="redirects too often"):
            fetch(f"{base}/4", allowing(server))


def test_redirects_in_a_circle_end():
    circle = serving(lambda asked: asked.give(302, Location="/"))
    with circle as server, pytest.raises(EgressFailed, match="redirects too often"):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server))
    assert len(server.seen) == 4


SECRETS = {"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Api-Key": "s3cret", "Accept-Language": "de"}


def test_secrets_stay_with_the_origin_that_they_were_meant_for(names):
    with serving(ok) as other:
        names["other.example.com"] = ["127.0.0.1"]
        there = f"http://other.example.com:{other.port}/"
        with serving(lambda asked: asked.give(302, Location=there if asked.path == "/out" else "/out")) as first:
            config = EgressConfig(allow=(f"127.0.0.1:{first.port}", f"other.example.com:{other.port}"))
            fetch(f"http://127.0.0.1:{first.port}/", config, headers=SECRETS)
    assert [seen.headers["authorization"] for seen in first.seen] == ["Bearer s3cret"] * 2
    assert "s3cret" not in str(other.seen[0].headers)
    assert other.seen[0].headers["accept-language"] == "de"


def test_what_was_sent_to_one_host_is_not_sent_to_another():
    with serving(ok) as other, serving(lambda asked: asked.give(307, Location=there)) as first:
        there = f"http://127.0.0.1:{other.port}/"
        config = allowing(first, other)
        with pytest.raises(EgressRefused, match="redirects the request"):
            fetch(f"http://127.0.0.1:{first.port}/", config, method="POST", content=b"private")
    assert first.seen[0].body == b"private"
    assert other.seen == []


MARK = "open-page-evil"


def test_errors_never_carry_what_a_server_sent(names):
    names["www.example.com"] = names[f"{MARK}.example.com"] = ["127.0.0.1"]

    def answer(asked):
        kind = asked.path[1:]
        if kind == "type":
            asked.give(body=b"x", Content_Type=f"image/{MARK}")
        elif kind == "coding":
            asked.give(body=b"x", Content_Encoding=MARK)
        else:
            host = {"away": f"{MARK}.example.com", "private": f"{MARK}.internal", "bad": f"{MARK} {MARK}"}[kind]
            asked.give(302, Location=f"http://{host}:{server.port}/gone")

    with serving(answer) as server:
        config = EgressConfig(allow=(f"www.example.com:{server.port}",))
        for kind in ("type", "coding", "away", "private", "bad"):
            for same_host in (False, True):
                limits = FetchLimits(content_types=("text/",), same_host=same_host)
                with pytest.raises(EgressError) as caught:
                    fetch(f"http://www.example.com:{server.port}/{kind}", config, limits=limits)
                assert MARK not in str(caught.value)
    assert len(server.seen) == 10


def test_redirects_stay_on_the_host_where_that_is_asked_for(names):
    names["other.example.com"] = ["127.0.0.1"]
    with serving(lambda asked: asked.give(302, Location=f"http://other.example.com:{first.port}/")) as first:
        config = EgressConfig(allow=(f"127.0.0.1:{first.port}", f"other.example.com:{first.port}"))
        with pytest.raises(EgressRefused, match="to another host"):
            fetch(f"http://127.0.0.1:{first.port}/", config, limits=FetchLimits(same_host=True))


def test_a_posted_form_that_is_redirected_is_fetched():
    with serving(lambda asked: ok(asked) if asked.command == "GET" else asked.give(303, Location="/got")) as server:
        response = fetch(f"http://127.0.0.1:{server.port}/", allowing(server), method="POST", content=b"x")
    assert (response.content, server.seen[1].path, server.seen[1].body) == (b"hello", "/got", b"")


def drip(asked, piece: bytes = b"a", pause_s: float = 0.05) -> None:
    for _ in range(200):
        asked.wfile.write(piece)
        asked.wfile.flush()
        sleep(pause_s)


def slow_body(asked):
    asked.send_response(200)
    asked.send_header("Content-Length", "1000")
    asked.end_headers()
    drip(asked)


def slow_headers(asked):
    asked.wfile.write(b"HTTP/1.1 200 OK\r\n")
    drip(asked, b"X: y\r\n")


def endless_hints(asked):
    drip(asked, b"HTTP/1.1 103 Early Hints\r\n\r\n")


def silence(asked):
    sleep(3)


@pytest.mark.parametrize("answer", [slow_body, slow_headers, endless_hints, silence], ids=lambda each: each.__name__)
def test_time_is_bounded_as_a_whole(answer):
    begun = monotonic()
    with serving(answer) as server, pytest.raises(EgressFailed, match=r"took longer than 0\.6 seconds"):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server), limits=FetchLimits(timeout_s=0.6))
    assert monotonic() - begun < 3


def test_a_name_server_that_does_not_answer_is_not_waited_for(names):
    names["slow.example.com"] = lambda: time.sleep(3) or []
    begun = monotonic()
    with pytest.raises(EgressFailed, match="took longer"):
        fetch("https://slow.example.com/", EgressConfig(), limits=FetchLimits(timeout_s=0.4))
    assert monotonic() - begun < 2


def test_a_stopped_run_stops_its_request():
    class Stopped(Exception):
        pass

    until = monotonic() + 0.5

    def check():
        if monotonic() > until:
            raise Stopped

    begun = monotonic()
    with serving(silence) as server, pytest.raises(Stopped):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server), check=check)
    assert monotonic() - begun < 2


def endless(asked):
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    for _ in range(1_000):
        asked.wfile.write(b"a" * 65_536)


def claims_much(asked):
    asked.send_response(200)
    asked.send_header("Content-Length", "99999999999")
    asked.end_headers()


def bomb(asked):
    asked.give(body=gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")


@pytest.mark.parametrize("answer", [endless, claims_much, bomb], ids=lambda each: each.__name__)
def test_bytes_are_bounded_also_unpacked(answer):
    with serving(answer) as server, pytest.raises(EgressFailed, match="larger than 1 MB"):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server), limits=FetchLimits(max_bytes=1_000_000))


def test_packed_bodies_are_unpacked_and_only_gzip_is_asked_for():
    body = "Grüße ".encode() * 100
    with serving(lambda asked: asked.give(body=gzip.compress(body), Content_Encoding="gzip")) as server:
        assert fetch(f"http://127.0.0.1:{server.port}/", allowing(server)).content == body
    assert server.seen[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "deflate"])
def test_what_cannot_be_unpacked_within_bounds_is_not_unpacked(coding):
    packed = serving(lambda asked: asked.give(body=b"\x1b" * 100, Content_Encoding=coding))
    with packed as server, pytest.raises(EgressFailed, match="unsupported encoding"):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server))


def test_only_wanted_kinds_are_read():
    limits = FetchLimits(content_types=("text/", "application/pdf"))
    for kind, is_wanted in (("text/html; charset=utf-8", True), ("Application/PDF", True), ("video/mp4", False)):
        with serving(lambda asked, kind=kind: asked.give(body=b"x", Content_Type=kind)) as server:
            if is_wanted:
                fetch(f"http://127.0.0.1:{server.port}/", allowing(server), limits=limits)
            else:
                with pytest.raises(EgressFailed, match="video/mp4, which isn't supported"):
                    fetch(f"http://127.0.0.1:{server.port}/", allowing(server), limits=limits)


BAD_HEADERS = [
    *({"X": "a\r\nHost: evil"}, {"X": "a\nb"}, {"X\r\nY": "a"}, {"X:": "a"}, {"X": "a\0b"}, {"": "a"}, {"X": "✓"}),
    *({"Host": "evil"}, {"content-length": "5"}, {"Transfer-Encoding": "chunked"}, {"Proxy-Authorization": "x"}),
]


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=repr)
def test_headers_cannot_be_smuggled(headers):
    with serving(ok) as server, pytest.raises(EgressRefused):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server), headers=headers)
    assert server.seen == []


def test_line_breaks_in_an_address_stay_escaped():
    with serving(ok) as server:
        fetch(f"http://127.0.0.1:{server.port}/a%0d%0aX:%20y", allowing(server))
    assert server.seen[0].path == "/a%0d%0aX:%20y"
    assert server.seen[0].headers["x"] is None


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with serving(ok) as server, serving(ok) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server))
    assert proxy.seen == []


def test_a_server_that_is_gone_is_told_in_a_sentence():
    with serving(ok) as server:
        config = allowing(server)
    with pytest.raises(EgressFailed, match=r"^Couldn't connect to 127\.0\.0\.1\.$"):
        fetch(f"http://127.0.0.1:{server.port}/", config)


def test_nonsense_is_told_in_a_sentence():
    shell = serving(lambda asked: asked.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"))
    with shell as server, pytest.raises(EgressFailed, match="an invalid response"):
        fetch(f"http://127.0.0.1:{server.port}/", allowing(server))


@pytest.fixture
def certificate(tmp_path):
    """A certificate for pinned.example.com, signed by itself; the path of a file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pinned.example.com")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("pinned.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = tmp_path / "pinned.pem"
    bare = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(signed.public_bytes(pem) + bare)
    return path


def test_tls_asks_for_the_name_and_holds_the_certificate_to_it(names, certificate, monkeypatch):
    asked_for = []
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda sock, name, ctx: asked_for.append(name)
    names["pinned.example.com"] = names["wrong.example.com"] = ["127.0.0.1"]
    with serving(ok) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        config = EgressConfig(allow=(f"pinned.example.com:{server.port}", f"wrong.example.com:{server.port}"))
        with pytest.raises(EgressFailed, match=r"certificate of pinned\.example\.com isn.t valid"):
            fetch(f"https://pinned.example.com:{server.port}/", config)
        trusting = create_default_context(cafile=str(certificate))
        monkeypatch.setattr("workers.egress.fetching.tls", lambda: trusting)
        response = fetch(f"https://pinned.example.com:{server.port}/", config)
        assert response.content == b"hello"
        with pytest.raises(EgressFailed, match=r"certificate of wrong\.example\.com isn.t valid"):
            fetch(f"https://wrong.example.com:{server.port}/", config)
    assert asked_for == ["pinned.example.com", "pinned.example.com", "wrong.example.com"]
    assert connecting.tls().verify_mode.name == "CERT_REQUIRED"


def test_many_threads_fetch_at_once():
    with serving(ok) as server:
        got = []
        url, config = f"http://127.0.0.1:{server.port}/", allowing(server)
        threads = [Thread(target=lambda: got.append(fetch(url, config).content)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == [b"hello"] * 12


def test_httpx_clients_are_guarded_too(names):
    names["rebind.example.com"] = ["93.184.216.34", "10.0.0.5"]

    def answer(asked):
        if asked.path == "/away":
            asked.give(307, Location="http://[::1]/")
        elif asked.path == "/bomb":
            bomb(asked)
        else:
            asked.give(body=gzip.compress(b"hello"), Content_Encoding="gzip")

    async def visit(server):
        base = f"http://127.0.0.1:{server.port}"
        transport = GuardedAsyncTransport(allowing(server), 1_000_000)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True, trust_env=False) as client:
            assert (await client.post(f"{base}/", json={"a": 1})).text == "hello"
            for url, why in (
                (f"{base}/away", "::1 isn't on the public internet"),
                (f"{base}/bomb", "larger than 1 MB"),
                ("http://rebind.example.com/", "10.0.0.5 isn't on the public internet"),
                ("http://localhost/", "n't on the public internet"),
                ("http://10.0.0.5/", "10.0.0.5 isn't on the public internet"),
            ):
                with pytest.raises(httpx.ConnectError, match=why) as caught:
                    await client.get(url)
                assert isinstance(caught.value.__cause__, EgressError)

    with serving(answer) as server:
        anyio.run(visit, server)
    assert server.seen[0].body == b'{"a":1}'
    assert server.seen[0].headers["host"] == f"127.0.0.1:{server.port}"
