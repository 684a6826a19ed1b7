"""The chat in a real browser: streaming, resuming, stopping, asking again, what fails and what is kept."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, Route, expect

from gpts.runs.steps import ModelReply
from tests.browser.conftest import ANSWER
from web.runs import queued, services
from web.runs.models import Conversation, Message

pytestmark = pytest.mark.browser
Take = Callable[[], Any]
QUESTION = "The Zephyr-9 leaks at the shaft after 900 hours. Which kit do I need?"
LONG = "\n\n".join(f"Paragraph {number} of a long answer about pumps, seals and filters." for number in range(60))


def field(page: Page) -> Locator:
    return page.get_by_label("Message Pump Doctor")


def say(page: Page, text: str) -> None:
    """Send `text` in the open chat, once the last answer has ended, and wait until the site has it."""
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    n_turns = page.locator(".turn").count()
    field(page).fill(text)
    field(page).press("Enter")
    expect(page.locator(".turn")).to_have_count(n_turns + 1)


@pytest.fixture
def asked(bob_page: Page, gpt) -> Page:
    """Bob's page, on which he just asked his first question."""
    bob_page.goto(f"/g/{gpt.slug}/chat")
    field(bob_page).fill(QUESTION)
    bob_page.get_by_role("button", name="Send").click()
    bob_page.wait_for_url("**/c/**")
    return bob_page


@pytest.fixture
def answered(asked: Page, take: Take) -> Page:
    """Bob's page with the answer to his first question."""
    take().answer()
    expect(asked.locator("a.cite")).to_have_count(3)
    return asked


# Streaming


def test_a_message_sent_before_the_end_of_a_stopped_answer_is_known_gets_its_own(asked, take):
    silent = "**/events*"
    asked.route(silent, lambda route: route.fulfill(status=200, content_type="text/event-stream", body=""))
    asked.reload()
    services.cancel_run(take().run)
    field(asked).fill("And the other one?")
    field(asked).press("Enter")
    expect(asked.locator(".turn")).to_have_count(2)
    asked.unroute(silent)
    take().answer()
    expect(asked.locator(".turn").last.locator("a.cite")).to_have_count(3)


def test_an_answer_streams_and_ends_with_citations(asked, take):
    expect(asked.get_by_text("Queued")).to_be_visible()
    worker = take()
    worker.retrieve()
    expect(asked.get_by_text("Searched 2 files, 2 passages")).to_be_visible()
    worker.begin()
    worker.write("A shaft leak after 900 hours points to a **worn lip seal**")
    expect(asked.locator(".answer strong")).to_have_text("worn lip seal")
    expect(asked.get_by_role("button", name="Stop")).to_be_visible()
    worker.finish()
    expect(asked.locator("a.cite")).to_have_count(3)
    expect(asked.get_by_role("button", name="Send")).to_be_visible()
    expect(asked.locator("[data-announce]")).to_have_text("Pump Doctor has answered.")


def test_the_line_above_the_answer_says_what_is_done_and_the_one_below_what_follows_it(asked, take):
    worker = take()
    above, below = asked.locator(".steps.working").first, asked.locator("[data-after]")
    worker.tell("Searching 2 files")
    expect(above).to_have_text("Searching 2 files")
    worker.retrieve()
    worker.tell("Writing the answer")
    worker.begin()
    expect(above).to_have_text("Searched 2 files, 2 passages · writing the answer")
    expect(below).to_be_hidden()
    worker.write(ANSWER)
    worker.append(ModelReply(text=ANSWER))
    worker.tell("Checking the answer against the files")
    expect(below).to_have_text("Checking the answer against the files")
    expect(below).to_be_visible()
    worker.finish()
    expect(asked.locator(".reply:not([data-live]) .answer")).to_be_visible()


def test_the_end_of_an_answer_moves_nothing(asked, take):
    worker = take()
    worker.retrieve()
    worker.begin()
    worker.write("The seal kit is ZP-771.")
    expect(asked.locator(".answer p")).to_have_text("The seal kit is ZP-771.")
    before = asked.locator(".answer p").bounding_box()
    worker.finish("The seal kit is ZP-771.", ())
    expect(asked.get_by_role("button", name="Regenerate")).to_be_visible()
    assert asked.locator(".answer p").bounding_box() == before


def test_a_reload_in_mid_answer_goes_on_where_it_was(asked, take):
    worker = take()
    worker.begin()
    worker.write("Half of the answer")
    expect(asked.locator(".answer")).to_have_text("Half of the answer")
    asked.reload()
    expect(asked.locator(".answer")).to_have_text("Half of the answer")
    worker.write(" and the rest")
    expect(asked.locator(".answer")).to_have_text("Half of the answer and the rest")
    worker.finish("Half of the answer and the rest.", ())
    expect(asked.locator(".answer")).to_have_text("Half of the answer and the rest.")


def test_a_crashed_worker_leaves_nothing_doubled(asked, take):
    worker = take()
    worker.begin()
    worker.write("The first try says")
    expect(asked.locator(".answer")).to_have_text("The first try says")
    worker.crash()
    worker.write("The second try")
    expect(asked.locator(".answer")).to_have_text("The second try")
    worker.finish("The second try ends.", ())
    expect(asked.locator(".reply")).to_have_count(1)
    expect(asked.locator(".answer")).to_have_text("The second try ends.")


def test_a_refused_stream_is_tried_again(asked, take, visitor):
    failures = []
    asked.route(
        "**/events", lambda route: (failures.append(1), route.abort()) if len(failures) < 2 else route.continue_()
    )
    asked.reload()
    take().answer("It is ZP-771.", ())
    expect(asked.locator(".answer")).to_have_text("It is ZP-771.")
    assert len(failures) == 2
    visitor.forgive("ERR_FAILED")


def test_an_answer_that_ended_while_nobody_looked_is_there(asked, take, gpt):
    asked.goto("/")
    take().answer()
    asked.go_back()
    expect(asked.locator("a.cite")).to_have_count(3)


def left_end(asked, take):
    """A long answer is being written, and its reader has gone up: its worker, what scrolls, and the way back."""
    worker = take()
    worker.begin()
    worker.write(LONG)
    expect(asked.get_by_text("Paragraph 59 ")).to_be_in_viewport()
    scroller = asked.locator("[data-scroll]")
    scroller.evaluate("element => { element.scrollTop = 0; }")
    jump = asked.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    return worker, scroller, jump


def test_the_page_follows_the_stream_only_at_its_end(asked, take):
    worker, scroller, jump = left_end(asked, take)
    worker.write("\n\nThe very end.")
    expect(asked.get_by_text("The very end.")).to_be_attached()
    expect(asked.get_by_text("Paragraph 0 ")).to_be_in_viewport()
    box, talk = jump.bounding_box(), scroller.bounding_box()
    assert box["y"] >= talk["y"] + talk["height"]  # it covers nothing of the chat
    jump.click()
    expect(asked.get_by_text("The very end.")).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_nothing_moves_under_the_pointer_at_the_end_of_the_chat(asked, take):
    _, scroller, jump = left_end(asked, take)
    reached = scroller.evaluate("element => { element.scrollTop = element.scrollHeight; return element.scrollTop; }")
    expect(jump).to_be_hidden()
    assert scroller.evaluate("element => element.scrollTop") == reached


# Stopping, failing, asking again


@pytest.mark.parametrize("how", ["button", "key"])
def test_a_stopped_answer_keeps_what_was_written(asked, take, how):
    worker = take()
    worker.begin()
    worker.write("It points to")
    expect(asked.locator(".answer")).to_have_text("It points to")
    if how == "button":
        asked.get_by_role("button", name="Stop").click()
    else:
        field(asked).press("Escape")
    expect(asked.locator(".aside")).to_have_text("Stopped.")
    expect(asked.locator(".answer")).to_have_text("It points to")
    say(asked, "Go on")


def test_a_failed_answer_can_be_tried_again(asked, take):
    take().fail("The model isn't responding right now.")
    expect(asked.get_by_role("alert").filter(has_text="The model isn't responding")).to_be_visible()
    asked.get_by_role("button", name="Try again").click()
    expect(asked.get_by_text("Queued")).to_be_visible()
    take().answer()
    expect(asked.locator("a.cite")).to_have_count(3)
    expect(asked.locator(".turn")).to_have_count(1)


def test_an_answer_can_be_made_again(answered, take):
    answered.get_by_role("button", name="Regenerate").click()
    expect(answered.get_by_text("Queued")).to_be_visible()
    take().answer("Another answer.", ())
    expect(answered.locator(".answer")).to_have_text("Another answer.")
    expect(answered.locator(".tools .versions")).to_contain_text("2")


def test_copy_gives_the_answer_as_it_was_written(answered):
    answered.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answered.get_by_role("button", name="Copy").click()
    expect(answered.get_by_role("button", name="Copied")).to_be_visible()
    assert "**450 hours**" in answered.evaluate("navigator.clipboard.readText()")


def test_copy_of_code_gives_the_code(answered, take):
    say(answered, "As code?")
    take().answer("```python\nx = 1\ny = 2\n```", ())
    answered.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answered.locator(".code").get_by_role("button", name="Copy").click()
    expect(answered.locator(".code").get_by_role("button", name="Copied")).to_be_visible()
    assert answered.evaluate("navigator.clipboard.readText()") == "x = 1\ny = 2\n"


# Writing


def test_shift_and_enter_begins_a_line_and_enter_sends(answered):
    field(answered).press_sequentially("One")
    field(answered).press("Shift+Enter")
    field(answered).press_sequentially("Two")
    field(answered).press("Enter")
    expect(answered.locator(".question > p").last).to_have_text("One\nTwo", use_inner_text=True)
    expect(field(answered)).to_have_value("")


def test_a_text_beyond_the_limit_is_kept_and_counted(answered):
    field(answered).fill("x" * 32_005)
    expect(answered.get_by_text("5 characters too long")).to_be_visible()
    expect(answered.get_by_role("button", name="Send")).to_be_disabled()
    field(answered).fill("x" * 31_990)
    expect(answered.get_by_text("10 characters left")).to_be_visible()


def test_a_message_sent_while_an_answer_is_written_waits_and_is_sent_then(asked, take):
    worker = take()
    field(asked).fill("And then?")
    field(asked).press("Enter")
    waiting = asked.get_by_role("list", name="Messages that wait")
    expect(waiting.get_by_role("listitem")).to_contain_text("And then?")
    expect(field(asked)).to_have_value("")
    asked.reload()
    expect(waiting.get_by_role("listitem")).to_contain_text("And then?")
    worker.answer()
    assert queued.start_next(Conversation.objects.get().id)  # what a worker does
    expect(asked.locator(".question > p").last).to_have_text("And then?")
    expect(waiting).to_be_hidden()
    take().answer("Then you drain it.", ())
    expect(asked.locator(".answer").last).to_have_text("Then you drain it.")


def test_a_message_that_waits_is_withdrawn_or_sent_now(asked, take):
    worker = take()
    worker.begin()
    for text in ("Never mind", "Stop: which oil?"):
        field(asked).fill(text)
        field(asked).press("Enter")
        expect(asked.get_by_text(text, exact=True)).to_be_visible()
    asked.get_by_role("button", name="Withdraw").first.click()
    expect(field(asked)).to_have_value("Never mind")
    expect(asked.get_by_role("listitem").filter(has_text="Never mind")).to_be_hidden()
    asked.get_by_role("button", name="Send now").click()
    expect(asked.locator(".question > p").last).to_have_text("Stop: which oil?")
    expect(asked.get_by_text("Stopped before the answer started.")).to_be_visible()


def test_what_is_typed_before_the_script_runs_and_while_a_message_is_sent_is_kept(bob_page, gpt, take):
    held: list[Route] = []
    bob_page.route("**/composer.js", lambda route: held.append(route))
    with bob_page.expect_request("**/composer.js"):
        bob_page.goto(f"/g/{gpt.slug}/chat", wait_until="commit")
    field(bob_page).fill("First, ")
    held.pop().continue_()
    bob_page.wait_for_load_state()
    bob_page.unroute("**/composer.js")
    field(bob_page).press_sequentially("one question.")
    bob_page.route(
        "**/chat", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    field(bob_page).press("Enter")
    expect(bob_page.get_by_role("button", name="Sending")).to_be_visible()

    field(bob_page).press_sequentially("And another")
    held.pop().continue_()

    bob_page.wait_for_url("**/c/**")
    expect(bob_page.locator(".question > p")).to_have_text(re.compile("First, one question."))
    expect(field(bob_page)).to_have_value("And another")
    take().answer()
    expect(bob_page.locator("a.cite")).to_have_count(3)
    expect(field(bob_page)).to_have_value("And another")


def test_an_unsent_text_survives_a_reload(answered):
    field(answered).fill("Not yet sent")
    answered.reload()
    expect(field(answered)).to_have_value("Not yet sent")
    say(answered, "Sent")
    answered.reload()
    expect(field(answered)).to_have_value("")


def test_without_a_network_the_text_is_kept(answered, visitor):
    answered.context.set_offline(True)
    field(answered).fill("Are you there?")
    field(answered).press("Enter")
    expect(answered.get_by_role("alert").filter(has_text="Can’t reach the site")).to_be_visible()
    expect(field(answered)).to_have_value("Are you there?")
    answered.context.set_offline(False)
    field(answered).press("Enter")
    expect(answered.locator(".turn")).to_have_count(2)
    visitor.forgive("ERR_INTERNET_DISCONNECTED")


def test_someone_signed_out_elsewhere_keeps_the_text(answered, visitor):
    answered.wait_for_load_state("networkidle")  # the page still fetches the finished answer
    Session.objects.all().delete()
    field(answered).fill("Am I signed in?")
    field(answered).press("Enter")
    expect(answered.get_by_role("alert").filter(has_text="You’re signed out.")).to_be_visible()
    expect(answered.get_by_role("link", name="Sign in", exact=True).last).to_be_visible()
    expect(field(answered)).to_have_value("Am I signed in?")
    visitor.forgive("401")


def test_a_second_tab_that_is_behind_keeps_its_text_and_catches_up(answered, take, visitor):
    behind = answered.context.new_page()
    behind.goto(answered.url)
    say(answered, "From the first tab")
    field(behind).fill("From the second tab")
    field(behind).press("Enter")
    expect(behind.get_by_role("alert").filter(has_text="still answering")).to_be_visible()
    expect(behind.locator(".question > p").last).to_contain_text("From the first tab")
    expect(field(behind)).to_have_value("From the second tab")
    take().answer("Both see this.", ())
    for page in (answered, behind):
        expect(page.locator(".answer").last).to_have_text("Both see this.")
    visitor.complaints.clear()  # the second page's console is not heard by all browsers


def test_a_tab_that_comes_back_to_the_front_shows_what_is_new(answered, take, bob):
    services.start_run(Conversation.objects.get(), "From elsewhere")
    take().answer("The newest answer.", ())
    answered.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(answered.locator(".answer").last).to_have_text("The newest answer.")


def test_a_failed_first_message_stays_in_its_field(bob_page, gpt, visitor):
    bob_page.goto(f"/g/{gpt.slug}/chat")
    bob_page.route("**/chat", lambda route: route.fulfill(status=502, body="Bad gateway"))
    field(bob_page).fill("Hello")
    field(bob_page).press("Enter")
    expect(bob_page.get_by_role("alert").filter(has_text="Something went wrong")).to_be_visible()
    expect(field(bob_page)).to_have_value("Hello")
    assert not Message.objects.exists()
    visitor.forgive("502")


def test_a_starter_begins_a_chat(bob_page, gpt):
    bob_page.goto(f"/g/{gpt.slug}/chat")
    bob_page.get_by_role("button", name="What does code E04 mean?").click()
    bob_page.wait_for_url("**/c/**")
    expect(bob_page.locator(".question > p")).to_contain_text("What does code E04 mean?")


# Citations


def test_a_citation_shows_its_quote_and_opens_its_passage_by_keyboard(answered):
    second = answered.locator("a.cite").nth(1)
    answered.locator("a.cite").first.focus()
    answered.keyboard.press("Tab")
    expect(second).to_be_focused()
    expect(answered.get_by_role("tooltip")).to_contain_text("The seal kit for the Zephyr-9 is ZP-771.")
    expect(answered.get_by_role("tooltip")).to_contain_text("zephyr-manual.pdf, page 41")
    answered.keyboard.press("Enter")
    panel = answered.get_by_role("dialog", name="Sources")
    expect(panel.locator("mark.current")).to_have_text("The seal kit for the Zephyr-9 is ZP-771.")
    expect(panel).to_contain_text("Drain the housing before removing the cover.")
    expect(panel.get_by_text("service-bulletins.txt")).to_be_visible()
    expect(panel.get_by_role("heading", name="Sources")).to_be_focused()
    answered.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(second).to_be_focused()


def test_hovering_a_citation_shows_its_quote(answered):
    answered.locator("a.cite").last.hover()
    expect(answered.get_by_role("tooltip")).to_contain_text("From 2026 on every kit has a spare O-ring.")
    answered.mouse.move(0, 0)
    expect(answered.get_by_role("tooltip")).to_be_hidden()


def test_all_sources_of_an_answer_are_a_list(answered):
    answered.get_by_text("2 sources").click()
    panel = answered.get_by_role("dialog", name="Sources")
    expect(panel.locator(".source")).to_have_count(2)
    panel.get_by_text("service-bulletins.txt").click()
    expect(panel.get_by_text("Keep it dry until it is fitted.")).to_be_visible()
    panel.get_by_role("button", name="Close sources").click()
    expect(panel).to_be_hidden()


def test_on_a_phone_sources_are_a_sheet(visitor, bob, answered):
    phone = visitor.page(bob, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    phone.goto(answered.url)
    phone.locator("a.cite").first.tap()
    sheet = phone.get_by_role("dialog", name="Sources")
    expect(sheet).to_be_visible()
    box = sheet.bounding_box()
    assert box
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 390, 780)
    phone.mouse.click(100, 40)  # beside the sheet
    expect(sheet).to_be_hidden()


# Safety

HOSTILE = (
    "<script>window.hacked = 1</script> <img src=x onerror='window.hacked = 2'> [a](javascript:window.hacked=3)"
    " ![pixel](https://evil.example/pixel.png) <svg/onload=window.hacked=4> \u202egnp.exe\n\n"
    "[b](data:text/html,<script>window.hacked=5</script>) <a href='javascript:window.hacked=6'>c</a>\n\n"
    + "W" * 400
    + '\n\n```x" onmouseover="window.hacked=7\n</code></pre><script>window.hacked = 8</script>\n```\n'
)


def test_a_hostile_answer_does_nothing_while_and_after_it_is_written(asked, take):
    outside = []
    asked.on("request", lambda request: outside.append(request.url) if "evil.example" in request.url else None)
    worker = take()
    worker.begin()
    worker.write(HOSTILE)
    expect(asked.locator(".answer")).to_contain_text("window.hacked = 8")
    live = asked.locator(".answer").inner_html()
    worker.finish(HOSTILE, ())
    expect(asked.get_by_role("button", name="Regenerate")).to_be_visible()
    for html in (live, asked.locator(".answer").inner_html()):
        assert not re.search(r"<(script|img|svg|iframe)|<[^>]* on\w+=|href=\"(javascript|data)", html)
    assert asked.evaluate("window.hacked") is None
    assert outside == []
    assert asked.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_chat_works_without_script(visitor, bob, gpt, take):
    page = visitor.page(bob, java_script_enabled=False)
    page.goto(f"/g/{gpt.slug}/")
    page.get_by_role("button", name="Which filter fits the Z-7?").click()
    page.wait_for_url("**/c/**")
    take().answer()
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator("a.cite")).to_have_count(3)
    page.get_by_text("2 sources").click()
    page.locator(".source > summary").first.click()
    expect(page.get_by_text("The lip seal is a wearing part.")).to_be_visible()
    page.get_by_label("Message Pump Doctor").fill("Why?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".turn")).to_have_count(2)


# The list of chats


def test_a_chat_that_began_with_a_greeting_gets_the_title_of_what_follows(bob_page, gpt, take):
    bob_page.goto(f"/g/{gpt.slug}/chat")
    field(bob_page).fill("hi")
    field(bob_page).press("Enter")
    bob_page.wait_for_url("**/c/*/")
    take().answer("Hello!", ())
    say(bob_page, "Which seal is in the kit?")
    expect(bob_page.locator(".side-chat").get_by_role("link", name="Which seal is in the kit?")).to_be_visible()
    expect(bob_page).to_have_title("Which seal is in the kit? · Guildhall")


def test_a_chat_is_renamed_found_and_deleted_in_the_side_column(answered, visitor):
    row = answered.locator(".side-chat")
    row.hover()
    row.get_by_role("button", name="Rename, pin").click()
    answered.get_by_role("menuitem", name="Rename").click()
    dialog = answered.get_by_role("dialog", name="Rename this chat")
    dialog.get_by_label("Name").fill("Seal kit")
    dialog.get_by_role("button", name="Rename").click()
    expect(row.get_by_role("link", name="Seal kit")).to_be_visible()
    expect(answered).to_have_title("Seal kit · Guildhall")
    answered.get_by_label("Filter chats by title").fill("sourdough")
    expect(row).to_be_hidden()
    answered.get_by_label("Filter chats by title").fill("SEAL")
    row.hover()
    row.get_by_role("button", name="Rename, pin").click()
    answered.get_by_role("menuitem", name="Delete").click()
    answered.get_by_role("dialog", name="Delete this chat?").get_by_role("button", name="Delete").click()
    expect(answered.get_by_role("heading", name="No chats yet")).to_be_visible()


# The builder's preview


def test_a_preview_talks_to_the_draft_and_starts_over(alice_page, gpt, take):
    alice_page.goto(f"/gpts/{gpt.slug}/edit")
    say(alice_page, "It leaks")
    take().answer()
    expect(alice_page.locator("a.cite")).to_have_count(3)
    say(alice_page, "And now?")
    assert set(Conversation.objects.values_list("origin", flat=True)) == {"preview"}
    take().answer("Now this.", ())
    expect(alice_page.locator(".answer").last).to_have_text("Now this.")
    gpt.instructions = "Changed."
    gpt.save()
    alice_page.get_by_role("button", name="Start over").click()
    expect(alice_page.locator(".turn")).to_have_count(0)
    expect(alice_page.get_by_role("button", name="Which filter fits the Z-7?")).to_be_visible()
    say(alice_page, "Afresh")
    newest = Conversation.objects.latest("created")
    assert newest.version.spec().instructions == "Changed."
