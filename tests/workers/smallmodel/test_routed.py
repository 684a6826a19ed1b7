"""Tools for models that cannot call them: the router chooses, the question or a grammar gives the arguments."""

import json
from dataclasses import replace

import pytest

from gpts.runs.state import TurnState
from gpts.runs.steps import ModelReply, Retrieval, ToolChoice, ToolResult, UserMessage
from gpts.spec.ability import ModelAbility
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec
from tests.workers.made_services import ROUTED, made_services
from tests.workers.runs.test_loop import Embedder, Index, advance, shown, told  # noqa: F401 (a fixture)
from web.runs import approving
from workers.engine.base import GrammarError
from workers.engine.scripted import CAPABLE, WEAK, ScriptedEngine
from workers.runs import loop
from workers.runs.services import Services
from workers.smallmodel.calls import NO_CODE, written_call
from workers.smallmodel.routing.candidates import RoutedChoice
from workers.tools import Tool, ToolError, ToolOutput

NOTHING = Retrieval(query="")
PART = {"type": "object", "properties": {"part": {"type": "string"}}, "required": ["part"]}


class Router:
    """Chooses what it is told to choose."""

    def __init__(self, name: str, score: float = 0.8) -> None:
        self.choice = RoutedChoice(name, score)
        self.asked: list[list[tuple[str, str]]] = []

    def ranked(self, conversation, candidates):
        self.asked.append(list(conversation))
        return [self.choice, RoutedChoice("" if self.choice.name else "stock", 1 - self.choice.score)]

    def choose(self, conversation, candidates):
        return self.ranked(conversation, candidates)[0]


@pytest.fixture(autouse=True)
def ran(monkeypatch, settings) -> list[dict]:
    """The arguments that the only tool was called with."""
    calls: list[dict] = []

    def perform(arguments, context) -> ToolOutput:
        calls.append(arguments)
        if arguments.get("part") == "missing":
            raise ToolError("There is no such part.")
        return ToolOutput("3 left", shown="There are **3** left.", untrusted=False)

    spec = ToolSpec(name="stock", title="Look at the stock", description="Counts parts.", parameters=PART)
    monkeypatch.setattr(loop, "granted", lambda its, _: {"stock": Tool(spec, perform)})
    return calls


def scripted_services(script, router: Router, ability: ModelAbility = ROUTED, found: Retrieval = NOTHING) -> Services:
    return made_services(script, Index(found), Embedder(), ability, router)


def turn(run, its: Services):
    advance(run, its)
    advance(run, its, "tools")
    return advance(run, its)


def test_the_chosen_tool_gets_arguments_that_the_model_writes_under_its_schema(run, ran):
    its = scripted_services([json.dumps({"part": "ZP-771"}), "Three are left."], Router("stock"))
    steps = turn(run, its)
    kinds = ["user_message", "tool_choice", "model_reply", "tool_result", "model_reply", "finished"]
    assert [step.kind for step in steps] == kinds
    assert ran == [{"part": "ZP-771"}]
    assert its.engine.requests[0].grammar.json_schema == PART
    assert its.engine.requests[1].grammar is None
    assert steps[-1].text == "Three are left."


def test_a_small_model_words_nothing(run, ran, told, settings):  # noqa: F811
    its = scripted_services([json.dumps({"part": "ZP-771"})], Router("stock"), WEAK)
    steps = turn(run, its)
    assert steps[-1].text == shown(told) == "There are **3** left."
    assert len(its.engine.requests) == 1


def test_a_failed_call_is_the_answer_of_a_small_model(run, settings):
    steps = turn(run, scripted_services([json.dumps({"part": "missing"})], Router("stock"), WEAK))
    assert isinstance(steps[4], ToolResult)
    assert not steps[4].ok
    assert steps[-1].text == "There is no such part."


def test_no_choice_goes_to_the_model_which_is_told_of_no_tool(run, ran):
    its = scripted_services(["Hello."], Router(""))
    steps = advance(run, its)
    assert steps[1] == ToolChoice(score=0.8)
    assert steps[-1].text == "Hello."
    assert ran == []
    assert its.engine.requests[0].tools == ()


def test_the_router_reads_what_was_said_and_nothing_else(run):
    router = Router("")
    advance(run, scripted_services(["Hello."], router))
    assert router.asked == [[("user", run.message.text)]]


def test_the_model_decides_by_itself_where_it_can(run, settings, ran):
    its = scripted_services(
        ['<tool_call>{"name": "stock", "arguments": {"part": "ZP-771"}}</tool_call>', "3."], Router("x"), CAPABLE
    )
    steps = turn(run, its)
    assert [step.kind for step in steps][1] == "model_reply"
    assert [tool.name for tool in its.engine.requests[0].tools] == ["stock"]
    assert ran == [{"part": "ZP-771"}]
    assert isinstance(steps[-2], ModelReply)


def test_a_declined_call_is_told_in_a_sentence_and_not_by_a_small_model(run, monkeypatch, settings):
    spec = ToolSpec(name="stock", description="Orders parts.", parameters=PART, effect="write")
    monkeypatch.setattr(loop, "granted", lambda its, _: {"stock": Tool(spec, lambda *_: pytest.fail("was declined"))})
    its = scripted_services([json.dumps({"part": "ZP-771"}), "As an AI model …"], Router("stock"), WEAK)
    advance(run, its)
    approving.answer_approval(run, "call_0", False)
    assert advance(run, its)[-1].text == "OK, I didn't do that."


def test_a_schema_that_no_value_follows_is_told_in_a_sentence(run):
    its = scripted_services([[GrammarError("The model wrote no value that follows the schema.")]], Router("stock"))
    assert advance(run, its)[-1].text.startswith("“Look at the stock” needs details")


@pytest.mark.parametrize(("score", "able", "chosen"), [(0.55, True, "stock"), (0.55, False, ""), (0.65, True, "")])
def test_a_model_that_can_decides_where_the_router_is_unsure(run, score, able, chosen):
    ability = ROUTED.model_copy(update={"breaks_ties": able})
    its = scripted_services([json.dumps({"part": "ZP-771"}), "Three."], Router("", score), ability)
    asked: list[tuple[str, list[str]]] = []

    def pick(message, tools):
        asked.append((message, [tool.name for tool in tools]))
        return "stock"

    its = replace(its, small=replace(its.small, pick=pick))
    assert advance(run, its)[1].name == chosen
    assert asked == ([(run.message.text, ["stock"])] if chosen else [])


def test_a_model_that_writes_no_answers_writes_no_code() -> None:
    parameters = {"properties": {"code": {"type": "string"}}, "required": ["code"]}
    tool = ToolSpec(name="run", builtin="code_interpreter", description="", parameters=parameters)
    state = TurnState(GptSpec(slug="n", name="N"), WEAK, (UserMessage(text="Sort my list"),), (), {"run": tool})
    reply = written_call(state, ScriptedEngine(), tool, 1.0, lambda: None)
    assert (reply.text, reply.tool_calls) == (NO_CODE, ())
