"""Whom to ask with a model that cannot decide: the router's choice, parts for several, all of them, the store."""

import pytest

from gpts.runs.state import TurnState
from gpts.runs.steps import Delegation, Retrieval, ToolChoice
from tests.workers.trees import Worker, ask, kinds, last, make_gpt, says, scripted_services
from web.runs import log
from web.runs.models import ConversationFile, Run
from workers.engine.scripted import WEAK
from workers.smallmodel.quoting import shown_results
from workers.smallmodel.routing.candidates import RoutedChoice

pytestmark = pytest.mark.django_db(transaction=True)
UNABLE = "I can’t answer that: this site’s model doesn’t write answers of its own."
SCRIPT = {name: says(f"{name} speaking.") for name in ("Desk", "Tax Clerk", "Travel Clerk", "Cook", "Second Opinion")}


class Router:
    """Chooses the GPT whose name has a word of the message, and parts at " and "."""

    def ranked(self, said, candidates):
        return [RoutedChoice("", 0.9)]

    def choose_gpt(self, said, candidates):
        words = set(said[-1][1].lower().replace("?", "").split())
        fitting = [each.name for each in candidates if words & set(each.title.lower().split())]
        return RoutedChoice(fitting[0], 0.8) if fitting else RoutedChoice("", 0.7)

    def nearest(self, message, candidates, most):
        return candidates[:most]

    def rank_gpts(self, message, candidates, most):
        return [RoutedChoice(each.name, 0.5) for each in candidates][:most]

    def divide(self, said, candidates):
        parts = said[-1][1].split(" and ")
        chosen = [(self.choose_gpt([("user", part)], candidates).name, part) for part in parts]
        return tuple(chosen) if len({name for name, _ in chosen if name}) > 1 else ()


@pytest.fixture
def desk(alice):
    return make_gpt(alice, "Desk", make_gpt(alice, "Tax Clerk"), make_gpt(alice, "Travel Clerk"))


def answered(sent_tasks, run: Run) -> list[str]:
    """The names of those who were asked."""
    Worker(sent_tasks, scripted_services(SCRIPT, Router(), WEAK)).drain()
    return [step.name for step in log.read(run.id) if isinstance(step, Delegation)]


def test_a_question_for_another_gpt_goes_there_word_for_word(desk, bob, sent_tasks):
    run = ask(bob, desk, "How much tax?")
    assert answered(sent_tasks, run) == ["Tax Clerk"]
    assert last(run).text == UNABLE
    first = log.read(Run.objects.get(root=run).id)[0]
    assert (first.text, first.own_words) == ("How much tax?", True)


def test_a_question_for_nobody_is_answered_by_the_gpt_itself(desk, bob, sent_tasks):
    run = ask(bob, desk, "Hello there")
    assert answered(sent_tasks, run) == []
    assert last(run).text.startswith("Hello! I’m Desk.")


def test_work_that_divides_goes_to_both_at_once_and_is_joined_under_their_names(desk, bob, sent_tasks):
    run = ask(bob, desk, "How much tax and which travel cover?")
    assert answered(sent_tasks, run) == ["Tax Clerk", "Travel Clerk"]
    assert last(run).text == f"**Tax Clerk**\n\n{UNABLE}\n\n**Travel Clerk**\n\n{UNABLE}"
    assert kinds(run)[4:6] == ["delegation", "delegation"]


def test_a_second_opinion_asks_all_without_choosing(alice, bob, sent_tasks):
    both = make_gpt(alice, "Tax Clerk"), make_gpt(alice, "Travel Clerk")
    run = ask(bob, make_gpt(alice, "Second Opinion", *both, delegates_to_all=True), "Well?")
    assert answered(sent_tasks, run) == ["Tax Clerk", "Travel Clerk"]
    assert not any(isinstance(step, ToolChoice) for step in log.read(run.id))


class TestStore:
    """A router that may look for a GPT that nobody listed."""

    @pytest.fixture
    def router(self, alice, desk):
        return make_gpt(alice, "Cook", delegates_to_store=True)

    def test_it_asks_the_one_that_fits(self, router, bob, sent_tasks):
        run = ask(bob, router, "How much tax?")
        assert answered(sent_tasks, run) == ["Tax Clerk"]
        (choice,) = (step for step in log.read(run.id) if isinstance(step, ToolChoice))
        assert choice.parts[0].gpt == "tax-clerk"

    def test_it_answers_itself_where_none_fits(self, router, bob, sent_tasks):
        assert answered(sent_tasks, ask(bob, router, "Hello")) == []

    def test_it_never_finds_itself_or_what_is_not_in_the_store(self, router, alice, bob, sent_tasks):
        make_gpt(alice, "Secret", sharing="me")
        assert answered(sent_tasks, ask(bob, router, "A secret to cook")) == []

    def test_a_gpt_without_leave_to_does_not_look(self, alice, bob, desk, sent_tasks):
        assert answered(sent_tasks, ask(bob, make_gpt(alice, "Cook"), "How much tax?")) == []


def test_own_files_come_before_others_unless_these_were_plainly_asked_for(desk):
    from gpts.runs.decisions import Finish, WriteCall
    from gpts.runs.plan import decide
    from gpts.runs.steps import UserMessage
    from gpts.spec.gpt import KnowledgeRef
    from gpts.spec.tools import ToolSpec

    spec = desk.published.spec().model_copy(update={"knowledge": (KnowledgeRef(file_id="f", name="f", segment="s"),)})
    tools = {"ask_x": ToolSpec(name="ask_x", description="", parameters={}, is_delegation=True, reach="gpt")}
    log = (UserMessage(text="?"), Retrieval(query="", covered=True, extract="Own files."))
    doubtful, sure = (ToolChoice(name="ask_x", score=score) for score in (0.6, 0.95))
    assert decide(TurnState(spec, WEAK, (*log, doubtful), (), tools)) == Finish("Own files.", "covered")
    assert decide(TurnState(spec, WEAK, (*log, sure), (), tools)) == WriteCall("ask_x")


def test_a_failed_ask_leaves_the_word_to_the_own_files(alice, bob, sent_tasks, settings):
    from gpts.runs.decisions import Finish, ShowResults
    from gpts.runs.plan import decide
    from gpts.runs.steps import ModelReply, ToolCall, ToolResult, UserMessage

    log = (
        UserMessage(text="?"),
        Retrieval(query="", covered=True, extract="From the files."),
        ModelReply(text="", tool_calls=(ToolCall(call_id="c", name="ask_x", arguments={}),)),
        ToolResult(call_id="c", name="ask_x", text="Gone.", ok=False, shown="Gone.", run_id="r"),
    )
    state = TurnState(make_gpt(alice, "Desk").published.spec(), WEAK, log, (), {})
    assert decide(state) == ShowResults()
    assert shown_results(state, None) == Finish("Gone.\n\nFrom the files.", "covered")
    unsure = Retrieval(query="", extract="Close, but perhaps no answer.")
    doubtful = TurnState(state.spec, WEAK, (log[0], unsure, *log[2:]), (), {})
    assert shown_results(doubtful, None) == Finish("Gone.", "no_knowledge")


def test_answers_of_agents_elsewhere_stand_under_their_names_too(alice):
    from gpts.runs.decisions import Finish
    from gpts.runs.steps import ModelReply, ToolCall, ToolResult, UserMessage
    from gpts.spec.tools import ToolSpec

    there = ToolSpec(
        name="ask_far", title="Far", description="", parameters={}, is_delegation=True, reach="host", host="h"
    )
    calls = (ToolCall(call_id="a", name="ask_x", arguments={}), ToolCall(call_id="b", name="ask_far", arguments={}))
    log = (
        UserMessage(text="?"),
        ModelReply(text="", tool_calls=calls),
        Delegation(call_id="a", run_id="r", slug="near", name="Near", task="?"),
        ToolResult(call_id="a", name="ask_x", text="1", shown="1", run_id="r"),
        ToolResult(call_id="b", name="ask_far", text="2", shown="2"),
    )
    state = TurnState(make_gpt(alice, "Desk").published.spec(), WEAK, log, (), {"ask_far": there})
    assert shown_results(state, None) == Finish("**Near**\n\n1\n\n**Far**\n\n2", "no_knowledge")


def test_what_a_message_came_with_is_handed_on_and_stays_the_persons(desk, bob, sent_tasks):
    from web.runs import files
    from web.runs.services import start_conversation, start_run

    attached = files.attach(bob, "receipts.csv", [b"a,b\n1,2\n"])
    ConversationFile.objects.update(status=ConversationFile.Status.READY, segment="a" * 40)
    run = start_run(start_conversation(bob, desk), "How much tax?", attachments=[attached.id])
    assert answered(sent_tasks, run) == ["Tax Clerk"]
    child = Run.objects.get(root=run)
    (handed,) = log.read(child.id)[0].attachments
    assert (handed.name, handed.id != str(attached.id), handed.segment) == ("receipts.csv", True, "a" * 40)
    assert [name for name, *_ in files.readable(child)] == ["receipts.csv"]
    assert files.access_file(bob, handed.id).sha256 == attached.sha256


def test_a_call_that_a_model_prints_where_it_can_make_none_is_not_its_answer(desk, bob, sent_tasks):
    arguments = '{"task": "How much tax?"}'
    printed = f'{{"name": "ask_tax_clerk", "arguments": {arguments}}}'
    replies = iter((arguments, f"{printed}\n{printed}"))
    writes = WEAK.model_copy(update={"writes_from_sources": True})
    script = SCRIPT | {"Desk": lambda messages: next(replies), "Tax Clerk": says("It is 19 percent.")}
    run = ask(bob, desk, "How much tax?")
    Worker(sent_tasks, scripted_services(script, Router(), writes)).drain()
    assert "{" not in last(run).text
    assert "It is 19 percent." in last(run).text


@pytest.mark.parametrize("written", ['{"task": "How mu', "Nineteen percent.", "[]", ""])
def test_arguments_that_are_no_object_are_asked_for_and_do_not_end_the_run(desk, bob, sent_tasks, written):
    writes = WEAK.model_copy(update={"writes_from_sources": True})
    run = ask(bob, desk, "How much tax?")
    Worker(sent_tasks, scripted_services(SCRIPT | {"Desk": says(written)}, Router(), writes)).drain()
    assert "Please give them one by one" in last(run).text
