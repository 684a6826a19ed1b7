"""Two versions of a GPT are asked the same, side by side."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Worker
from tests.browser.test_accessibility import LOOKS, SIZES, serious
from tests.publishing import publish
from web.builder.services import update_gpt
from web.runs.models import Run

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_two_versions_are_asked_the_same(visitor, alice, gpt, theme, size):
    publish(update_gpt(gpt, {"instructions": "Second."}, by=gpt.owner))
    update_gpt(gpt, {"instructions": "Draft."}, by=gpt.owner)
    page = visitor.page(alice, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/gpts/{gpt.slug}/try")
    left, right = page.get_by_role("region", name="Left"), page.get_by_role("region", name="Right")
    expect(right.get_by_label("Version, Right")).to_have_value("2")
    right.get_by_label("Version, Right").select_option("Version 1")
    page.wait_for_url("**right_version=1*")
    expect(left.get_by_role("button", name="Start over")).to_have_count(0)
    left.get_by_role("textbox").fill("Which seal?")
    page.keyboard.press("Enter")
    expect(left.get_by_text("Queued")).to_be_visible()
    expect(right.get_by_text("Queued")).to_be_visible()
    runs = {run.version.data["instructions"]: run for run in Run.objects.select_related("version")}
    assert set(runs) == {"Draft.", "Help."}
    Worker(runs["Draft."]).answer("From the **draft**." + "\n\nAnd more." * 80, ())
    Worker(runs["Help."]).answer()
    expect(left.get_by_text("From the draft.")).to_be_visible()
    expect(left.get_by_role("textbox")).to_be_in_viewport(ratio=1)  # a long answer scrolls within its side
    right.get_by_text("2 sources").click()
    expect(page.get_by_role("dialog").get_by_text("lip seal")).to_be_visible()
    page.keyboard.press("Escape")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.get_by_label("Send to both").uncheck()
    right.get_by_role("textbox").fill("Only you")
    right.get_by_role("button", name="Send").click()
    expect(right.get_by_text("Only you")).to_be_visible()
    expect(left.get_by_text("Only you")).to_have_count(0)
    assert Run.objects.count() == 3
