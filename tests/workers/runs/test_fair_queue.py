"""Runs are answered in turns by person: whoever floods the queue delays others by one reply at most."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from queue import Queue

import pytest
from django.db import connection
from django.utils import timezone

from gpts.spec.tools import ToolSpec
from tests.workers.made_services import made_services
from tests.workers.trees import Embedder, Index, ask, asks, call, make_gpt, says, scripted_services
from web.accounts.models import User
from web.builder import widgets
from web.runs import fair_queue, log, services, stream
from web.runs.fair_queue import SLOTS
from web.runs.models import QueueTurn, Run
from workers import slots, tasks
from workers.engine.base import served_person
from workers.runs import loop
from workers.slots import work_through
from workers.tools import Tool, ToolOutput

N_FLOOD = 100
PATIENCE_S = 20


@pytest.fixture(autouse=True)
def stays(monkeypatch):
    """These tests run in no worker, which would end itself if a test before them had used the embedder."""
    monkeypatch.setattr(tasks.indexing, "retire_if_idle", lambda: None)


@pytest.fixture(autouse=True)
def silent(monkeypatch, settings) -> None:
    monkeypatch.setattr(stream, "publish", lambda run_id, *events: None)
    monkeypatch.setattr(stream, "partial_text", lambda run_id: "")
    settings.MAX_ACTIVE_RUNS = N_FLOOD


@pytest.fixture
def flood(alice, gpt) -> list[Run]:
    """A hundred messages that Alice sent at once."""
    return [ask(alice, gpt, f"Question {n}") for n in range(N_FLOOD)]


class Crew:
    """Several threads of workers, whose model answers when the test lets it; `begun` has the people in order."""

    def __init__(self) -> None:
        self.begun: Queue[int] = Queue()
        self._may_end = defaultdict(partial(threading.Semaphore, 0))
        self._services = made_services(self._reply, Index(), Embedder())

    def _reply(self, messages):
        event = threading.Event()
        person = served_person.get()

        def wait() -> None:
            self.begun.put(person)
            self._may_end[person].acquire(timeout=PATIENCE_S)
            event.set()

        threading.Thread(target=wait).start()
        return [event, "Done."]

    def next_begun(self) -> int:
        return self.begun.get(timeout=PATIENCE_S)

    def let_one_end(self, person: User) -> None:
        self._may_end[person.id].release()

    @contextmanager
    def at_work(self, n_threads: int) -> Iterator[None]:
        threads = [threading.Thread(target=self._work) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        yield
        for person in User.objects.all():
            self._may_end[person.id].release(N_FLOOD * 2)
        for thread in threads:
            thread.join(timeout=PATIENCE_S)

    def _work(self) -> None:
        try:
            while loop.advance_next("model", lambda: self._services):
                pass
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
class TestSeveralWorkers:
    def test_the_next_free_one_takes_the_first_message_of_whoever_has_none_in_work(self, flood, alice, bob, gpt):
        crew = Crew()
        with crew.at_work(4):
            assert [crew.next_begun() for _ in range(4)] == [alice.id] * 4  # alone, she may use them all
            first = ask(bob, gpt, "My only question")
            assert fair_queue.place_of(first.id).ahead == 0
            crew.let_one_end(alice)
            assert crew.next_begun() == bob.id
            for n in range(9):
                ask(bob, gpt, f"Another {n}")
            # Bob's next goes before Alice's until they share the workers.
            for ending, expected in ((alice, bob), (alice, alice), (bob, bob)):
                crew.let_one_end(ending)
                assert crew.next_begun() == expected.id
        assert not Run.objects.exclude(status="completed").exists()

    def test_nothing_is_lost_or_done_twice_with_everything_at_once(self, alice, bob, charlie, gpt):
        runs = [ask(person, gpt, f"{n}") for n in range(12) for person in (alice, bob, charlie)]
        crew = Crew()
        with crew.at_work(6):
            pass
        assert Run.objects.filter(status="completed", n_attempts=1).count() == len(runs)
        assert crew.begun.qsize() == len(runs)


@pytest.mark.django_db
class TestOneWorker:
    def test_a_flood_delays_anothers_first_by_one_reply_and_then_both_take_turns(self, flood, alice, bob, gpt):
        order = []

        def reply(messages) -> str:
            order.append(served_person.get())
            if len(order) == 1:  # while Alice's first is answered
                ask(bob, gpt, "One?")
                ask(bob, gpt, "Two?")
            return "Done."

        its = made_services(reply, Index(), Embedder())
        while loop.advance_next("model", lambda: its):
            pass
        assert order[:5] == [alice.id, bob.id, alice.id, bob.id, alice.id]
        assert len(order) == N_FLOOD + 2

    def test_a_run_that_uses_a_tool_waits_for_a_tools_worker_and_then_keeps_its_place(
        self, flood, alice, gpt, monkeypatch
    ):
        stock = ToolSpec(name="stock", description="", parameters={"type": "object"})
        monkeypatch.setattr(
            loop, "granted", lambda spec, _: {"stock": Tool(stock, lambda arguments, context: ToolOutput("3"))}
        )

        def reply(messages) -> str:
            return (
                "Three."
                if messages[-1].role == "tool"
                else '<tool_call>{"name": "stock", "arguments": {}}</tool_call>'
            )

        its = made_services(reply, Index(), Embedder())
        assert not loop.advance_next("tools", lambda: its)
        assert loop.advance_next("model", lambda: its)
        flood[0].refresh_from_db()
        assert (flood[0].queue, flood[0].lease) == ("tools", "")
        assert loop.advance_next("tools", lambda: its)
        assert fair_queue.place_of(flood[0].id).ahead == 0  # before the 99 that were sent later
        assert loop.advance_next("model", lambda: its)
        flood[0].refresh_from_db()
        assert (flood[0].status, flood[0].queue) == ("completed", "")

    def test_a_flood_takes_every_slot_only_while_nobody_else_is_there(self, flood, alice, bob, gpt):
        alone = [fair_queue.take("model").person for _ in range(SLOTS["model"] // 2 + 4)]
        assert set(alone) == {alice.id}
        ask(bob, gpt, "One?")
        assert fair_queue.take("model").person == bob.id
        assert fair_queue.take("model") is None  # Alice has more than half of the slots in work
        Run.objects.filter(owner=bob).update(status="completed", queue="")
        assert fair_queue.take("model").person == alice.id

    def test_held_back_runs_are_woken_once_the_others_are_gone(
        self, flood, alice, bob, gpt, sent_tasks, django_capture_on_commit_callbacks
    ):
        run = ask(bob, gpt, "One?")
        taken = {str(fair_queue.take("model").run_id) for _ in range(SLOTS["model"] // 2 + 1)}
        assert fair_queue.take("model") is None
        Run.objects.filter(id=run.id).update(status="completed", queue="")
        sent_tasks.clear()
        with django_capture_on_commit_callbacks(execute=True):
            taken.add(str(fair_queue.take("model").run_id))
        woken = [run_id for _, run_id, queue in sent_tasks if queue == "model"]
        assert len(woken) == SLOTS["model"]
        assert woken[0] in taken
        assert not taken & {*woken[1:]}
        sent_tasks.clear()
        with django_capture_on_commit_callbacks(execute=True):
            fair_queue.take("model")
        assert sent_tasks == []

    def test_calls_of_tools_that_hang_leave_others_their_workers(self, flood, alice, bob, gpt, settings):
        settings.MAX_TOOL_CALLS_PER_PERSON = 2
        Run.objects.update(queue="tools")
        hanging = [fair_queue.take("tools") for _ in range(2)]
        assert [claimed.person for claimed in hanging] == [alice.id] * 2
        assert fair_queue.take("tools") is None
        Run.objects.filter(id=ask(bob, gpt).id).update(queue="tools")
        assert fair_queue.take("tools").person == bob.id
        log.hand_over(hanging[0].run_id, hanging[0].lease, "model")
        assert fair_queue.take("tools").person == alice.id

    def test_what_a_gpt_delegates_is_answered_before_later_messages(self, alice, bob, sent_tasks):
        desk = make_gpt(alice, "Desk", make_gpt(alice, "Clerk"))
        first, second = ask(bob, desk, "One?"), ask(bob, desk, "Two?")
        its = scripted_services({"Desk": asks(call("ask_clerk", "Say it")), "Clerk": says("Said.")})
        for _ in range(3):  # Desk delegates, Clerk answers, Desk answers
            assert loop.advance_next("model", lambda: its)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.status, second.status) == ("completed", "queued")

    def test_a_hundred_sessions_of_a_widget_have_one_place(self, alice, bob, gpt):
        widget = widgets.change(gpt, {"is_on": True})
        visitors = [widgets.new_visitor(widget).user for _ in range(5)]
        for visitor in visitors:
            ask(visitor, gpt, "Hello?")
        ask(bob, gpt, "One?")
        last = ask(bob, gpt, "Two?")
        assert fair_queue.place_of(last.id).ahead == 2
        order = [fair_queue.take("model").person for _ in range(4)]
        assert order.count(bob.id) == 2
        assert order[:2].count(bob.id) == 1

    def test_a_dead_workers_run_is_taken_again(self, run):
        assert fair_queue.take("model").run_id == run.id
        assert fair_queue.take("model") is None
        Run.objects.update(lease_until=timezone.now() - log.LEASE)
        assert fair_queue.take("model").run_id == run.id

    def test_what_waits_for_a_person_or_is_over_is_not_in_the_queue(self, alice, bob, gpt):
        stopped, waiting = ask(bob, gpt), ask(bob, gpt)
        services.cancel_run(stopped)
        claimed = fair_queue.take("model")
        assert claimed.run_id == waiting.id
        log.release(waiting.id, claimed.lease, 1)
        assert fair_queue.take("model") is None
        assert fair_queue.place_of(waiting.id) is None

    def test_a_lost_message_is_sent_again_to_the_queue_that_the_run_waits_in(
        self, run, sent_tasks, django_capture_on_commit_callbacks
    ):
        log.hand_over(run.id, fair_queue.take("model").lease, "tools")
        Run.objects.update(lease_until=timezone.now() - log.WAKE)
        with django_capture_on_commit_callbacks(execute=True):
            tasks.wake_stalled_runs()
        assert sent_tasks == [("workers.tasks.advance", str(run.id), "tools")]


@pytest.mark.django_db
class TestPlace:
    def test_it_counts_whom_is_served_before_and_estimates_the_time(self, flood, alice, bob, gpt):
        its = made_services(says("Done."), Index(), Embedder())
        assert fair_queue.place_of(flood[3].id) == fair_queue.Place(3, None)
        assert fair_queue.place_of(flood[3].id).text == "Queued · 3 ahead of you"
        loop.advance_next("model", lambda: its)
        QueueTurn.objects.update(seconds=20)
        assert fair_queue.take("model").run_id == flood[1].id
        first, second = ask(bob, gpt), ask(bob, gpt)
        assert fair_queue.place_of(first.id) == fair_queue.Place(0, 20)
        assert fair_queue.place_of(second.id) == fair_queue.Place(2, 60)  # Alice's next is between Bob's two
        assert fair_queue.place_of(second.id).text == "Queued · 2 ahead of you · about 1 minute"
        assert fair_queue.place_of(flood[1].id) is None

    def test_it_is_worked_out_in_the_same_number_of_queries_however_many_wait(
        self, flood, bob, gpt, django_assert_num_queries, monkeypatch
    ):
        monkeypatch.setattr(fair_queue, "SEEN_S", 1e9)
        fair_queue._waiting_at.cache_clear()
        run = ask(bob, gpt)
        with django_assert_num_queries(4):
            fair_queue.place_of(run.id)
        with django_assert_num_queries(4):
            seen = [fair_queue.recent_place_of(each.id) for each in (*flood, run)]
        assert [place.ahead for place in seen] == [*sorted(place.ahead for place in seen[:-1]), seen[-1].ahead]


class TestSlots:
    """A message that finds no free slot is dropped, and what it announced is done by the one that was busy."""

    @pytest.fixture(autouse=True)
    def one_slot(self, monkeypatch):
        monkeypatch.setitem(slots._free, "model", threading.BoundedSemaphore(1))
        monkeypatch.setitem(slots._is_marked, "model", threading.Event())

    def test_it_goes_on_until_nothing_waits(self):
        todo = [1, 2, 3]
        work_through("model", lambda: bool(todo) and bool(todo.pop()))
        assert todo == []

    def test_what_was_added_just_before_the_slot_was_free_is_done(self):
        todo, done = [], []

        def do_next() -> bool:
            if todo:
                done.append(todo.pop())
                return True
            if not done:  # the last look was too early: somebody adds work, whose message finds the slot busy
                todo.append("late")
                work_through("model", lambda: pytest.fail("the slot is not free"))
            return False

        work_through("model", do_next)
        assert done == ["late"]

    def test_it_looks_no_more_often_than_there_were_messages(self):
        looks = []
        for _ in range(2):
            work_through("model", lambda: bool(looks.append("nothing")))
        assert looks == ["nothing"] * 2

    def test_an_error_frees_the_slot(self):
        def fail() -> bool:
            raise RuntimeError

        for _ in range(2):
            with pytest.raises(RuntimeError):
                work_through("model", fail)
