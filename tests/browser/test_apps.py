"""A server's page that shows a result (MCP Apps): it runs once opened, gets its result, and reaches nothing else."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from celery import Celery
from django.db import connection
from playwright.sync_api import Page, expect

from gpts.runs.steps import Finished
from tests.browser.conftest import Site
from tests.browser.test_accessibility import serious
from tests.browser.test_artifacts import ATTEMPTS, elsewhere  # noqa: F401 (fixture)
from tests.browser.test_tools import ask
from tests.web.runs import trees
from tests.workers.rpc.seats import RESULT, Seats, give, served
from tests.workers.rpc.seats import show as show_app
from web.runs import log
from web.runs.services import start_conversation, start_run
from workers import tasks

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


@pytest.fixture
def show(bob_page: Page, gpt, take) -> Callable[[str], Page]:
    """Shows Bob an answer with a page of a server."""

    def shown(html: str) -> Page:
        bob_page.goto(f"/g/{gpt.slug}/chat")
        ask(bob_page)
        worker = take()
        show_app(worker.run, "seats.example", html, worker.lease)
        worker.finish("There are 4.", ())
        expect(bob_page.get_by_text("There are 4.")).to_be_visible()
        return bob_page

    return shown


def opened(page: Page):
    button = page.get_by_role("button", name="Open the app from")
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
    expect(page.get_by_role("button", name="Open the app from")).to_be_enabled()  # by the script
    assert any("apps" in url for url in loaded if url.endswith(".js"))
    loaded.clear()
    page.goto("/chats/")
    page.goto("/g/pump-doctor/chat")
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert not any("/apps." in url for url in loaded)


def test_what_it_may_not_ask_for_is_refused(show):
    page = show(APP)
    opened(page)
    says(page, "1 result")
    for n, method in enumerate(("sampling/createMessage", "ui/update-model-context", "tools/list"), 2):
        run(page, f"call({method!r})")
        says(page, f"{n} error -32601")
    for n, sent in enumerate(("'tools/call', { name: 7 }", "'tools/call'", "'resources/read', { uri: null }"), 5):
        run(page, f"call({sent})")
        says(page, f"{n} error -32602")


@pytest.fixture
def seats(site: Site, monkeypatch) -> Iterator[Seats]:
    """The app's server, and a worker that does what the site sends it."""
    app = Celery("fake", backend=site.redis_url.replace("unix://", "redis+socket://"), set_as_current=False)
    ends = threading.Event()

    def work() -> None:
        with redis.Redis.from_url(site.redis_url) as client:
            while not ends.is_set():
                if taken := client.blpop(["tools"], timeout=1):
                    sent = json.loads(taken[1])
                    (call_id,) = json.loads(base64.b64decode(sent["body"]))[0]
                    app.backend.mark_as_done(sent["headers"]["id"], tasks.call_for_app(call_id))
        connection.close()

    with served() as server:
        monkeypatch.setattr(tasks, "tool_settings", lambda: server.settings)
        thread = threading.Thread(target=work)
        thread.start()
        yield server
        ends.set()
        thread.join()


@pytest.fixture
def chat(bob_page: Page, gpt, take, seats) -> Page:
    """Bob's chat with the app of that server."""
    bob_page.goto(f"/g/{gpt.slug}/chat")
    ask(bob_page)
    worker = take()
    with ThreadPoolExecutor() as pool:  # a thread without Playwright's event loop
        give(worker.run, pool.submit(seats.spec).result())
    show_app(worker.run, seats.address, APP, worker.lease)
    worker.finish("There are 4.", ())
    expect(bob_page.get_by_text("There are 4.")).to_be_visible()
    opened(bob_page)
    says(bob_page, "1 result")
    return bob_page


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_it_calls_its_server_and_the_person_allows_what_may_change_something(chat, seats, width, theme):
    chat.set_viewport_size({"width": width, "height": 900})
    chat.emulate_media(color_scheme=theme)
    run(chat, "call('tools/call', { name: 'free', arguments: { row: 3 } })")
    says(chat, '"structuredContent":{"free":[3,9],"key":"[removed: secret]"}')
    run(chat, "call('resources/read', { uri: 'seats://prices' })")
    says(chat, '"text":"4 EUR [removed: secret]"')
    run(chat, "call('tools/call', { name: 'book', arguments: { seat: 9 } })")
    card = chat.locator(".app .approval")
    expect(card).to_contain_text("seat: 9")
    expect(card).to_contain_text("asks for this")
    assert chat.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(chat) == []
    height = chat.locator(".app iframe").evaluate("frame => frame.style.height")
    run(chat, "send({ method: 'ui/notifications/size-changed', params: { height: 90 } })")
    run(chat, "call('ping')")
    says(chat, "5 result {}")
    assert chat.locator(".app iframe").evaluate("frame => frame.style.height") == height  # nothing moves meanwhile
    assert seats.done == [("free", 3)]
    card.get_by_role("button", name="Allow").press("Enter")
    says(chat, '"text":"Booked 9."')
    run(chat, "call('tools/call', { name: 'book', arguments: { seat: 1 } })")
    card.get_by_role("button", name="Decline").click()
    says(chat, "6 error -32000")
    assert seats.done == [("free", 3), ("book", 9)]
    expect(card).to_have_count(0)
    done = ["Used free · done", "Read seats://prices · done", "Used book · done · allowed by you"]
    done.append("Used book · declined")
    chat.get_by_text("What it did").click()
    expect(chat.locator(".app-log li")).to_have_text(done)
    chat.reload()
    opened(chat)
    chat.get_by_text("What it did").click()
    expect(chat.locator(".app-log li")).to_have_text(done)


def test_a_card_cannot_be_allowed_by_a_click_that_was_meant_for_the_app(chat, seats):
    run(chat, "call('tools/call', { name: 'book', arguments: { seat: 9 } })")
    allow = chat.locator(".app .approval button", has_text="Allow")
    allow.wait_for()
    assert allow.evaluate("button => button.inert")
    chat.get_by_role("button", name="Close the app from").click()
    expect(chat.locator(".app .approval")).to_have_count(0)
    assert seats.done == []


def test_the_app_of_another_gpt_s_call_is_shown_in_the_chat(bob_page, bob, gpt, alice):
    run, helper = start_run(start_conversation(bob, gpt), "Seats?"), trees.published(alice, "Seat Clerk")
    trees.calls(run, trees.call_of(helper, "a", "Find seats."))
    child = trees.ask(run, helper, "Find seats.", "a")
    show_app(child, "seats.example", APP)
    trees.end(child, "4 are free.")
    log.append(run.id, Finished(text="There are 4."))
    bob_page.goto(f"/c/{run.message.conversation_id}/")
    opened(bob_page)
    says(bob_page, "1 result")


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
    link = question.get_by_role("link", name="Open")
    expect(link).not_to_have_attribute("inert", "")  # no click counts before
    with page.expect_popup() as popup:
        link.click()
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


def test_a_message_takes_no_cursor_and_a_click_or_enter_at_that_moment_does_not_send_it(show):
    page = show(APP)
    opened(page)
    says(page, "1 result")
    field, turns = page.get_by_role("textbox", name="Message"), page.locator("[data-turn]").count()
    page.evaluate(
        """() => {
          const form = document.querySelector("[data-composer]");
          const soon = () => setTimeout(() => { form.requestSubmit(); window.tried = true; });
          form.addEventListener("input", soon, { once: true });
        }"""
    )
    run(page, "call('ui/message', { role: 'user', content: { type: 'text', text: 'Delete all seats' } })")
    page.wait_for_function("window.tried")
    expect(field).to_have_value("Delete all seats")
    expect(field).not_to_be_focused()
    assert page.locator("[data-turn]").count() == turns
    submit = "document.querySelector('[data-composer]').requestSubmit()"
    page.wait_for_function(f"() => {{ {submit}; return document.querySelectorAll('[data-turn]').length > {turns} }}")


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
