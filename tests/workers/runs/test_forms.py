"""Forms in whole turns: a model that asks, a server that asks during a call, and the person who answers."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection

from gpts.runs.form_answers import InvalidAnswers
from gpts.runs.forms import Form, FormField
from gpts.runs.plan import INTERRUPTED
from gpts.runs.steps import Approval, ApprovalRequest, Finished, ToolResult
from gpts.spec.tools import ToolSpec
from tests.workers import advancing
from tests.workers.made_services import made_services
from tests.workers.trees import Embedder, Index, Worker, ask, kinds, last, make_gpt, scripted_services
from web.runs import approving, log, services
from web.runs.errors import Refused, RunOver
from web.runs.models import Run
from web.runs.trees import waiting
from workers.engine.scripted import WEAK
from workers.runs import asking, loop
from workers.tools import Tool, ToolOutput

pytestmark = pytest.mark.django_db(transaction=True)
CALL = (
    '<tool_call>{"name": "ask_user", "arguments": {"message": "Where to?", "fields":'
    ' [{"name": "city", "kind": "text", "required": true}]}}</tool_call>'
)


def asks_person(messages) -> str:
    results = [message.content for message in messages if message.role == "tool"]
    return f"I read: {results[-1]}" if results else CALL


@pytest.fixture
def desk(alice):
    return make_gpt(alice, "Desk", capabilities=["forms"])


def answer(run: Run, action="accept", **answers) -> None:
    approving.answer_form(run, "call_0", action, lambda form: answers)


class TestAskUser:
    @pytest.fixture
    def worker(self, sent_tasks) -> Worker:
        return Worker(sent_tasks, scripted_services({"Desk": asks_person}))

    @pytest.fixture
    def run(self, desk, bob, worker) -> Run:
        run = ask(bob, desk, "Book a room.")
        worker.drain()
        run.refresh_from_db()
        return run

    def test_the_run_waits_without_a_worker_and_goes_on_with_the_answers(self, run, worker):
        assert (run.status, run.lease, run.queue) == ("requires_action", "", "")
        ((_, request),) = waiting(run)
        assert (request.form.message, request.form.asker) == ("Where to?", "")
        answer(run, city="Rome")
        worker.drain()
        assert last(run).text == 'I read: The user\'s answers: {"city": "Rome"}'
        result = next(step for step in log.read(run.id) if isinstance(step, ToolResult))
        assert not result.label.is_untrusted

    def test_answers_that_do_not_fit_leave_the_form_open(self, run):
        with pytest.raises(InvalidAnswers):
            answer(run, city="")
        assert len(waiting(run)) == 1

    def test_two_tabs_cannot_both_answer(self, run, worker):
        answer(run, city="Rome")
        with pytest.raises(Refused, match="already answered"):
            answer(run, city="Paris")
        worker.drain()
        assert "Rome" in last(run).text
        assert kinds(run).count("approval") == 1

    def test_allowing_is_no_answer(self, run):
        with pytest.raises(Refused, match="Fill in its form"):
            approving.answer_approval(run, "call_0", True)
        assert len(waiting(run)) == 1

    @pytest.mark.parametrize(("action", "told"), [("decline", "doesn't want to"), ("cancel", "closed the form")])
    def test_a_person_may_decline_or_close_it(self, run, worker, action, told):
        answer(run, action)
        worker.drain()
        assert told in last(run).text

    def test_a_stopped_run_has_no_form(self, run):
        services.cancel_run(run)
        run.refresh_from_db()
        assert waiting(run) == ()
        with pytest.raises(RunOver):
            answer(run, city="Rome")

    def test_a_delegated_gpt_asks_the_person_of_the_first_run(self, alice, desk, bob, sent_tasks):
        def leads(messages) -> str:
            results = [message.content for message in messages if message.role == "tool"]
            if results:
                return f"It says: {results[-1]}"
            return '<tool_call>{"name": "ask_desk", "arguments": {"task": "Book a room."}}</tool_call>'

        worker = Worker(sent_tasks, scripted_services({"Desk": asks_person, "Lead": leads}))
        run = ask(bob, make_gpt(alice, "Lead", desk), "Book a room.")
        worker.drain()
        ((child, request),) = waiting(run)
        assert (child.root_id, request.form.message) == (run.id, "Where to?")
        answer(child, city="Rome")
        worker.drain()
        assert "Rome" in last(run).text


def test_a_model_that_cannot_call_tools_never_asks(desk, bob, sent_tasks):
    seen: list[list[str]] = []

    class Router:
        def ranked(self, said, candidates):
            seen.append([each.name for each in candidates])
            return []

    run = ask(bob, desk, "Ask me everything you need to know first.")
    Worker(sent_tasks, scripted_services({"Desk": asks_person}, Router(), WEAK)).drain()
    assert "approval_request" not in kinds(run)
    assert all("ask_user" not in names for names in seen)
    assert isinstance(last(run), Finished)


class TestDuringACall:
    """A tool whose server asks while the call is in progress: a worker holds it."""

    FORM = Form(message="Which shelf?", fields=(FormField(name="shelf", required=True),), asker="h.example")

    @pytest.fixture(params=["read", "write"])
    def run(self, request, desk, bob, monkeypatch) -> Run:
        spec = ToolSpec(name="stock", description="", parameters={"type": "object"}, effect=request.param)

        def stock(arguments, context) -> ToolOutput:
            answer = context.ask(self.FORM)
            return ToolOutput(f"{answer.allowed} {answer.expired} {answer.answers}")

        monkeypatch.setattr(loop, "granted", lambda spec_, settings: {"stock": Tool(spec, stock)})
        monkeypatch.setattr(asking, "LOOK_EVERY_S", 0.05)
        run = ask(bob, desk, "Stock?")
        self.advance(run, "model")
        if request.param == "write":
            approving.answer_approval(run, "call_0", True)
        return run

    def advance(self, run: Run, queue: str) -> None:
        def reply(messages) -> str:
            results = [message.content for message in messages if message.role == "tool"]
            return (
                f"I read: {results[-1]}" if results else '<tool_call>{"name": "stock", "arguments": {}}</tool_call>'
            )

        advancing.advance(run.id, queue, lambda: made_services(reply, Index(), Embedder()))

    def meanwhile(self, run: Run, person: Callable[[], None]) -> None:
        """Perform the call in a thread, as a worker, and do what the person does once the form is there."""

        def work() -> None:
            try:
                self.advance(run, "tools")
            finally:
                connection.close()

        worker = threading.Thread(target=work)
        worker.start()
        while not any(step.form for step in log.read(run.id) if isinstance(step, ApprovalRequest)):
            assert worker.is_alive()
            time.sleep(0.02)
        person()
        worker.join(20)
        assert not worker.is_alive()

    def result(self, run: Run) -> str:
        return next(step.text for step in log.read(run.id) if isinstance(step, ToolResult))

    def test_the_call_goes_on_with_the_answers(self, run):
        def person() -> None:
            run.refresh_from_db()
            assert run.status == "requires_action"
            answer(run, shelf="B 12")

        self.meanwhile(run, person)
        assert self.result(run) == "True False {'shelf': 'B 12'}"
        assert kinds(run).count("tool_started") == 1  # announced: the question has been asked
        self.advance(run, "model")
        assert isinstance(last(run), Finished)

    def test_nobody_waits_for_ever(self, run, monkeypatch):
        monkeypatch.setattr(asking, "WAIT_S", 0.3)
        self.meanwhile(run, lambda: None)
        assert self.result(run) == "False True {}"
        with pytest.raises(Refused, match="already answered or has expired"):
            answer(run, shelf="B 12")

    def test_stopping_the_run_ends_the_call(self, run):
        self.meanwhile(run, lambda: services.cancel_run(run))
        assert not any(isinstance(step, ToolResult) for step in log.read(run.id))

    @pytest.mark.parametrize(("limit", "whose"), [("MAX_WAITING", "all"), ("MAX_OF_ONE", "one"), ("MAX_OF_ONE", "")])
    def test_only_so_many_calls_wait_at_once(self, run, monkeypatch, limit, whose):
        monkeypatch.setattr(asking, "WAIT_S", 0.1)
        monkeypatch.setattr(asking, limit, 1)
        taken = {"all": (asking._of_all, 0), "one": (asking._of_one, run.owner_id), "": (asking._of_one, -1)}[whose]
        held = taken[0].take(taken[1], 1)
        self.advance(run, "tools")
        assert self.result(run) == "False True {}"
        asked = any(isinstance(step, ApprovalRequest) and step.form for step in log.read(run.id))
        assert asked is not bool(whose)
        held.free()

    def test_an_answer_that_comes_after_the_worker_died_is_refused(self, run):
        def person() -> None:
            run.refresh_from_db()
            Run.objects.filter(id=run.id).update(lease="")  # the worker is taken for dead
            self.advance(run, "tools")
            with pytest.raises(Refused):
                answer(run, shelf="B 12")

        self.meanwhile(run, person)
        assert self.result(run) == INTERRUPTED
        assert not any(isinstance(step, Approval) and step.answers for step in log.read(run.id))
