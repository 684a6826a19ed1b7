"""Transcribes and speaks for programs and the chat page, through files that the site deletes again."""

from pathlib import Path
from typing import Any

from workers.voice import hearing, speaking
from workers.voice.errors import VoiceError


def transcribe(recording: Path, max_s: int, hints: dict[str, Any], model: str, home: Path, timeout_s: float) -> Any:
    """What was said in the file `recording` (see Transcriber); or the reason why not in `refused`."""
    try:
        samples = hearing.samples_of(recording, max_s)
        return hearing.transcriber(model, home).transcribe(samples, hearing.Hints(**hints), timeout_s)
    except VoiceError as error:
        return _refused(error)


def speak(text: str, speed: float, kind: str, voice: str, target: Path, timeout_s: float) -> dict[str, Any]:
    """`seconds` of the text read aloud, which is then in the file `target`; or the reason why not in `refused`."""
    try:
        samples, rate = speaking.speak(text, speaking.voice_file(voice), speed, timeout_s)
    except VoiceError as error:
        return _refused(error)
    target.write_bytes(speaking.encoded(samples, rate, kind))
    return {"seconds": len(samples) / speaking.SAMPLE_BYTES / rate}


def _refused(error: VoiceError) -> dict[str, Any]:
    return {"refused": str(error), "status": error.status, "param": error.param, "code": error.code}
