"""axe-core finds nothing on any page, in either theme, and no page breaks its own content policy."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.test_programs import program, question
from web.accounts import grants, invitations, outbox, suspended, webhooks
from web.accounts.models import User
from web.accounts.people import suspend
from web.accounts.services import create_key
from web.builder.models import Gpt
from web.moderation.models import Case
from web.notifications.kinds import stop_link

pytestmark = pytest.mark.browser
THEMES = ["light", "dark"]
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 780}}
# Each theme and each size once: colours are the same at both sizes, and sizes in both themes.
LOOKS = list(zip(THEMES, SIZES, strict=True))


# What axe found is judged in the page: all of it takes longer to bring here than to find. Its preloading would add a
# style element, which the policy rightly refuses.
# Of the console only what is serious: its frame is Unfold's.
AXE = """async () => {
  const { violations } = await axe.run({ preload: false, resultTypes: ["violations"] });
  const isConsole = location.pathname.startsWith("/admin/");
  const counts = ({ impact }) => !isConsole || impact === "serious" || impact === "critical";
  // HTML knows no combobox of several lines, but screen readers do: the field for messages after "@".
  const isCombobox = (id, html) => id === "aria-allowed-role" && /^<textarea[^>]* role="combobox"/.test(html);
  const found = violations.filter(counts).flatMap(({ id, nodes }) => nodes.map(({ html }) => [id, html]));
  return found.filter(([id, html]) => !isCombobox(id, html)).map(([id, html]) => `${id}: ${html.slice(0, 160)}`);
}"""


WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def looks(page: Page) -> Iterator[str]:
    """Show the page in each theme and each size, and name the size."""
    for theme, size in LOOKS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size(SIZES[size])
        yield size


def troubles(page: Page) -> list[str]:
    """What is wrong with a page in any look: what is serious or critical, and that it is wider than its window."""
    found = []
    for size in looks(page):
        found += [f"{size}: {each}" for each in serious(page)]
        found += [f"{size}: too wide by {wider}"] if (wider := page.evaluate(WIDER)) else []
    return found


def serious(page: Page) -> list[str]:
    """The serious and critical findings on a page, as `rule: element`."""
    page.wait_for_load_state()  # a form that is shown again may have its texts before its styles
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(Axe().axe_script)
    return page.evaluate(AXE)


def test_pages_for_everyone_are_accessible(visitor, gpt):
    page = visitor.page()
    _, invitation = invitations.create(None, "7b", 9, timezone.now() + timedelta(days=1))
    for path in (
        urlsplit(invitation).path,
        "/",
        "/?q=pump",
        f"/g/{gpt.slug}/",
        "/account/login/",
        "/account/signup/",
        "/nowhere/",
        "/docs/",
        "/docs/?q=files",
        "/docs/api/",
        "/api/docs",
    ):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert (path, troubles(page)) == (path, [])
    visitor.forgive("404")


def test_pages_of_a_person_are_accessible(visitor, alice, gpt):
    create_key(alice, "laptop")
    grants.exchange(grants.token("code", grants.grant(alice, program(), "http://127.0.0.1/mcp", {})))
    page = visitor.page(alice)
    own = [f"/gpts/{gpt.slug}/{name}" for name in ("edit", "history", "delete")]
    paths = ("/", f"/g/{gpt.slug}/", f"/g/{gpt.slug}/chat", "/chats/", "/gpts/", "/gpts/new", "/import/", *own)
    hook, _ = webhooks.create(gpt, "https://example.org/hook", ["review.left"], alice)
    outbox.test(hook)
    paths += (f"/gpts/{gpt.slug}/webhooks/", f"/gpts/{gpt.slug}/webhooks/{hook.id}/", "/account/notifications/")
    paths += (f"/g/{gpt.slug}/report", decided(alice, gpt))
    for path in (*paths, "/account/keys/", question(), "/account/me/", "/account/3rdparty/", "/account/close/"):
        page.goto(path)
        assert (path, troubles(page)) == (path, [])


def decided(owner: User, gpt: Gpt) -> str:
    """The page of decisions about this owner's GPT, one to appeal and one that was appealed."""
    facts = {"gpt": gpt, "owner": owner, "decision": "unlist", "note": "Wrong seals.", "decided": timezone.now()}
    Case.objects.create(**facts)
    Case.objects.create(**facts, appeal="No.", appealed=timezone.now(), answered=timezone.now(), answer="It is.")
    return "/account/decisions/"


def test_what_people_read_by_links_is_accessible(visitor, alice, gpt):
    page = visitor.page()
    Case.objects.create(gpt=gpt, owner=alice, decision="suspend", note="Twice.", decided=timezone.now())
    suspend(alice, None)
    for url in (suspended.link(alice), stop_link(alice, "shares")):
        page.goto(urlsplit(url).path)
        assert (url, troubles(page)) == (url, [])


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_chat_is_accessible_at_each_of_its_stages(visitor, bob, gpt, take, theme, size):
    page = visitor.page(bob, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/g/{gpt.slug}/chat")
    page.get_by_role("button", name="Which filter fits the Z-7?").click()
    page.wait_for_url("**/c/**")
    worker = take()
    worker.retrieve()
    worker.begin()
    worker.write("It is **ZF-70**.\n\n| a | b |\n|---|---|\n| c | d |\n\n```py\nx = 1\n```\n")
    expect(page.locator(".answer table")).to_be_visible()
    assert serious(page) == []
    worker.finish()
    expect(page.locator("a.cite")).to_have_count(3)
    assert serious(page) == []
    page.locator("a.cite").first.click()
    expect(page.get_by_role("dialog", name="Sources")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Regenerate").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    take().fail()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert serious(page) == []
    page.goto("/chats/")
    assert serious(page) == []


def test_the_api_reference_shows_the_operations_of_both_apis_under_the_sites_content_policy(visitor, bob):
    page = visitor.page(bob)
    page.goto("/api/docs")
    expect(page.get_by_text("/v1/responses/{response_id}/cancel", exact=True)).to_be_visible()
    expect(page.get_by_text("/v1/chat/completions", exact=True)).to_have_count(2)  # create and list
    page.get_by_text("/api/runs/{run_id}/tree", exact=True).click()
    expect(page.get_by_text("Your run and all its child runs")).to_be_visible()
