"""The lines above an answer say what was done, and hold what it was done with."""

import pytest
from django.template.loader import render_to_string

from gpts.knowledge.documents import Passage
from gpts.runs.overrides import CallerTool, Overrides
from gpts.runs.steps import (
    Approval,
    ApprovalRequest,
    Delegation,
    Finished,
    ModelReply,
    PartNotes,
    Retrieval,
    Step,
    ToolCall,
    ToolResult,
    ToolStarted,
    UserMessage,
)
from gpts.spec.actions import ActionSpec, McpServer, McpTool, Operation
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.gpt import GptSpec, KnowledgeRef, RemoteAgent
from web.chat.approvals import card, verdict
from web.chat.replies import Reply
from web.chat.steps import doing, lines, summary
from web.chat.templatetags.chat import highlighted
from web.runs.models import Run

CREATE = Operation(name="createTicket", summary="Create ticket", method="POST", path="/tickets")
CRM = ActionSpec(action_id="7", name="CRM", base_url="https://crm.example.org/v2", operations=(CREATE,))
WIKI = McpServer(server_id="1", name="wiki", url="https://mcp.example.org/mcp", tools=(McpTool(name="find_page"),))
CLERK = RemoteAgent(
    agent_id="1", name="Parts Clerk", card_url="https://agents.example.org", url="https://agents.example.org/a2a"
)
SPEC = GptSpec(
    slug="s",
    name="S",
    knowledge=(KnowledgeRef(file_id="f", name="a.md", segment="s"),),
    capabilities=("web_browsing", "code_interpreter"),
    actions=(CRM,),
    mcp_servers=(WIKI,),
    remote_agents=(CLERK,),
)


def called(name: str, call_id: str = "c1", **arguments: object) -> ModelReply:
    return ModelReply(text="", tool_calls=(ToolCall(call_id=call_id, name=name, arguments=arguments),))


def gave(name: str, text: str = "", call_id: str = "c1", **fields: object) -> ToolResult:
    return ToolResult(call_id=call_id, name=name, text=text, **fields)


def asked(call_id: str = "c1", **fields: object) -> ApprovalRequest:
    return ApprovalRequest(call_id=call_id, name="createTicket", digest="d", **fields)


@pytest.fixture
def render_steps():
    def render(log: tuple[Step, ...]) -> str:
        return render_to_string("chat/steps.html", {"reply": Reply(Run(), log, SPEC)})

    return render


def only(*log: Step):
    (line,) = lines(SPEC, log)
    return line


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (called("web_search", query="lip seal  Z-9"), "Searched the web for “lip seal Z-9”"),
        (called("open_page", url="https://docs.example.org/a?b"), "Read docs.example.org"),
        (called("code_interpreter", code="1"), "Ran code"),
        (called("make_image", prompt="a pump"), "Made a picture of “a pump”"),
        (called("createTicket", title="Leak"), "Called Create ticket on crm.example.org"),
        (called("find_page", q="x"), "Called Find page on mcp.example.org"),
        (called("ask_parts_clerk", task="x"), "Asked Parts Clerk on agents.example.org"),
        (called("book_room"), "Called Book room"),
        (called("open_page", url="https://[broken"), "Read the page"),
    ],
)
def test_a_call_is_told_in_words(call, words):
    assert only(call, gave(call.tool_calls[0].name)).words == words


@pytest.mark.parametrize(("ms", "words"), [(0, "1 s"), (11_600, "12 s"), (61_000, "1 min 1 s")])
def test_reasoning_is_a_line_that_says_how_long_it_took(ms, words):
    line = only(ModelReply(text="Yes.", reasoning="<b>Hm.", reasoning_ms=ms))
    assert (line.words, line.reasoning, line.has_details) == (f"Thought for {words}", "<b>Hm.", True)
    twice = (ModelReply(text="", reasoning="a"), ModelReply(text="", reasoning="b"))
    assert summary(lines(SPEC, twice)) == "Thought 2 times"


@pytest.mark.parametrize("name", BUILTIN_TOOLS)
def test_a_caller_s_function_is_told_as_its_own_whatever_its_name(name):
    theirs = Overrides(tools=(CallerTool(name=name),))
    call = called(name, query="x", url="https://a.example", code="1", prompt="a pump")
    (line,) = lines(SPEC, (UserMessage(text="q", overrides=theirs), call, gave(name, "found", urls=("https://b.c",))))
    assert line.words == f"Called {name.replace('_', ' ').capitalize()}"
    assert [key for key, _ in line.arguments] == ["Query", "Url", "Code", "Prompt"]
    assert (line.code, line.links, line.answer) == ("", (), "found")


def test_long_words_are_cut():
    assert len(only(called("web_search", query="x" * 500)).words) < 110


def test_a_call_without_result_is_running():
    line = only(called("web_search", query="seal"), ToolStarted(call_id="c1", name="web_search"))
    assert (line.state, line.words) == ("running", "Searching the web for “seal”")
    assert doing((line,)) == "Searching the web for “seal”"
    assert doing((only(called("web_search", query="seal"), gave("web_search")),)) == ""


def test_code_comes_with_its_output_and_time():
    line = only(called("code_interpreter", code="print(6)"), gave("code_interpreter", "6\n", seconds=1.24))
    assert (line.code, line.answer, line.took) == ("print(6)", "6", "1.2 s")


def test_a_failure_says_why():
    failed = gave("code_interpreter", "Traceback\nZeroDivisionError: division by zero", ok=False)
    line = only(called("code_interpreter", code="1/0"), failed)
    assert (line.state, line.words) == ("failed", "Code failed")
    assert line.note == "ZeroDivisionError: division by zero"
    refused = only(
        called("open_page", url="https://a.example"), gave("open_page", "That page is too large.", ok=False)
    )
    assert (refused.words, refused.note) == ("Couldn't read a.example", "That page is too large.")
    answer = "crm.example.org had an internal error (status 500). Response: {\n'trace': 1}"
    line = only(called("createTicket"), gave("createTicket", answer, ok=False))
    assert (line.note, line.answer) == ("crm.example.org had an internal error (status 500).", answer)


def test_a_summary_names_what_failed_apart_from_what_was_done(render_steps):
    log: tuple[Step, ...] = ()
    for number, ok in enumerate((True, False, False)):
        call_id, url = f"c{number}", f"https://{'ab'[number > 0]}.example"
        log += (called("open_page", call_id, url=url), gave("open_page", "Too large.", call_id=call_id, ok=ok))
    log += (ModelReply(text="It is ZF-70."), Finished(text="It is ZF-70."))
    assert summary(lines(SPEC, log)) == "Read a.example · Couldn't read b.example 2 times"
    html = render_steps(log)
    assert html.count("#warning") == 3  # of the summary, and of each call that failed
    assert html.index("line-done") < html.index("line-failed")
    assert "#warning" not in render_steps(log[:2] * 2)


def test_a_gpt_that_did_not_answer_was_not_asked_with_success():
    asks = Delegation(call_id="c1", run_id="r", slug="p", name="Parts", task="Which seal?")
    log = (called("ask_parts"), asks, gave("ask_parts", "The model is busy.", ok=False, run_id="r"))
    assert summary(lines(SPEC, log)) == "Parts didn’t answer"


def test_a_search_lists_the_pages_that_it_found():
    found = gave("web_search", "…", urls=("https://a.example/1", "javascript:x", "https://b.example/2"))
    assert [link.host for link in only(called("web_search", query="q"), found).links] == ["a.example", "b.example"]


def test_arguments_and_answer_of_an_action_are_kept():
    call = called("createTicket", ticket_title="Leak", tags=["a", "b"])
    line = only(call, asked(), Approval(call_id="c1", allowed=True), gave("createTicket", '{"id": 4}'))
    assert line.arguments == (("Ticket title", "Leak"), ("Tags", '["a", "b"]'))
    assert '"ticket_title": "Leak"' in line.raw
    assert (line.answer, line.note) == ('{"id": 4}', "you allowed it")


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ({"allowed": False}, "you declined it"),
        ({"allowed": False, "expired": True}, "expired without an answer"),
    ],
)
def test_what_was_not_allowed_was_not_done(answer, note):
    refusal = gave("createTicket", "The user declined this call.", ok=False)
    line = only(called("createTicket"), asked(), Approval(call_id="c1", **answer), refusal)
    assert (line.words, line.note) == ("Didn’t call Create ticket on crm.example.org", note)


def test_a_request_waits_until_it_is_answered():
    log = (called("createTicket", title="Leak"), asked(title="Create a ticket", because=("a page", "a file")))
    shown = card(Run(), SPEC, log[-1])
    assert (shown.title, shown.host, shown.authors) == ("Create a ticket", "crm.example.org", "a page and a file")
    assert shown.chain == ""
    assert only(*log).state == "waiting"
    assert verdict(log, "c1") == ""


def test_a_sign_in_that_was_done_is_told():
    log = (called("createTicket"), asked(sign_in="crm.example.org"), Approval(call_id="c1", allowed=True))
    assert verdict(log, "c1") == "you signed in"


def test_several_lines_become_one():
    place = {"file_id": "f", "file_name": "a.md", "segment": "s", "chunk": 0, "start": 0, "end": 9}
    log: tuple[Step, ...] = (Retrieval(query="q", passages=(Passage(text="x", **place),), covered=True, n_files=1),)
    for number, url in enumerate(("https://a.example", "https://b.example")):
        log += (called("open_page", f"c{number}", url=url), gave("open_page", call_id=f"c{number}"))
    log += (called("createTicket", "c9"), gave("createTicket", call_id="c9"))
    told = "Searched 1 file, 1 passage · Read 2 pages · Called Create ticket on crm.example.org"
    assert summary(lines(SPEC, log)) == told


def test_code_is_highlighted_and_harmless():
    html = str(highlighted("if x: # <b>\n    print('<script>', 12)"))
    assert '<span class="py-word">if</span>' in html
    assert '<span class="py-comment"># &lt;b&gt;</span>' in html
    assert '<span class="py-number">12</span>' in html
    assert "<script>" not in html


def test_a_file_that_is_read_part_by_part_is_one_line_with_its_passages():
    passage = Passage(file_id="f", file_name="a.md", segment="s", chunk=0, text="Seal.", start=0, end=5)
    notes = [
        PartNotes(
            file_id="f", file_name="a.md", segment="s", start=n, end=n + 1, number=n, n_parts=3, passages=(passage,)
        )
        for n in (1, 2, 3)
    ]
    log = (UserMessage(text="Sum up."), *notes)
    assert doing(lines(SPEC, log[:3])) == "Reading part 3 of 3"
    assert lines(SPEC, log) == ()
    line = only(*log, Retrieval(query="summary", whole_files=("a.md",), covered=True))
    assert (line.words, len(line.passages)) == ("Read a.md in 3 parts", 3)
