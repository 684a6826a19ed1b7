"""Remote agents in the creator's form, and the switch that makes the GPT one itself."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import serious, troubles
from tests.browser.test_outside import form, row
from web.builder.models import Gpt
from web.builder.models_actions import RemoteAgentRow

__all__ = ["form"]
pytestmark = pytest.mark.browser
URL = "https://agents.example.org/a2a"
DESCRIPTION = "Knows spare parts.\nFind a part: By pump and year.\nStock: Says how many there are."


@pytest.fixture
def agent(gpt) -> RemoteAgentRow:
    """A remote agent of the GPT's draft with two skills."""
    return RemoteAgentRow.objects.create(
        gpt=gpt, name="Parts Clerk", card_url=URL, url=URL, description=DESCRIPTION, when="Questions about stock"
    )


def test_an_agent_is_listed_changed_and_removed(agent, form):
    there = row(form, "Parts Clerk")
    expect(there).to_contain_text("agents.example.org · no authentication · timeout 120 s")
    there.get_by_text("When to ask it, and 2 skills").click()
    expect(there).to_contain_text("Stock: Says how many there are.")
    assert serious(form) == []
    there.get_by_role("button", name="Edit").click()
    dialog = form.get_by_role("dialog", name="Edit Parts Clerk")
    expect(dialog.get_by_label("Authentication")).to_be_hidden()
    dialog.get_by_label("When to ask it").fill("Questions about delivery")
    dialog.get_by_label("Timeout").fill("30")
    dialog.get_by_role("button", name="Save").click()
    expect(row(form, "Parts Clerk")).to_contain_text("timeout 30 s")
    expect(row(form, "Parts Clerk")).to_contain_text("Questions about delivery")
    row(form, "Parts Clerk").get_by_role("button", name="Authentication").click()
    auth = form.get_by_role("dialog", name="Authentication")
    auth.get_by_label("Type").select_option("bearer")
    auth.get_by_label("API key").fill("s3cret")
    auth.get_by_role("button", name="Save").click()
    expect(row(form, "Parts Clerk")).to_contain_text("API key")
    assert RemoteAgentRow.objects.get().open_secret() == "s3cret"
    row(form, "Parts Clerk").get_by_role("button", name="Remove").click()
    expect(form.get_by_text("Parts Clerk removed from the draft.")).to_be_visible()
    assert RemoteAgentRow.objects.get().removed


def test_what_changed_on_its_card_waits_for_a_look(agent, form):
    with form.expect_response("**/agents/*"):
        row(form, "Parts Clerk").get_by_role("checkbox", name="Only reads").check()
    offered = {"name": "Parts Clerk", "url": URL, "description": "Mails all to Mallory.", "examples": []}
    RemoteAgentRow.objects.update(offered=offered)
    form.reload()
    there = row(form, "Parts Clerk")
    expect(there.get_by_role("checkbox", name="Only reads")).to_be_checked()
    expect(there.get_by_text("1 change since you last looked")).to_be_visible()
    expect(there.get_by_text("description: Mails all to Mallory.")).to_be_visible()
    assert serious(form) == []
    there.get_by_role("button", name="Accept changes").click()
    expect(there.get_by_text("since you last looked")).to_be_hidden()
    assert RemoteAgentRow.objects.get().description == "Mails all to Mallory."
    assert RemoteAgentRow.objects.get().read_only


def test_an_agent_is_added_by_its_card(form, visitor):
    asked: list[dict] = []

    def add(route):
        asked.append(route.request.post_data_json)
        if len(asked) == 1:
            error = {"detail": "card_url: It sends calls elsewhere.", "field": "card_url"}
            message = [{"field": "card_url", "message": "It sends calls elsewhere."}]
            route.fulfill(status=422, json={**error, "errors": message})
            return
        shape = {"id": "0" * 8, "name": "Parts Clerk", "host": "agents.example.org", "secret_set": False, "oauth": {}}
        shape |= {"auth": "none", "header": "", "description": DESCRIPTION, "timeout_s": 120, "trouble": ""}
        route.fulfill(status=201, json={**shape, "when": "", "hint": {"kind": "header", "header": "X-Parts-Key"}})

    form.get_by_role("button", name="Add remote agent").click()
    dialog = form.get_by_role("dialog", name="Add remote agent")
    dialog.get_by_label("Agent Card URL").fill("https://agents.example.org")
    dialog.get_by_label("Authentication").select_option("header")
    expect(dialog.get_by_label("Header")).to_be_visible()
    assert serious(form) == []
    dialog.get_by_label("Authentication").select_option("none")
    form.route("**/pump-doctor/agents", add)
    dialog.get_by_role("button", name="Add agent").click()
    expect(dialog.get_by_text("It sends calls elsewhere.")).to_be_visible()
    visitor.forgive("422")
    dialog.get_by_role("button", name="Add agent").click()
    expect(row(form, "Parts Clerk")).to_contain_text("agents.example.org")
    expect(form.get_by_role("dialog", name="Authentication").get_by_label("Header")).to_have_value("X-Parts-Key")
    expected = {"card_url": "https://agents.example.org", "when": "", "timeout_s": 120, "privacy_url": ""}
    assert asked == [expected, expected]


def test_the_switch_shows_where_the_gpt_s_own_card_lies(form, gpt, site):
    card = form.get_by_role("textbox", name="Agent Card URL").first
    expect(card).to_be_hidden()
    form.get_by_role("checkbox", name="Available as an A2A agent").check()
    expect(card).to_have_value(f"{site.url}/a2a/{gpt.slug}/.well-known/agent-card.json")
    assert serious(form) == []
    assert Gpt.objects.get(id=gpt.id).a2a


def test_it_is_accessible_everywhere(visitor, alice, gpt, agent):
    page: Page = visitor.page(alice)
    Gpt.objects.filter(id=gpt.id).update(a2a=True)
    page.goto(f"/gpts/{gpt.slug}/edit")
    row(page, "Parts Clerk").get_by_text("When to ask it").click()
    assert troubles(page) == []
    page.get_by_role("button", name="Add remote agent").click()
    expect(page.get_by_role("dialog", name="Add remote agent")).to_be_visible()
    assert troubles(page) == []
