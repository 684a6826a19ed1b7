"""`/v1/audio`, by the official client, with Whisper and piper where the extra `voice` is installed."""

import io
import os
import re
import wave
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import openai
import pytest
from django.test import Client

from tests.web.api.conftest import bearer, key_of
from tests.web.api.in_process import openai_client, workers  # noqa: F401 (a fixture)
from web import passing_files
from web.accounts import quotas

QUESTION = "What is the maximum operating pressure of the pump?"
WORDS = "what is the maximum operating pressure of the pump"

pytestmark = pytest.mark.django_db(transaction=True)
needs_voice = pytest.mark.skipif(
    not (find_spec("faster_whisper") and find_spec("piper")),
    reason="the extra `voice` is not installed: deploy/requirements-voice.txt",
)


@pytest.fixture
def bobs(bob, workers, settings, tmp_path) -> openai.OpenAI:  # noqa: F811
    settings.VOICE_MODEL = settings.VOICE_SPEAKER = "bundled"
    settings.GUILDHALL_HOME = tmp_path
    return openai_client(bob)


def spoken(client: openai.OpenAI, **options) -> bytes:
    asked = {"model": "piper", "voice": "en_US-joe-medium", "input": QUESTION, "response_format": "wav", **options}
    return client.audio.speech.create(**asked).content


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


def is_the_question(words: str) -> bool:
    """Whether at most one of nine words is wrong: the voice reads a little differently each time."""
    return sum(a == b for a, b in zip(words.split(), WORDS.split(), strict=False)) >= 8


def silence(seconds: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(b"\0" * 16_000 * seconds)
    return buffer.getvalue()


@needs_voice
def test_what_is_read_aloud_is_transcribed_again_and_nothing_is_kept(bobs, bob, workers):  # noqa: F811
    heard_words = []
    for kind in ("wav", "mp3", "opus", "aac", "flac"):
        audio = spoken(bobs, response_format=kind)
        heard = bobs.audio.transcriptions.create(model="whisper-tiny.en", file=(f"question.{kind}", audio))
        heard_words.append(plain(heard.text))
        assert 2 < heard.usage.seconds < 5
    assert sum(map(is_the_question, heard_words)) >= 4, heard_words
    assert {queue for _, queue, *_ in workers} == {"tools"}
    assert 20 <= quotas.used_today(bob.pk)["audio_s"] <= 50
    assert list(passing_files.folder().iterdir()) == []


@needs_voice
def test_a_transcript_comes_in_every_format(bobs):
    audio = ("question.wav", spoken(bobs))
    create = bobs.audio.transcriptions.create
    whole = create(
        model="whisper-tiny.en", file=audio, response_format="verbose_json", timestamp_granularities=["word"],
        language="en", prompt="ZP-771 pumps",
    )  # fmt: skip
    assert whole.language == "en"
    assert is_the_question(plain(whole.text))
    assert " ".join(plain(each.word) for each in whole.words) == plain(whole.text)
    assert 0 <= whole.segments[0].start < whole.segments[0].end <= whole.duration + 0.1
    assert plain(create(model="whisper-tiny.en", file=audio, response_format="text")) == plain(whole.text)
    subtitles = create(model="whisper-tiny.en", file=audio, response_format="srt")
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\nWhat is", subtitles)
    captions = create(model="whisper-tiny.en", file=audio, response_format="vtt")
    assert re.match(r"WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\nWhat is", captions)


@needs_voice
def test_speech_can_be_faster_and_raw(bobs):
    slow, fast = (spoken(bobs, response_format="pcm", speed=speed) for speed in (1, 2))
    assert len(slow) / 2 / 24_000 == pytest.approx(2.7, abs=0.6)
    assert len(fast) < 0.7 * len(slow)


@needs_voice
@pytest.mark.parametrize(
    ("file", "more", "status", "param", "code"),
    [
        (b"This is a text. " * 100, {}, 400, "file", "invalid_value"),
        (b"", {}, 400, "file", "invalid_value"),
        (b"\x89PNG\r\n\x1a\nbroken", {}, 400, "file", "invalid_value"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", {}, 400, "file", "invalid_value"),
        (silence(3), {}, 413, "file", "audio_too_long"),
        (silence(1), {"language": "de"}, 400, "language", "invalid_value"),
        (silence(1), {"stream": True}, 400, "stream", "unsupported_parameter"),
        (silence(1), {"model": "whisper-1"}, 404, "model", "model_not_found"),
    ],
)
def test_what_is_no_recording_or_too_long_is_refused(bobs, bob, settings, file, more, status, param, code):
    settings.MAX_AUDIO_S = 2
    with pytest.raises(openai.APIStatusError) as refused:
        bobs.audio.transcriptions.create(**{"model": "whisper-tiny.en", "file": ("a.wav", file), **more})
    assert (refused.value.status_code, refused.value.param, refused.value.code) == (status, param, code)
    assert "audio_s" not in quotas.used_today(bob.pk)


@needs_voice
def test_silence_has_no_words(bobs):
    assert bobs.audio.transcriptions.create(model="whisper-tiny.en", file=("a.wav", silence(5))).text == ""


@pytest.mark.parametrize(
    ("wrong", "status", "param"),
    [
        ({"voice": "alloy"}, 400, "voice"),
        ({"model": "tts-1"}, 404, "model"),
        ({"response_format": "mp4"}, 400, "response_format"),
        ({"input": "a" * 4_097}, 400, "input"),
        ({"speed": 9}, 400, "speed"),
        pytest.param({"input": "..."}, 400, "input", marks=needs_voice),
    ],
)
def test_what_cannot_be_read_aloud_as_asked_is_refused(bobs, wrong, status, param):
    with pytest.raises(openai.APIStatusError) as refused:
        spoken(bobs, **wrong)
    assert (refused.value.status_code, refused.value.param) == (status, param)


def test_without_models_both_explain(bobs, settings):
    settings.VOICE_MODEL = settings.VOICE_SPEAKER = ""
    with pytest.raises(openai.NotFoundError, match="Transcription isn’t set up"):
        bobs.audio.transcriptions.create(model="whisper-tiny.en", file=("a.wav", silence(1)))
    with pytest.raises(openai.NotFoundError, match="Reading aloud isn’t set up"):
        spoken(bobs)
    with pytest.raises(openai.NotFoundError):
        bobs.models.retrieve("piper")


def test_models_that_cannot_be_loaded_are_no_fault_of_the_request(bobs, settings, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"")
    settings.VOICE_SPEAKER, settings.VOICE_MODEL = str(tmp_path / "broken.onnx"), str(tmp_path)
    with pytest.raises(openai.InternalServerError, match="isn’t working") as refused:
        spoken(bobs, voice="broken")
    assert refused.value.status_code == 503


@pytest.mark.parametrize("path", ["speech", "transcriptions"])
def test_who_has_used_up_their_seconds_waits_until_tomorrow(bobs, bob, workers, settings, path):  # noqa: F811
    settings.AUDIO_S_A_DAY = 1
    quotas.add(bob.pk, "audio_s", 1)
    recording = {"model": "whisper-tiny.en", "file": ("a.wav", silence(1))}
    call = partial(spoken, bobs) if path == "speech" else partial(bobs.audio.transcriptions.create, **recording)
    with pytest.raises(openai.RateLimitError, match="seconds of audio a day"):
        call()
    assert workers == []


def test_the_page_of_a_person_who_is_signed_in_may_call_both(bobs, bob, charlie):
    browser = Client(enforce_csrf_checks=True)
    sent = {"path": "/v1/audio/speech", "data": {"input": "a", "voice": "x"}, "content_type": "application/json"}
    assert browser.post(**sent).status_code == 401
    browser.force_login(bob)
    assert browser.post(**sent).json()["error"]["code"] == "csrf"
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.post(**sent, headers={"X-CSRFToken": "a" * 32}).json()["error"]["param"] == "voice"
    assert bearer(key_of(bob)).post(**sent).json()["error"]["param"] == "voice"


def test_what_calls_that_were_broken_off_leave_is_deleted(settings, tmp_path):
    settings.GUILDHALL_HOME = tmp_path
    with passing_files.passing_file() as path:
        path.write_bytes(b"new")
        old = Path(f"{path}-old")
        old.write_bytes(b"old")
        os.utime(old, (1, 1))
        passing_files.remove_late()
        assert [each.name for each in passing_files.folder().iterdir()] == [path.name]
