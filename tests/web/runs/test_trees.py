"""A tree of runs tells who asked whom, once each, with what it used, and what it waits for."""

import pytest
from django.utils import timezone

from gpts.runs.delegated_calls import delegated_calls
from gpts.runs.steps import Approval, Cancelled, Error, ToolCall, ToolResult
from gpts.spec.gpt import GptSpec, RemoteAgent
from tests.web.runs import trees
from web.runs import log
from web.runs.models import Run
from web.runs.services import start_conversation, start_run
from web.runs.trees import Tokens, delegated_by, gpts_of, status_of_tree, tree_of, waiting


@pytest.fixture
def done(run, alice) -> trees.Tree:
    """Bob's tree, all of it answered."""
    return trees.grown(run, alice)


@pytest.fixture
def live(run, alice) -> trees.Tree:
    """Bob's tree, whose deepest run waits for his word."""
    return trees.grown(run, alice, done=False)


def by_run(top):
    """The nodes that stand in full, by their runs."""
    return {node.run.id: node for node in top.all() if not node.joined}


def test_each_run_stands_where_it_was_asked_first(done):
    top = tree_of(done.desk)
    assert [node.gpt.name for node in top.all()] == [
        "Pump Doctor",
        "Tax Clerk",
        "Law Reader",
        "Old Law Reader",
        "Scribe of Statutes",
        "Fee Clerk",
        "Law Reader",
        "Plant Desk",
        "Tax Clerk",
    ]
    assert set(by_run(top)) == done.ids()
    reference = next(node for node in top.all() if node.joined)
    assert (reference.run.id, reference.children, reference.total.both) == (done.law.id, (), 0)
    assert [child.call_id for child in top.children] == ["a", "b", "c"]


def test_tokens_add_up_and_count_once(done):
    nodes = by_run(top := tree_of(done.desk))
    assert nodes[done.scribe.id].total == Tokens(200, 20)
    assert nodes[done.law.id].total == Tokens(300 + 300 + 200, 30 + 30 + 20)
    own = [node.tokens for node in nodes.values()]
    assert (sum(each.prompt for each in own), sum(each.completion for each in own)) == (
        top.total.prompt,
        top.total.completion,
    )


def test_it_tells_answers_labels_tasks_and_times(done):
    start = timezone.now()
    trees.moved(done.tax_again, start, 2, 3.5)
    node = by_run(tree_of(done.desk))[done.tax_again.id]
    assert (node.task, node.answer, node.status) == ("By when?", "By May.", "completed")
    assert node.label == trees.FILE_LABEL
    assert (node.seconds, node.run.depth) == (3.5, 1)


def test_what_could_not_be_asked_is_told(done):
    (refused,) = by_run(tree_of(done.desk))[done.tax.id].others
    assert (refused.name, refused.task, refused.why_not) == ("Plant desk", "Why?", trees.REFUSED)


@pytest.mark.parametrize(
    ("last", "told"), [(Error(message="Out of order."), "Out of order."), (Cancelled(text="So far"), "So far")]
)
def test_a_run_that_did_not_answer_says_why(run, alice, last, told):
    gpt = trees.published(alice, "Tax Clerk")
    trees.calls(run, trees.call_of(gpt, "a", "What?"))
    child = trees.ask(run, gpt, "What?", "a")
    log.append(child.id, last)
    (node,) = tree_of(run).children
    assert told in (node.error, node.answer)
    assert node.label is None


def test_a_subtree_is_looked_at_by_itself(done):
    top = tree_of(done.fees)
    assert [(node.gpt.name, node.joined) for node in top.all()] == [
        ("Fee Clerk", False),
        ("Law Reader", False),
        ("Old Law Reader", False),
        ("Scribe of Statutes", False),
    ]
    assert gpts_of(done.fees) == {node.gpt.id for node in top.all()}
    assert gpts_of(done.plants) == {done.plants.version.gpt_id}


def test_a_mentioned_gpt_stands_at_the_top(run, alice):
    clerk = trees.published(alice, "Tax Clerk")
    Run.objects.filter(id=run.id).update(version=clerk.published)
    run.refresh_from_db()
    assert tree_of(run).gpt == clerk


def test_the_queries_do_not_grow_with_the_tree(done, django_assert_num_queries):
    with django_assert_num_queries(3):
        tree_of(done.desk)


def test_runs_that_wait_for_each_other_end_the_walk(run, alice):
    one, two = trees.published(alice, "One"), trees.published(alice, "Two")
    trees.calls(run, trees.call_of(one, "a", "?"), trees.call_of(two, "b", "?"))
    first, second = trees.ask(run, one, "?", "a"), trees.ask(run, two, "?", "b")
    for delegator, asked, gpt in ((first, second, two), (second, first, one)):
        trees.calls(delegator, trees.call_of(gpt, "a", "?"))
        trees.join(delegator, asked, "a")
    run.refresh_from_db()
    assert len(list(tree_of(run).all())) == 5
    assert tree_of(run).status == "in_progress"


class TestWaiting:
    """What waits for a person, and who waits only for that."""

    def test_a_request_far_below_is_found_from_the_top(self, live):
        ((run, request),) = waiting(live.desk)
        assert (run.id, request.title) == (live.scribe.id, "Create ticket")
        assert [delegator.name for delegator in delegated_by(run)] == [
            "Pump Doctor",
            "Tax Clerk",
            "Law Reader",
            "Old Law Reader",
        ]
        assert waiting(live.old_law) == ((run, request),)
        assert waiting(live.plants) == ()

    def test_who_waits_for_nothing_else_requires_action(self, live):
        assert {status_of_tree(each) for each in (live.desk, live.tax, live.fees, live.law)} == {"requires_action"}
        assert status_of_tree(live.plants) == "completed"
        assert {node.status for node in tree_of(live.desk).all()} == {"requires_action", "completed"}

    def test_who_has_other_work_is_in_progress(self, run, alice):
        one, two = trees.published(alice, "One"), trees.published(alice, "Two")
        trees.calls(run, trees.call_of(one, "a", "?"), trees.call_of(two, "b", "?"))
        first, second = trees.ask(run, one, "?", "a"), trees.ask(run, two, "?", "b")
        run.refresh_from_db()
        trees.waits(first)
        assert status_of_tree(run) == "in_progress"  # the second is not done
        trees.waits(second)
        assert status_of_tree(run) == "requires_action"
        assert [each.id for each, _ in waiting(run)] == [first.id, second.id]

    def test_who_still_searches_is_in_progress(self, run, alice):
        one = trees.published(alice, "One")
        trees.calls(run, trees.call_of(one, "a", "?"), ToolCall(call_id="s", name="web_search", arguments={}))
        trees.waits(trees.ask(run, one, "?", "a"))
        run.refresh_from_db()
        assert status_of_tree(run) == "in_progress"
        log.append(run.id, ToolResult(call_id="s", name="web_search", text="found"))
        assert status_of_tree(run) == "requires_action"

    def test_an_answer_lets_them_all_go_on(self, live):
        log.append(live.scribe.id, Approval(call_id="w1", allowed=True))
        assert waiting(live.desk) == ()
        assert status_of_tree(live.desk) == "in_progress"

    def test_a_plain_run_is_as_its_log_says(self, run):
        assert (status_of_tree(run), waiting(run)) == ("queued", ())
        trees.waits(run)
        assert status_of_tree(run) == "requires_action"
        assert [each.id for each, _ in waiting(run)] == [run.id]

    def test_other_peoples_requests_are_none_of_it(self, live, bob, gpt):
        other = start_run(start_conversation(bob, gpt), "Hello")
        assert waiting(Run.objects.get(id=other.id)) == ()


class TestAsks:
    """Which calls ask others."""

    SPEC = GptSpec(
        slug="s",
        name="S",
        remote_agents=(
            RemoteAgent(agent_id="1", name="Trip Planner", card_url="https://a.example", url="https://a.example/a2a"),
        ),
    )

    @pytest.mark.parametrize(
        ("tool", "name", "host"),
        [
            ("ask_trip_planner", "Trip Planner", "a.example"),
            ("ask_tax_clerk", "Tax clerk", ""),
            ("ask_store", "a GPT from the store", ""),
        ],
    )
    def test_they_are_known_by_their_names(self, tool, name, host):
        reply = trees.replied(ToolCall(call_id="a", name=tool, arguments={"task": "Go."}))
        (ask,) = delegated_calls(self.SPEC, (reply,))
        assert (ask.name, ask.host, ask.task, ask.run_id) == (name, host, "Go.", "")

    def test_other_tools_are_none(self):
        reply = trees.replied(ToolCall(call_id="a", name="web_search", arguments={}))
        assert delegated_calls(self.SPEC, (reply,)) == ()
