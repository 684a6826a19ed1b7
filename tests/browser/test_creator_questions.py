"""A declined question goes from Bob's chat to Alice, and her answer back, in real browsers."""

import os

import pytest
from playwright.sync_api import Page, expect

from gpts.knowledge.documents import Citation
from tests.browser.conftest import INTERVAL, PASSAGES, Visitor
from tests.browser.test_accessibility import LOOKS, SIZES, serious
from tests.publishing import publish
from web.builder.services import update_gpt
from web.runs import feedback
from web.runs.models import Run
from web.runs.services import start_conversation, start_run

pytestmark = pytest.mark.browser
DECLINE = "The files don’t say what the Zephyr-9 costs."
CLOSEST = tuple(
    Citation(
        tag=tag,
        **passage.model_dump(include={"file_id", "file_name", "segment", "chunk", "heading", "page"}),
        quote=quote,
        start=passage.start + passage.text.index(quote),
        end=passage.start + passage.text.index(quote) + len(quote),
        answer_start=0,
        answer_end=0,
    )
    for tag, passage, quote in (
        (1, PASSAGES[0], INTERVAL),
        (2, PASSAGES[1], "From 2026 on every kit has a spare O-ring."),
    )
)


@pytest.fixture
def chat(gpt, alice, bob, take) -> str:
    """The path of Bob's chat, in which a question was declined. Alice takes questions."""
    update_gpt(gpt, {"takes_questions": True}, by=gpt.owner)
    publish(gpt)
    run = start_run(start_conversation(bob, gpt), "What does a Zephyr-9 cost, and who sells it?")
    take().answer(DECLINE, (), coverage="not_covered", closest=CLOSEST)
    return f"/c/{run.message.conversation_id}/"


def shot(page: Page, name: str) -> None:
    """Check the page, and keep its picture where somebody wants to look at it."""
    assert serious(page) == []
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_question_goes_to_the_creator_and_the_answer_comes_back(visitor: Visitor, chat, alice, bob, theme, size):
    look = {"color_scheme": theme, "viewport": SIZES[size]}
    bobs, alices = visitor.page(bob, **look), visitor.page(alice, **look)
    bobs.goto(chat)
    bobs.get_by_text("Closest passages in the files").click()
    bobs.get_by_role("link", name="zephyr-manual.pdf").click()
    expect(bobs.locator("[data-source-panel] mark.current")).to_have_text(INTERVAL)
    shot(bobs, f"closest-{size}-{theme}")
    bobs.get_by_role("button", name="Close sources").click()

    bobs.get_by_text("Ask the creator").click()
    bobs.get_by_label("Your question to Alice").fill("What does a Zephyr-9 cost?")
    shot(bobs, f"ask-{size}-{theme}")
    bobs.get_by_role("button", name="Send", exact=True).first.click()
    expect(bobs.get_by_text("You get the answer here.")).to_be_visible()
    shot(bobs, f"sent-{size}-{theme}")

    alices.goto("/gpts/")
    shot(alices, f"gpts-{size}-{theme}")
    alices.goto("/gpts/pump-doctor/edit")
    shot(alices, f"form-{size}-{theme}")
    alices.get_by_role("link", name="Questions 1").click()
    alices.get_by_label("Your answer").fill("It costs 1,200 euros.\nAsk your dealer.")
    shot(alices, f"received-{size}-{theme}")
    alices.get_by_role("button", name="Send answer").click()
    expect(alices.get_by_text("Answer sent to Bob.")).to_be_visible()
    shot(alices, f"answered-{size}-{theme}")

    other = bobs.context.new_page()
    other.goto("/chats/")
    shot(other, f"chats-{size}-{theme}")
    bobs.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(bobs.get_by_text("It costs 1,200 euros.")).to_be_visible()
    shot(bobs, f"back-{size}-{theme}")


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_the_usage_page_with_feedback_is_accessible(visitor, gpt, alice, bob, take, theme, size):
    for good, text in ((True, ""), (False, "The price is wrong. " * 12), (False, "w" * 200)):
        run = start_run(start_conversation(bob, gpt), "What does a Zephyr-9 cost?")
        take().answer("It costs 12 EUR.", ())
        feedback.give(Run.objects.get(id=run.id), good, ["wrong"] if not good else [], text, not good)
    page = visitor.page(alice, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/gpts/{gpt.slug}/use/")
    expect(page.get_by_text("The price is wrong.").first).to_be_visible()
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert (serious(page), sideways) == ([], 0)
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=f"{shots}/use-{size}.png", full_page=True)
    page.goto(f"/gpts/{gpt.slug}/edit")
    forms = page.get_by_role("switch", name="Forms")
    forms.check()
    forms.scroll_into_view_if_needed()
    assert serious(page) == []
    if shots:
        page.screenshot(path=f"{shots}/forms-{size}.png")


@pytest.mark.parametrize("width", [320, 390])
def test_a_message_of_the_page_covers_nothing_on_a_phone(visitor, gpt, alice, width):
    page = visitor.page(alice, viewport={"width": width, "height": 780})
    page.goto("/account/me/")
    page.get_by_role("button", name="Save").first.click()
    toast = page.locator(".toast")
    expect(toast).to_be_visible()
    low = toast.bounding_box()
    assert low["y"] + low["height"] <= page.locator("main").bounding_box()["y"]
    assert serious(page) == []
