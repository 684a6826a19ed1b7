"""Lines of asks say who was asked what, fold out to what that GPT did, and lead to requests from far below."""

import pytest
from django.test import Client

from gpts.runs.delegated_calls import DelegatedCall
from gpts.runs.steps import Approval, Delegation, Finished, Log, ToolCall, ToolResult
from gpts.spec.gpt import GptSpec, RemoteAgent
from tests.web.runs import trees
from web.chat.approvals import cards
from web.chat.phrases import awaited
from web.chat.steps import doing, lines, summary
from web.chat.templatetags.chat import naming
from web.runs import log
from web.runs.deletion import delete_conversation
from web.runs.models import Run

PLANNER = RemoteAgent(agent_id="1", name="Trip Planner", card_url="https://a.example", url="https://a.example/a2a")
SPEC = GptSpec(slug="s", name="S", remote_agents=(PLANNER,))


def told(call_id: str, name: str = "Tax Clerk", **fields: object) -> Delegation:
    place = {"run_id": "1f7e", "slug": name.lower(), "task": "What is due?"}
    return Delegation(call_id=call_id, name=name, **{**place, **fields})


def gave(call_id: str, text: str = "12.", **fields: object) -> ToolResult:
    return ToolResult(call_id=call_id, name="ask_tax_clerk", text=text, seconds=2.5, **{"run_id": "1f7e", **fields})


def asking(*names: str) -> Log:
    """A reply that asks one GPT after the other, by calls `a`, `b` and so on."""
    calls = [
        ToolCall(call_id=chr(97 + number), name=f"ask_{name}", arguments={"task": "What is due?"})
        for number, name in enumerate(names)
    ]
    return (trees.replied(*calls),)


def only(*steps):
    (line,) = lines(SPEC, steps)
    return line


class TestWords:
    """What a line says of an ask."""

    LOG = asking("tax_clerk")

    def test_while_it_is_asked(self):
        line = only(*self.LOG, told("a"))
        assert (line.state, line.words) == ("running", "Asking Tax Clerk: What is due?")
        assert doing((line,)) == "Waiting for Tax Clerk"

    def test_before_its_run_is_there(self):
        assert only(*self.LOG).words == "Asking Tax clerk: What is due?"
        assert only(*asking("store")).words == "Asking a GPT from the store: What is due?"

    def test_when_it_has_answered(self):
        line = only(*self.LOG, told("a"), gave("a"))
        assert (line.words, line.took, line.answer) == ("Asked Tax Clerk: What is due?", "2.5 s", "")
        assert line.delegated.run_id == "1f7e"

    def test_when_it_failed(self):
        line = only(*self.LOG, told("a"), gave("a", "It ran out of time.", ok=False))
        assert (line.state, line.words, line.note) == ("failed", "Tax Clerk didn’t answer", "It ran out of time.")

    def test_when_it_could_not_be_asked(self):
        line = only(*self.LOG, gave("a", trees.REFUSED, ok=False, run_id=""))
        assert (line.words, line.note) == ("Couldn’t ask Tax clerk", trees.REFUSED)
        assert summary((line,)) == "Couldn’t ask Tax clerk"

    def test_when_the_same_was_asked_before(self):
        line = only(*self.LOG, told("a", joined=True), gave("a"))
        assert (line.words, line.note) == ("Asked Tax Clerk: What is due?", "reused an earlier answer")

    def test_long_tasks_are_cut(self):
        assert len(only(*self.LOG, told("a", task="x " * 400)).words) < 120

    def test_an_agent_elsewhere_is_told_with_its_host(self):
        log = asking("trip_planner")
        assert only(*log).words == "Asking Trip Planner on a.example"
        line = only(*log, gave("a", "Go by train.", run_id=""))
        assert (line.words, line.answer) == ("Asked Trip Planner on a.example", "Go by train.")
        assert line.arguments == (("Task", "What is due?"),)

    def test_several_become_one(self):
        log = (*asking("a", "b", "c", "a"), told("a", "A"), told("b", "B"), told("c", "C"), told("d", "A"))
        assert summary(lines(SPEC, log)) == "Asked 3 GPTs"
        assert doing(lines(SPEC, log)) == "Waiting for 3 others"
        twice = (*asking("a", "a"), told("a", "A"), told("b", "A"))
        assert summary(lines(SPEC, twice)) == "Asked A 2 times"

    def test_nobody_is_awaited_without_asks(self):
        assert awaited(()) == ""

    def test_names_stand_out_and_stay_text(self):
        ask = DelegatedCall("a", "<b>Tax</b>", "x")
        assert naming("Asked <b>Tax</b>: x", ask) == "Asked <b><bdi>&lt;b&gt;Tax&lt;/b&gt;</bdi></b>: x"
        assert naming("Ran code", None) == "Ran code"


@pytest.fixture
def done(run, alice) -> trees.Tree:
    return trees.grown(run, alice)


@pytest.fixture
def live(run, alice) -> trees.Tree:
    return trees.grown(run, alice, done=False)


def chat_of(run: Run) -> str:
    return f"/c/{run.message.conversation_id}/"


class TestPages:
    """The chat, a part folded out or on its own page, the tree; each for its own reader only."""

    def test_the_chat_folds_out_parts_and_leads_to_the_tree(self, as_bob, done):
        page = as_bob.get(chat_of(done.desk)).content.decode()
        assert f'data-delegated="/c/turn/{done.tax.id}/part"' in page
        assert f'href="/runs/{done.tax.id}/"' in page
        assert f'href="/runs/{done.desk.id}/tree"' in page
        assert "Asked <b><bdi>Plant Desk</bdi></b>: May I?" in page

    def test_a_part_shows_its_task_its_answer_and_its_own_asks(self, as_bob, done):
        part = as_bob.get(f"/c/turn/{done.tax.id}/part").content.decode()
        assert "What is due?" in part
        assert "Answer of Tax Clerk." in part
        assert f'data-delegated="/c/turn/{done.law.id}/part"' in part
        assert trees.REFUSED.split(":")[0] in part
        assert "/regenerate" not in part.split("tools")[1]

    def test_a_part_has_a_page(self, as_bob, done):
        page = as_bob.get(f"/runs/{done.law.id}/").content.decode()
        assert "Asked by Tax Clerk, asked by Pump Doctor" in page
        assert "Answer of Law Reader." in page
        assert f'href="{chat_of(done.desk)}"' in page

    def test_the_page_of_the_first_run_is_its_chat(self, as_bob, done):
        assert as_bob.get(f"/runs/{done.desk.id}/").url == chat_of(done.desk)

    def test_the_tree_shows_each_run_once(self, as_bob, done):
        page = as_bob.get(f"/runs/{done.desk.id}/tree").content.decode()
        assert page.count('<article class="tree-run"') == 8
        assert "Sources: the file prices.pdf and the page fees.example" in page
        assert trees.REFUSED in page
        assert "data-tree-live" not in page
        assert "style=" not in page

    def test_a_part_of_the_tree_leads_to_all_of_it(self, as_bob, done):
        page = as_bob.get(f"/runs/{done.law.id}/tree").content.decode()
        assert page.count('<article class="tree-run"') == 3
        assert f'href="/runs/{done.desk.id}/tree"' in page

    def test_a_live_tree_gives_its_changing_part_alone(self, as_bob, live):
        part = as_bob.get(f"/runs/{live.desk.id}/tree?part").content.decode()
        assert "data-tree-live" in part
        assert part.count("Waiting for approval") == 6
        assert "<html" not in part

    @pytest.mark.parametrize("address", ["/c/turn/{}/part", "/runs/{}/", "/runs/{}/tree", "/runs/{}/tree?part"])
    def test_nobody_else_sees_any_of_it(self, as_bob, as_charlie, alice, done, address):
        as_alice = Client()
        as_alice.force_login(alice)  # she owns all of these GPTs
        for run in (done.desk, done.tax, done.scribe):
            assert as_charlie.get(address.format(run.id)).status_code == 404
            assert as_alice.get(address.format(run.id)).status_code == 404
            assert Client().get(address.format(run.id)).status_code in {302, 404}
        assert as_bob.get(address.format(done.scribe.id)).status_code == 200

    def test_nobody_writes_into_what_gpts_say_to_each_other(self, as_bob, done):
        hidden = done.tax.message.conversation
        assert as_bob.get(chat_of(done.tax)).status_code == 404
        assert as_bob.post(f"/c/{hidden.id}/send", {"text": "And I say"}).status_code == 404
        assert as_bob.post(f"/c/{hidden.id}/regenerate").status_code == 404
        more = {"text": "And I say", "conversation": str(hidden.id)}
        sent = as_bob.post(f"/api/gpts/{hidden.gpt.slug}/runs", more, content_type="application/json")
        assert sent.status_code == 404

    def test_the_pages_of_a_deleted_chat_are_gone(self, as_bob, done):
        delete_conversation(done.desk.message.conversation)
        assert as_bob.get(f"/runs/{done.desk.id}/tree").status_code == 404


class TestCards:
    """A request of a run far below stands in the chat, with everyone through whom it came."""

    def test_it_names_the_whole_chain(self, live):
        (card,) = cards(live.desk)
        assert (card.run.id, card.name) == (live.scribe.id, "Scribe of Statutes")
        assert card.chain == (
            "Pump Doctor asked Tax Clerk, which asked Law Reader, which asked Old Law Reader,"
            " which asked Scribe of Statutes, which wants to:"
        )

    def test_it_posts_to_the_run_that_asks(self, as_bob, live):
        page = as_bob.get(chat_of(live.desk)).content.decode()
        assert f'action="/runs/{live.scribe.id}/approve"' in page
        assert f'action="/runs/{live.desk.id}/approve"' not in page
        assert 'data-status="requires_action"' in page

    def test_a_plain_form_goes_back_to_the_chat(self, as_bob, live):
        answer = {"call_id": "w1", "allowed": "true", "digest": "d" * 64}
        response = as_bob.post(f"/runs/{live.scribe.id}/approve", answer)
        assert response.url == chat_of(live.desk)
        assert log.read(live.scribe.id)[-1] == Approval(call_id="w1", allowed=True, digest="d" * 64)
        assert cards(live.desk) == ()

    def test_nobody_else_can_answer_it(self, as_charlie, live):
        answer = {"call_id": "w1", "allowed": "true"}
        assert as_charlie.post(f"/runs/{live.scribe.id}/approve", answer).status_code == 404

    def test_a_run_that_is_over_has_none(self, run):
        trees.waits(run)
        log.append(run.id, Finished(text="Done."))
        run.refresh_from_db()
        assert cards(run) == ()
