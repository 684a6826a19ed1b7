"""Decodes recordings in an isolated child (workers/isolation). Imported there only: it needs PyAV."""

from io import BytesIO
from itertools import chain
from typing import Any, Final

import av

from workers.isolation.errors import BrokenFile, TooLarge

# What Whisper hears.
RATE_HZ: Final = 16_000
SAMPLE_BYTES: Final = 2


def decode_in_child(data: bytes, max_s: int) -> bytes:
    """Its first track as 16-bit mono samples at RATE_HZ. Raises BrokenFile without one, TooLarge after `max_s`."""
    found = bytearray()
    try:
        with av.open(BytesIO(data), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise BrokenFile
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            for frame in chain(_frames(container), [None]):
                for part in resampler.resample(frame):
                    found += bytes(part.planes[0])[: part.samples * SAMPLE_BYTES]
                if len(found) > max_s * RATE_HZ * SAMPLE_BYTES:
                    raise TooLarge
    except av.FFmpegError as error:
        raise BrokenFile from error
    if not found:
        raise BrokenFile
    return bytes(found)


def _frames(container: Any) -> Any:
    """The frames of the first audio track; damaged packets are left out, as players do."""
    for packet in container.demux(audio=0):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue
