"""Branches: edited messages, other answers, what each answer knows of the conversation, and forked chats."""

from datetime import timedelta

import pytest
from django.http import Http404
from django.utils import timezone

from gpts.knowledge.documents import Citation
from gpts.runs.steps import Error, Finished, ToolResult, UserMessage
from tests.web.runs.attached import attached
from web.accounts import quotas
from web.runs import branches, copies, files, log, services
from web.runs.branches import Branches
from web.runs.deletion import delete_conversation
from web.runs.errors import EmptyMessage, OverQuota, StillAnswering
from web.runs.models import Conversation, Message, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(conversation):
    def ask(text, answer):
        run = services.start_run(conversation, text)
        log.append(run.id, Finished(text=answer))
        return run

    return ask


def said(run):
    """The answers of which a run knows."""
    return [steps[-1].text for steps in services.history(Run.objects.get(id=run.id))]


def shown(conversation):
    known = Branches(Conversation.objects.get(id=conversation.id))
    return known.up_to(known.shown)


def test_an_edited_message_starts_a_branch_that_knows_only_what_came_before(conversation, ask):
    first, second, third = ask("One", "1"), ask("Two", "2"), ask("Three", "3")
    edited = services.edit(second.message, "Two, but different")
    assert said(edited) == ["1"]
    assert shown(conversation) == [first.id, edited.id]
    assert said(third) == ["1", "2"]
    assert Message.objects.filter(conversation=conversation).count() == 4


def test_the_first_message_can_be_edited(conversation, ask):
    first = ask("One", "1")
    ask("Two", "2")
    edited = services.edit(first.message, "Uno")
    assert said(edited) == []
    assert shown(conversation) == [edited.id]


def test_any_answer_can_be_regenerated_and_both_stay(conversation, ask):
    first = ask("One", "1")
    second = ask("Two", "2")
    again = services.regenerate(first.message)
    log.append(again.id, Finished(text="1b"))
    assert shown(conversation) == [again.id]
    third = ask("Three", "3")
    assert said(third) == ["1b"]
    branches.show(conversation, first.id)
    assert shown(conversation) == [first.id, second.id]


def test_an_answer_regenerated_on_another_day_has_that_date(conversation, ask, monkeypatch):
    first = ask("One", "1")
    tomorrow = timezone.localdate() + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda: tomorrow)
    again = services.regenerate(first.message)
    assert log.first(again.id).background.today == tomorrow


def test_versions_are_told_by_the_runs_that_show_them(conversation, ask):
    first, second = ask("One", "1"), ask("Two", "2")
    edited = services.edit(second.message, "Two, again")
    log.append(edited.id, Finished(text="2b"))
    again = services.regenerate(edited.message)
    known = Branches(conversation)
    versions = known.versions_of_message(again.id)
    assert (versions.runs, versions.number) == ((second.id, again.id), 2)
    assert (versions.previous, versions.next) == (second.id, None)
    assert known.versions_of_answer(again.id).previous == edited.id
    assert known.versions_of_message(first.id).runs == (first.id,)


def test_a_failed_answer_is_passed_over(ask, conversation):
    ask("One", "1")
    failed = services.start_run(conversation, "Two")
    log.append(failed.id, Error(message="No."))
    assert said(ask("Three", "3")) == ["1"]


def test_nothing_is_shown_or_forked_while_an_answer_is_in_progress(conversation, ask):
    first = ask("One", "1")
    services.start_run(conversation, "Two")
    for attempt in (branches.show, copies.fork):
        with pytest.raises(StillAnswering):
            attempt(conversation, first.id)
    with pytest.raises(StillAnswering):
        services.edit(first.message, "Uno")


def test_a_run_of_another_chat_is_not_shown(conversation, ask, bob, gpt):
    ask("One", "1")
    other = services.start_run(services.start_conversation(bob, gpt), "Elsewhere")
    log.append(other.id, Finished(text="There"))
    for attempt in (branches.show, copies.fork):
        with pytest.raises(Http404):
            attempt(conversation, other.id)


def test_an_empty_edit_is_refused_and_changes_nothing(conversation, ask):
    first = ask("One", "1")
    with pytest.raises(EmptyMessage):
        services.edit(first.message, "  ")
    assert shown(conversation) == [first.id]


def test_an_edited_message_keeps_the_files_it_was_sent_with_or_some(conversation, bob):
    one, two = attached(bob, "one.txt"), attached(bob, "two.txt")
    run = services.start_run(conversation, "Compare", attachments=[one.id, two.id])
    log.append(run.id, Finished(text="Done"))
    edited = services.edit(run.message, "Compare them")
    log.append(edited.id, Finished(text="Done"))
    assert [file.name for file in log.first(edited.id).attachments] == ["one.txt", "two.txt"]
    fewer = services.edit(run.message, "Read it", [two.id])
    assert [file.name for file in log.first(fewer.id).attachments] == ["two.txt"]


def test_copies_of_a_chat_count_as_storage(conversation, ask, bob):
    """Each copy stores all texts again, and no message is counted for it."""
    last = ask("One", "x" * 400_000)
    quotas.set_limit("storage_mb", 1, bob)
    copy = copies.fork(conversation, last.id)
    assert 0.4 < quotas.stored_mb(bob.id) == copy.n_bytes / quotas.MB < 0.5
    copies.fork(conversation, last.id)
    with pytest.raises(OverQuota):
        copies.fork(conversation, last.id)
    assert Conversation.objects.count() == 3
    delete_conversation(copy)
    copies.fork(conversation, last.id)


def test_a_fork_has_everything_up_to_its_place_and_stands_alone(conversation, ask, bob):
    file = attached(bob, "plan.txt")
    first = services.start_run(conversation, "One", attachments=[file.id])
    made = files.keep(first, "out.csv", b"a,b", untrusted=False)
    log.append(first.id, ToolResult(call_id="c1", name="run_python", text="ok", files=(made,)))
    where = {"segment": "00ff", "chunk": 0, "quote": "a", "start": 0, "end": 1, "answer_start": 0, "answer_end": 1}
    place = Citation(file_id=str(file.id), file_name="plan.txt", tag=1, **where)
    log.append(first.id, Finished(text="1", citations=(place,)))
    second, third = ask("Two", "2"), ask("Three", "3")
    copy = copies.fork(conversation, second.id)
    path = shown(copy)
    assert [log.read(id)[-1].text for id in path] == ["1", "2"]
    assert not set(path) & {first.id, second.id, third.id}
    question = log.first(path[0])
    assert isinstance(question, UserMessage)
    assert {question.attachments[0].id} & {str(file.id)} == set()
    assert log.read(path[0])[-1].citations[0].file_id == question.attachments[0].id
    delete_conversation(conversation)
    assert files.access_file(bob, question.attachments[0].id).name == "plan.txt"
    result = next(step for step in log.read(path[0]) if isinstance(step, ToolResult))
    assert files.access_file(bob, result.files[0].id).name == "out.csv"
    more = services.start_run(copy, "Four")
    assert said(more) == ["1", "2"]
    assert sum(Run.objects.filter(message__conversation=copy).values_list("n_tokens", flat=True)) == 0
