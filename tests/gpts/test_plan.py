"""`decide` as a table: what a log leads to."""

import pytest

from gpts.knowledge.documents import Passage
from gpts.plan import (
    ABSTENTION,
    DECLINED,
    INTERRUPTED,
    MAX_ROUNDS,
    AskApproval,
    CallModel,
    ChooseTool,
    Finish,
    RejectCall,
    Retrieve,
    RunTools,
    Stop,
    Wait,
    WriteCall,
    decide,
    queue_of,
)
from gpts.safety.policy import Standing, check, context_of
from gpts.spec import GptSpec, KnowledgeRef
from gpts.steps import (
    Approval,
    ApprovalRequest,
    Cancelled,
    Error,
    Finished,
    ModelReply,
    Retrieval,
    ToolCall,
    ToolResult,
    ToolStarted,
    UserMessage,
    status_of,
)
from gpts.tools import ToolSpec, call_digest

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
ASK = check(RESERVES, WRITE, context_of((), (ASKED,)), Standing())
STARTED = ToolStarted(call_id="call_0", name="reserve")
RESULT = ToolResult(call_id="call_0", name="look_up", text="3 in stock")


def calling(*calls: ToolCall) -> ModelReply:
    return ModelReply(text="", tool_calls=calls)


TABLE = {
    "an empty log has nothing to do": (PLAIN, (), Stop()),
    "a GPT without files goes to the model": (PLAIN, (ASKED,), CallModel()),
    "a GPT with files always looks first": (KNOWING, (ASKED,), Retrieve()),
    "passages lead to the model": (KNOWING, (ASKED, FOUND), CallModel()),
    "an extract is the answer": (KNOWING, (ASKED, EXTRACT), Finish("Seal ZP-771.", "covered")),
    "nothing found still answers when allowed": (KNOWING, (ASKED, NOTHING), CallModel()),
    "nothing found abstains when only files count": (STRICT, (ASKED, NOTHING), Finish(ABSTENTION, "not_covered")),
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
    "the rounds are bounded": (
        PLAIN,
        (ASKED, *(step for _ in range(MAX_ROUNDS) for step in (calling(LOOKS), RESULT))),
        Finish("", "no_knowledge"),
    ),
    "a finished run stops": (PLAIN, (ASKED, SAID, Finished(text="ZP-771.")), Stop()),
    "a cancelled run stops": (PLAIN, (ASKED, Cancelled()), Stop()),
    "a failed run stops": (PLAIN, (ASKED, Error(message="No.")), Stop()),
}


@pytest.mark.parametrize(("spec", "log", "decision"), TABLE.values(), ids=TABLE.keys())
def test_a_log_leads_to_its_decision(spec, log, decision):
    assert decide(spec, log, TOOLS) == decision


def test_abstaining_offers_what_can_be_asked():
    spec = STRICT.model_copy(update={"starters": ("Which seal?", "How often?")})
    assert decide(spec, (ASKED, NOTHING), {}).text.endswith("You could ask:\n\n- Which seal?\n- How often?")


def test_only_tool_runs_leave_the_model_queue():
    assert queue_of(RunTools((LOOKS,), announce=False), TOOLS) == "tools"
    drawing = {"look_up": READ.model_copy(update={"gpu": True})}
    assert queue_of(RunTools((LOOKS,), announce=False), drawing) == "model"
    on_model = (Retrieve(), ChooseTool(), WriteCall("look_up"), CallModel(), Finish("", "covered"))
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
