"""The pages of sources: added by keyboard, told what is wrong, read, and removed; in both themes and sizes."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import LOOKS, SIZES, serious
from web.builder import sources
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source

pytestmark = pytest.mark.browser
LONG = "https://www.example.org/departments/donaudampfschifffahrtsgesellschaft/handbooks/of/everything/there/is/"


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_source_is_added_read_and_removed(visitor, alice, gpt, theme, size):
    page = visitor.page(alice, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/gpts/{gpt.slug}/edit")
    page.get_by_role("link", name="Follow a website").click()
    expect(page.get_by_role("heading", name="No sources yet")).to_be_visible()
    page.get_by_role("link", name="Website").click()
    page.get_by_label("Address").fill("https://user:secret@example.org/")
    page.keyboard.press("Enter")
    expect(page.get_by_text("without a password")).to_be_visible()
    assert serious(page) == []
    page.get_by_label("Address").fill(LONG)
    page.get_by_role("button", name="Add source").click()
    page.wait_for_url(re.compile(r"/sources/[0-9a-f-]{36}/$"))
    expect(page.get_by_text("Waiting to be read")).to_be_visible()
    check = sources.begin(sources.claim(gpt.owner_id))
    for n in range(3):
        sources.found(check, f"{LONG}{n}", f"Page {n}.html", "1", f"Text {n}".encode(), "")
    sources.found(check, f"{LONG}x", "", "", None, "www.example.org returned an error (status 500).")
    sources.finish(check, {f"{LONG}{n}" for n in (0, 1, 2, "x")})
    page.reload()
    expect(page.get_by_text("3 new, 0 changed, 0 gone, 1 not readable").first).to_be_visible()
    page.get_by_text("4 files").click()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.goto(f"/gpts/{gpt.slug}/sources/")
    assert serious(page) == []
    page.get_by_role("link", name=LONG).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. Its files stay.")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="No sources yet")).to_be_visible()
    assert not Source.objects.exists()
    assert not KnowledgeFile.objects.filter(from_source=True, removed=None).exists()
    visitor.forgive("422")
