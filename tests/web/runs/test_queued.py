"""Messages that wait for the answer in progress: sent once, in order, whatever dies meanwhile."""

import pytest
from django.http import Http404

from gpts.runs.steps import Cancelled, Finished
from tests.web.runs.attached import attached
from web.builder.models_access import Sharing
from web.builder.services import set_sharing
from web.runs import log, queued, services
from web.runs.deletion import delete_conversation
from web.runs.errors import EmptyMessage, Refused
from web.runs.models import Conversation, Run
from web.runs.models_chats import QueuedMessage
from workers import tasks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stays(monkeypatch):
    """These tests run in no worker, which would end itself if a test before them had used the embedder."""
    monkeypatch.setattr(tasks.indexing, "retire_if_idle", lambda: None)


@pytest.fixture
def answering(conversation):
    return services.start_run(conversation, "One")


def texts(conversation):
    return list(conversation.messages.values_list("text", flat=True))


def end(run, last=None):
    services.finish_run(run.id, last or Finished(text="Done"), None)


def test_messages_are_sent_one_after_another(conversation, answering):
    for text in ("Two", "Three"):
        queued.add(conversation, text)
    assert texts(conversation) == ["One"]
    assert queued.start_next(conversation.id) is None
    end(answering)
    second = queued.start_next(conversation.id)
    assert queued.start_next(conversation.id) is None
    end(second)
    assert queued.start_next(conversation.id).message.text == "Three"
    assert texts(conversation) == ["One", "Two", "Three"]
    assert second.message.after_id == answering.id
    assert not QueuedMessage.objects.exists()


def test_the_end_of_an_answer_wakes_a_worker_only_if_one_waits(
    conversation, answering, sent_tasks, django_capture_on_commit_callbacks
):
    queued.add(conversation, "Two")
    with django_capture_on_commit_callbacks(execute=True):
        end(answering)
    assert ("workers.tasks.start_queued", str(conversation.id)) in [(name, row) for name, row, *_ in sent_tasks]
    tasks.start_queued(str(conversation.id))
    sent_tasks.clear()
    with django_capture_on_commit_callbacks(execute=True):
        end(Run.objects.latest("created"))
    assert not [task for task in sent_tasks if "start_queued" in str(task)]


def test_one_without_an_answer_in_progress_is_sent_at_once(conversation, answering):
    end(answering)
    queued.add(conversation, "Two")
    assert texts(conversation) == ["One", "Two"]


def test_what_a_dead_worker_left_is_found(conversation, answering):
    queued.add(conversation, "Two")
    assert queued.due() == []
    end(answering)
    assert queued.due() == [conversation.id]
    tasks.wake_stalled_runs()
    assert texts(conversation) == ["One", "Two"]
    assert queued.due() == []


def test_one_that_cannot_be_sent_stays_with_the_reason(conversation, answering, gpt, bob):
    file = attached(bob)
    queued.add(conversation, "Two", [file.id])
    queued.add(conversation, "Three")
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    end(answering)
    assert queued.start_next(conversation.id) is None
    held = conversation.queued.first()
    assert (held.text, held.error) == ("Two", queued.GONE)
    assert queued.due() == []
    set_sharing(gpt, Sharing.STORE, by=gpt.owner)
    queued.send_now(held)
    run = Run.objects.latest("created")
    assert [ref.name for ref in log.first(run.id).attachments] == [file.name]


def test_one_is_sent_now_by_stopping_the_answer(conversation, answering):
    queued.add(conversation, "Two")
    third = queued.add(conversation, "Three")
    queued.send_now(third)
    assert isinstance(log.read(answering.id)[-1], Cancelled)
    assert texts(conversation) == ["One", "Three"]
    assert [each.text for each in conversation.queued.all()] == ["Two"]


def test_one_is_withdrawn_once(conversation, answering):
    message = queued.add(conversation, "Two")
    queued.withdraw(queued.access(conversation, message.id))
    with pytest.raises(Http404):
        queued.withdraw(message)
    with pytest.raises(Http404):
        queued.access(conversation, message.id)
    end(answering)
    assert queued.start_next(conversation.id) is None


def test_empty_and_too_many_are_refused(conversation, answering):
    with pytest.raises(EmptyMessage):
        queued.add(conversation, " ")
    for number in range(queued.MAX_QUEUED):
        queued.add(conversation, str(number))
    with pytest.raises(Refused, match="wait already"):
        queued.add(conversation, "One more")


def test_those_of_a_deleted_chat_are_gone(conversation, answering):
    queued.add(conversation, "Two")
    delete_conversation(Conversation.objects.get(id=conversation.id))
    assert not QueuedMessage.objects.exists()
    assert queued.start_next(conversation.id) is None
