"""Mailboxes, at a server of the tests' own that speaks as much IMAP as is asked of it, with TLS."""

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from types import MappingProxyType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gpts.spec.sources import Mailbox
from workers.connectors import Reader, SourceError, imap
from workers.egress import EgressConfig, EgressRefused

MESSAGES = {
    b"4": b"Subject: Fees\r\n\r\n12 euros\r\n",
    b"7": b"Subject: =?utf-8?b?R2Viw7xocmVu?= / ../x\r\n\r\n13 euros\r\n",
    b"9": b"\r\nNo subject\r\n",
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost with its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    signed = built.sign(key, hashes.SHA256())
    path.write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()) + signed.public_bytes(pem))
    return path


@pytest.fixture
def server(certificate, monkeypatch):
    """The port of the server, and the lines that it got."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setattr(imap, "tls", lambda: ssl.create_default_context(cafile=str(certificate)))
    lines: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection = context.wrap_socket(listening.accept()[0], server_side=True)
            except OSError:
                return
            file = connection.makefile("rwb")
            file.write(b"* OK ready\r\n")
            file.flush()
            with suppress(OSError):  # the client may leave
                for line in file:
                    lines.append(line)
                    file.write(answer(line))
                    file.flush()

    threading.Thread(target=serve, daemon=True).start()
    yield listening.getsockname()[1], lines
    listening.close()


def answer(line: bytes) -> bytes:
    tag, command, *rest = line.split()
    ok = tag + b" OK done\r\n"
    if command == b"CAPABILITY":
        return b"* CAPABILITY IMAP4rev1\r\n" + ok
    if command == b"LOGIN":
        return ok if rest[1] == b'"right"' else tag + b" NO [AUTHENTICATIONFAILED] Wrong password.\r\n"
    if command == b"EXAMINE":
        known = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 77] valid\r\n" + ok
        return known if rest[0] == b'"INBOX"' else tag + b" NO no such folder\r\n"
    if rest[:1] == [b"SEARCH"]:
        return b"* SEARCH " + b" ".join(MESSAGES) + b"\r\n" + ok
    if rest[:1] == [b"FETCH"] and b"RFC822.SIZE" in line:
        return b"* 1 FETCH (UID %s RFC822.SIZE 40)\r\n" % rest[1] + ok
    if rest[:1] == [b"FETCH"]:
        content = MESSAGES[rest[1]]
        return b"* 1 FETCH (UID %s BODY[] {%d}\r\n%s)\r\n" % (rest[1], len(content), content) + ok
    return ok


def settings(port: int, folder: str = "INBOX") -> Mailbox:
    return Mailbox(host=f"localhost:{port}", user="alice", folder=folder)


def reader(port: int, **known: str) -> Reader:
    return Reader(
        EgressConfig(allow=(f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}")), MappingProxyType(known)
    )


def test_messages_come_once_and_nothing_is_marked_as_read(server):
    port, lines = server
    found = list(imap.mailbox(settings(port), "right", reader(port)))
    assert {item.key: (item.name, item.content) for item in found} == {
        "77:4": ("Fees.eml", MESSAGES[b"4"]),
        "77:7": ("Gebühren .. x.eml", MESSAGES[b"7"]),
        "77:9": ("message.eml", MESSAGES[b"9"]),
    }
    again = imap.mailbox(settings(port), "right", reader(port, **{item.key: item.version for item in found}))
    assert [item.content for item in again] == [None] * 3
    assert not [line for line in lines if b"SELECT" in line or b"STORE" in line or b"(BODY[]" in line]


@pytest.mark.parametrize(
    ("password", "folder", "why"),
    [
        ("wrong", "INBOX", r"refused it: \[AUTHENTICATIONFAILED\] Wrong password"),
        ("right", "Other", "no folder Other"),
    ],
)
def test_what_the_server_refuses_is_told(server, password, folder, why):
    port, _ = server
    with pytest.raises(SourceError, match=why):
        list(imap.mailbox(settings(port, folder), password, reader(port)))


def test_a_private_address_or_a_server_without_tls_is_refused(server):
    port, _ = server
    with pytest.raises(EgressRefused):
        list(imap.mailbox(settings(port), "right", Reader(EgressConfig(), {})))
    with socket.create_server(("127.0.0.1", 0)) as plain:
        other = plain.getsockname()[1]
        threading.Thread(target=lambda: plain.accept()[0].sendall(b"* OK hello\r\n"), daemon=True).start()
        with pytest.raises(SourceError, match="connect securely"):
            list(imap.mailbox(settings(other), "right", reader(other)))


LINES = b"* OK never mind\r\n" * 60_000
HOSTILE = {
    "a literal of 400 MB": (b"BODY", b"* 1 FETCH (UID 4 BODY[] {400000000}\r\nabc"),
    "a literal where none belongs": (b"RFC822.SIZE", b"* 1 FETCH (UID 4 RFC822.SIZE {2000000}\r\nabc"),
    "lines without end": (b"SEARCH", LINES),
    "lines beside a message": (b"BODY", LINES * 22),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_more_than_was_asked_for_is_not_read(server, monkeypatch, case):
    command, sent = HOSTILE[case]
    usual = answer
    monkeypatch.setitem(globals(), "answer", lambda line: sent if command in line else usual(line))
    began = monotonic()
    with pytest.raises(SourceError, match="sent more than was asked"):
        list(imap.mailbox(settings(server[0]), "right", reader(server[0])))
    assert monotonic() - began < 5


def test_the_time_of_an_answer_is_bounded(server, monkeypatch):
    monkeypatch.setattr(imap, "_ANSWER_S", 0)
    with pytest.raises(SourceError, match="too slowly"):
        list(imap.mailbox(settings(server[0]), "right", reader(server[0])))


def test_the_size_of_a_message_is_found_in_linear_time(server, monkeypatch):
    usual = answer
    sizeless = b"* 1 FETCH (%s)\r\n" % (b"UID 1 " * 100_000)
    monkeypatch.setitem(
        globals(),
        "answer",
        lambda line: sizeless + line.split()[0] + b" OK done\r\n" if b"RFC822.SIZE" in line else usual(line),
    )
    began = monotonic()
    assert len(list(imap.mailbox(settings(server[0]), "right", reader(server[0])))) == 3
    assert monotonic() - began < 5
