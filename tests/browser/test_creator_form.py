"""The creator's form in a real browser: it saves itself, takes files, and breaks no rule of the site's policy."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.publishing import publish
from web.accounts.models import User
from web.accounts.services import vouch_for_address
from web.builder import shares
from web.builder.files import file_became_ready
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.services import create_gpt

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser, live_server, client, alice) -> Iterator[Page]:
    """A desktop window in which Alice is signed in; at the end, no script failed and no rule was broken."""
    client.force_login(alice)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def gpt(alice) -> Gpt:
    """Alice's published GPT with one starter and no files."""
    fields = {"description": "Finds the fault.", "instructions": "Help with pumps.", "starters": ["It leaks."]}
    gpt = create_gpt(alice, {"name": "Pump Doctor", **fields})
    publish(gpt, Sharing.STORE)
    return gpt


@pytest.fixture
def form(page, gpt) -> Page:
    """The form of Alice's GPT, open."""
    page.goto(f"/gpts/{gpt.slug}/edit")
    return page


def test_what_is_typed_saves_itself(form, gpt):
    form.get_by_label("Instructions", exact=True).fill("Typed words.")

    expect(form.get_by_text("Draft saved")).to_be_visible()
    expect(form.get_by_text("Version 1 is live")).to_be_visible()
    expect(form.get_by_text("12 of 8,000")).to_be_visible()
    assert Gpt.objects.get().instructions == "Typed words."


def test_somebody_with_whom_it_is_shared_edits_it_until_that_ends(page, alice, gpt):
    others = Gpt.objects.filter(id=gpt.id)
    others.update(owner=User.objects.create_user("bob@example.org", name="Bob"))
    vouch_for_address(alice)
    share = shares.share(others.get(), "edit", email=alice.email)
    page.goto(f"/gpts/{gpt.slug}/edit")
    words = page.get_by_label("Instructions", exact=True)
    words.fill("Typed words.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    assert others.get().instructions == "Typed words."
    shares.unshare(others.get(), share.id)
    words.fill("Too late.")
    expect(page.get_by_text("You can no longer edit this GPT.")).to_be_visible()
    assert others.get().instructions == "Typed words."


def test_two_tabs_overwrite_nothing_unasked_and_sharing_takes_a_button(form, gpt):
    other = form.context.new_page()
    other.goto(form.url)
    mine, theirs = (each.get_by_label("Instructions", exact=True) for each in (form, other))
    mine.fill("Mine.")
    expect(form.get_by_text("Draft saved")).to_be_visible()
    theirs.fill("Theirs.")

    expect(other.get_by_text("was changed in another tab")).to_be_visible()
    expect(theirs).to_have_value("Theirs.")
    assert Gpt.objects.get().instructions == "Mine."
    other.get_by_role("button", name="Overwrite it with mine").press("Enter")
    expect(other.get_by_text("Draft saved")).to_be_visible()
    assert Gpt.objects.get().instructions == "Theirs."
    form.get_by_label("Description", exact=True).fill("Cares for pumps.")
    expect(mine).to_have_value("Theirs.")

    form.get_by_label("Only me").check()
    expect(form.get_by_text("Not changed yet.")).to_be_visible()
    form.get_by_label("Anyone with the link").check()
    form.get_by_label("Description", exact=True).fill("Cures pumps.")
    expect(form.get_by_text("Draft saved")).to_be_visible()
    assert Gpt.objects.get().sharing == Sharing.STORE
    form.get_by_role("button", name="Update sharing").click()
    expect(form.get_by_text("Anyone with the link can use it.")).to_be_visible()
    assert Gpt.objects.get().sharing == Sharing.LINK


def test_the_preview_greets_as_the_draft_does(form, gpt):
    form.get_by_role("textbox", name="Name", exact=True).fill("Pump Nurse")
    form.get_by_label("Description", exact=True).fill("Cares for pumps.")
    form.get_by_label("Conversation starter 1").fill("It drips.")

    preview = form.get_by_label("Preview of this GPT")
    expect(preview.get_by_role("heading", name="Pump Nurse")).to_be_visible()
    expect(preview.get_by_text("Cares for pumps.")).to_be_visible()
    expect(preview.get_by_role("button", name="It drips.")).to_be_visible()
    expect(preview.get_by_role("button", name="It leaks.")).to_have_count(0)


def test_a_wrong_field_is_marked_in_place_and_the_rest_is_saved(form, gpt):
    form.get_by_role("textbox", name="Name", exact=True).fill("n" * 60)
    form.get_by_label("Description", exact=True).fill("Still saved.")

    expect(form.locator("#name-error")).to_contain_text("Too long: 60 of 50 characters.")
    expect(form.get_by_role("textbox", name="Name", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_role("textbox", name="Name", exact=True)).to_have_value("n" * 60)
    expect(form.get_by_text("Saved, except")).to_be_visible()
    assert (Gpt.objects.get().name, Gpt.objects.get().description) == ("Pump Doctor", "Still saved.")
    form.get_by_role("textbox", name="Name", exact=True).fill("Pump Nurse")
    expect(form.locator("#name-error")).to_be_empty()


def test_starters_are_added_and_removed(form, gpt):
    form.get_by_role("button", name="Add starter").click()
    form.keyboard.type("How often?")
    form.get_by_role("button", name="Remove starter").first.click()

    expect(form.get_by_text("Draft saved")).to_be_visible()
    assert Gpt.objects.get().starters == ["How often?"]


def test_files_upload_are_followed_and_publish_the_gpt(form, gpt, tmp_path):
    paths = []
    for name in ("a.txt", "b.txt", "empty.txt"):
        paths.append(tmp_path / name)
        paths[-1].write_text("" if name == "empty.txt" else f"words of {name}")
    form.get_by_label("Choose files").set_input_files(paths)

    expect(form.locator(".file-received")).to_have_count(2)
    expect(form.get_by_role("alert").filter(has_text="empty.txt")).to_contain_text("The file is empty.")
    form.get_by_role("button", name="Publish version 2 when ready").click()
    expect(form.get_by_text("once its files are ready")).to_be_visible()

    KnowledgeFile.objects.filter(name="a.txt").update(status="embedding", n_done=3, n_chunks=9)
    expect(form.get_by_text("Embedding, 3 of 9")).to_be_visible()
    KnowledgeFile.objects.update(status="ready", segment="s", n_tokens=1234)
    file_became_ready(KnowledgeFile.objects.first())
    expect(form.get_by_text("Ready, 1,234 tokens")).to_have_count(2)
    expect(form.get_by_text("New version published.")).to_be_visible()
    expect(form.get_by_text("Version 2 is live")).to_be_visible()

    form.get_by_role("button", name="Remove a.txt").click()
    expect(form.locator(".file")).to_have_count(1)
    expect(form.get_by_role("button", name="Publish version 3")).to_be_visible()


def test_a_picture_and_a_mark_can_be_chosen(form, gpt, tmp_path, settings):
    from PIL import Image

    Image.new("RGB", (300, 200), "teal").save(tmp_path / "photo.png")
    form.get_by_label("Change picture").click()
    form.get_by_label("Upload a picture").set_input_files(tmp_path / "photo.png")
    expect(form.locator(".identity img.face")).to_be_visible()
    form.get_by_label("loaf").check()
    expect(form.locator(".identity img.face")).to_have_count(0)
    expect(form.get_by_text("Draft saved")).to_be_visible()
    assert (Gpt.objects.get().face, Gpt.objects.get().picture.name) == ("loaf", "")


def test_signing_out_elsewhere_loses_nothing_that_was_typed(form, gpt):
    form.context.clear_cookies()
    form.get_by_label("Instructions", exact=True).fill("Precious words.")

    expect(form.get_by_text("Not saved. You’re signed out")).to_be_visible()
    expect(form.get_by_label("Instructions", exact=True)).to_have_value("Precious words.")


def test_the_menus_and_the_theme_work_by_keyboard(page, gpt):
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.get_by_label("Account menu").press("Enter")
    page.get_by_role("button", name="Dark").first.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("Escape")
    expect(page.get_by_label("Account menu")).to_be_focused()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 21, 19)"
