"""Capabilities, actions and MCP servers in the creator's form, and the page of what was allowed."""

import pytest
from playwright.sync_api import Page, expect

from gpts.runs.steps import ApprovalRequest
from gpts.spec.actions import Listed, McpTool, Operation
from tests.browser.test_accessibility import serious
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_actions import Action, McpServerRow
from web.runs import stream
from web.runs.models import Permission
from web.runs.permissions import allow_always

pytestmark = pytest.mark.browser

READ = Listed(name="listTickets", method="GET", path="/tickets", summary="List the tickets")
WRITE = Listed(name="createTicket", method="POST", path="/tickets", summary="Create ticket", asks=True)
LISTED = [each.model_dump(mode="json") for each in (READ, WRITE)]
OPERATIONS = [
    Operation(name=each.name, summary=each.summary, method=each.method, path=each.path).model_dump(mode="json")
    for each in (READ, WRITE)
]


@pytest.fixture
def action(gpt) -> Action:
    """An action of the GPT's draft with two operations."""
    return Action.objects.create(
        gpt=gpt, name="CRM", base_url="https://crm.example.org", listed=LISTED, operations=OPERATIONS
    )


@pytest.fixture
def server(gpt) -> McpServerRow:
    """An MCP server of the GPT's draft with one tool."""
    tool = McpTool(name="find_page", description="Finds a page.", read_only=True).model_dump(mode="json")
    return McpServerRow.objects.create(gpt=gpt, name="Wiki", url="https://mcp.example.org/mcp", tools=[tool])


@pytest.fixture
def form(alice_page: Page, gpt) -> Page:
    """Alice's form of the GPT."""
    alice_page.goto(f"/gpts/{gpt.slug}/edit")
    return alice_page


def row(page: Page, name: str):
    return page.locator(".outside-row").filter(has=page.get_by_text(name, exact=True))


def test_a_switch_is_saved_by_itself(form, gpt):
    form.get_by_role("switch", name="Code interpreter").check()
    expect(form.get_by_text("Draft saved")).to_be_visible()
    assert Gpt.objects.get(id=gpt.id).capabilities == ["code_interpreter"]


def test_a_capability_that_cannot_work_here_says_why(alice_page, gpt):
    stream.announce_tools({"image_generation": "No picture model is set."}, {})
    User.objects.filter(id=gpt.owner_id).update(is_staff=True)
    alice_page.goto(f"/gpts/{gpt.slug}/edit")
    switch = alice_page.get_by_role("switch", name="Image generation")
    expect(alice_page.locator("#capabilities")).to_contain_text("No picture model is set.")
    switch.check()
    expect(alice_page.get_by_text("Draft saved")).to_be_visible()


def test_actions_and_servers_are_listed_with_what_they_can_do(action, server, form):
    expect(row(form, "CRM")).to_contain_text("crm.example.org · no authentication")
    row(form, "CRM").get_by_text("2 operations").click()
    expect(row(form, "CRM").locator(".operation").nth(1)).to_contain_text("asks first")
    row(form, "Wiki").get_by_text("1 tool").click()
    expect(row(form, "Wiki")).to_contain_text("find_page")
    assert serious(form) == []
    row(form, "Wiki").get_by_role("checkbox", name="Skip confirmation").check()
    expect(row(form, "Wiki").get_by_role("checkbox", name="Skip confirmation")).to_be_checked()
    row(form, "CRM").get_by_role("button", name="Remove").click()
    expect(row(form, "CRM")).to_have_count(0)
    expect(form.get_by_text("CRM removed from the draft.")).to_be_visible()
    assert McpServerRow.objects.get().trusted
    assert Action.objects.get().removed


def test_a_key_is_stored_and_never_shown_again(action, form, visitor):
    row(form, "CRM").get_by_role("button", name="Authentication").click()
    dialog = form.get_by_role("dialog", name="Authentication")
    dialog.get_by_label("Type").select_option("header")
    dialog.get_by_label("API key").fill("s3cret")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Enter the header’s name")).to_be_visible()
    visitor.forgive("422")
    dialog.get_by_label("Header").fill("X-Api-Key")
    assert serious(form) == []
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(row(form, "CRM")).to_contain_text("API key in a header")
    assert Action.objects.get().open_secret() == "s3cret"
    assert "s3cret" not in form.content()
    row(form, "CRM").get_by_role("button", name="Authentication").click()
    expect(dialog.get_by_label("API key")).to_have_value("")
    expect(dialog.get_by_text("Leave empty to keep")).to_be_visible()


def test_a_document_is_looked_at_before_it_is_added(form, gpt):
    found = {
        "title": "CRM", "base_url": "https://crm.example.org", "servers": ["https://crm.example.org"],
        "listed": LISTED, "enabled": ["listTickets", "createTicket"], "warnings": ["One parameter has no type."],
        "auth": {"kind": "none", "header": "", "authorize_url": "", "token_url": "", "scope": ""},
    }  # fmt: skip
    asked = []
    form.route("**/actions/preview", lambda route: route.fulfill(json=found))

    def add(route):
        asked.append(route.request.post_data_json)
        shape = {"id": "0" * 8, "host": "crm.example.org", "auth": "none", "secret_set": False, "oauth": {}}
        route.fulfill(status=201, json={**found, **shape, "name": "CRM", "enabled": asked[0]["operations"]})

    form.get_by_role("button", name="Add action").click()
    dialog = form.get_by_role("dialog", name="Add action")
    dialog.get_by_label("OpenAPI document").fill("openapi: 3.1.0")
    dialog.get_by_role("button", name="Import").click()
    expect(dialog).to_contain_text("One parameter has no type.")
    expect(dialog).to_contain_text("2 of 2")
    dialog.get_by_role("checkbox", name="POST").uncheck()
    expect(dialog).to_contain_text("1 of 2")
    assert serious(form) == []
    form.route("**/pump-doctor/actions", add)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(row(form, "CRM")).to_contain_text("1 operation")
    assert asked[0]["operations"] == ["listTickets"]
    assert asked[0]["document"] == "openapi: 3.1.0"


def test_an_operation_is_tried_out(action, form):
    tried = {"request": "GET https://crm.example.org/tickets", "status": 200, "content_type": "application/json",
             "response": "[]", "n_chars": 2, "seconds": 0.4, "error": ""}  # fmt: skip
    form.route("**/test", lambda route: route.fulfill(json=tried))
    row(form, "CRM").get_by_text("2 operations").click()
    form.get_by_role("button", name="Test createTicket").click()
    dialog = form.get_by_role("dialog", name="Test createTicket")
    expect(dialog.get_by_text("This sends a real request")).to_be_visible()
    dialog.get_by_label("Arguments").fill("{nonsense")
    dialog.get_by_role("button", name="Send request").click()
    expect(dialog.get_by_text("Not valid JSON.")).to_be_visible()
    dialog.get_by_label("Arguments").fill("{}")
    dialog.get_by_role("button", name="Send request").click()
    expect(dialog).to_contain_text("Status 200 after 0.4 s")
    assert serious(form) == []


def test_what_was_allowed_can_be_taken_back(visitor, bob, bob_page, gpt):
    asked = ApprovalRequest(call_id="", name="createTicket", digest="", host="crm.example.org", title="Create ticket")
    allow_always(bob, gpt, asked)
    bob_page.goto("/account/me/")
    bob_page.get_by_role("link", name="Review permissions").click()
    expect(bob_page.get_by_role("listitem").filter(has_text="Create ticket")).to_contain_text("crm.example.org")
    assert serious(bob_page) == []
    bob_page.get_by_role("button", name="Revoke").click()
    expect(bob_page.get_by_role("heading", name="No permanent permissions")).to_be_visible()
    assert not Permission.objects.exists()


def test_the_page_of_a_gpt_names_the_hosts_that_it_calls(visitor, gpt, action):
    spec = gpt.published.spec()
    able = spec.model_copy(update={"capabilities": ("web_browsing",), "actions": (action.spec(),)})
    type(gpt.published).objects.filter(id=gpt.published_id).update(data=able.model_dump(mode="json"))
    page = visitor.page()
    page.goto(f"/g/{gpt.slug}/")
    expect(page.get_by_role("listitem").filter(has_text="Calls other services")).to_contain_text("crm.example.org")
    expect(page.get_by_text("Web browsing")).to_be_visible()
    assert serious(page) == []
