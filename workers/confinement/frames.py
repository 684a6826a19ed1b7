"""The message format between a confined process and its parent, and between clients and the sandbox service.

A frame is one byte for the kind, the payload's length (4 bytes), and the payload.
"""

import json
import os
import struct
from collections.abc import Iterator
from typing import Any, Final

HEADER: Final = struct.Struct(">cI")

# From confined processes: what code printed, pages read, and the result or the error that ended the work.
STDOUT: Final = b"O"
STDERR: Final = b"E"
PROGRESS: Final = b"P"
RESULT: Final = b"R"
ERROR: Final = b"X"
# Between clients and the sandbox service: a JSON object, and the content of one file.
JSON: Final = b"J"
FILE: Final = b"F"


def frame(kind: bytes, payload: bytes) -> bytes:
    """`payload` with its header."""
    return HEADER.pack(kind, len(payload)) + payload


def json_frame(**content: Any) -> bytes:
    """A JSON object as a frame."""
    return frame(JSON, json.dumps(content).encode())


def detach_output() -> int:
    """A copy of the descriptor of standard output, for frames; what anything else prints goes to /dev/null."""
    channel = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    return channel


def send(channel: int, kind: bytes, payload: bytes) -> None:
    """Write one frame to a blocking descriptor."""
    left = memoryview(frame(kind, payload))
    while left:
        left = left[os.write(channel, left) :]


class Malformed(Exception):
    """The other side violates the format, or a frame is too long."""


class Frames:
    """Splits received bytes into frames, each of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._unread = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The kind and payload of each frame that `data` completes. Raises Malformed."""
        self._unread += data
        while len(self._unread) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._unread)
            if length > self._max_bytes:
                raise Malformed
            end = HEADER.size + length
            if len(self._unread) < end:
                return
            payload = bytes(memoryview(self._unread)[HEADER.size : end])
            del self._unread[:end]
            yield kind, payload
