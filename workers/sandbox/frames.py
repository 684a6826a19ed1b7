"""The format of messages with kernels and clients: one byte for the kind, the length, and the payload."""

import json
import struct
from collections.abc import Iterator
from typing import Any, Final

HEADER: Final = struct.Struct(">cI")

# From kernels: what the code printed, what went to its error stream, and the outcome as JSON.
PRINTED: Final = b"O"
COMPLAINED: Final = b"E"
RESULT: Final = b"R"
# Between clients and the service: a JSON object, and the content of one file.
WORDS: Final = b"J"
FILE: Final = b"F"


def frame(kind: bytes, payload: bytes) -> bytes:
    """`payload` with its header."""
    return HEADER.pack(kind, len(payload)) + payload


def words(**content: Any) -> bytes:
    """A JSON object as a frame."""
    return frame(WORDS, json.dumps(content).encode())


class Malformed(Exception):
    """The other side does not keep to the format, or sends more than it may."""


class Frames:
    """Takes bytes as they come and gives whole frames, each of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._unread = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The frames that `data` completes. Raises Malformed."""
        self._unread += data
        while len(self._unread) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._unread)
            if length > self._max_bytes:
                raise Malformed
            if len(self._unread) < HEADER.size + length:
                return
            payload = bytes(memoryview(self._unread)[HEADER.size : HEADER.size + length])
            del self._unread[: HEADER.size + length]
            yield kind, payload
