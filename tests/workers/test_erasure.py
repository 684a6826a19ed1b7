"""What is deleted is found nowhere: no table, no free page of the database, no file, no log, not in Valkey."""

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connection, models
from django.utils import timezone

from tests.publishing import publish
from tests.web.conftest import run_valkey
from tests.workers.planting import Planter, all_texts, belonging
from web import erasures
from web.accounts import people
from web.accounts.models import Program, User
from web.accounts.services import create_key, valid_key
from web.builder import fulltext
from web.builder.files import remove_file, store_bytes
from web.builder.models import Gpt, GptVersion
from web.builder.models_files import KnowledgeFile
from web.builder.models_store import SearchEntry
from web.builder.services import create_gpt, delete_gpt
from web.operate.erasure import ERASED_NAME, erase_again
from web.runs import services, stream
from web.runs.deletion import delete_conversation
from web.runs.models import Conversation, ConversationFile, CreatorQuestion, Message, Run
from web.runs.models_chats import Feedback
from web.runs.models_drafts import DraftChange
from web.runs.models_imports import ChatImport
from web.runs.models_stores import StoreFile, VectorStore
from web.schedules.models import Schedule
from web.store.models import Collection
from workers import tasks
from workers.sandbox.backends import BACKENDS
from workers.sandbox.session import Callbacks
from workers.sandbox.sessions import Sessions
from workers.sandbox.settings import SandboxSettings

CHAT, FILE, GPT, PERSON = "zqxchat", "zqxfile", "zqxgpt", "zqxperson"
LATER = timedelta(days=3)


@pytest.fixture
def valkey(settings, tmp_path_factory):
    """A Valkey that writes everything down, as `deploy/up` starts it; the folder of what it writes."""
    folder = tmp_path_factory.mktemp("v")
    with run_valkey(folder) as settings.REDIS_URL:
        stream._client.cache_clear()
        stream._client().config_set("appendonly", "yes")
        yield folder
        stream._client().close()
        stream._client.cache_clear()


def content(home: Path, marker: str, name: str) -> dict[str, object]:
    """A stored file with the marker and all that reading leaves of it; what its row says of it."""
    sha256, size = store_bytes([f"{marker} {name}".encode()])
    segment = hashlib.sha256(sha256.encode()).hexdigest()
    for place in (
        f"segments/{segment}/manifest.json",
        f"segments/{segment}/columns.bin",
        f"parsed/{sha256}-1.json",
        f"pages/{sha256}/1.json",
        f"notes/{segment}/aa.json",
    ):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_text(marker)
    return {"sha256": sha256, "size": size, "segment": segment, "status": "ready"}


def planter(home: Path, marker: str, rows: dict[type[models.Model], object]) -> Planter:
    stored = {
        kind.__name__: content(home, marker, kind.__name__) for kind in (KnowledgeFile, ConversationFile, StoreFile)
    }
    facts = {
        "DelegateRow": {"delegate": create_gpt(rows[User], {"name": "Another"})},
        **{name: {"group": None} for name in ("QuotaLimit", "DirectoryEntry", "GptShare")},  # of a person or a group
        "Case": dict.fromkeys(("gpt", "review") if marker == CHAT else ("review", "share")),  # about one thing
    }
    return Planter(marker, rows, {**stored, **facts})


def found(home: Path, valkey: Path, marker: str) -> list[str]:
    """Where the marker is."""
    places = [f"table {table}" for table, text in all_texts() if marker in text]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, description, rest FROM store_words")
        places += ["the search"] * (marker in repr(cursor.fetchall()))
    database = Path(connection.settings_dict["NAME"])
    paths = [*home.rglob("*"), *valkey.rglob("*"), *database.parent.glob(f"{database.name}*")]
    places += [str(path) for path in paths if path.is_file() and marker.encode() in path.read_bytes()]
    places += [str(path) for path in paths if marker in path.name]
    return places + [str(key) for key in stream._client().keys("*") if marker in repr(stream._client().xrange(key))]


def later(home: Path) -> None:
    """Days pass, and the hourly sweep runs, twice: what the first deletes, the second finds unused."""
    for model in (Gpt, Conversation, KnowledgeFile, ConversationFile):
        for name in ("deleted", "removed"):
            if name in {field.name for field in model._meta.fields}:
                rows = model.objects.exclude(**{name: None})
                rows.update(**{name: timezone.now() - LATER})
    for path in home.rglob("*"):
        os.utime(path, (0, time.time() - LATER.total_seconds()))
    for key in stream._client().keys("run:*"):
        stream._client().expire(key, 0)
    for _ in range(2):
        tasks.forget()
        (home / "log" / ".moved").touch()
        os.utime(home / "log" / ".moved", (0, 0))
    while stream._client().info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_a_deleted_chat_file_gpt_and_person_are_found_nowhere(alice, bob, home, settings, valkey):
    settings.MEDIA_ROOT, settings.KEEP_LOG_DAYS = home / "pictures", LATER.days
    shared = create_gpt(alice, {"name": "Shared", "instructions": PERSON})
    publish(shared)
    kept = services.start_run(services.start_conversation(bob, create_and_publish(bob)), "Bob’s question")
    of_shared = Conversation.objects.create(gpt=shared, version=shared.published, owner=bob, title="Bob’s chat")

    gone = create_gpt(alice, {"name": "Gone", "instructions": GPT})
    publish(gone)
    asked = services.start_run(services.start_conversation(bob, gone), "What people ask stays theirs")
    theirs = {Message: asked.message, Run: asked, Collection: Collection.objects.create(owner=bob)}
    theirs |= {User: bob, GptVersion: gone.published, Conversation: asked.message.conversation}
    plant_all(planter(home, GPT, {Gpt: gone, **theirs}), Gpt, without=(Conversation, Schedule))
    chat = services.start_conversation(alice, shared)
    chat.title, chat.inputs = CHAT, {CHAT: CHAT}
    chat.save()
    others = {Gpt: shared, GptVersion: shared.published, VectorStore: VectorStore.objects.create(owner=alice)}
    plant_all(planter(home, CHAT, {User: alice, Conversation: chat, **others}), Conversation)
    file = KnowledgeFile.objects.create(gpt=shared, name=FILE, **content(home, FILE, "a"))
    nobodys = {
        Program: Program.objects.create(id="p", metadata={}, read=timezone.now()),
        Group: Group.objects.create(),
    }
    everything = plant_all(planter(home, PERSON, {User: alice, Gpt: shared, **nobodys}), User)
    User.objects.filter(id=alice.id).update(name=PERSON, email=f"{PERSON}@example.org", hints_seen=[PERSON])
    kept.gpt.shares.create(address=f"{PERSON}@example.org")  # Bob’s, from before she had an account
    plant_files(home, everything)
    _, key = create_key(alice, PERSON)
    for marker in (CHAT, FILE, GPT, PERSON):
        assert len(found(home, valkey, marker)) > 5, marker

    delete_conversation(chat)
    remove_file(file)
    delete_gpt(gone)
    later(home)
    assert found(home, valkey, CHAT) == []
    assert found(home, valkey, FILE) == []
    assert found(home, valkey, GPT) == []
    assert found(home, valkey, PERSON)

    alice.refresh_from_db()
    people.close(alice, alice)
    assert valid_key(key) is None
    later(home)
    assert found(home, valkey, PERSON) == []
    of_shared.refresh_from_db()
    assert (of_shared.title, of_shared.gpt.name) == ("Bob’s chat", ERASED_NAME)
    assert Run.objects.filter(id=kept.id).exists()
    assert {kind for kind, _ in erasures.erased_since(timezone.now() - LATER, home / erasures.NAME)} == {
        *("person", "chat", "gpt", "file")
    }


def create_and_publish(owner: User) -> Gpt:
    gpt = create_gpt(owner, {"name": "Bob’s", "instructions": "Help."})
    publish(gpt)
    return gpt


def plant_all(planter: Planter, root: type[models.Model], without: tuple[type[models.Model], ...] = ()) -> Planter:
    """A row in each table that belongs to `root`, but to none of `without`; and in the search and Valkey."""
    others = {model for each in without for model in belonging(each)} - {Feedback, DraftChange, CreatorQuestion}
    for model in belonging(root):
        if model not in others:
            planter.plant(model)
    if entry := planter.rows.get(SearchEntry):
        fulltext.put([(entry.id, planter.marker, planter.marker, planter.marker)])
    stream.publish(planter.rows[Run].id, {"type": "done", "text": planter.marker})
    return planter


def plant_files(home: Path, planter: Planter) -> None:
    upload = planter.rows[ChatImport]
    for name in ("log/web.log", "log/web.log.1", "passing/aa", "pictures/zqxperson.webp", f"imports/{upload.id}"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(f"12:00 {PERSON}\n")


def test_variables_and_files_of_code_are_gone_a_day_after_its_last_call(home):
    """The sandbox knows no chats: what it keeps of one ends with time, whether the chat was deleted or not."""
    settings = SandboxSettings(home)
    sessions = Sessions(settings, BACKENDS["landlock"](settings))
    try:
        kept = sessions.run("alice/chat", f"v = '{CHAT}'; open('{CHAT}.txt', 'w').write(v)", {}, 20, Callbacks())
        if kept.error:
            pytest.skip(kept.error)
        assert sessions.run("alice/chat", "v", {}, 20, Callbacks()).value == CHAT
        places = (sessions.root, home)
        assert [path for place in places for path in place.rglob("*") if CHAT in path.name]
        for session in sessions._sessions.values():
            session.used_at -= 25 * 3600
        sessions.tidy()
        assert [path for place in places for path in place.rglob("*") if CHAT in path.name] == []
        assert "NameError" in sessions.run("alice/chat", "v", {}, 20, Callbacks()).error
    finally:
        sessions.close()


@pytest.mark.django_db
def test_what_an_older_backup_brings_back_is_erased_again(alice, bob, gpt, conversation, run):
    """As a restore does, with the list that the site kept."""
    entries = [("chat", str(conversation.id)), ("gpt", str(gpt.id)), ("person", str(bob.id)), ("memory", "0" * 32)]
    assert erase_again(entries) == 3
    assert not User.objects.filter(id=bob.id).exists()
    assert not Conversation.objects.filter(id=conversation.id).exists()
    gpt.refresh_from_db()
    assert gpt.deleted
