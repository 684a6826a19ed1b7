"""Response bodies, unpacked, and cut off as soon as they exceed the limit.

Requests accept gzip only, whose unpacked size can be bounded while unpacking; brotli and zstd are refused, even if a
server sends them unasked, since nothing here can unpack them incrementally.
"""

import zlib
from collections.abc import Mapping

from gpts.egress.errors import EgressFailed

ACCEPTED = "gzip"


class Unpacker:
    """Unpacks a body piece by piece. Raises EgressFailed beyond `max_bytes`, packed or unpacked."""

    def __init__(self, headers: Mapping[str, str], max_bytes: int) -> None:
        codings = [each.strip().lower() for each in headers.get("content-encoding", "").split(",")]
        codings = [each for each in codings if each not in ("", "identity")]
        if codings not in ([], ["gzip"], ["x-gzip"]):
            raise EgressFailed("The response has an unsupported encoding.")
        self._max_bytes = max_bytes
        self._n_sent = self._n_given = 0
        self._gzip = zlib.decompressobj(wbits=31) if codings else None
        if headers.get("content-length", "").isdigit() and int(headers["content-length"]) > max_bytes:
            raise self._too_long()

    def feed(self, data: bytes) -> bytes:
        """The next piece of the body, unpacked."""
        self._n_sent += len(data)
        room = self._max_bytes - self._n_given
        try:
            # A length of 0 would mean no limit; one byte more than the room left reveals that the body is too long.
            given = self._gzip.decompress(data, max(1, room + 1)) if self._gzip else data
        except zlib.error as error:
            raise EgressFailed("The response is damaged and can't be decompressed.") from error
        self._n_given += len(given)
        if max(self._n_sent, self._n_given) > self._max_bytes:
            raise self._too_long()
        return given

    def _too_long(self) -> EgressFailed:
        size = f"{self._max_bytes / 1_000_000:g} MB" if self._max_bytes >= 100_000 else f"{self._max_bytes:,} bytes"
        return EgressFailed(f"The response is larger than {size}.")
