"""A site that is backed up while people write, and the site that comes of it: on any database.

`backup_story.py make FILE` makes a site in GUILDHALL_HOME, writes to it from three threads, has `manage.py backup`
write FILE meanwhile, and prints what was there before that, as JSON. `backup_story.py check FILE FACTS` restores FILE
and prints a JSON list of what is wrong then, which must be empty.
"""

import hashlib
import json
import random
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "platform")]

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from gpts.runs.steps import ApprovalRequest
from tests.publishing import publish
from web import erasures
from web.accounts import people
from web.accounts.models import User
from web.accounts.services import create_key, valid_key
from web.builder.files import store_bytes
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_actions import Action
from web.builder.models_files import KnowledgeFile, content_path
from web.builder.services import create_gpt
from web.operate.erasure import erase_due
from web.operate.models_backup import last_backup
from web.runs import approving, log
from web.runs.deletion import delete_conversation
from web.runs.models import Conversation, ConversationFile, Run
from web.runs.services import start_conversation, start_run

SEGMENT = "ab" * 32
stop = threading.Event()


def make(file: Path) -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    alice, bob = (User.objects.create_user(f"{name}@example.org", f"{name}-secret-1") for name in ("alice", "bob"))
    gpt = create_gpt(alice, {"name": "Pump Doctor", "instructions": "Help with pumps.", "picture": "face.webp"})
    Gpt.objects.filter(id=gpt.id).update(picture="face.webp")
    sha256, size = store_bytes([b"Seal kit ZP-771."])
    KnowledgeFile.objects.create(gpt=gpt, name="seals.txt", sha256=sha256, size=size, segment=SEGMENT, status="ready")
    action = Action(
        gpt=gpt,
        name="Parts",
        auth="bearer",
        base_url="https://parts.example",
        privacy_url="https://parts.example/privacy",
    )
    action.keep_secret("sk-of-the-parts", by=action.gpt.owner)
    action.save()
    for name, data in (("pictures/face.webp", b"picture"), (f"segments/{SEGMENT}/manifest.json", b"{}")):
        (settings.GUILDHALL_HOME / name).parent.mkdir(parents=True)
        (settings.GUILDHALL_HOME / name).write_bytes(data)
    publish(gpt, Sharing.STORE)
    waiting = start_run(start_conversation(bob, gpt), "Order a seal.")
    log.append(waiting.id, ApprovalRequest(call_id="c", name="order", digest="d", title="Order"))
    _, key = create_key(bob, "notebook")
    first = [_write(bob, gpt, n) for n in range(6)]
    carol = User.objects.create_user("carol@example.org")
    carols = _write(carol, gpt, 0)
    _back_up_under_load(file, bob, gpt)
    deleted = first.pop()
    delete_conversation(Conversation.objects.get(id=deleted))
    people.close(carol, bob)
    erase_due()
    shutil.copy(settings.GUILDHALL_HOME / erasures.NAME, file.parent)  # as BACKUP_DIR has it
    facts = {"key": key, "waiting": str(waiting.id), "action": str(action.id), "chats": first}
    return {**facts, "gone": [deleted, carols]}


def _write(bob: User, gpt: Gpt, n: float) -> str:
    """A new chat of Bob's with a file of its own."""
    run = start_run(start_conversation(bob, gpt), f"Question {n}")
    sha256, size = store_bytes([f"Attachment {n}. ".encode() * 500])
    chat = run.message.conversation
    ConversationFile.objects.create(owner=bob, conversation=chat, name="a.txt", mime="x", sha256=sha256, size=size)
    return str(chat.id)


def _back_up_under_load(file: Path, bob: User, gpt: Gpt) -> None:
    settings.MAX_ACTIVE_RUNS = settings.MESSAGES_A_DAY = 10**6
    threads = [threading.Thread(target=_write_on, args=(bob, gpt)) for _ in range(3)]
    for thread in threads:
        thread.start()
    n_before = Conversation.objects.count()
    while Conversation.objects.count() < n_before + 10:
        stop.wait(0.01)
    try:
        call_command("backup", str(file), stdout=sys.stderr)
        n_after, made = Conversation.objects.count(), last_backup()
        assert made is not None
        assert (made.path, made.n_missing) == (str(file), 0)
        while Conversation.objects.count() < n_after + 10:  # they still write
            stop.wait(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _write_on(bob: User, gpt: Gpt) -> None:
    while not stop.is_set():
        _write(bob, gpt, random.random())
    connection.close()


def check(file: Path, facts: dict[str, Any]) -> list[str]:
    call_command("restore", str(file), stdout=sys.stderr)
    django.conf.settings.SECRET_KEY = (settings.GUILDHALL_HOME / "secret.key").read_text()  # as after a start
    settings.RESTORED_KEYS = (settings.GUILDHALL_HOME / "restored.keys").read_text().splitlines()
    problems = [f"chat {id} is lost" for id in facts["chats"] if not Conversation.objects.filter(id=id).exists()]
    problems += [
        f"the chat {chat.id} is half" for chat in Conversation.objects.filter(deleted=None) if not _is_whole(chat)
    ]
    problems += [f"chat {id} is back" for id in facts["gone"] if Conversation.objects.filter(id=id, deleted=None)]
    if User.objects.filter(email="carol@example.org").exists():
        problems.append("the erased person is back")
    for each in (*ConversationFile.objects.all(), *KnowledgeFile.objects.all()):
        path = content_path(each.sha256)
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != each.sha256:
            problems.append(f"the bytes of {each.name} are lost")
    if Action.objects.get(id=facts["action"]).open_secret() != "sk-of-the-parts":
        problems.append("the secret of the action is lost")
    for name in ("pictures/face.webp", f"segments/{SEGMENT}/manifest.json"):
        if not (settings.GUILDHALL_HOME / name).is_file():
            problems.append(f"{name} is lost")
    return problems + _use(facts)


def _is_whole(chat: Conversation) -> bool:
    """Whether each run has all of its steps; a file comes in a transaction of its own."""
    runs = Run.objects.filter(message__conversation=chat)
    return bool(runs) and all(run.n_steps == run.steps.count() == len(log.read(run.id)) for run in runs)


def _use(facts: dict[str, Any]) -> list[str]:
    """What is wrong with using the restored site: by key, by password, and answering what waits."""
    problems = [] if valid_key(facts["key"]) else ["the key is lost"]
    client = Client(SERVER_NAME="127.0.0.1")
    told = client.get(f"/api/runs/{facts['waiting']}", headers={"Authorization": f"Bearer {facts['key']}"})
    if told.status_code != 200:
        problems.append(f"the API answers {told.status_code}")
    if not client.login(email="bob@example.org", password="bob-secret-1"):
        problems.append("the password is lost")
    elif client.get(f"/c/{facts['chats'][0]}/").status_code != 200:
        problems.append("the page of a chat fails")
    run = Run.objects.get(id=facts["waiting"])
    approving.answer_approval(run, "c", True, digest="d")
    fresh = start_run(start_conversation(run.owner, run.gpt), "New after all that")  # new ids are free
    return problems + ([] if fresh.status == "queued" else ["a new message fails"])


if __name__ == "__main__":
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    done = make(Path(sys.argv[2])) if sys.argv[1] == "make" else check(Path(sys.argv[2]), json.loads(sys.argv[3]))
    print(json.dumps(done))
