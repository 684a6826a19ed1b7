"""Voice mode in Chromium, whose microphone plays a recording: turns without hands, and interruption."""

import io
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gpts.runs.steps import ApprovalRequest, Finished
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS, Visitor
from tests.browser.test_accessibility import serious
from tests.browser.test_voice import speaking, transcribing, with_microphone
from web.runs import log, services
from web.runs.models import Run

pytestmark = pytest.mark.browser
RATE = 8_000
Talk = Callable[[float], Page]


def pulse(path: Path, silence_s: float) -> Path:
    """A second of a tone, and then silence, as a file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((b"\0\x20" * 16 + b"\0\xe0" * 16) * (RATE // 32) + b"\0\0" * int(RATE * silence_s))
    path.write_bytes(buffer.getvalue())
    return path


@pytest.fixture
def talk(browser: Browser, site, bob, gpt, tmp_path) -> Iterator[Talk]:
    """Opens a chat in which somebody speaks for a second, every so many seconds."""
    with ExitStack() as stack:

        def open_chat(silence_s: float) -> Page:
            chat = services.start_conversation(bob, gpt)
            log.append(services.start_run(chat, "Hello").id, Finished(text="Hello."))
            sound = pulse(tmp_path / "pulse.wav", silence_s)
            args = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
            options = [*CHROMIUM_ARGS, *args, f"--use-file-for-fake-audio-capture={sound}"]
            chromium = browser.browser_type.launch(executable_path=CHROMIUM, args=options)
            stack.callback(chromium.close)
            visitor = Visitor(chromium, site)
            page = with_microphone(visitor.page(bob))
            stack.callback(lambda: _uncomplaining(visitor))
            page.goto(f"/c/{chat.id}/")
            return page

        yield open_chat


def _uncomplaining(visitor: Visitor) -> None:
    assert visitor.complaints == []


def state(page: Page):
    return page.locator("[data-voice-state]")


def test_a_pause_sends_what_was_said_and_the_answer_is_read_while_it_is_written(talk, take):
    page = talk(60)
    transcribing(page, "Which seal fits?")
    spoken = speaking(page)
    page.get_by_role("button", name="Voice mode").click()
    expect(page.locator(".turn").nth(1)).to_contain_text("Which seal fits?", timeout=15_000)
    assert serious(page) == []
    worker = take()
    worker.begin()
    with page.expect_response("**/v1/audio/speech"):
        worker.write("The seal kit is ZP-771. Take two of")
    expect(page.locator("[data-voice-caption]")).to_have_text("The seal kit is ZP-771.")
    assert spoken == ["The seal kit is ZP-771."]
    worker.write(" them.")
    worker.finish("The seal kit is ZP-771. Take two of them.", ())
    expect(page.locator("[data-voice-caption]")).to_have_text("Take two of them.")
    expect(state(page)).to_have_text("Listening")
    assert spoken == ["The seal kit is ZP-771.", "Take two of them."]
    page.keyboard.press("Escape")
    expect(page.locator("#voice-mode")).to_be_hidden()
    expect(page.get_by_role("button", name="Voice mode")).to_be_focused()


def test_speaking_interrupts_the_answer_and_is_the_next_message(talk, take):
    page = talk(12)
    sent = transcribing(page, "Which seal fits?")
    speaking(page)
    page.get_by_role("button", name="Voice mode").click()
    expect(page.locator(".turn")).to_have_count(2, timeout=15_000)
    worker = take()
    worker.begin()
    worker.write(" ".join(f"This is sentence {n} of a long answer." for n in range(40)))
    expect(state(page)).to_have_text("Speaking")
    expect(page.locator(".turn")).to_have_count(3, timeout=40_000)
    assert len(sent) == 2
    assert Run.objects.get(id=worker.run.id).status == Run.Status.CANCELLED


def test_the_button_interrupts_and_ends_a_turn_and_a_request_ends_the_mode(talk, take):
    page = talk(60)
    transcribing(page, "Which seal fits?")
    speaking(page)
    page.get_by_role("button", name="Voice mode").click()
    expect(page.locator(".turn")).to_have_count(2, timeout=15_000)
    worker = take()
    worker.begin()
    worker.write("One sentence. And more.")
    page.get_by_role("button", name="Interrupt").click()
    expect(state(page)).to_have_text("Listening")
    page.get_by_role("button", name="Send now").click()
    expect(page.locator(".turn")).to_have_count(3, timeout=15_000)
    request = ApprovalRequest(
        call_id="c", name="send", digest="d", title="Send", plain="Send it", raw="{}", reason=""
    )
    take().append(request, name="send", call_id="c")
    expect(page.get_by_text("Voice mode has ended")).to_be_visible()
    expect(page.locator("#voice-mode")).to_be_hidden()


def test_the_first_message_opens_the_chat_and_the_mode_goes_on(talk, take, gpt):
    page = talk(60)
    # The recording begins anew on the chat's page, where its tone would interrupt the answer: nobody speaks there.
    page.add_init_script(
        """if (location.pathname.startsWith("/c/")) {
            const silence = new AudioContext().createMediaStreamDestination().stream;
            navigator.mediaDevices.getUserMedia = async () => silence;
        }
        new MutationObserver(() => {
            const talk = document.querySelector("[data-talk]");
            if (talk) talk.dataset.speech = "/v1/audio/speech";
        }).observe(document, { childList: true, subtree: true });"""
    )
    page.goto(f"/g/{gpt.slug}/chat")
    transcribing(page, "Which seal fits?")
    spoken = speaking(page)
    page.get_by_role("button", name="Voice mode").click()
    page.wait_for_url("**/c/**", timeout=15_000)
    expect(page.locator("#voice-mode")).to_be_visible()
    worker = take()
    worker.begin()
    worker.finish("The seal kit is ZP-771.", ())
    expect(state(page)).to_have_text("Listening")
    assert spoken == ["The seal kit is ZP-771."]
