"""A chat of many turns in a real browser: it opens with the last ones, and shows earlier ones on the way up."""

import pytest
from playwright.sync_api import Locator, Page, expect

from gpts.runs.steps import Finished
from web.runs import log, services
from web.runs.models import Conversation, Run

pytestmark = pytest.mark.browser

TEXT = "Answer {}.\n\n| Part | Price |\n|---|---|\n| Seal | 3 |\n| Ring | 4 |\n\n```\nprint(1)\n```\n"


@pytest.fixture
def chat(bob, gpt) -> Conversation:
    """Bob's chat with 70 turns."""
    conversation = services.start_conversation(bob, gpt)
    for number in range(70):
        run = services.start_run(conversation, f"Question {number}")
        log.append(run.id, Finished(text=TEXT.format(number)))
    return conversation


@pytest.fixture
def talked(bob_page: Page, chat) -> Page:
    """Bob's page of it."""
    bob_page.goto(f"/c/{chat.id}/")
    return bob_page


def turns(page: Page) -> Locator:
    return page.locator(".turn")


def run_of(number: int) -> Run:
    return Run.objects.get(message__text=f"Question {number}")


def to_top(page: Page) -> None:
    page.locator("[data-scroll]").evaluate("element => { element.scrollTop = 0; }")


def top_of(turn: Locator) -> float:
    return turn.evaluate("element => element.getBoundingClientRect().top")


def test_scrolling_up_loads_earlier_turns_and_keeps_the_place(talked):
    expect(turns(talked)).to_have_count(30)
    reading = talked.locator(f"#run-{run_of(40).id}")
    held = talked.locator("[data-scroll]").evaluate(
        """async (scroller, id) => {
            const [turn, frame] = [document.getElementById(id), () => new Promise(requestAnimationFrame)];
            scroller.scrollTop = 0;
            await frame();
            const top = turn.getBoundingClientRect().top;
            while (document.querySelectorAll(".turn").length < 60) await frame();
            await frame();
            return [top, turn.getBoundingClientRect().top];
        }""",
        f"run-{run_of(40).id}",
    )
    assert held[1] == pytest.approx(held[0], abs=2)
    expect(talked.locator("[data-announce]")).to_have_text("60 earlier messages loaded.")
    expect(reading.locator(".code-head button")).to_have_count(1)
    to_top(talked)
    expect(turns(talked)).to_have_count(70)
    expect(talked.locator("[data-announce]")).to_contain_text("This is the start of the chat.")
    expect(talked.get_by_text("Show earlier messages")).to_be_hidden()
    expect(turns(talked).first.locator(".code-head button")).to_have_count(1)
    assert talked.locator(".question > p").all_text_contents() == [f"Question {number}" for number in range(70)]


def test_the_link_keeps_the_focus_and_gives_it_to_the_turn_that_was_first(talked):
    link = talked.get_by_role("link", name="Show earlier messages")
    link.evaluate("element => element.focus({ preventScroll: true })")
    talked.keyboard.press("Enter")
    expect(turns(talked)).to_have_count(60)
    expect(link).to_be_focused()
    talked.keyboard.press("Enter")
    expect(turns(talked)).to_have_count(70)
    expect(talked.locator(f"#run-{run_of(10).id}")).to_be_focused()


def test_an_edit_in_an_earlier_turn_keeps_what_is_above_it(talked):
    to_top(talked)
    expect(turns(talked)).to_have_count(60)
    to_top(talked)
    expect(turns(talked)).to_have_count(70)
    turn = talked.locator(f"#run-{run_of(5).id}")
    turn.evaluate("element => element.previousElementSibling.classList.add('same')")
    turn.locator("summary", has_text="Edit").press("Enter")
    turn.get_by_role("textbox").fill("Question five")
    turn.get_by_role("button", name="Send").click()
    expect(turns(talked)).to_have_count(6)
    expect(talked.locator(".same")).to_be_visible()  # not drawn anew
    services.finish_run(Run.objects.latest("created").id, Finished(text="Five."), None)
    expect(talked.locator(".answer").last).to_have_text("Five.")
    talked.get_by_role("button", name="Previous version of this message").press("Enter")
    expect(turns(talked)).to_have_count(70)
    expect(talked.get_by_role("button", name="Next version of this message")).to_be_focused()
    expect(talked.locator(".same")).to_have_count(1)


def test_a_version_of_the_first_turn_on_the_page_is_shown_in_its_place(talked):
    first = talked.locator(f"#run-{run_of(40).id}")  # not `turns().first`: on the way up, earlier ones may come
    first.locator("summary", has_text="Edit").press("Enter")
    first.get_by_role("textbox").fill("Question forty")
    first.get_by_role("button", name="Send").click()
    expect(turns(talked)).to_have_count(31)  # with those above, as the page would be almost empty
    services.finish_run(Run.objects.latest("created").id, Finished(text="Forty."), None)
    expect(talked.locator(".answer").last).to_have_text("Forty.")
    talked.get_by_role("button", name="Previous version of this message").press("Enter")
    expect(turns(talked)).to_have_count(60)
    expect(talked.get_by_role("button", name="Next version of this message")).to_be_focused()


def test_news_from_another_tab_keep_the_earlier_turns(talked, chat):
    to_top(talked)
    expect(turns(talked)).to_have_count(60)
    place = talked.locator(f"#run-{run_of(40).id}")  # on the screen: heights above are estimates
    before = top_of(place)
    run = services.start_run(chat, "Question 70")
    log.append(run.id, Finished(text="Answer 70."))
    talked.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(turns(talked).last.locator(".answer")).to_have_text("Answer 70.")
    expect(turns(talked)).to_have_count(61)
    assert top_of(place) == pytest.approx(before, abs=2)


def test_what_was_found_in_an_early_turn_is_on_the_screen(bob_page, chat):
    bob_page.goto("/chats/?q=Question+4")
    bob_page.locator("li.hit").last.get_by_role("button").click()
    expect(bob_page.locator(f"#run-{run_of(4).id} .question")).to_be_in_viewport()
    expect(turns(bob_page)).to_have_count(70)  # those above came, and it is still there
    expect(bob_page.locator(f"#run-{run_of(4).id} .question")).to_be_in_viewport()


def test_a_bookmark_of_an_early_turn_opens_there(bob_page, chat):
    bob_page.goto(f"/c/{chat.id}/#run-{run_of(12).id}")
    expect(bob_page.locator(f"#run-{run_of(12).id} .question")).to_be_in_viewport()


def test_earlier_turns_need_no_script(visitor, bob, chat):
    page = visitor.page(bob, java_script_enabled=False)
    page.goto(f"/c/{chat.id}/")
    expect(turns(page)).to_have_count(30)
    page.get_by_role("link", name="Show earlier messages").click()
    expect(turns(page)).to_have_count(60)
    expect(page.locator(f"#run-{run_of(40).id} .question")).to_be_in_viewport()
    page.get_by_role("link", name="Show earlier messages").click()
    expect(turns(page)).to_have_count(70)
    expect(page.get_by_role("link", name="Show earlier messages")).to_have_count(0)
