"""`decide` as a table: what a log leads to."""

import pytest

from gpts.knowledge.documents import Passage
from gpts.runs.decisions import (
    AskApproval,
    CallModel,
    ChooseTool,
    Decision,
    Finish,
    ReadFiles,
    ReadIntent,
    ReadPart,
    RejectCall,
    Retrieve,
    RunTools,
    ShowResults,
    Stop,
    Wait,
    WriteCall,
)
from gpts.runs.messages import PromptMessage
from gpts.runs.overrides import Overrides
from gpts.runs.plan import DECLINED, EXPIRED, INTERRUPTED, REPEATED, Circumstances, decide, queue_of
from gpts.runs.state import MAX_ROUNDS, TurnState, fit_whole, whole_attachments
from gpts.runs.status import status_of
from gpts.runs.steps import (
    Approval,
    ApprovalRequest,
    Cancelled,
    Error,
    FileRef,
    Finished,
    Log,
    MessageIntent,
    ModelReply,
    PartNotes,
    Retrieval,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolStarted,
    UserMessage,
)
from gpts.safety.policy import Ask, Standing, check, context_of
from gpts.spec.ability import ModelAbility
from gpts.spec.gpt import GptSpec, KnowledgeRef, ModelSettings
from gpts.spec.tools import ToolSpec, call_digest

READ = ToolSpec(name="look_up", description="Look something up.", parameters={})
WRITE = ToolSpec(name="reserve", description="Reserve a part.", parameters={}, effect="write")
TOOLS = {tool.name: tool for tool in (READ, WRITE)}

PLAIN = GptSpec(slug="plain", name="Plain")
FILES = (KnowledgeRef(file_id="f", name="manual.md", segment="s"),)
KNOWING = GptSpec(slug="knowing", name="Knowing", knowledge=FILES)
STRICT = GptSpec(slug="strict", name="Strict", knowledge=FILES, only_from_knowledge=True)

ASKED = UserMessage(text="Which seal?")
PASSAGE = Passage(file_id="f", file_name="manual.md", segment="s", chunk=0, text="Seal ZP-771.", start=0, end=12)
FOUND = Retrieval(query="Which seal?", passages=(PASSAGE,), covered=True)
SEARCHES = MessageIntent(intent="question", query="Which seal?")
READS = MessageIntent(intent="whole_files", query="summary", file_ids=("f",))
NOTES = PartNotes(file_id="f", file_name="manual.md", segment="s", start=0, end=12, number=1, n_parts=1, text="- A.")
ALL_READ = Retrieval(query="summary", whole_files=("manual.md",), covered=True)
NOTHING = Retrieval(query="Which seal?")
EXTRACT = FOUND.model_copy(update={"extract": "Seal ZP-771."})
SAID = ModelReply(text="ZP-771.")
CUT = ModelReply(text="ZP-7", finish="length")
LOOKS = ToolCall(call_id="call_0", name="look_up", arguments={})
RESERVES = ToolCall(call_id="call_0", name="reserve", arguments={"part": "ZP-771"})
UNKNOWN = ToolCall(call_id="call_0", name="destroy", arguments={})
REQUEST = ApprovalRequest(call_id="call_0", name="reserve", digest=call_digest(RESERVES))
ALLOWED = Approval(call_id="call_0", allowed=True, digest=call_digest(RESERVES))
REFUSED = Approval(call_id="call_0", allowed=False)
ASK = check(RESERVES, WRITE, context_of((), (ASKED,), {}), Standing())
STARTED = ToolStarted(call_id="call_0", name="reserve")
RESULT = ToolResult(call_id="call_0", name="look_up", text="3 in stock")


def calling(*calls: ToolCall) -> ModelReply:
    return ModelReply(text="", tool_calls=calls)


CAPABLE = ModelAbility(calls_tools=True, writes_from_sources=True, context_tokens=8192)
WEAK = ModelAbility(calls_tools=False, writes_from_sources=False, context_tokens=8192)
ROUTED = ModelAbility(calls_tools=False, writes_from_sources=True, context_tokens=8192)
NOTHING_ALLOWED = Circumstances()
AGAIN = LOOKS.model_copy(update={"call_id": "call_1"})
ROUNDS = [
    step
    for n in range(MAX_ROUNDS)
    for step in (
        calling(LOOKS.model_copy(update={"call_id": f"call_{n}", "arguments": {"n": n}})),
        RESULT.model_copy(update={"call_id": f"call_{n}"}),
    )
]


def decided(spec: GptSpec, log: Log, tools=TOOLS, ability=CAPABLE, circumstances=NOTHING_ALLOWED) -> Decision:
    return decide(TurnState(spec, ability, log, (), tools), circumstances)


TABLE = {
    "an empty log has nothing to do": (PLAIN, (), Stop()),
    "a GPT without files goes to the model": (PLAIN, (ASKED,), CallModel()),
    "what a message to a GPT with files asks for is found out first": (KNOWING, (ASKED,), ReadIntent()),
    "a question is searched for": (KNOWING, (ASKED, SEARCHES), Retrieve()),
    "whole files are read part by part": (KNOWING, (ASKED, READS), ReadPart()),
    "until all are read": (KNOWING, (ASKED, READS, NOTES), ReadPart()),
    "and the answer is written from the notes": (KNOWING, (ASKED, READS, NOTES, ALL_READ), CallModel()),
    "passages lead to the model": (KNOWING, (ASKED, FOUND), CallModel()),
    "nothing found still answers when allowed": (KNOWING, (ASKED, NOTHING), CallModel()),
    "the model says itself that nothing was found": (STRICT, (ASKED, NOTHING), CallModel()),
    "a reply finishes": (PLAIN, (ASKED, SAID), Finish("ZP-771.", "no_knowledge")),
    "a covered reply says so": (KNOWING, (ASKED, FOUND, SAID), Finish("ZP-771.", "covered")),
    "an uncovered reply says so": (KNOWING, (ASKED, NOTHING, SAID), Finish("ZP-771.", "not_covered")),
    "a cut reply is incomplete": (PLAIN, (ASKED, CUT), Finish("ZP-7", "no_knowledge", "length")),
    "a reading call runs at once": (PLAIN, (ASKED, calling(LOOKS)), RunTools((LOOKS,), announce=False)),
    "an unknown tool is rejected": (
        PLAIN,
        (ASKED, calling(UNKNOWN)),
        RejectCall(UNKNOWN, "There is no tool named destroy."),
    ),
    "a result goes back to the model": (PLAIN, (ASKED, calling(LOOKS), RESULT), CallModel()),
    "a writing call asks": (PLAIN, (ASKED, calling(RESERVES)), AskApproval(RESERVES, ASK)),
    "an unanswered request waits": (PLAIN, (ASKED, calling(RESERVES), REQUEST), Wait()),
    "an allowed call runs, announced": (
        PLAIN,
        (ASKED, calling(RESERVES), REQUEST, ALLOWED),
        RunTools((RESERVES,), announce=True),
    ),
    "a declined call is rejected": (
        PLAIN,
        (ASKED, calling(RESERVES), REQUEST, REFUSED),
        RejectCall(RESERVES, DECLINED),
    ),
    "a started call without a result never runs again": (
        PLAIN,
        (ASKED, calling(RESERVES), REQUEST, ALLOWED, STARTED),
        RejectCall(RESERVES, INTERRUPTED),
    ),
    "after the last round the model answers": (PLAIN, (ASKED, *ROUNDS), CallModel()),
    "whatever it says then": (PLAIN, (ASKED, *ROUNDS, SAID), Finish("ZP-771.", "no_knowledge")),
    "a call that was answered is not made again": (
        PLAIN,
        (ASKED, calling(LOOKS), RESULT, calling(AGAIN)),
        RejectCall(AGAIN, REPEATED),
    ),
    "a finished run stops": (PLAIN, (ASKED, SAID, Finished(text="ZP-771.")), Stop()),
    "a cancelled run stops": (PLAIN, (ASKED, Cancelled()), Stop()),
    "a failed run stops": (PLAIN, (ASKED, Error(message="No.")), Stop()),
}


@pytest.mark.parametrize(("spec", "log", "decision"), TABLE.values(), ids=TABLE.keys())
def test_a_log_leads_to_its_decision(spec, log, decision):
    assert decided(spec, log) == decision


CHOSEN, NONE = ToolChoice(name="look_up", score=0.8), ToolChoice(score=0.9)
LATER = UserMessage(text="Which seal?", later=(PromptMessage(role="tool", content="3 in stock"),))
FROM_CALLER = READ.model_copy(update={"name": "of_theirs", "of_caller": True})
THEIRS = ToolCall(call_id="call_0", name="of_theirs", arguments={})
REQUIRING = UserMessage(text="Which seal?", overrides=Overrides(tool_choice="required"))
DEMANDING = UserMessage(text="Which seal?", overrides=Overrides(tool_choice="of_theirs"))
SHOWN = RESULT.model_copy(update={"shown": "**3** in stock"})
SEARCHED = ToolChoice(name="web_search", score=0.8)
SEARCH = READ.model_copy(update={"name": "web_search", "reach": "service"})
SIGN_IN = Circumstances(sign_in={"look_up": "crm.example"})
SIGNED_IN = ApprovalRequest(call_id="call_0", name="look_up", digest=call_digest(LOOKS), sign_in="crm.example")
QUESTION = MessageIntent(intent="question")
UNABLE = MessageIntent(intent="question", note="I can’t answer that.")
GREETED = MessageIntent(intent="small_talk", answer="Hello!")
SUMMARY = MessageIntent(intent="whole_files", note="I can’t.", lead="I can’t. Outline:", file_ids=("f",))
EVERY = TOOLS | {"of_theirs": FROM_CALLER, "web_search": SEARCH}

FOR_A_WEAK_MODEL = {
    "the router is asked first": (PLAIN, (ASKED,), ROUTED, ChooseTool()),
    "files are searched before": (KNOWING, (ASKED, SEARCHES), ROUTED, Retrieve()),
    "a chosen tool gets its arguments": (PLAIN, (ASKED, CHOSEN), ROUTED, WriteCall("look_up")),
    "also where the files say something": (KNOWING, (ASKED, EXTRACT, CHOSEN), ROUTED, WriteCall("look_up")),
    "but the web is not searched for what they say": (
        KNOWING,
        (ASKED, EXTRACT, SEARCHED),
        WEAK,
        Finish("Seal ZP-771.", "covered"),
    ),
    "unless it was plainly asked for": (
        KNOWING,
        (ASKED, EXTRACT, SEARCHED.model_copy(update={"score": 0.95})),
        ROUTED,
        WriteCall("web_search"),
    ),
    "no choice goes to the model": (PLAIN, (ASKED, NONE), ROUTED, CallModel()),
    "a tool that is gone since goes to the model": (
        PLAIN,
        (ASKED, ToolChoice(name="gone")),
        ROUTED,
        CallModel(),
    ),
    "results of the caller's functions are not routed again": (PLAIN, (LATER,), ROUTED, CallModel()),
    "what the caller demands is called": (PLAIN, (DEMANDING,), ROUTED, WriteCall("of_theirs")),
    "the only function is the one that is required": (PLAIN, (REQUIRING,), ROUTED, WriteCall("of_theirs")),
    "what a tool shows is the answer of one that words none": (
        PLAIN,
        (ASKED, CHOSEN, calling(LOOKS), SHOWN),
        WEAK,
        ShowResults(),
    ),
    "which one that can words": (PLAIN, (ASKED, CHOSEN, calling(LOOKS), SHOWN), ROUTED, CallModel()),
    "a result that nothing shows is worded": (PLAIN, (ASKED, CHOSEN, calling(LOOKS), RESULT), WEAK, CallModel()),
    "what a message asks for is read first": (KNOWING, (ASKED,), WEAK, ReadIntent()),
    "small talk is answered at once": (KNOWING, (ASKED, GREETED), WEAK, Finish("Hello!", "no_knowledge")),
    "whole files are read": (KNOWING, (ASKED, SUMMARY), WEAK, ReadFiles()),
    "sentences of the files are the answer to a question": (
        KNOWING,
        (ASKED, QUESTION),
        WEAK,
        Retrieve(extracts=True),
    ),
    "an extract is the answer": (KNOWING, (ASKED, QUESTION, EXTRACT, NONE), WEAK, Finish("Seal ZP-771.", "covered")),
    "what the model cannot do is said before it": (
        KNOWING,
        (ASKED, SUMMARY, EXTRACT, NONE),
        WEAK,
        Finish("I can’t. Outline:\n\nSeal ZP-771.", "covered"),
    ),
    "nothing found is declined, whatever the switch says": (
        KNOWING,
        (ASKED, QUESTION, NOTHING, NONE),
        WEAK,
        Finish("", "not_covered"),
    ),
    "without files it says that it cannot answer": (
        PLAIN,
        (ASKED, UNABLE, NONE),
        WEAK,
        Finish("I can’t answer that.", "no_knowledge"),
    ),
    "what a program sent along is for the model": (PLAIN, (LATER,), WEAK, CallModel()),
}


@pytest.mark.parametrize(
    ("spec", "log", "ability", "decision"), FOR_A_WEAK_MODEL.values(), ids=FOR_A_WEAK_MODEL.keys()
)
def test_a_weak_model_is_helped(spec, log, ability, decision):
    assert decided(spec, log, EVERY, ability) == decision


WITH_TOOLS = {
    "what the caller demands is for the model to write": (PLAIN, (DEMANDING,), Circumstances(), CallModel()),
    "no router is asked for a model that chooses": (PLAIN, (ASKED,), Circumstances(), CallModel()),
    "the caller's functions are theirs to perform": (
        PLAIN,
        (ASKED, calling(THEIRS)),
        Circumstances(),
        Finish("", "no_knowledge", "tool_calls", (THEIRS,)),
    ),
    "reading calls run side by side": (
        PLAIN,
        (ASKED, calling(LOOKS, LOOKS.model_copy(update={"call_id": "call_1"}))),
        Circumstances(),
        RunTools((LOOKS, LOOKS.model_copy(update={"call_id": "call_1"})), announce=False),
    ),
    "a person signs in first": (
        PLAIN,
        (ASKED, calling(LOOKS)),
        SIGN_IN,
        AskApproval(LOOKS, Ask("It acts on your behalf there."), "crm.example"),
    ),
    "having signed in is no permission": (
        PLAIN,
        (ASKED, calling(LOOKS), SIGNED_IN, ALLOWED),
        Circumstances(),
        RunTools((LOOKS,), announce=False),
    ),
    "not signing in declines": (
        PLAIN,
        (ASKED, calling(LOOKS), SIGNED_IN, REFUSED),
        SIGN_IN,
        RejectCall(LOOKS, DECLINED),
    ),
    "a permission for another call counts for nothing": (
        PLAIN,
        (ASKED, calling(RESERVES), REQUEST, ALLOWED.model_copy(update={"digest": "another"})),
        Circumstances(),
        AskApproval(RESERVES, ASK),
    ),
    "nobody answering in time is told": (
        PLAIN,
        (ASKED, calling(RESERVES), REQUEST, REFUSED.model_copy(update={"expired": True})),
        Circumstances(),
        RejectCall(RESERVES, EXPIRED),
    ),
    "what is always allowed runs": (
        PLAIN,
        (ASKED, calling(RESERVES)),
        Circumstances(Standing(always=frozenset({"reserve"}))),
        RunTools((RESERVES,), announce=True),
    ),
}


@pytest.mark.parametrize(("spec", "log", "circumstances", "decision"), WITH_TOOLS.values(), ids=WITH_TOOLS.keys())
def test_tools_are_allowed_and_run(spec, log, circumstances, decision):
    assert decided(spec, log, EVERY, CAPABLE, circumstances) == decision


def test_a_model_that_repeats_itself_is_told_of_no_tool_and_so_answers():
    rejected = ToolResult(call_id="call_1", name="look_up", text=REPEATED, ok=False)
    log = (ASKED, calling(LOOKS), RESULT, calling(AGAIN), rejected)
    state = TurnState(PLAIN, CAPABLE, log, (), TOOLS)
    assert decide(state) == CallModel()
    assert state.must_answer()
    assert state.model_tools() == ()
    assert not TurnState(PLAIN, CAPABLE, log[:3], (), TOOLS).must_answer()


def test_a_model_with_nothing_to_say_on_its_results_leaves_them_to_speak():
    rejected = ToolResult(call_id="call_1", name="look_up", text=REPEATED, ok=False, shown=REPEATED)
    log = (ASKED, calling(LOOKS), SHOWN, calling(AGAIN), rejected, ModelReply(text=""))
    assert decided(PLAIN, log) == ShowResults()


@pytest.mark.parametrize(
    ("n_tokens", "max_tokens", "context_tokens", "reads", "fits"),
    [
        (3_000, 400, 8_192, {}, True),
        (3_500, 400, 8_192, {}, False),  # more than its share
        (3_000, 8_192, 8_192, {}, False),  # no room for a conversation beside the longest reply
        (20_000, 400, 131_072, {}, True),
        (38_646, 400, 131_072, {}, False),  # longer than what every model is taken to read
        (38_646, 400, 131_072, {"reads_tokens": 52_428}, True),
        (60_000, 400, 131_072, {"reads_tokens": 128_000}, False),
        (3_000, 400, 8_192, {"reads_tokens": 2_000}, False),
    ],
)
def test_files_that_fit_become_part_of_the_prompt(n_tokens, max_tokens, context_tokens, reads, fits):
    spec = KNOWING.model_copy(
        update={"model": ModelSettings(max_tokens=max_tokens), "instructions": "Be brief. " * 50}
    )
    ability = CAPABLE.model_copy(update={"context_tokens": context_tokens, **reads})
    assert fit_whole(n_tokens, spec, ability) == fits
    assert not fit_whole(n_tokens, spec, ability.model_copy(update={"writes_from_sources": False}))


def lease(number: int, n_tokens: int) -> FileRef:
    return FileRef(id=str(number), name=f"{number}.pdf", segment=f"segment {number}", n_tokens=n_tokens)


def attaching(*files: FileRef, text: str = "Sum up.") -> Log:
    return (UserMessage(text=text, attachments=files),)


def test_a_gpt_without_files_reads_an_attached_one():
    assert decide(TurnState(PLAIN, CAPABLE, attaching(lease(1, 9)), (), {})) == ReadIntent()
    assert decide(TurnState(PLAIN, CAPABLE, attaching(FileRef(id="x", name="x.bin")), (), {})) == CallModel()
    later = TurnState(PLAIN, CAPABLE, (ASKED,), (attaching(lease(1, 9)),), {})
    assert decide(later) == ReadIntent()


def test_attached_files_are_listed_before_the_gpts_own_each_text_once():
    same = FILES[0].model_copy(update={"segment": "segment 1"})
    spec = KNOWING.model_copy(update={"knowledge": (*FILES, same)})
    history = (attaching(lease(1, 9), lease(2, 9)), attaching(lease(3, 9)))
    state = TurnState(spec, CAPABLE, attaching(lease(2, 9).model_copy(update={"id": "again"})), history, {})
    assert [ref.file_id for ref in state.files()] == ["1", "3", "again", "f"]


@pytest.mark.parametrize(
    ("n_own", "text", "whole"),
    [(0, "Sum up.", ["2", "3"]), (1_500, "Sum up.", ["3"]), (0, "Long. " * 1_700, ["3"]), (3_200, "Sum up.", [])],
)
def test_the_newest_attached_files_that_fit_are_read_whole(n_own, text, whole):
    history = (attaching(lease(1, 2_000)), attaching(lease(2, 1_500), lease(4, 9_000)))
    ability = CAPABLE.model_copy(update={"context_tokens": 8_192})
    state = TurnState(PLAIN, ability, attaching(lease(3, 1_000), text=text), history, {})
    assert [file.id for file in whole_attachments(state, n_own)] == whole
    weak = ability.model_copy(update={"writes_from_sources": False})
    assert whole_attachments(TurnState(PLAIN, weak, state.steps, history, {}), n_own) == ()


def test_only_tool_runs_leave_the_model_queue():
    assert queue_of(RunTools((LOOKS,), announce=False), TOOLS) == "tools"
    drawing = {"look_up": READ.model_copy(update={"gpu": True})}
    assert queue_of(RunTools((LOOKS,), announce=False), drawing) == "model"
    on_model = (
        ReadIntent(),
        ReadFiles(),
        Retrieve(),
        ChooseTool(),
        WriteCall("look_up"),
        CallModel(),
        Finish("", "covered"),
    )
    assert {queue_of(d, TOOLS) for d in on_model} == {"model"}
    assert {queue_of(d, TOOLS) for d in (Wait(), Stop(), AskApproval(LOOKS, ASK), RejectCall(LOOKS, ""))} == {None}


STATUS = [
    ((), "queued"),
    ((ASKED,), "queued"),
    ((ASKED, FOUND), "in_progress"),
    ((ASKED, calling(RESERVES), REQUEST), "requires_action"),
    ((ASKED, calling(RESERVES), REQUEST, ALLOWED), "in_progress"),
    ((ASKED, SAID, Finished(text="")), "completed"),
    ((ASKED, CUT, Finished(text="", finish="length")), "incomplete"),
    ((ASKED, Cancelled()), "cancelled"),
    ((ASKED, Error(message="")), "failed"),
]


@pytest.mark.parametrize(("log", "status"), STATUS)
def test_the_status_follows_from_the_log(log, status):
    assert status_of(log) == status
