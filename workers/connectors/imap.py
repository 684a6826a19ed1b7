"""Mailboxes: each message of the last days becomes a file. Nothing there is changed, not even what is unread."""

import imaplib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
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
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d{1,18})")
_UNSAFE: Final = re.compile(r"[^\w.()\-, ]+")


class _Connection(imaplib.IMAP4_SSL):
    """A connection to a checked address, verified for the host's name."""

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


@contextmanager
def _opened(settings: Mailbox, secret: str, reader: Reader) -> Iterator[imaplib.IMAP4]:
    host, _, port = settings.host.partition(":")
    try:
        connection = _Connection(host, int(port or _PORT), reader)
    except (OSError, ValueError, imaplib.IMAP4.error) as error:
        raise SourceError(f"Couldn’t connect securely to {host}.") from error
    try:
        connection.login(settings.user, secret)
        yield connection
    except imaplib.IMAP4.error as error:
        what = error.args[0] if error.args else ""
        said = (what.decode(errors="replace") if isinstance(what, bytes) else str(what))[:200]
        raise SourceError(f"The mail server refused it: {said}") from error
    except OSError as error:
        raise SourceError("The connection to the mail server broke.") from error
    finally:
        try:
            connection.logout()
        except (OSError, imaplib.IMAP4.error):
            connection.shutdown()


def mailbox(settings: Mailbox, secret: str, reader: Reader) -> Iterator[Item]:
    """The newest messages of the folder."""
    with _opened(settings, secret, reader) as connection:
        quoted = '"' + settings.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        _ok(connection.select(quoted, readonly=True), f"There is no folder {settings.folder}.")
        validity = (connection.response("UIDVALIDITY")[1] or [b""])[0] or b""
        since = datetime.now(UTC) - timedelta(days=settings.days)
        date = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        found = _ok(connection.uid("SEARCH", "SINCE", date), "The mail server could not search the folder.")
        for uid in (found[0] or b"").split()[-MOST_FILES:]:
            reader.check()
            yield _message(connection, uid, f"{validity.decode(errors='replace')}:{uid.decode()}", reader)


def _message(connection: imaplib.IMAP4, uid: bytes, key: str, reader: Reader) -> Item:
    """A message never changes, so that its key is its version."""
    if reader.known.get(key) == key:
        return Item(key, "", key)
    sizes = _ok(connection.uid("FETCH", uid.decode(), "(UID RFC822.SIZE)"), "A message could not be read.")
    match = _SIZE.search(b" ".join(each for each in sizes if isinstance(each, bytes)))
    if match and int(match[1]) > MOST_BYTES:
        return Item(key, "message.eml", key, error=f"Larger than {MOST_BYTES // 1_000_000} MB.")
    parts = _ok(connection.uid("FETCH", uid.decode(), "(BODY.PEEK[])"), "A message could not be read.")
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
