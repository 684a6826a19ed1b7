"""What a GPT asked of others, in a real browser: lines that fold out, requests from far below, the whole tree."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from gpts.runs.steps import Approval, Finished, Retrieval
from tests.browser.conftest import ANSWER, CITATIONS, PASSAGES, cite
from tests.browser.test_accessibility import serious, troubles
from tests.web.runs import trees
from web.builder.models import Gpt
from web.runs import log, stream
from web.runs.models import Run
from web.runs.services import start_conversation, start_run

pytestmark = pytest.mark.browser
LONG = "What is due for a workshop of nine people that moved in March, and by when has it to be paid? " * 3


@pytest.fixture
def desk(bob, gpt) -> Run:
    """Bob's queued question to Alice's GPT."""
    return start_run(start_conversation(bob, gpt), "What do I owe, and by when?")


@pytest.fixture
def tax(alice, gpt) -> Gpt:
    """The GPT that is asked."""
    return trees.published(alice, "Tax Clerk", category="work")


def asked(desk: Run, tax: Gpt, task: str = "What is due?") -> Run:
    """The run of `tax` that answers the call `a` of `desk`."""
    trees.calls(desk, trees.call_of(tax, "a", task))
    return trees.ask(desk, tax, task, "a")


def told(run: Run, **event: object) -> None:
    """An event of a run, as a worker or the site would publish it."""
    stream.publish(run.id, event)


def chat(page: Page, desk: Run) -> Page:
    page.goto(f"/c/{desk.message.conversation_id}/")
    return page


def answered(child: Run) -> None:
    """End a child's run with an answer that cites its files, and give it to who asked."""
    log.append(child.id, Retrieval(query="q", passages=PASSAGES, covered=True))
    trees.end(child, ANSWER, citations=CITATIONS, coverage="covered")


def finished(desk: Run) -> None:
    """End the top run with an answer that cites what the child's answer cited."""
    text = "Every kit now has a spare O-ring."
    cited = cite(1, PASSAGES[1], "From 2026 on every kit has a spare O-ring.", text, text)
    log.append(desk.id, Finished(text=text, citations=(cited,)))
    told(desk, type="done", status="completed")


def test_a_line_tells_how_far_the_other_is_and_folds_out(bob_page, desk, tax):
    page = chat(bob_page, desk)
    child = asked(desk, tax)
    told(desk, type="step", kind="delegation", seq=2)
    line = page.locator("[data-live-steps] > ul > li > .line")
    expect(line).to_contain_text("Asking Tax Clerk: What is due?")
    told(desk, type="progress", call_id="a", text="Tax Clerk is reading its files")
    expect(line.locator("[data-line-note]")).to_have_text("Tax Clerk is reading its files")
    line.locator("summary").first.click()
    part = line.locator("[data-part]")
    expect(part).to_contain_text("What is due?")
    told(desk, type="step", kind="tool_started", seq=3)  # looks again, and leaves open what is open
    expect(line.locator("[data-line-note]")).to_have_text("Tax Clerk is reading its files")
    answered(child)
    told(desk, type="step", kind="tool_result", seq=4)
    expect(line).to_contain_text("Asked Tax Clerk: What is due?")
    expect(part).to_contain_text("The seal kit for the Zephyr-9 is ZP-771")
    assert serious(page) == []


def test_the_others_citations_open_and_stay_its_own(bob_page, desk, tax):
    child = asked(desk, tax)
    answered(child)
    finished(desk)
    page = chat(bob_page, desk)
    page.locator(".steps.did summary").first.click()
    page.locator("[data-part] a.cite").first.click()
    panel = page.get_by_role("dialog", name="Sources")
    expect(panel.locator("[data-source]")).to_have_count(2)
    page.keyboard.press("Escape")
    page.locator(".turn > .reply > .answer a.cite").click()
    expect(panel.locator("[data-source]")).to_have_count(1)
    expect(panel).to_contain_text("service-bulletins.txt")
    page.goto(f"/runs/{child.id}/")
    page.locator("a.cite").first.click()
    expect(panel.locator("[data-source]")).to_have_count(2)


def test_several_that_are_asked_each_tell_how_far_they_are(bob_page, alice, desk, tax):
    law = trees.published(alice, "Law Reader")
    trees.calls(desk, trees.call_of(tax, "a", "What?"), trees.call_of(law, "b", "Which law?"))
    first, _ = trees.ask(desk, tax, "What?", "a"), trees.ask(desk, law, "Which law?", "b")
    page = chat(bob_page, desk)
    told(desk, type="progress", call_id="a", text="Tax Clerk is thinking")
    told(desk, type="progress", call_id="b", text="Law Reader is reading its files")
    lines = page.locator("[data-live-steps] > ul > li > .line")
    expect(lines.nth(0)).to_contain_text("Tax Clerk is thinking")
    expect(lines.nth(1)).to_contain_text("Law Reader is reading its files")
    expect(page.get_by_text("Waiting for Tax Clerk and Law Reader")).to_be_visible()
    trees.end(first)
    told(desk, type="step", kind="tool_result", seq=5)
    expect(page.get_by_text("Waiting for Law Reader")).to_be_visible()
    expect(lines.nth(1)).to_contain_text("Law Reader is reading its files")


def test_a_request_from_far_below_is_answered_in_the_chat(bob_page, alice, desk):
    tree = trees.grown(desk, alice, done=False)
    page = chat(bob_page, desk)
    card = page.locator("[data-approval]")
    chain = "Pump Doctor asked Tax Clerk, which asked Law Reader, which asked Old Law Reader, which asked"
    expect(card).to_contain_text(f"{chain} Scribe of Statutes, which wants to:")
    assert serious(page) == []
    card.get_by_role("button", name="Allow").click()
    expect(card).to_have_count(0)
    assert log.read(tree.scribe.id)[-1] == Approval(call_id="w1", allowed=True, digest="d" * 64)


@pytest.fixture
def timed(alice, desk) -> trees.Tree:
    """Bob's tree, answered, with times as they might be."""
    tree = trees.grown(desk, alice)
    start = timezone.now() - timedelta(minutes=1)
    times = {
        "desk": (0, 21.4),
        "tax": (0.8, 14.9),
        "law": (1.9, 9.7),
        "old_law": (3.0, 7.1),
        "scribe": (4.2, 4.4),
        "fees": (1.9, 11.0),
        "plants": (0.8, 3.1),
        "tax_again": (0.9, 17.3),
    }
    for name, (begin, seconds) in times.items():
        trees.moved(getattr(tree, name), start, begin, seconds)
    return tree


def test_the_whole_tree_fits_and_is_accessible(visitor, bob, timed):
    page = visitor.page(bob)
    page.goto(f"/runs/{timed.desk.id}/tree")
    expect(page.get_by_role("article")).to_have_count(8)
    expect(page.locator(".tree-sums")).to_contain_text("8 runs of 7 GPTs")
    expect(page.get_by_text("got the same question earlier")).to_be_visible()
    expect(page.get_by_text(trees.REFUSED)).to_be_visible()
    assert troubles(page) == []
    page.get_by_role("link", name="Fee Clerk").click()
    expect(page.get_by_role("heading", name="Fee Clerk")).to_be_visible()
    assert troubles(page) == []


def test_a_tree_that_grows_is_looked_at_again(bob_page, alice, desk, tax):
    child = asked(desk, tax, LONG)
    bob_page.goto(f"/runs/{desk.id}/tree")
    item = bob_page.locator(f"#run-{child.id}")
    expect(item).to_contain_text("Queued")
    item.locator("summary").focus()
    bob_page.keyboard.press("Enter")
    trees.end(child)
    expect(item).to_contain_text("Answered")
    expect(item.locator("details")).to_have_attribute("open", "")
    expect(item.locator("summary")).to_be_focused()
    log.append(desk.id, Finished(text="Done."))
    expect(bob_page.locator("[data-tree-live]")).to_have_count(0)


def test_without_scripts_a_line_leads_to_a_page(visitor, bob, desk, tax):
    answered(asked(desk, tax))
    finished(desk)
    page = chat(visitor.page(bob, java_script_enabled=False), desk)
    page.locator(".steps.did summary").first.click()
    page.get_by_role("link", name="Open what Tax Clerk did").click()
    expect(page.locator("[data-part] .answer")).to_contain_text("The seal kit for the Zephyr-9")
    page.get_by_role("link", name="Back to the chat").click()
    expect(page.get_by_text("What do I owe, and by when?").first).to_be_visible()
