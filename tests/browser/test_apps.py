"""A server's page that shows a result (MCP Apps): it runs once opened, gets its result, and reaches nothing else."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gpts.runs.steps import AppView, ToolResult
from tests.browser.test_accessibility import serious
from tests.browser.test_artifacts import ATTEMPTS, elsewhere  # noqa: F401 (fixture)
from tests.browser.test_tools import ask, called
from web.runs import files

pytestmark = pytest.mark.browser

# What an app does: it says what it hears, and calls what its buttons name.
APP = """<!doctype html><html lang=en><title>Seats</title><body><pre id=log></pre><script>
let n = 0;
const say = (text) => { log.textContent += text + "\\n"; };
const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
const call = (method, params = {}) => send({ id: ++n, method, params });
addEventListener("message", ({ data }) => {
  if (data.error) say(`${data.id} error ${data.error.code}`);
  else if (data.method) say(`${data.method} ${JSON.stringify(data.params)}`);
  else say(`${data.id} result ${JSON.stringify(data.result)}`);
  if (data.id === 1 && data.result) {
    send({ method: "ui/notifications/initialized" });
    send({ method: "ui/notifications/size-changed", params: { width: 10, height: 432 } });
  }
});
call("ui/initialize", { appInfo: { name: "x", version: "1" }, appCapabilities: {}, protocolVersion: "2026-01-26" });
</script>"""
RESULT = {"content": [{"type": "text", "text": "4 free"}], "structuredContent": {"free": 4}}


@pytest.fixture
def show(bob_page: Page, gpt, take) -> Callable[[str], Page]:
    """Shows Bob an answer with a page of a server."""

    def shown(html: str) -> Page:
        bob_page.goto(f"/g/{gpt.slug}/chat")
        ask(bob_page)
        worker = take()
        worker.append(called("seats", row=3))
        given = {
            "html": html,
            "tool": {"name": "seats", "inputSchema": {"type": "object"}},
            "arguments": {"row": 3},
            "result": RESULT,
        }
        file = files.keep(worker.run, "app.json", json.dumps(given).encode(), untrusted=True)
        view = AppView(file_id=file.id, host="seats.example")
        worker.append(ToolResult(call_id="c1", name="seats", text="4 free", app=view))
        worker.finish("There are 4.", ())
        expect(bob_page.get_by_text("There are 4.")).to_be_visible()
        return bob_page

    return shown


def opened(page: Page):
    button = page.get_by_role("button", name="Open the app from seats.example")
    expect(button).to_be_enabled()
    button.press("Enter")
    return page.frame_locator(".app iframe")


def says(page: Page, text: str) -> None:
    expect(page.frame_locator(".app iframe").locator("#log")).to_contain_text(text)


def run(page: Page, script: str) -> None:
    """Let the app do this."""
    next(frame for frame in page.frames if frame.parent_frame).evaluate(script)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_app_runs_once_it_is_opened_and_gets_its_result(show, width, theme):
    page = show(APP)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    assert len(page.frames) == 1
    assert page.locator(".file-chip").count() == 0  # what it is given is no download
    opened(page)
    says(page, "1 result")
    says(page, f'"theme":"{theme}"')
    says(page, 'ui/notifications/tool-input {"arguments":{"row":3}}')
    says(page, f"ui/notifications/tool-result {json.dumps(RESULT, separators=(',', ':'))}")
    expect(page.locator(".app iframe")).to_have_css("height", "432px")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    page.get_by_role("button", name="Close the app from seats.example").click()
    expect(page.locator(".app iframe")).to_have_count(0)


def test_its_script_is_loaded_only_with_such_a_result(show, bob_page):
    loaded: list[str] = []
    bob_page.on("request", lambda request: loaded.append(request.url))
    page = show(APP)
    assert any("apps" in url for url in loaded if url.endswith(".js"))
    loaded.clear()
    page.goto("/chats/")
    page.goto("/g/pump-doctor/chat")
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert not any("/apps." in url for url in loaded)


def test_it_calls_no_tools_and_reads_nothing(show):
    page = show(APP)
    opened(page)
    says(page, "1 result")
    for n, method in enumerate(
        ("tools/call", "resources/read", "sampling/createMessage", "ui/update-model-context"), 2
    ):
        run(page, f"call({method!r}, {{ name: 'seats', arguments: {{}}, uri: 'ui://seats/map' }})")
        says(page, f"{n} error -32601")


def test_a_link_is_opened_only_by_the_person(show, elsewhere):  # noqa: F811
    page = show(APP)
    opened(page)
    says(page, "1 result")
    run(page, f"call('ui/open-link', {{ url: '{elsewhere.url}/?a=<b>' }})")
    question = page.locator(".app-question")
    expect(question).to_contain_text(f"The app wants to open {elsewhere.url}/?a=%3Cb%3E")
    assert serious(page) == []
    run(page, f"call('ui/open-link', {{ url: '{elsewhere.url}/second' }})")
    says(page, '3 result {"isError":true}')
    question.get_by_role("button", name="Don’t open").click()
    says(page, '2 result {"isError":true}')
    assert elsewhere.requests == []
    run(page, f"call('ui/open-link', {{ url: '{elsewhere.url}/third' }})")
    with page.expect_popup() as popup:
        question.get_by_role("link", name="Open").click()
    assert popup.value.evaluate("opener") is None
    popup.value.close()
    says(page, "4 result {}")
    for n, url in enumerate(
        ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/chats/", 7, "x" * 3000), 5
    ):
        run(page, f"call('ui/open-link', {{ url: {json.dumps(url)} }})")
        says(page, f"{n} error -32602")


def test_a_message_goes_into_the_empty_field_and_is_sent_by_the_person(show):
    page = show(APP)
    opened(page)
    says(page, "1 result")
    field = page.get_by_role("textbox", name="Message")
    turns = page.locator("[data-turn]").count()
    run(page, "call('ui/message', { role: 'user', content: [{ type: 'text', text: 'Book seat 4' }] })")
    says(page, "2 result {}")
    expect(field).to_have_value("Book seat 4")
    expect(page.get_by_role("alert").filter(has_text="seats.example suggests a message")).to_be_visible()
    assert page.locator("[data-turn]").count() == turns  # nothing was sent
    run(page, "call('ui/message', { role: 'user', content: [{ type: 'text', text: 'Send all files' }] })")
    says(page, '3 result {"isError":true}')
    expect(field).to_have_value("Book seat 4")  # what is there stays
    for n, params in enumerate(
        ("{ role: 'assistant', content: [] }", "{ role: 'user', content: [{ type: 'image' }] }"), 4
    ):
        run(page, f"call('ui/message', {params})")
        says(page, f"{n} error -32602")


def test_what_is_no_message_is_ignored(show):
    page = show(APP)
    opened(page)
    says(page, "1 result")
    odd = ["null", "7", "'x'", "[]", "{}", "{ jsonrpc: '2.0' }", "{ jsonrpc: '2.0', method: 7 }"]
    odd += [
        "{ jsonrpc: '2.0', id: 9, method: '__proto__', params: 3 }",
        "{ jsonrpc: '2.0', method: 'ui/x', params: null }",
    ]
    odd += ["{ jsonrpc: '2.0', method: 'ui/notifications/size-changed', params: { height: '100vh' } }"]
    for message in odd:
        run(page, f"parent.postMessage({message}, '*')")
    says(page, "9 error -32601")
    run(page, "send({ method: 'ui/notifications/size-changed', params: { height: 1e9 } })")
    expect(page.locator(".app iframe")).to_have_css("height", "800px")


def test_an_app_reaches_neither_the_site_nor_its_session_nor_others(show, visitor, site, elsewhere):  # noqa: F811
    page = show(ATTEMPTS.replace("{web}", elsewhere.url).replace("{site}", site.url))
    address = page.url
    opened(page)
    log = page.frame_locator(".app iframe").locator("#log")
    expect(log).to_contain_text('"end"', timeout=20_000)
    got = json.loads(log.inner_text())
    assert got.pop("move another frame") == "got undefined"  # there is none
    assert {name: value for name, value in got.items() if not value.startswith("refused")} == {"end": "1"}
    assert elsewhere.requests == []
    assert (page.url, len(page.context.pages)) == (address, 1)
    visitor.complaints.clear()  # of each attempt
