"""Schedules in the browser: made from a chat, changed in two tabs, run by hand and by webhook, on both sizes."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import serious, troubles
from tests.web.schedules.conftest import DAILY, end, made, next_run, webhook
from web.runs.models import Run
from web.schedules import services, starting
from web.schedules.models import Schedule

pytestmark = pytest.mark.browser
LONG = "Every change of prices, parts and Donaudampfschifffahrtsgesellschaftskapitänsmützenhersteller in "


def test_one_is_made_from_a_chat_by_keyboard_and_run(visitor, bob, gpt):
    page = visitor.page(bob, timezone_id="Asia/Tokyo")
    page.goto(f"/g/{gpt.slug}/chat")
    page.get_by_label("Message Pump Doctor").fill("Hello")
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/**")
    end(Run.objects.get())
    page.reload()
    page.get_by_role("button", name=re.compile("Rename, pin, archive, schedule")).first.click()
    page.get_by_role("menuitem", name="Schedule").click()
    expect(page.get_by_label("GPT")).to_have_value(gpt.slug)
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.get_by_label("Name").fill("Weekly check")
    page.get_by_label("Message", exact=True).fill("What is new?")
    page.get_by_label("When", exact=True).select_option("Every Monday")
    expect(page.get_by_label("Cron line")).to_be_hidden()
    page.get_by_label("At", exact=True).fill("07:45")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/schedules/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("heading", name="Weekly check")).to_be_visible()
    schedule = Schedule.objects.get()
    assert (schedule.cron, schedule.time_zone, schedule.text) == ("45 7 * * 1", "Asia/Tokyo", "What is new?")
    expect(page.get_by_text("Every Monday, 07:45")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/c/**")
    expect(page.get_by_text("What is new?")).to_be_visible()


def test_a_wrong_line_keeps_what_was_typed_and_says_what_to_do(bob_page, gpt):
    page = bob_page
    page.goto(f"/schedules/new?gpt={gpt.slug}")
    page.get_by_label("Message", exact=True).fill("What is new?")
    page.get_by_label("When", exact=True).select_option("Custom (cron)")
    page.get_by_label("Cron line").fill("* * * * *")
    page.get_by_role("button", name="Create schedule").click()
    expect(page.get_by_text("Too often: leave at least 15 minutes between.")).to_be_visible()
    expect(page.get_by_label("Cron line")).to_have_value("* * * * *")
    expect(page.get_by_label("Message", exact=True)).to_have_value("What is new?")
    assert not Schedule.objects.exists()


def test_a_webhook_is_shown_once_and_what_it_brings_is_marked(visitor, bob, gpt, site):
    page = visitor.page(bob)
    page.goto(f"/schedules/new?gpt={gpt.slug}")
    page.get_by_label("Message", exact=True).fill("Summarize the order.")
    page.get_by_label("When", exact=True).select_option("When a webhook is called")
    expect(page.get_by_label("At", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Create schedule").click()
    url = page.get_by_label("Webhook URL").input_value()
    assert serious(page) == []
    body = "<b>Order 7</b> <script>alert(1)</script>"
    sent = httpx.post(site.url + url[url.index("/api/") :], content=body)
    assert (sent.status_code, sent.content) == (202, b"")
    end(Run.objects.get(), "One pump.")
    page.goto("/schedules/")
    page.get_by_role("link", name=gpt.live.name).click()
    expect(page.get_by_label("Webhook URL")).to_have_count(0)
    page.get_by_role("link", name=re.compile("Open the answer")).click()
    page.get_by_text("Received by webhook").click()
    expect(page.get_by_text(body)).to_be_visible()
    assert serious(page) == []


def test_two_tabs_do_not_overwrite_each_other(visitor, bob, gpt):
    schedule = made(bob, gpt)
    tabs = [visitor.page(bob) for _ in range(2)]
    for tab, name in zip(tabs, ("First", "Second"), strict=True):
        tab.goto(f"/schedules/{schedule.id}/")
        tab.get_by_label("Name").fill(name)
    for tab in tabs:
        tab.get_by_role("button", name="Save").click()
    expect(tabs[1].get_by_text("changed in another tab")).to_be_visible()
    expect(tabs[1].get_by_label("Name")).to_have_value("Second")
    schedule.refresh_from_db()
    assert schedule.name == "First"
    for tab in tabs:  # both run it, and one is told that it runs
        tab.get_by_role("button", name="Run now").click()
    expect(tabs[1].get_by_text("The last run is still working")).to_be_visible()
    assert Run.objects.count() == 1


def test_it_is_paused_resumed_and_deleted(bob_page, bob, gpt):
    page, schedule = bob_page, made(bob, gpt)
    page.goto(f"/schedules/{schedule.id}/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("It doesn’t run until you resume it.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Next:")).to_be_visible()
    page.get_by_text("Delete this schedule").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="No schedules yet")).to_be_visible()
    assert not Schedule.objects.exists()


def test_its_pages_are_accessible_at_each_of_their_stages(visitor, bob, charlie, gpt):
    good, failing = made(bob, gpt), made(bob, gpt, name=(LONG * 2)[:80], cron="*/20 9-17 * * 1-5")
    hooked, secret = webhook(bob, gpt, name="Orders", callback_url="https://example.org/hook")
    for schedule, text in ((good, "Nothing."), *([(failing, "")] * starting.MAX_FAILED)):
        next_run(schedule, text)
    for body in (b"Order 7", b"Order 8"):
        services.trigger(hooked.id, secret, body)
    services.pause(made(bob, gpt, **DAILY | {"name": "Old"}))
    hooked.refresh_from_db()
    places = [
        (charlie, "empty", "/schedules/"),
        (charlie, "new", f"/schedules/new?gpt={gpt.slug}"),
        (bob, "list", "/schedules/"),
        (bob, "done", f"/schedules/{good.id}/"),
        (bob, "failing", f"/schedules/{failing.id}/"),
        (bob, "webhook", f"/schedules/{hooked.id}/"),
        (bob, "chat", f"/c/{hooked.conversation_id}/"),
    ]
    for person, name, path in places:
        page = visitor.page(person)
        page.goto(path)
        assert (name, troubles(page)) == (name, [])
    # As in test_rich.py: of a font that an earlier page left in memory.
    visitor.complaints[:] = [words for words in visitor.complaints if "preloaded using link preload" not in words]
