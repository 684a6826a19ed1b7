"""Dictating a message and reading an answer aloud, in Chromium whose microphone plays a recording."""

import io
import json
import re
import wave
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.template.loader import render_to_string
from django.test import override_settings
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS, Visitor
from tests.browser.test_chat import answered, asked, field  # noqa: F401 (fixtures)

pytestmark = pytest.mark.browser
HAS_VOICE = bool(find_spec("faster_whisper") and find_spec("piper"))
SENTENCES = [
    "A shaft leak after 900 hours points to a worn lip seal; the service interval is 450 hours.",
    "The seal kit for the Zephyr-9 is ZP-771.",
    "Every kit now has a spare O-ring.",
]
QUESTION = "Which seal kit do I need for the pump?"


def sound(seconds: float, rate: int = 8_000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((b"\0\x20" * 16 + b"\0\xe0" * 16) * int(rate * seconds / 32))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone hears: a question if piper is there, else a tone."""
    path = tmp_path_factory.mktemp("microphone") / "question.wav"
    if HAS_VOICE:
        from workers.voice.speaking import encoded, speak, voice_file

        samples, rate = speak(QUESTION, voice_file("bundled"), 1, 60)
        path.write_bytes(encoded(samples + b"\0\0" * rate, rate, "wav"))
    else:
        path.write_bytes(sound(4))
    return path


@pytest.fixture(scope="module")
def listening(browser: Browser, spoken: Path) -> Iterator[Browser]:
    """A Chromium with that microphone, which it may use."""
    args = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    options = [*CHROMIUM_ARGS, *args, f"--use-file-for-fake-audio-capture={spoken}"]
    chromium = browser.browser_type.launch(executable_path=CHROMIUM, args=options)
    yield chromium
    chromium.close()


def with_microphone(page: Page) -> Page:
    """The page, whose chats have the buttons of a site that hears: the one that is served has no model for it."""
    with override_settings(VOICE_MODEL="bundled"):
        buttons = render_to_string("chat/microphone.html")

    def answer(route: Route) -> None:
        response = route.fetch()
        before = '<span class="composer-note"'
        body = response.text()
        route.fulfill(response=response, body=body.replace(before, buttons + before))

    page.route(re.compile(r"/g/[\w-]+/chat$|/c/[\w-]+/$"), answer)
    return page


@pytest.fixture
def chat(listening: Browser, site, bob, gpt) -> Iterator[Page]:
    visitor = Visitor(listening, site)
    page = with_microphone(visitor.page(bob))
    page.goto(f"/g/{gpt.slug}/chat")
    yield page
    for context in visitor.contexts:
        context.close()
    assert visitor.complaints == []


def transcribing(page: Page, text: str | None) -> list[bytes]:
    """The recordings that the page sends from now on, answered with `text`, or with what Whisper hears in them."""
    sent: list[bytes] = []

    def answer(route: Route) -> None:
        body = route.request.post_data_buffer or b""
        sent.append(body[body.index(b"\r\n\r\n") + 4 : body.rindex(b"\r\n--")])
        route.fulfill(json={"text": heard(sent[-1]) if text is None else text})

    page.route("**/v1/audio/transcriptions", answer)
    return sent


def heard(recording: bytes) -> str:
    from workers.voice.hearing import Hints, samples_of, transcriber

    with TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_bytes(recording)
        return str(transcriber("bundled", path.parent).transcribe(samples_of(path, 60), Hints(), 60)["text"])


def test_a_click_starts_and_another_ends_and_the_words_come_to_the_cursor(chat):
    sent = transcribing(chat, "the seal kit")
    field(chat).fill("I need please")
    field(chat).evaluate("area => area.setSelectionRange(6, 6)")
    chat.get_by_role("button", name="Dictate").click()
    expect(chat.get_by_role("button", name="Stop dictating")).to_have_attribute("aria-pressed", "true")
    expect(chat.locator("[data-dictation-text]")).to_have_text("0:01")
    chat.wait_for_function("() => document.querySelector('[data-dictation]').style.getPropertyValue('--level') > 0")
    chat.get_by_role("button", name="Stop dictating").click()
    expect(field(chat)).to_have_value("I need the seal kit please")
    expect(field(chat)).to_be_focused()
    expect(chat.locator("[data-dictation]")).to_be_hidden()
    assert len(sent) == 1
    assert sent[0].startswith(b"\x1aE\xdf\xa3")  # WebM


def test_a_key_that_is_held_records_while_it_is_held_and_escape_discards(chat):
    sent = transcribing(chat, "Hello.")
    button = chat.locator("[data-microphone]")
    button.focus()
    chat.keyboard.down(" ")
    expect(button).to_have_attribute("aria-pressed", "true")
    chat.wait_for_timeout(600)
    chat.keyboard.up(" ")
    expect(field(chat)).to_have_value("Hello.")
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    chat.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(chat.locator("[data-announce]")).to_have_text("Recording discarded.")
    assert len(sent) == 1


def test_dictation_that_hears_nothing_says_so(chat):
    error = chat.locator("[data-error]")
    transcribing(chat, "")
    chat.get_by_role("button", name="Dictate").click()
    expect(chat.locator("[data-dictation-text]")).to_have_text("0:01")
    chat.get_by_role("button", name="Stop dictating").click()
    expect(error).to_contain_text("No speech was heard.")


@pytest.mark.skipif(not HAS_VOICE, reason="the extra `voice` is not installed: deploy/requirements-voice.txt")
def test_a_spoken_question_is_heard(chat):
    transcribing(chat, None)
    chat.get_by_role("button", name="Dictate").click()
    expect(chat.locator("[data-dictation-text]")).to_have_text("0:05", timeout=20_000)
    chat.get_by_role("button", name="Stop dictating").click()
    expect(field(chat)).to_have_value(re.compile("seal kit do I need for the pump"), timeout=30_000)


def speaking(page: Page) -> list[str]:
    """The texts that the page asks the site to read from now on, which it gets as short sounds."""
    texts: list[str] = []

    def answer(route: Route) -> None:
        texts.append(json.loads(route.request.post_data or "{}")["input"])
        route.fulfill(body=sound(0.6), content_type="audio/wav")

    page.route("**/v1/audio/speech", answer)
    page.locator("[data-talk]").evaluate("e => { e.dataset.speech = '/v1/audio/speech'; e.dataset.voice = '' }")
    return texts


MARKED = "() => [...(CSS.highlights.get('reading') ?? [])].map(String).join()"


def test_an_answer_is_read_by_sentence_and_the_sentence_is_marked(answered):  # noqa: F811
    texts = speaking(answered)
    answered.get_by_role("button", name="Read aloud").click()
    for sentence in SENTENCES:
        answered.wait_for_function(f"text => ({MARKED})().replace(/\\s+/g, ' ').startsWith(text)", arg=sentence[:20])
    expect(answered.get_by_role("button", name="Read aloud")).to_be_visible()
    assert texts == SENTENCES
    assert answered.evaluate(MARKED) == ""


def test_reading_stops_by_the_button_and_by_escape(answered):  # noqa: F811
    speaking(answered)
    for stop in ("click", "escape"):
        answered.get_by_role("button", name="Read aloud").click()
        answered.wait_for_function(f"() => ({MARKED})() !== ''")
        button = answered.get_by_role("button", name="Stop reading")
        if stop == "click":
            button.click()
        else:
            answered.keyboard.press("Escape")
        expect(answered.get_by_role("button", name="Read aloud")).to_be_visible()
        assert answered.evaluate(MARKED) == ""


def test_what_cannot_work_is_not_shown_and_an_admin_can_set_it_up(answered, visitor, oscar, gpt):  # noqa: F811
    expect(answered.get_by_role("button", name="Copy")).to_be_visible()
    for name in ("Read aloud", "Dictate", "Voice mode"):
        expect(answered.get_by_role("button", name=name)).to_have_count(0)
    expect(answered.get_by_label("Set up voice")).to_have_count(0)
    page = visitor.page(oscar)
    page.goto(f"/g/{gpt.slug}/chat")
    expect(page.get_by_role("link", name="Set up voice")).to_be_visible()


def test_the_voice_of_the_browser_reads_where_the_site_has_none(answered):  # noqa: F811
    answered.add_init_script(
        """
            window.said = [];
            speechSynthesis.getVoices = () => [{}];
            speechSynthesis.speak = (each) => {
                said.push(each.text);
                setTimeout(() => each.dispatchEvent(new Event("end")), 50);
            };
        """
    )
    answered.reload()
    answered.get_by_role("button", name="Read aloud").click()
    answered.wait_for_function("() => said.length === 3")
    assert answered.evaluate("said") == SENTENCES
    expect(answered.get_by_role("button", name="Read aloud")).to_be_visible()
