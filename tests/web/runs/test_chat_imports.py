"""Chats of other systems become a person's own: searchable, readable, continued, and never there twice."""

import io
import json
import os
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.utils import timezone

from gpts.runs.steps import Finished, UserMessage
from gpts.safety.labels import Integrity
from web.accounts import quotas
from web.builder.models import Gpt
from web.builder.services import delete_gpt, publish, update_gpt
from web.chat.views import why_read_only
from web.runs import chat_imports, deletion, fair_queue, finding, imported_chats, log
from web.runs.branches import Branches
from web.runs.deletion import delete_conversation
from web.runs.errors import Refused
from web.runs.imported_chats import undo
from web.runs.importing import bring
from web.runs.models import Conversation, Run
from web.runs.models_imports import ChatImport
from web.runs.services import answering_version, history, start_conversation, start_run
from workers import slots, tasks
from workers.tasks import import_next

START = 1_700_000_000.0


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_imports, "RESTS", 0)


def node(id: str, parent: str | None, role: str, text: str, at: float) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]}
    return {
        "id": id,
        "parent": parent,
        "children": [],
        "message": {"author": {"role": role}, "content": content, "create_time": START + at, "recipient": "all"},
    }


def conversation(id: str = "c1", title: str = "Sourdough", **facts: Any) -> dict[str, Any]:
    nodes = [
        {"id": "root", "parent": None, "children": ["a"], "message": None},
        node("a", "root", "user", "Why is my bread flat?", 1),
        node("b", "a", "assistant", "The starter is **weak**.", 2),
        node("b2", "a", "assistant", "It rose too long.", 3),
        node("c", "b2", "user", "How long?", 4),
        node("d", "c", "assistant", "Four hours.", 5),
    ]
    times = {"create_time": START, "update_time": START + 5}
    mapping = {each["id"]: each for each in nodes}
    return {"conversation_id": id, "title": title, "mapping": mapping, "current_node": "d", **times, **facts}


def upload(value: Any, name: str = "conversations.json") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, value if isinstance(value, bytes) else json.dumps(value).encode())


def imported(user: Any, value: Any, name: str = "conversations.json") -> ChatImport:
    """An import that a worker has done."""
    taken = bring(user, "", [upload(value, name)])
    assert taken.gpts == ()
    [row] = taken.chats
    assert import_next()
    row.refresh_from_db()
    assert not row.path.exists()
    return row


def zipped(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_a_conversation_becomes_a_chat_with_its_branches_and_times(bob):
    row = imported(bob, [conversation()])
    assert (row.status, row.n_new, row.error) == ("done", 1, "")
    chat = Conversation.objects.chats_of(bob, "").get()
    assert (chat.title, chat.created, chat.changed) == (
        "Sourdough",
        datetime.fromtimestamp(START, UTC),
        datetime.fromtimestamp(START + 5, UTC),
    )
    branches = Branches(chat)
    path = branches.up_to(branches.shown)
    texts = [(log.first(run).text, log.read(run)[-1].text) for run in path]
    assert texts == [("Why is my bread flat?", "It rose too long."), ("How long?", "Four hours.")]
    assert branches.versions_of_answer(path[0]).at == 1
    assert Run.objects.get(id=path[0]).created == datetime.fromtimestamp(START + 3, UTC)


def test_texts_of_an_export_are_nobodys_own_words(bob):
    imported(bob, [conversation()])
    for run in Run.objects.all():
        first, last = log.read(run.id)
        assert isinstance(first, UserMessage)
        assert isinstance(last, Finished)
        assert not first.own_words
        assert [step.label.integrity for step in (first, last)] == [Integrity.UNTRUSTED] * 2


def test_imported_chats_are_found_by_words_and_by_nobody_else(bob, charlie):
    imported(bob, [conversation()])
    assert {hit.is_answer for hit in finding.find(bob, "starter weak")} == {True}
    assert len(finding.find(bob, "flat")) == 1
    assert finding.find(charlie, "flat") == []


def test_a_chat_can_be_continued_and_then_knows_what_was_said(bob):
    imported(bob, [conversation()])
    chat = Conversation.objects.get()
    assert (chat.gpt.owner, chat.gpt.sharing, chat.gpt.name) == (bob, "me", "ChatGPT chats")
    run = start_run(chat, "And in winter?")
    assert [steps[-1].text for steps in history(run)] == ["It rose too long.", "Four hours."]


def test_importing_twice_changes_nothing(bob):
    first = imported(bob, [conversation(), conversation("c2", "Other")])
    again = imported(bob, [conversation(), conversation("c2", "Other")])
    assert (first.n_new, again.n_new, again.n_known) == (2, 0, 2)
    assert Conversation.objects.count() == 2
    assert Gpt.objects.filter(owner=bob).count() == 1


def test_a_chat_that_went_on_there_is_updated_unless_it_went_on_here(bob):
    imported(bob, [conversation(), conversation("c2", "Other")])
    start_run(Conversation.objects.get(title="Other"), "And in winter?")
    grown = [conversation(), conversation("c2", "Other")]
    for each in grown:
        each["mapping"]["e"] = node("e", "d", "user", "Thanks", 6)
    again = imported(bob, grown)
    assert (again.n_updated, again.n_kept, again.n_new) == (1, 1, 0)
    assert Conversation.objects.get(title="Sourdough").messages.filter(text="Thanks").exists()
    assert not Conversation.objects.get(title="Other").messages.filter(text="Thanks").exists()
    assert Conversation.objects.count() == 2


def test_a_deleted_chat_comes_back_by_another_import(bob):
    imported(bob, [conversation()])
    delete_conversation(Conversation.objects.get())
    assert imported(bob, [conversation()]).n_new == 1
    assert Conversation.objects.chats_of(bob, "").count() == 1


def test_chats_go_to_a_new_gpt_once_theirs_is_deleted(bob):
    imported(bob, [conversation()])
    delete_gpt(Gpt.objects.get())
    imported(bob, [conversation("c2")])
    assert Conversation.objects.get(gpt__deleted=None).gpt.owner == bob


def test_a_data_export_is_read_with_all_of_its_parts(bob):
    data = zipped(
        {
            "conversations-000.json": json.dumps([conversation()]).encode(),
            "conversations-001.json": json.dumps([conversation("c2", "Zürich", is_archived=True)]).encode(),
            "user.json": b"{}",
            "chat.html": b"<html>",
            "dalle-generations/file-1.webp": b"x" * 1_000,
        }
    )
    row = imported(bob, data, "export.zip")
    assert (row.n_new, row.status) == (2, "done")
    assert Conversation.objects.get(title="Zürich").archived


def test_chats_of_open_webui_and_librechat_come_the_same_way(bob):
    messages = {
        "a": {"parentId": None, "role": "user", "content": "Hi", "timestamp": int(START)},
        "b": {"parentId": "a", "role": "assistant", "content": "Hello", "timestamp": int(START)},
    }
    imported(bob, [{"id": "x", "title": "W", "chat": {"history": {"messages": messages, "currentId": "b"}}}])
    lines = [
        {"messageId": "a", "isCreatedByUser": True, "text": "Hi"},
        {"messageId": "b", "parentMessageId": "a", "isCreatedByUser": False, "text": "Hello"},
    ]
    imported(bob, {"conversationId": "y", "title": "L", "messages": lines}, "convo.json")
    names = Conversation.objects.order_by("title").values_list("title", "gpt__name")
    assert list(names) == [("L", "LibreChat chats"), ("W", "Open WebUI chats")]


def test_what_cannot_be_read_is_counted_and_the_rest_imported(bob):
    odd: list[Any] = [{"mapping": {}}, {"mapping": {"a": 5}}, 7, None, {"title": "x"}, conversation(title=None)]  # type: ignore[arg-type]
    row = imported(bob, [conversation(), *odd[:-1], {**odd[-1], "conversation_id": None}])
    assert (row.n_new, row.n_unreadable, row.status) == (2, 5, "done")
    assert Conversation.objects.filter(title="Why is my bread flat?").exists()


def test_texts_that_no_database_takes_are_mended(bob):
    given = conversation(title="A\0B")
    given["mapping"]["a"]["message"]["content"]["parts"] = ["half \ud83d and \0 nothing"]
    assert imported(bob, [given]).n_new == 1


def test_times_in_the_future_are_now(bob):
    imported(bob, [conversation(update_time=4_000_000_000.0)])
    assert Conversation.objects.get().changed <= timezone.now()


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b'[{"mapping": {"a": {}}}, {"mapp', "conversations.json", "incomplete"),
        (b'[{"mapping": {"a": {}}}]', "conversations.json", "no chats in this file"),
        (zipped({"conversations.json": b"[]"}), "x.zip", "no chats in this file"),
        (zipped({"conversations.json": b"[" + b" " * 20_000_000 + b"]"}), "x.zip", "unpacks to more"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data, name, words, bob):
    row = imported(bob, data, name)
    assert row.status == "failed"
    assert words in row.error


def test_what_was_read_before_a_file_breaks_off_stays(bob):
    row = imported(bob, json.dumps([conversation(), conversation("c2")]).encode()[:-20])
    assert (row.status, row.n_new) == ("failed", 1)
    assert imported(bob, [conversation(), conversation("c2")]).n_new == 1


def test_a_worker_that_died_is_replaced_and_two_never_read_at_once(bob, sent_tasks):
    [row] = bring(bob, "", [upload([conversation()])]).chats
    ChatImport.objects.filter(id=row.id).update(status="running", claimed_until=timezone.now() + timedelta(seconds=9))
    import_next()
    assert not Conversation.objects.exists()
    assert chat_imports.take_stalled() == []
    long_ago = timezone.now() - timedelta(hours=1)
    ChatImport.objects.filter(id=row.id).update(claimed_until=long_ago, woken=long_ago)
    assert chat_imports.take_stalled() == [row]
    assert chat_imports.take_stalled() == []
    import_next()
    assert Conversation.objects.count() == 1


def test_an_import_is_sent_to_a_worker_once_it_is_stored(bob, sent_tasks, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        [row] = bring(bob, "", [upload([conversation()])]).chats
    assert ("workers.tasks.import_chats", str(row.id), "index") in sent_tasks


def test_a_person_has_a_few_imports_at_once_and_sees_none_of_others(bob, charlie, monkeypatch):
    rows = [bring(bob, "", [upload([conversation()])]).chats[0] for _ in range(chat_imports.MAX_OPEN)]
    monkeypatch.setattr("web.confined.read", Mock(side_effect=AssertionError("one more need not be read")))
    with pytest.raises(Refused):
        bring(bob, "", [upload([conversation()])])
    assert chat_imports.access_import(bob, rows[0].id) == rows[0]
    with pytest.raises(Http404):
        chat_imports.access_import(charlie, rows[0].id)


def test_files_of_one_request_count_as_imports_in_progress(bob):
    with pytest.raises(Refused):
        bring(bob, "", [upload([conversation()]) for _ in range(chat_imports.MAX_OPEN + 1)])
    assert not ChatImport.objects.exists()


def test_texts_of_imported_chats_count_as_storage_and_those_that_do_not_fit_wait_for_another_import(bob):
    """A message is repeated in the log of each of its answers: 0.6 MB of export became 117 MB of database."""
    quotas.set_limit("storage_mb", 1, bob)
    large = conversation("c2", "Large")
    large["mapping"]["a"]["message"]["content"]["parts"] = ["x" * 90_000]
    large["mapping"] |= {f"b{n}": node(f"b{n}", "a", "assistant", str(n), 10 + n) for n in range(20)}
    given = [conversation(), large, conversation("c3", "Last")]
    row = imported(bob, given)
    assert (row.status, row.n_new) == ("failed", 1)
    assert "limit of 1 MB" in row.error
    assert 0 < quotas.stored_mb(bob.id) < 0.01
    quotas.set_limit("storage_mb", 3, bob)
    assert imported(bob, given).n_new == 2
    assert 1.9 < quotas.stored_mb(bob.id) < 2.3
    delete_conversation(Conversation.objects.get(title="Large"))
    assert quotas.stored_mb(bob.id) < 0.02


def test_an_export_that_is_larger_than_what_is_left_of_the_storage_is_refused(bob, home):
    quotas.set_limit("storage_mb", 0, bob)
    with pytest.raises(quotas.QuotaExceeded):
        bring(bob, "", [upload([conversation()])])
    assert list((home / "imports").iterdir()) == []


@pytest.mark.parametrize("limit", ["MAX_CHATS", "MAX_MESSAGES", "MAX_TEXT_BYTES"])
def test_one_import_stores_so_much_and_the_next_one_goes_on(limit, bob, monkeypatch):
    given = [conversation(f"c{n}", f"Chat {n}") for n in range(4)]
    for name, at_most in {"MAX_CHATS": 2, "MAX_MESSAGES": 12, "MAX_TEXT_BYTES": 20_000}.items():
        monkeypatch.setattr(imported_chats, name, at_most if name == limit else 10**9)
    first = imported(bob, given)
    assert (first.status, first.n_new) == ("failed", 2)
    assert first.error == "There is more in this file than one import takes."
    second = imported(bob, given)
    assert (second.status, second.n_known, second.n_new) == ("done", 2, 2)


def test_imports_of_one_person_take_one_slot_and_none_of_those_that_read_files(bob, charlie, monkeypatch):
    for _ in range(3):
        bring(bob, "", [upload([conversation()])])
    begun = []

    def read(row: ChatImport) -> None:
        begun.append(row.owner)
        if len(begun) == 1:
            tasks.import_chats("")
            assert begun == [bob]
            bring(charlie, "", [upload([conversation()])])
            tasks.import_chats("")
            assert begun == [bob, charlie]
            assert slots._free["index"]._value == fair_queue.SLOTS["index"]
        ChatImport.objects.filter(id=row.id).update(status="done", claimed_until=None)

    monkeypatch.setattr(chat_imports, "read", read)
    tasks.import_chats("")
    assert begun == [bob, charlie, bob, bob]


def test_deleted_imports_leave_no_rows(bob):
    imported(bob, [conversation(), conversation("c2", "Kept")])
    delete_conversation(Conversation.objects.get(title="Sourdough"))
    Conversation.objects.exclude(deleted=None).update(deleted=timezone.now() - timedelta(days=2))
    deletion.forget_transient()
    assert Conversation.objects.get().title == "Kept"


def test_who_may_have_no_further_gpt_is_told(bob):
    quotas.set_limit("gpts", 0, bob)
    row = imported(bob, [conversation()])
    assert row.status == "failed"
    assert "limit of 0" in row.error


def test_files_of_imports_that_are_over_are_deleted(bob, home):
    [row] = bring(bob, "", [upload([conversation()])]).chats
    stray = row.path.with_name("stray")
    stray.write_bytes(b"x")
    chat_imports.remove_leftovers()
    assert stray.exists()  # it may be an upload that is about to begin
    os.utime(stray, (0, 0))
    os.utime(row.path, (0, 0))
    chat_imports.remove_leftovers()
    assert (stray.exists(), row.path.exists()) == (False, True)


def test_chats_whose_gpt_was_deleted_can_be_continued_after_another_import(bob):
    given = [conversation(), conversation("c2", "Continued")]
    imported(bob, given)
    start_run(Conversation.objects.get(title="Continued"), "And in winter?")
    delete_gpt(Gpt.objects.get())
    given[1]["mapping"]["e"] = node("e", "d", "user", "Thanks", 6)
    again = imported(bob, given)
    assert (again.n_updated, again.n_known, again.n_new) == (2, 0, 0)
    [gpt] = Gpt.objects.filter(deleted=None)
    assert {chat.gpt for chat in Conversation.objects.all()} == {gpt}
    chat = Conversation.objects.get(title="Sourdough")
    assert why_read_only(bob, chat) == ""
    assert start_run(chat, "And in winter?").gpt == gpt
    assert {run.gpt for run in Run.objects.all()} == {gpt}


def test_imported_chats_go_on_with_the_newest_version_of_their_gpt(bob, gpt):
    imported(bob, [conversation()])
    chat = Conversation.objects.get()
    update_gpt(chat.gpt, {"instructions": "Answer as a baker."}, by=bob)
    newest = publish(chat.gpt, by=bob)
    chat.refresh_from_db()
    assert answering_version(chat) == newest
    assert start_run(chat, "And in winter?").version == newest
    chat.refresh_from_db()
    assert chat.version == newest


def test_an_import_is_taken_back_but_for_chats_that_were_continued(bob):
    imported(bob, [conversation("c0", "Earlier")])
    row = imported(bob, [conversation(), conversation("c2", "Continued"), conversation("c0", "Earlier")])
    start_run(Conversation.objects.get(title="Continued"), "And in winter?")
    assert undo(row) == (1, 1)
    left = Conversation.objects.chats_of(bob, "")
    assert set(left.values_list("title", flat=True)) == {"Earlier", "Continued"}
    assert not ChatImport.objects.filter(id=row.id).exists()
    assert imported(bob, [conversation()]).n_new == 1


def test_the_gpt_that_an_import_made_goes_with_it_unless_it_was_changed(bob):
    undo(imported(bob, [conversation()]))
    assert not Gpt.objects.filter(deleted=None).exists()
    row = imported(bob, [conversation()])
    update_gpt(Gpt.objects.get(deleted=None), {"instructions": "Answer as a baker."}, by=bob)
    undo(row)
    assert Gpt.objects.filter(deleted=None).exists()


def test_an_import_in_progress_is_not_taken_back(bob):
    [row] = bring(bob, "", [upload([conversation()])]).chats
    with pytest.raises(Refused, match="Wait"):
        undo(row)


@pytest.mark.parametrize(("who", "n_rests"), [("bob", 0), ("charlie", 3)])
def test_an_import_rests_while_others_chat(who, n_rests, bob, charlie, gpt, monkeypatch):
    rests = Mock()
    monkeypatch.setattr(chat_imports, "sleep", rests)
    start_run(start_conversation({"bob": bob, "charlie": charlie}[who], gpt), "Hello")
    imported(bob, [conversation(f"c{n}") for n in range(3)])
    assert rests.call_count == n_rests


def test_an_import_names_the_chats_that_cannot_be_read(bob):
    odd = {"title": "Broken \0", "mapping": {"a": {"message": {"author": {"role": "user"}, "content": 5}}}}
    row = imported(bob, [conversation(), odd, {"mapping": {}}])
    assert (row.n_unreadable, row.unreadable) == (2, ["Broken"])


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def with_pictures(*pointers: str) -> dict[str, Any]:
    given = conversation()
    shown = [{"content_type": "image_asset_pointer", "asset_pointer": pointer} for pointer in pointers]
    given["mapping"]["a"]["message"]["content"] = {"content_type": "multimodal_text", "parts": ["Look", *shown]}
    return given


def export(chat: dict[str, Any], **pictures: bytes) -> bytes:
    named = {f"{name}-crumb.png": data for name, data in pictures.items()}
    return zipped({"conversations.json": json.dumps([chat]).encode(), **named})


def test_pictures_in_the_export_come_as_attachments_of_their_messages(bob):
    chat = with_pictures("sediment://file_a1", "file-service://file_b2", "sediment://file_c3", "sediment://file_d4")
    row = imported(bob, export(chat, file_a1=PNG, file_c3=b"<svg/>", file_d4=b""), "export.zip")
    assert (row.n_new, row.n_left_out) == (1, 3)  # one is missing, one no picture, one empty
    [kept] = Conversation.objects.get().files.kept()
    assert (kept.name, kept.mime, kept.status, kept.owner, kept.path.read_bytes()) == (
        "crumb.png",
        "image/png",
        "ready",
        bob,
        PNG,
    )
    for run in Run.objects.filter(message__text__startswith="Look"):
        assert log.first(run.id).attachments == (kept.ref(),)
    assert imported(bob, export(chat, file_a1=PNG), "export.zip").n_known == 1


def test_pictures_that_do_not_fit_stay_named(bob):
    data = export(with_pictures("sediment://file_a1"), file_a1=PNG + os.urandom(1_200_000))
    [row] = bring(bob, "", [upload(data, "export.zip")]).chats
    quotas.set_limit("storage_mb", 1, bob)
    import_next()
    row.refresh_from_db()
    assert (row.status, row.n_new, row.n_left_out) == ("done", 1, 1)
    assert not Conversation.objects.get().files.exists()


def test_an_export_with_its_pictures_adds_them_to_chats_that_came_without(bob):
    chat = with_pictures("sediment://file_a1")
    imported(bob, [chat])
    assert imported(bob, export(chat, file_a1=PNG), "export.zip").n_updated == 1
    assert imported(bob, [chat]).n_known == 1
    chat["title"] += "!"
    assert imported(bob, export(chat, file_a1=PNG), "export.zip").n_updated == 1
    assert Conversation.objects.get().files.kept().count() == 1
