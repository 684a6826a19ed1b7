"""The models page in a browser: rows follow a download while a menu and the focus stay, by keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import troubles
from tests.web.operate.test_models_page import listed
from web.operate.models import ModelDownload, ModelSurvey
from web.operate.services import seen_model

pytestmark = pytest.mark.browser


@pytest.fixture
def page(site, visitor, alice):
    """The page of an operator, with one download in progress and one that failed."""
    alice.is_staff = True
    alice.save()
    seen_model("a", "bundled")
    machine = {"memory": 16_000_000_000, "free_disk": 50_000_000_000, "gpu_memory": 0}
    catalogue = [listed("good"), listed("other"), listed("big", misfit="Needs 90.0 GB.")]
    ModelSurvey.objects.create(found={"machine": machine, "best": "good", "catalogue": catalogue, "stored": []})
    ModelDownload.objects.create(name="good", accepted="MIT", status="downloading", total=100, done=10, speed=2.0)
    ModelDownload.objects.create(name="org/broken", status="failed", error="The disk is full.")
    page = visitor.page(alice)
    page.goto("/operate/models/")
    return page


def test_rows_follow_a_download_and_leave_focus_and_menus_alone(page):
    page.locator("#model-good-stop").focus()
    page.keyboard.press("Tab")
    other = page.locator("#model-other-get")
    other.focus()
    page.keyboard.press("Enter")
    accept = page.locator("#model-other").get_by_role("button", name="Accept and download")
    expect(accept).to_be_visible()
    ModelDownload.objects.filter(name="good").update(done=55)
    expect(page.locator("#model-good")).to_contain_text("55 %")
    expect(accept).to_be_visible()
    expect(other).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    with page.expect_navigation():  # the rows may tell of it before the new page is there
        page.keyboard.press("Enter")
    expect(page.locator("#model-other")).to_contain_text("Waiting for the model worker")
    page.locator("#model-good-stop").focus()
    ModelDownload.objects.filter(name="good").update(done=60)
    expect(page.locator("#model-good")).to_contain_text("60 %")
    expect(page.locator("#model-good-stop")).to_be_focused()
    ModelDownload.objects.filter(name="good").update(status="failed", error="The disk is full.")
    expect(page.locator("#model-news")).to_have_text("Good could not be downloaded.")


def test_the_page_is_accessible(page):
    page.locator("#model-other-get").click()
    assert troubles(page) == []
    page.goto("/")
    assert troubles(page) == []
