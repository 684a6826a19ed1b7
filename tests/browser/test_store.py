"""The store in a browser: reviews by keyboard, collections, filters, looks, and what its first page weighs."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import troubles
from tests.publishing import publish
from tests.web.store.use import use
from web.accounts.models import User
from web.builder.models_access import Sharing
from web.builder.services import create_gpt
from web.store import collections, profiles, reviews, standings
from web.store.models import Review

pytestmark = pytest.mark.browser
# What the first visit to the store may transfer, with fonts, styles and scripts.
MOST_BYTES = 150_000
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützen"


@pytest.fixture
def filled(gpt, alice, bob) -> Review:
    """A store with a long name, a review with an answer, a creator page, and featured and own collections."""
    fields = {
        "name": LONG,
        "description": "x" * 300,
        "capabilities": ["code_interpreter", "web_browsing", "image_generation"],
    }
    publish(create_gpt(alice, {**fields, "category": "home"}), Sharing.STORE)
    use(bob, gpt, 4, 2)
    review = reviews.give(gpt, bob, 4, "Found the seal in a minute. " + LONG)
    reviews.answer(alice, review.id, "Glad it helped.")
    for person in (alice, bob):
        profiles.change(person, public=True, about="Pumps since 1990.")
    own = collections.create(bob, name="Workshop", about="For the team")
    collections.add(own, gpt.slug)
    oscar = User.objects.create_user("oscar@example.org", name="Oscar", is_staff=True)
    collections.create(oscar, name="Start here", featured=True)
    standings.refresh()
    return review


def test_bob_rates_a_gpt_by_keyboard_changes_it_and_alice_answers(visitor, gpt, alice, bob):
    page = visitor.page(bob)
    page.goto(f"/g/{gpt.slug}/")
    expect(page.get_by_text("once you’ve had an answer")).to_be_visible()
    use(bob, gpt)
    page.reload()
    page.get_by_role("radio", name="1 star", exact=True).focus()
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Found the seal.")
    page.get_by_role("button", name="Save review").press("Enter")
    expect(page.get_by_role("article", name="Review, 4 of 5 stars")).to_contain_text("Found the seal.")

    alices = visitor.page(alice)
    alices.goto("/gpts/")
    alices.get_by_role("link", name="1 new review").click()
    alices.get_by_text("Answer", exact=True).click()
    alices.get_by_label("Your public answer").fill("Glad it helped.")
    alices.get_by_role("button", name="Save answer").click()
    expect(alices.get_by_text("Glad it helped.").first).to_be_visible()

    page.reload()
    expect(page.get_by_text("Answer by the creator")).to_be_visible()
    page.get_by_text("Change your review").click()
    page.get_by_role("button", name="Delete review").click()
    expect(page.get_by_text("No reviews yet.")).to_be_visible()


def test_bob_collects_a_gpt_and_filters_the_store(visitor, filled, bob, gpt):
    page = visitor.page(bob)
    page.goto(f"/g/{gpt.slug}/")
    page.get_by_text("Add to a collection").click()
    page.get_by_label("Name of a new collection").fill("Later")
    page.get_by_role("button", name="Create and add").click()
    page.goto("/collections/")
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_role("link", name="Pump Doctor")).to_be_visible()
    page.goto("/")
    page.get_by_label("Can use").select_option("code_interpreter")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("link", name=LONG)).to_be_visible()
    expect(page.get_by_role("link", name="Pump Doctor")).to_have_count(0)


def test_pages_of_the_store_are_accessible_and_fit(visitor, filled, alice, bob):
    oscar = User.objects.get(email="oscar@example.org")
    own, start = collections.own(bob).get(), collections.featured().get()
    paths = {
        None: (
            "/",
            "/?sort=rated&has=files",
            "/?works=1&has=image_generation",
            "/people/alice/",
            f"/collections/{start.id}/",
        ),
        bob: ("/", "/g/pump-doctor/", "/g/pump-doctor/reviews/", "/collections/", f"/collections/{own.id}/"),
        alice: ("/gpts/", "/g/pump-doctor/reviews/", "/account/profile/", "/account/me/"),
        oscar: ("/operate/categories/", "/g/pump-doctor/reviews/"),
    }
    for person, places in paths.items():
        page = visitor.page(person)
        for path in places:
            page.goto(path)
            page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
            assert (path, troubles(page)) == (path, [])


def test_the_first_visit_to_a_full_store_transfers_at_most_150_kb(visitor, alice):
    for n in range(30):
        fields = {"name": f"Helper {n}", "description": f"Helps with number {n} and what comes after it. " * 5}
        publish(create_gpt(alice, fields), Sharing.STORE)
    page = visitor.page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto("/", wait_until="networkidle")
    assert len(sizes) > 5
    assert sum(sizes) <= MOST_BYTES
