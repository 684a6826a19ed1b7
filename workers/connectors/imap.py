"""Mailboxes: each message of the last days becomes a file. Nothing there is changed, not even what is unread.

Servers are not trusted: the bytes, lines and seconds of an answer are bounded where they arrive.
"""

import imaplib
import io
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from time import monotonic
from typing import Any, Final

from gpts.spec.sources import MOST_FILES, Mailbox
from workers.connectors import MOST_BYTES, Item, Reader, SourceError
from workers.egress import EgressFailed, Guard
from workers.egress.connecting import checked, tls
from workers.egress.resolving import Deadline

_PORT: Final = 993
_TIMEOUT_S: Final = 30.0
# Of one answer: what is none of a message, in bytes; and any, in seconds.
_ANSWER_BYTES: Final = 1_000_000
_LINE_BYTES: Final = 1_000
_ANSWER_S: Final = 120.0
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d{1,18})")
TOO_MUCH: Final = "The mail server sent more than was asked of it, or too slowly."
_UNSAFE: Final = re.compile(r"[^\w.()\-, ]+")


class _Bounded(io.RawIOBase):
    """What `source` sends. Raises SourceError for more, or later, than is expected, and what `check` raises."""

    def __init__(self, source: socket.socket, check: Callable[[], None]) -> None:
        self._source, self._check = source, check
        self.expect(_ANSWER_BYTES)

    def expect(self, most_bytes: int) -> None:
        """The next answer may have so many bytes."""
        self.n_left, self._ends = most_bytes, monotonic() + _ANSWER_S

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come, as far as there is room."""
        n = self._source.recv_into(buffer)
        self.count(n)
        self._check()
        return n

    def count(self, n_bytes: int) -> None:
        """Count so many bytes as received."""
        self.n_left -= n_bytes
        if self.n_left < 0 or monotonic() > self._ends:
            raise SourceError(TOO_MUCH)


class _Connection(imaplib.IMAP4_SSL):
    """A connection to a checked address, verified for the host's name."""

    received: _Bounded

    def __init__(self, host: str, port: int, reader: Reader) -> None:
        self._reader = reader
        super().__init__(host, port, ssl_context=tls(), timeout=_TIMEOUT_S)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        guard = Guard(self._reader.egress, ports=(_PORT,))
        deadline = Deadline(monotonic() + _TIMEOUT_S, _TIMEOUT_S, self._reader.check)
        for address in checked(guard, self.host, self.port, deadline):
            try:
                plain = socket.create_connection((str(address), self.port), timeout)
            except OSError:
                continue
            return tls().wrap_socket(plain, server_hostname=self.host)
        raise EgressFailed(f"Couldn't connect to {self.host}.")

    def open(self, host: str = "", port: int | None = _PORT, timeout: float | None = None) -> None:
        """Connect, and bound what is read from then on."""
        super().open(host, port, timeout)
        self.received = _Bounded(self.sock, self._reader.check)
        self.file.close()
        self.file = io.BufferedReader(self.received)

    def read(self, size: int) -> bytes:
        """A literal of so many bytes, for which there must be room before any is read."""
        if size > self.received.n_left:
            raise SourceError(TOO_MUCH)
        return super().read(size)

    def readline(self) -> bytes:
        """A line, which takes as long to understand as many bytes of a literal."""
        self.received.count(_LINE_BYTES)
        return super().readline()

    def asked(self, *command: str, most_bytes: int = _ANSWER_BYTES) -> tuple[str, list[Any]]:
        """The answer to a UID command, of at most so many bytes."""
        self.received.expect(most_bytes)
        return self.uid(*command)


@contextmanager
def _opened(settings: Mailbox, secret: str, reader: Reader) -> Iterator[_Connection]:
    host, _, port = settings.host.partition(":")
    try:
        connection = _Connection(host, int(port or _PORT), reader)
    except (OSError, ValueError, imaplib.IMAP4.error) as error:
        raise SourceError(f"Couldn’t connect securely to {host}.") from error
    try:
        connection.login(settings.user, secret)
        yield connection
        connection.received.expect(_ANSWER_BYTES)
        connection.logout()
    except imaplib.IMAP4.error as error:
        what = error.args[0] if error.args else ""
        said = (what.decode(errors="replace") if isinstance(what, bytes) else str(what))[:200]
        raise SourceError(f"The mail server refused it: {said}") from error
    except OSError as error:
        raise SourceError("The connection to the mail server broke.") from error
    finally:
        with suppress(OSError):
            connection.shutdown()


def mailbox(settings: Mailbox, secret: str, reader: Reader) -> Iterator[Item]:
    """The newest messages of the folder."""
    with _opened(settings, secret, reader) as connection:
        quoted = '"' + settings.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        _ok(connection.select(quoted, readonly=True), f"There is no folder {settings.folder}.")
        validity = (connection.response("UIDVALIDITY")[1] or [b""])[0] or b""
        since = datetime.now(UTC) - timedelta(days=settings.days)
        date = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        found = _ok(connection.asked("SEARCH", "SINCE", date), "The mail server could not search the folder.")
        uids = [uid for uid in (found[0] or b"").split() if uid.isdigit()]
        for uid in uids[-MOST_FILES:]:
            reader.check()
            yield _message(connection, uid, f"{validity.decode(errors='replace')}:{uid.decode()}", reader)


def _message(connection: _Connection, uid: bytes, key: str, reader: Reader) -> Item:
    """A message never changes, so that its key is its version."""
    if reader.known.get(key) == key:
        return Item(key, "", key)
    sizes = _ok(connection.asked("FETCH", uid.decode(), "(UID RFC822.SIZE)"), "A message could not be read.")
    match = _SIZE.search(b" ".join(each for each in sizes if isinstance(each, bytes)))
    if match and int(match[1]) > MOST_BYTES:
        return Item(key, "message.eml", key, error=f"Larger than {MOST_BYTES // 1_000_000} MB.")
    most = MOST_BYTES + _ANSWER_BYTES
    body = connection.asked("FETCH", uid.decode(), "(BODY.PEEK[])", most_bytes=most)
    parts = _ok(body, "A message could not be read.")
    content = next((each[1] for each in parts if isinstance(each, tuple)), b"")
    reader.spend(len(content))
    return Item(key, _name(content), key, content)


def _name(content: bytes) -> str:
    head = message_from_bytes(content[:20_000])
    try:
        subject = str(make_header(decode_header(head.get("Subject", ""))))
    except (ValueError, LookupError):
        subject = ""
    words = " ".join(_UNSAFE.sub(" ", subject).split())[:100]
    return f"{words or 'message'}.eml"


def _ok(answer: tuple[str, list[Any]], wrong: str) -> list[Any]:
    if answer[0] != "OK":
        raise SourceError(wrong)
    return answer[1]
