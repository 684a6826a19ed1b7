"""`/v1/files`: one's own files, uploaded once, listed, read again, deleted and expired; and as parts of messages."""

from datetime import timedelta
from uuid import UUID, uuid4

import openai
import pytest
from django.utils import timezone

from gpts.runs.steps import UserMessage
from tests.web.api.official import checked, official
from web.accounts import quotas
from web.api import program_runs
from web.api.completions import CompletionRequest
from web.api.content_files import attach
from web.api.response_request import ResponseRequest
from web.api.response_store import begin, read_turn
from web.runs import files, log
from web.runs.models import ConversationFile, Run
from workers.indexing.forgetting import forget_files

pytestmark = pytest.mark.django_db
READ = {"status": "ready", "segment": "00ff", "n_tokens": 7}


def upload(user, name="notes.txt", data=b"The seal is ZP-771.", purpose="user_data", **more):
    return official(user).files.create(file=(name, data), purpose=purpose, **more)


def row(file) -> ConversationFile:
    return ConversationFile.objects.get(id=UUID(file.id.removeprefix("file-")))


def test_a_file_is_uploaded_listed_read_and_deleted_by_its_owner_alone(bob, charlie):
    bobs = official(bob)
    first = checked(upload(bob))
    batch = checked(upload(bob, "../lines\u202e.jsonl", b"{}", "batch"))
    assert (first.filename, first.bytes, first.purpose, first.status) == ("notes.txt", 19, "user_data", "uploaded")
    assert (batch.filename, batch.status) == ("lines.jsonl", "processed")
    assert batch.expires_at - batch.created_at == 30 * 24 * 3600
    short = checked(upload(bob, expires_after={"anchor": "created_at", "seconds": 3600}))
    assert short.expires_at - short.created_at == 3600

    assert [file.id for file in bobs.files.list()] == [short.id, batch.id, first.id]
    assert [file.id for file in bobs.files.list(purpose="batch")] == [batch.id]
    page = bobs.files.list(limit=2, order="asc")
    assert ([file.id for file in page.data], page.has_more) == ([first.id, batch.id], True)
    assert [file.id for file in page] == [first.id, batch.id, short.id]  # the client asks for the next page
    assert bobs.files.content(first.id).read() == b"The seal is ZP-771."
    assert checked(bobs.files.retrieve(first.id)) == first

    charlies = official(charlie)
    assert list(charlies.files.list()) == []
    for ask in (charlies.files.retrieve, charlies.files.content, charlies.files.delete):
        with pytest.raises(openai.NotFoundError, match="not found"):
            ask(first.id)
    with pytest.raises(openai.BadRequestError):
        charlies.files.list(after=first.id, extra_query={"order": "asc", "limit": "x"})
    with pytest.raises(openai.NotFoundError):
        charlies.files.list(after=first.id)

    assert checked(bobs.files.delete(first.id)).deleted
    with pytest.raises(openai.NotFoundError):
        bobs.files.retrieve(first.id)


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"data": b""}, None),
        ({"data": b"x" * 11}, None),
        ({"purpose": "fine-tune"}, "purpose"),
        ({"purpose": "evals"}, "purpose"),
        ({"expires_after": {"anchor": "created_at", "seconds": 60}}, "expires_after[seconds]"),
        ({"extra_body": {"expires_after[seconds]": "7200"}}, "expires_after[anchor]"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_openais_shape_and_leaves_nothing(bob, settings, sent, param):
    settings.MAX_ATTACHMENT_BYTES = 10
    with pytest.raises(openai.BadRequestError) as refused:
        upload(bob, **{"data": b"short", **sent})
    assert (refused.value.type, refused.value.param) == ("invalid_request_error", param)
    assert not ConversationFile.objects.exists()
    folder = settings.GUILDHALL_HOME / "files"
    assert not folder.exists() or not list(folder.iterdir())


def test_bytes_are_counted_once_by_content_and_against_the_persons_quota(bob, charlie, settings):
    settings.MAX_STORAGE_MB_PER_PERSON = 1
    first = upload(bob, data=b"a" * 600_000, purpose="assistants")
    with pytest.raises(openai.RateLimitError) as refused:
        upload(bob, data=b"b" * 600_000, purpose="assistants")
    assert refused.value.type == "insufficient_quota"
    assert quotas.stored_mb(bob.id) == pytest.approx(0.6)
    # Another person's upload of the same content says nothing of this one: neither sooner ready nor refused.
    theirs = upload(charlie, data=b"a" * 600_000)
    assert (theirs.status, theirs.id) != (first.status, first.id)
    assert theirs.status == "uploaded"
    official(bob).files.delete(first.id)
    assert upload(bob, data=b"b" * 600_000, purpose="assistants").bytes == 600_000


def test_a_file_expires_by_itself_and_its_bytes_stay_while_another_has_them(bob, charlie, monkeypatch):
    monkeypatch.setattr("workers.indexing.forgetting.is_settled", lambda path: True)
    monkeypatch.setattr("workers.indexing.sweeping.is_settled", lambda path: True)
    mine = upload(bob, expires_after={"anchor": "created_at", "seconds": 3600})
    kept = row(upload(charlie))
    ConversationFile.objects.filter(owner=charlie).update(created=timezone.now() - timedelta(days=9))
    ConversationFile.objects.filter(owner=bob).update(expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(openai.NotFoundError):
        official(bob).files.content(mine.id)
    assert quotas.stored_mb(bob.id) == 0
    assert forget_files() == 1
    assert ConversationFile.objects.get() == kept  # an upload is kept though no message has it
    assert kept.path.is_file()
    official(charlie).files.delete(f"file-{kept.id.hex}")
    forget_files()
    assert not kept.path.exists()


def by_chat(user, file_id: str) -> Run:
    part = {"type": "file", "file": {"file_id": file_id}}
    body = CompletionRequest(
        model="pump-doctor", messages=[{"role": "user", "content": [{"type": "text", "text": "Which?"}, part]}]
    )
    message = body.message()
    return program_runs.start(user, body.model, message, body.overrides(), attach(user, message.files))


def by_response(user, file_id: str) -> Run:
    part = {"type": "input_file", "file_id": file_id}
    body = ResponseRequest(model="pump-doctor", input=[{"role": "user", "content": [part]}])
    turn = read_turn(user, body)
    return begin(user, body, turn, attach(user, turn.message.files))


@pytest.mark.parametrize("ask", [by_chat, by_response])
def test_an_upload_and_a_file_of_another_chat_can_be_sent_as_often_as_one_likes(ask, bob, charlie, gpt, conversation):
    kept = upload(bob)
    attached = files.attach(bob, "known.txt", [b"Known."])
    ConversationFile.objects.update(**READ)
    files.claim(conversation, [attached.id], gpt.published.spec())

    for file_id in (kept.id, kept.id, f"file-{attached.id.hex}"):
        first = log.first(ask(bob, file_id).id)
        [sent] = first.attachments
        assert isinstance(first, UserMessage)
        assert (sent.segment, f"file-{UUID(sent.id).hex}" != file_id) == ("00ff", True)  # a copy, with its text
        with pytest.raises(Exception, match="removed or sent in another chat"):
            ask(charlie, file_id)
    assert row(kept).conversation is None
    official(bob).files.delete(kept.id)  # the chats that have it keep it
    assert ConversationFile.objects.kept().filter(name="notes.txt").count() == 2


def test_a_file_for_stores_is_read_once_a_message_needs_it_if_it_fits_one(bob, settings, sent_tasks):
    plain = row(upload(bob, purpose="assistants"))
    assert sent_tasks == []
    assert files.read_uploads(bob, [plain.id]) is None
    plain.refresh_from_db()
    assert (plain.status, plain.reading) == ("received", "reading")
    settings.MAX_ATTACHMENT_BYTES = 3
    large = row(upload(bob, purpose="assistants"))
    with pytest.raises(Exception, match="too large for a message"):
        files.read_uploads(bob, [large.id])
    with pytest.raises(Exception, match="not found"):
        official(bob).files.retrieve(f"file-{uuid4().hex}")
