"""`/v1/audio`: recordings transcribed and text read aloud, by workers; for programs and for the chat page."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

from django.core.files.uploadedfile import UploadedFile as Upload
from django.http import HttpRequest, HttpResponse
from ninja import Form, Router, Schema
from pydantic import BaseModel, Field

from gpts.values import Text
from web import passing_files, rpc
from web.accounts import quotas
from web.accounts.models import User
from web.api import site_models
from web.api.auth import KeyAuth, SessionAuth, caller
from web.api.choices import name_ignored
from web.api.errors import ApiError, OpenAiErrorBody

router = Router(auth=[KeyAuth(), SessionAuth()])

QUEUE: Final = "tools"
# For what a person waits for; recordings of MAX_AUDIO_S take a fraction of it with a small model.
TIMEOUT_S: Final = 300.0
MAX_INPUT_CHARS: Final = 4_096
MAX_PROMPT_CHARS: Final = 2_000
NO_HEARING: Final = "Transcription isn’t set up on this site. Ask your admin."
NO_SPEECH: Final = "Reading aloud isn’t set up on this site. Ask your admin."
TYPES: Final = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "pcm": "application/octet-stream",
}
ERRORS: Final = dict.fromkeys((400, 401, 403, 404, 413, 429, 503), OpenAiErrorBody)
UNSUPPORTED: Final = ("stream", "chunking_strategy", "include[]", "known_speaker_names[]")


class TranscriptionRequest(BaseModel):
    """The fields beside `file`."""

    model: Text | None = Field(None, description="The site's model that transcribes. Default: that.")
    language: Text | None = Field(None, max_length=10, description="ISO 639-1, such as en. Default: detected.")
    prompt: Text | None = Field(
        None, max_length=MAX_PROMPT_CHARS, description="Names and words that occur, in the language of the recording."
    )
    response_format: Literal["json", "text", "verbose_json", "srt", "vtt"] = "json"
    temperature: float = Field(0, ge=0, le=1, description="0: higher only where the model is unsure.")


class TranscriptionSegment(Schema):
    """A part of the recording; times in seconds."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class TranscriptionWord(Schema):
    """A word; times in seconds."""

    word: str
    start: float
    end: float


class TranscriptionDuration(Schema):
    """How long the recording is."""

    type: Literal["duration"] = "duration"
    seconds: float


class Transcription(Schema):
    """What was said. `language` (ISO 639-1) and the fields below it come with `verbose_json`."""

    text: str
    usage: TranscriptionDuration
    language: str | None = None
    duration: float | None = None
    segments: list[TranscriptionSegment] | None = None
    words: list[TranscriptionWord] | None = None


class SpeechRequest(Schema):
    """A text to read aloud."""

    input: Text = Field(min_length=1, max_length=MAX_INPUT_CHARS)
    model: Text | None = Field(None, description="The site's model that speaks. Default: that.")
    voice: Text | None = Field(None, description="The site's voice. Default: that.")
    response_format: Literal["wav", "mp3", "opus", "aac", "flac", "pcm"] = Field(
        "mp3", description="pcm: 16 bits, mono, 24 kHz."
    )
    speed: float = Field(1, ge=0.25, le=4)
    instructions: Text | None = Field(None, description="Without effect.")
    stream_format: Literal["audio"] | None = Field(None, description="Without effect: the audio comes whole.")


@router.post(
    "/audio/transcriptions",
    response={200: Transcription, **ERRORS},
    exclude_none=True,
    summary="Transcribe a recording",
    description="The recording (multipart field `file`) may have any usual format. Its seconds count in your quota."
    " `timestamp_granularities[]` with `word` adds `words` to `verbose_json`. Nothing is kept.",
    openapi_extra={
        "requestBody": {
            "content": {
                "multipart/form-data": {"schema": {"properties": {"file": {"type": "string", "format": "binary"}}}}
            }
        }
    },
)
def create_transcription(request: HttpRequest, form: Form[TranscriptionRequest]) -> Any:
    """What was said in a recording."""
    site_models.check(form.model, _set_up(site_models.transcriber(), NO_HEARING))
    for name in UNSUPPORTED:
        if request.POST.get(name, "") not in ("", "false", "auto"):
            raise ApiError(400, f"“{name}” is not supported; leave it out.", name, "unsupported_parameter")
    given = request.FILES.getlist("file")
    if len(given) != 1 or not given[0].size:
        raise ApiError(400, "Send one recording as “file”.", "file", "invalid_value")
    granularities = request.POST.getlist("timestamp_granularities[]")
    heard = _heard(caller(request), given[0], form, with_words="word" in granularities)
    if form.response_format in WRITERS:
        kind = "text/vtt" if form.response_format == "vtt" else "text/plain"
        return HttpResponse(WRITERS[form.response_format](heard), content_type=f"{kind}; charset=utf-8")
    usage = {"seconds": heard["duration"]}
    if form.response_format == "json":
        return {"text": heard["text"], "usage": usage}
    words = [word for segment in heard["segments"] for word in segment["words"] or ()]
    return {**heard, "usage": usage, "words": words if "word" in granularities else None}


@router.post(
    "/audio/speech",
    response={200: bytes, **ERRORS},
    summary="Read a text aloud",
    description="The audio comes whole; send long texts in parts. Its seconds count in your quota.",
)
def create_speech(request: HttpRequest, body: SpeechRequest) -> HttpResponse:
    """The text, read aloud."""
    site_models.check(body.model, _set_up(site_models.speaker(), NO_SPEECH))
    voice = site_models.voice()
    if body.voice not in (None, "", voice):
        text = f"Voice “{body.voice[:80]}” not found. This site’s voice is “{voice}”."
        raise ApiError(400, text, "voice", "invalid_value")
    sent = body.input, str(body.speed), body.response_format
    with _counted(caller(request)) as count, passing_files.passing_file() as path:
        count(_called(caller(request), "workers.tasks.speak", *sent, path.name)["seconds"])
        response = HttpResponse(path.read_bytes(), content_type=TYPES[body.response_format])
    name_ignored(response, ["instructions"] if body.instructions else [])
    return response


def _set_up(model: site_models.SiteModel | None, otherwise: str) -> site_models.SiteModel:
    if model is None:
        raise ApiError(404, otherwise, "model", "model_not_found")
    return model


def _heard(user: User, recording: "Upload[Any]", form: TranscriptionRequest, *, with_words: bool) -> dict[str, Any]:
    """What the worker heard. Raises ApiError, NoResult, QuotaExceeded."""
    hints = {
        "language": (form.language or "").lower(),
        "prompt": form.prompt or "",
        "temperature": form.temperature,
        "with_words": with_words,
    }
    with _counted(user) as count, passing_files.passing_file() as path:
        with path.open("wb") as file:
            file.writelines(recording.chunks())
        heard = _called(user, "workers.tasks.transcribe", path.name, json.dumps(hints))
        count(heard["duration"])
    return heard


@contextmanager
def _counted(user: User) -> Iterator[Callable[[float], None]]:
    """Yield what counts a person's seconds of audio. Raises QuotaExceeded if those of the day are used up."""
    quotas.check(user.pk, "audio_s", quotas.used_today(user.pk).get("audio_s", 0))
    yield lambda seconds: quotas.add(user.pk, "audio_s", max(1, round(seconds)))


def _called(user: User, task: str, *sent: str) -> dict[str, Any]:
    """The payload of the task. Raises ApiError for what the worker refused, and NoResult."""
    payload = rpc.call_for(user.pk, task, *sent, queue=QUEUE, timeout_s=TIMEOUT_S)
    if "refused" in payload:
        raise ApiError(payload["status"], payload["refused"], payload["param"], payload["code"])
    return payload


def _clock(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1_000), 1_000)
    return f"{whole // 3_600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"


def _captions(heard: Mapping[str, Any], point: str, *, numbered: bool) -> str:
    """The segments with their times, as SubRip and WebVTT write them."""
    blocks = []
    for number, segment in enumerate(heard["segments"], 1):
        times = f"{_clock(segment['start'], point)} --> {_clock(segment['end'], point)}"
        # “-->” would begin another caption.
        text = segment["text"].strip().replace("-->", "→")
        blocks.append(f"{number}\n{times}\n{text}\n" if numbered else f"{times}\n{text}\n")
    return "\n".join(blocks)


WRITERS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "text": lambda heard: f"{heard['text']}\n",
    "srt": lambda heard: _captions(heard, ",", numbered=True),
    "vtt": lambda heard: f"WEBVTT\n\n{_captions(heard, '.', numbered=False)}",
}
