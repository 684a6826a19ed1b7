"""The run log: one writer, gapless, fenced by a lease."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from gpts.runs.background import Background
from gpts.runs.steps import Approval, ApprovalRequest, Cancelled, Finished, ModelReply, ToolResult, UserMessage
from web.runs import log
from web.runs.errors import LeaseLost, RunOver
from web.runs.models import Run, StepRow

SAID = ModelReply(text="ZP-771.")


def expire(run: Run) -> None:
    Run.objects.filter(id=run.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_run_begins_with_the_question(run):
    today = Background(today=timezone.localdate())
    assert log.read(run.id) == (UserMessage(text="Which seal fits the Z-9?", background=today),)


def test_steps_come_back_as_they_were_appended(run):
    lease = log.claim(run.id)
    assert [log.append(run.id, SAID, lease), log.append(run.id, Finished(text="ZP-771."), lease)] == [1, 2]
    assert log.read(run.id)[1:] == (SAID, Finished(text="ZP-771."))
    run.refresh_from_db()
    assert (run.status, run.n_steps, run.lease) == ("completed", 3, "")


def test_only_one_worker_gets_the_run(run):
    assert log.claim(run.id)
    assert log.claim(run.id) is None


def test_a_silent_worker_loses_its_run_and_cannot_append(run):
    slow = log.claim(run.id)
    expire(run)
    quick = log.claim(run.id)
    assert quick not in (None, slow)
    with pytest.raises(LeaseLost):
        log.append(run.id, SAID, slow)
    assert log.append(run.id, SAID, quick) == 1


def test_renewing_keeps_good_leases_only(run):
    lease = log.claim(run.id)
    expire(run)
    assert log.renew([lease, "someone-elses"]) == {lease}
    assert log.claim(run.id) is None


def test_nothing_follows_the_end(run):
    lease = log.claim(run.id)
    log.append(run.id, Cancelled())
    with pytest.raises(RunOver):
        log.append(run.id, SAID, lease)
    assert log.renew([lease]) == set()
    assert log.claim(run.id) is None


def test_a_call_has_one_result(run):
    lease = log.claim(run.id)
    result = ToolResult(call_id="call_0", name="stock", text="3")
    log.append(run.id, result, lease)
    with pytest.raises(IntegrityError):
        log.append(run.id, result, lease)
    run.refresh_from_db()
    assert run.n_steps == StepRow.objects.filter(run=run).count() == 2


def test_an_approval_between_read_and_release_is_not_lost(run):
    """The interleaving that a plain release loses: the worker has read, the person answers, the worker lets go."""
    lease = log.claim(run.id)
    log.append(run.id, ApprovalRequest(call_id="call_0", name="reserve", digest="d"), lease)
    seen = len(log.read(run.id))
    log.append(run.id, Approval(call_id="call_0", allowed=True))
    assert not log.release(run.id, lease, seen)
    assert log.release(run.id, lease, len(log.read(run.id)))
    assert log.claim(run.id)


def test_a_lost_message_or_a_dead_worker_is_noticed_once(run):
    assert log.take_stalled() == []
    expire(run)
    assert log.take_stalled() == [(run.id, "model")]
    assert log.take_stalled() == []
    log.claim(run.id)
    expire(run)
    assert log.take_stalled() == [(run.id, "model")]


def test_a_run_that_waits_for_a_person_is_not_stalled(run):
    lease = log.claim(run.id)
    log.append(run.id, ApprovalRequest(call_id="call_0", name="reserve", digest="d"), lease)
    log.release(run.id, lease, 2)
    expire(run)
    assert log.take_stalled() == []


@pytest.mark.django_db(transaction=True)
def test_appends_from_many_threads_leave_no_gap(run):
    n_threads, each = 6, 5
    barrier = Barrier(n_threads)

    def work() -> None:
        barrier.wait()
        for _ in range(each):
            log.append(run.id, SAID)
        connection.close()

    threads = [Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seqs = list(StepRow.objects.filter(run=run).values_list("seq", flat=True))
    assert seqs == list(range(n_threads * each + 1))


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_wins(run):
    barrier, won = Barrier(6), []

    def work() -> None:
        barrier.wait()
        won.append(log.claim(run.id))
        connection.close()

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([lease for lease in won if lease]) == 1
