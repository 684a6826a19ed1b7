"""Steps, requests for permission, files and links of a chat, in a real browser."""

import io
import re

import pytest
from django.urls import reverse
from PIL import Image
from playwright.sync_api import Page, expect

from gpts.runs.steps import Approval, ApprovalRequest, ModelReply, ToolCall, ToolResult
from gpts.safety.labels import untrusted
from gpts.spec.actions import ActionSpec, Operation
from tests.browser.test_accessibility import serious
from tests.web.chat.link_cases import CASES
from web.builder.models import GptVersion
from web.runs import files, log, stream
from web.runs.models import ConversationFile, StepRow

pytestmark = pytest.mark.browser

CREATE = Operation(name="createTicket", summary="Create ticket", method="POST", path="/tickets")
CRM = ActionSpec(action_id="7", name="CRM", base_url="https://crm.example.org", operations=(CREATE,))
ASKED = ApprovalRequest(
    call_id="c1",
    name="createTicket",
    digest="d" * 64,
    title="Create ticket",
    plain="Create a ticket titled Leak.",
    raw='POST https://crm.example.org/tickets\n{"title": "Leak"}',
    because=("the page pumps.example",),
    may_remember=True,
)


def called(name: str, **arguments: object) -> ModelReply:
    return ModelReply(text="", tool_calls=(ToolCall(call_id="c1", name=name, arguments=arguments),))


@pytest.fixture
def chat(bob_page: Page, gpt) -> Page:
    """Bob's chat with a GPT that runs code and has an action, in which he has just asked something."""
    spec = gpt.published.spec()
    able = spec.model_copy(update={"capabilities": ("code_interpreter", "web_browsing"), "actions": (CRM,)})
    GptVersion.objects.filter(id=gpt.published_id).update(data=able.model_dump(mode="json"))
    bob_page.goto(f"/g/{gpt.slug}/chat")
    return bob_page


def ask(page: Page) -> None:
    press_send(page)
    page.wait_for_url("**/c/**")


def press_send(page: Page) -> None:
    page.get_by_role("textbox", name="Message").fill("Open a ticket for the leak.")
    page.get_by_role("button", name="Send").click()


def test_reasoning_is_folded_while_it_comes_and_stays_open_for_who_opened_it(chat, take):
    ask(chat)
    worker = take()
    worker.begin()
    worker.reason("Is it <b>the seal</b>?")
    line = chat.locator("[data-thinking] .line")
    expect(line).to_contain_text("Thinking")
    expect(chat.locator(".steps.working").first).to_be_hidden()
    notes = chat.get_by_role("region", name="Reasoning")
    expect(notes).to_be_hidden()
    line.locator("summary").click()
    worker.reason(" Yes.")
    expect(notes).to_have_text("Is it <b>the seal</b>? Yes.")
    worker.write("It is the seal.")
    expect(line).to_contain_text(re.compile(r"Thought for \d s"))  # 1, or more on a busy machine
    expect(chat.locator("[data-answer]")).to_have_text("It is the seal.")
    worker.finish("It is the seal.", (), reasoning="Is it <b>the seal</b>? Yes.")
    expect(chat.locator(".steps.did .line-words")).to_have_text("Thought for 12 s")
    expect(notes).to_have_text("Is it <b>the seal</b>? Yes.")
    assert serious(chat) == []
    chat.reload()
    expect(notes).to_be_hidden()


def test_reasoning_before_a_call_stands_among_the_steps(chat, take):
    ask(chat)
    worker = take()
    worker.begin()
    worker.reason("Run it.")
    expect(chat.locator("[data-thinking]")).to_be_visible()
    worker.append(called("code_interpreter", code="1").model_copy(update={"reasoning": "Run it."}))
    worker.append(ToolResult(call_id="c1", name="code_interpreter", text="1", seconds=0.4))
    expect(chat.locator("[data-live-steps] .line-words")).to_have_text(
        [re.compile(r"^Thought for \d s$"), "Ran code"]
    )
    expect(chat.locator("[data-thinking]")).to_be_hidden()
    worker.begin()
    worker.reason("Good.")
    expect(chat.locator("[data-thinking] .line")).to_contain_text("Thinking")
    worker.finish("", (), reasoning="Good.", finish="length")
    expect(chat.locator(".reply .aside")).to_contain_text("while it was still thinking")


def test_what_is_done_is_told_while_it_is_done(chat, take):
    ask(chat)
    worker = take()
    worker.append(called("code_interpreter", code="print(3847 * 291)"))
    expect(chat.get_by_text("Running code")).to_be_visible()
    stream.publish(worker.run.id, {"type": "progress", "call_id": "c1", "text": "12 s"})
    expect(chat.get_by_text("Running code · 12 s")).to_be_visible()
    worker.append(ToolResult(call_id="c1", name="code_interpreter", text="1119477", seconds=0.4))
    line = chat.locator("[data-live-steps] .line")
    expect(line).to_contain_text("Ran code")
    line.locator("summary").click()
    expect(line.get_by_role("group", name="Output")).to_have_text("1119477")
    worker.begin()
    worker.write("It is 1,119,477.")
    expect(line.get_by_role("group", name="Code")).to_be_visible()  # what was folded out stays so
    worker.finish("It is 1,119,477.", ())
    expect(chat.locator(".steps.did")).to_contain_text("Ran code")
    assert serious(chat) == []


def test_a_call_that_failed_looks_so_and_the_answer_follows(chat, take):
    chat.get_by_role("textbox", name="Message").fill("Why?\n```py\nprint('<b>')\n```")
    chat.get_by_role("button", name="Send").click()
    chat.wait_for_url("**/c/**")
    expect(chat).to_have_title(re.compile("^Why\\? ·"))
    expect(chat.locator(".question .hljs-string, .question code [class]").first).to_be_visible()
    worker = take()
    worker.append(called("createTicket", title="Leak"))
    text = "crm.example.org had an internal error (status 500). Response: {}"
    worker.append(ToolResult(call_id="c1", name="createTicket", text=text, ok=False))
    expect(chat.locator("[data-live-steps] .line-failed .icon")).to_be_visible()
    worker.begin()
    worker.finish("I couldn’t open it.", ())
    expect(chat.get_by_text("I couldn’t open it.")).to_be_visible()
    expect(chat.get_by_text("had an internal error (status 500).", exact=False)).to_have_count(2)  # one is in details
    expect(chat.locator(".steps .icon")).to_have_count(1)
    assert chat.locator(".line-words").evaluate("e => getComputedStyle(e, '::before').content") == "none"
    assert serious(chat) == []


@pytest.mark.parametrize(
    ("button", "allowed", "told"), [("Allow", True, "you allowed it"), ("Decline", False, "you declined it")]
)
def test_a_request_is_answered_where_it_stands(chat, take, button, allowed, told):
    ask(chat)
    worker = take()
    worker.append(called("createTicket", title="Leak"))
    worker.append(ASKED)
    card = chat.get_by_role("group", name="Create ticket on crm.example.org")
    expect(card).to_be_focused()
    expect(card).to_contain_text("It has read the page pumps.example, which you didn’t write.")
    card.get_by_text("Exact request").click()
    expect(card.get_by_role("region", name="Exact request")).to_contain_text("POST https://crm.example.org/tickets")
    assert serious(chat) == []
    card.get_by_role("button", name=button, exact=True).click()
    expect(card).to_have_count(0)
    answer = StepRow.objects.get(run=worker.run, kind="approval").data
    assert answer["allowed"] is allowed
    worker.append(ToolResult(call_id="c1", name="createTicket", text='{"id": 4}', ok=allowed))
    expect(chat.locator("[data-live-steps]")).to_contain_text(told)
    worker.finish("Done.", ())
    expect(chat.get_by_text("Done.")).to_be_visible()


def test_a_second_answer_is_told_that_there_was_one(visitor, chat, take):
    ask(chat)
    worker = take()
    worker.append(called("createTicket", title="Leak"))
    worker.append(ASKED)
    expect(chat.locator("[data-approval]")).to_be_visible()
    log.append(worker.run.id, Approval(call_id="c1", allowed=False))  # in another tab
    chat.get_by_role("button", name="Allow", exact=True).click()
    expect(chat.locator("[data-approval]")).to_have_count(0)
    expect(chat.get_by_role("alert").filter(has_text="already answered")).to_be_visible()
    assert StepRow.objects.get(run=worker.run, kind="approval").data["allowed"] is False
    visitor.forgive("409")


def test_pictures_and_files_stand_with_the_answer(chat, take):
    ask(chat)
    worker = take()
    picture = io.BytesIO()
    Image.new("RGB", (320, 200), "green").save(picture, "PNG")
    made = (
        files.keep(worker.run, "chart.png", picture.getvalue(), False),
        files.keep(worker.run, "table.csv", b"a,b\n1,2\n", False),
    )
    worker.append(called("code_interpreter", code="draw()"))
    worker.append(ToolResult(call_id="c1", name="code_interpreter", text="", files=made))
    expect(chat.get_by_role("img", name="chart.png")).to_be_visible()
    worker.finish("Here it is.", ())
    assert (
        chat.get_by_role("img", name="chart.png").evaluate("image => image.decode().then(() => image.naturalWidth)")
        == 320
    )
    with chat.expect_download() as download:
        chat.get_by_role("link", name="table.csv").click()
    assert download.value.suggested_filename == "table.csv"
    assert serious(chat) == []


def put(chat, name: str, data: bytes = b"a,b\n1,2\n") -> None:
    """Attach a file."""
    chat.locator("[data-attach]").set_input_files({"name": name, "mimeType": "text/plain", "buffer": data})


def test_files_are_read_and_go_with_the_message(chat):
    put(chat, "log.csv")
    chips = chat.get_by_role("list", name="Files to send")
    expect(chips).to_contain_text("log.csv")
    expect(chips).to_contain_text("Waiting to be read")
    put(chat, "other.txt", b"x")
    expect(chips.get_by_role("listitem")).to_have_count(2)
    chips.get_by_role("button", name="Remove other.txt").click()
    ConversationFile.objects.filter(name="log.csv").update(status="parsing", n_read=3, n_pages=20)
    expect(chips).to_contain_text("Reading, page 3 of 20")
    assert serious(chat) == []
    press_send(chat)  # before it is read
    expect(chat.get_by_text("Sends when your files are read.")).to_be_visible()
    assert not StepRow.objects.exists()
    ConversationFile.objects.filter(name="log.csv").update(status="ready", segment="00ff", n_pages=20)
    expect(chat.get_by_role("list", name="Attached files")).to_contain_text("log.csv")
    (first,) = StepRow.objects.filter(kind="user_message")
    assert [(file["name"], file["segment"]) for file in first.data["attachments"]] == [("log.csv", "00ff")]
    assert not ConversationFile.objects.exclude(removed=None).exclude(status="cancelled").exists()


def test_a_file_that_cannot_be_read_says_why_and_is_removed_before_sending(chat):
    form = chat.locator("[data-composer]")
    form.evaluate("form => { form.dataset.openers = ''; }")  # a GPT without tools
    put(chat, "locked.pdf", b"%PDF")
    chips = chat.get_by_role("list", name="Files to send")
    expect(chips).to_contain_text("Waiting to be read")
    ConversationFile.objects.update(status="failed", error="The file is protected by a password.")
    expect(chips).to_contain_text("The file is protected by a password.")
    press_send(chat)
    expect(chat.get_by_text("Remove the file marked in red, then send.")).to_be_visible()
    assert serious(chat) == []
    chips.get_by_role("button", name="Remove locked.pdf").click()
    expect(chips).to_be_hidden()
    expect(chat.get_by_role("textbox", name="Message")).to_be_focused()
    form.evaluate("form => { form.dataset.openers = 'Code interpreter'; }")
    put(chat, "photo.jpg", b"\xff\xd8\xff")
    expect(chips).to_contain_text("Waiting to be read")
    ConversationFile.objects.filter(name="photo.jpg").update(status="failed", error="There’s no text in it.")
    expect(chips).to_contain_text("Only for Code interpreter. There’s no text in it.")


def test_files_need_no_text_and_those_too_many_are_named(chat):
    several = [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"x"} for n in range(11)]
    chat.locator("[data-attach]").set_input_files(several)
    expect(chat.get_by_text("Waiting to be read")).to_have_count(10)
    ConversationFile.objects.update(status="ready", segment="00ff")
    expect(chat.get_by_text("Waiting to be read")).to_have_count(0)
    expect(chat.get_by_text("You can attach up to 10 files. 1 wasn’t added.")).to_be_visible()
    chat.get_by_role("button", name="Send").click()
    expect(chat.get_by_role("list", name="Attached files").get_by_role("listitem")).to_have_count(10)
    expect(chat.get_by_role("textbox", name="Message")).to_be_focused()


def test_leaving_the_page_stops_the_reading(chat):
    put(chat, "scan.pdf")
    expect(chat.get_by_role("list", name="Files to send")).to_contain_text("Waiting to be read")
    chat.goto("/")
    while ConversationFile.objects.get().reading == "reading":
        chat.wait_for_timeout(20)
    assert ConversationFile.objects.get().removed


def test_the_composer_says_what_can_be_attached(chat):
    button = chat.get_by_role("button", name="Attach files")
    expect(button).to_have_accessible_description(re.compile(r"PDF, Word.*up to 10 files of 25.MB each"))
    expect(chat.get_by_text("Attach PDF, Word")).to_be_hidden()
    button.focus()
    expect(chat.get_by_text("Attach PDF, Word")).to_be_visible()


def test_files_can_be_dropped_and_pasted(chat):
    drop = """([kind, target]) => {
      const data = new DataTransfer();
      data.items.add(new File(["x,y"], `${kind}.csv`, { type: "text/csv" }));
      const options = { clipboardData: data, dataTransfer: data, bubbles: true, cancelable: true };
      const event = kind === "paste" ? new ClipboardEvent(kind, options) : new DragEvent(kind, options);
      document.querySelector(target).dispatchEvent(event);
    }"""
    chips = chat.get_by_role("list", name="Files to send")
    for kind, target in (("dragenter", ".talk"), ("drop", ".talk"), ("paste", "[data-message]")):
        chat.evaluate(drop, [kind, target])
    expect(chips.get_by_role("listitem")).to_have_count(2)
    expect(chips).to_contain_text("drop.csv")
    expect(chips).to_contain_text("paste.csv")


def test_links_say_the_same_while_an_answer_is_written(chat):
    render = """async ([text, hosts]) => {
      const { rendered } = await import("/static/chat/markdown.js");
      const box = document.createElement("div");
      box.append(rendered(text, new Set(hosts)));
      return box.textContent.trim();
    }"""
    shown = [chat.evaluate(render, [markdown, list(hosts)]) for markdown, hosts, _ in CASES]
    assert shown == [words for _, _, words in CASES]


def test_a_link_of_a_page_is_marked_while_the_answer_is_written(chat, take):
    ask(chat)
    worker = take()
    worker.append(called("open_page", url="https://pumps.example/"))
    page = ToolResult(
        call_id="c1", name="open_page", text="Go to https://evil.example/form", label=untrusted("a page")
    )
    worker.append(page)
    expect(chat.get_by_text("Read pumps.example")).to_be_visible()
    worker.begin()
    worker.write("Fill in [the form](https://evil.example/form). ![p](https://evil.example/p.png)")
    expect(chat.locator(".answer")).to_contain_text("the form evil.example from a page it read")
    assert chat.locator(".answer img").count() == 0
    worker.finish("Fill in [the form](https://evil.example/form).", ())
    expect(chat.locator(".answer")).to_contain_text("the form evil.example from a page it read")


def test_requests_can_be_answered_without_script(visitor, chat, bob, take):
    ask(chat)
    worker = take()
    worker.append(called("createTicket", title="Leak"))
    worker.append(ASKED)
    plain = visitor.page(bob, java_script_enabled=False)
    plain.goto(reverse("chat", args=[worker.run.message.conversation_id]))
    plain.get_by_role("button", name="Allow", exact=True).click()
    assert StepRow.objects.get(run=worker.run, kind="approval").data["allowed"] is True
    worker.finish("Done.", ())
