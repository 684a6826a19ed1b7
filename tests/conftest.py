"""The standing cast: Alice owns the GPT, Bob may chat with it, Charlie must see nothing."""

import gc
import os
import shutil
from collections.abc import Callable, Iterable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

gc.disable()  # while modules are imported, which all stay

import pytest
import scim2_tester  # noqa: F401 - first: each of its classes looks through all modules that are loaded by then
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import post_migrate
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from tests.publishing import publish
from web import confined, engines
from web.accounts import audit, live_settings
from web.accounts.models import User
from web.accounts.services import vouch_for_address
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.search import PAUSED
from web.builder.services import create_gpt
from web.runs.models import Conversation, Run
from web.runs.services import start_conversation, start_run
from workers.isolation.errors import FileError
from workers.rpc.confined import READERS

# A busy machine takes longer than Hypothesis's 200 ms for an example, which says nothing about the code.
hypothesis_settings.register_profile("no deadline", deadline=None)
hypothesis_settings.load_profile("no deadline")

# A connection that a thread keeps would hold the test's database open.
settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
# Nothing is collected for tests in this process.
settings.WHITENOISE_USE_FINDERS, settings.STATIC_ROOT = True, None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Looking for garbage in all that was imported, every 700 objects, took an eighth of the time (2026-11-28)."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> Path:
    """A state directory of the test's own, and no broker unless the test starts one."""
    settings.GUILDHALL_HOME = tmp_path
    settings.REDIS_URL = f"unix://{tmp_path}/no-broker.sock"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Argon2 is slow on purpose
    return tmp_path


@pytest.fixture(scope="session")
def migrated_database() -> Path | None:
    """Where an SQLite database with these migrations is kept, empty, for later processes: they take seconds."""
    if connection.vendor != "sqlite":
        return None
    migrations = sorted(settings.REPOSITORY.glob("platform/web/*/migrations/*.py"))
    digest = sha256(b"".join(path.read_bytes() for path in migrations)).hexdigest()
    return settings.GUILDHALL_HOME / f"test-migrated-{digest[:16]}.sqlite3"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(migrated_database: Path | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite in a file, not in memory: a live site's threads then share it as they do in service."""
    # Emptying the database after a test would make every permission anew, and nothing asks for one.
    post_migrate.receivers = []
    if migrated_database:
        own = settings.DATABASES["default"]["TEST"]["NAME"] = tmp_path_factory.mktemp("database") / "test.sqlite3"
        if migrated_database.exists():
            shutil.copy(migrated_database, own)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, migrated_database: Path | None) -> bool:
    """Whether the database may be there at the start."""
    return django_db_keepdb or bool(migrated_database)


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, migrated_database: Path | None
) -> None:
    """Keeps the first database that is made, before a test fills it."""
    if migrated_database and not migrated_database.exists():
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            copy = migrated_database.with_suffix(f".{os.getpid()}")
            cursor.execute("VACUUM INTO %s", [str(copy)])
            copy.rename(migrated_database)


@pytest.fixture(scope="session")
def put_tables(django_db_setup: None, migrated_database: Path | None) -> Callable[[Path], str]:
    """Puts an empty SQLite database at a path, migrated, which would take a process seconds; gives its address."""

    def put(path: Path) -> str:
        if migrated_database:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(migrated_database, path)
        return f"sqlite:///{path}"

    return put


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice@example.org", "alice-secret-1", name="Alice")


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob@example.org", "bob-secret-1", name="Bob")


@pytest.fixture
def charlie(db) -> User:
    return User.objects.create_user("charlie@example.org", "charlie-secret-1", name="Charlie")


@pytest.fixture
def oscar(db) -> User:
    """An operator."""
    return User.objects.create_user("oscar@example.org", is_staff=True, name="Oscar")


@pytest.fixture
def proven(alice, bob) -> None:
    """Alice and Bob have proved their addresses, and get what is shared with these."""
    for person in (alice, bob):
        vouch_for_address(person)


@pytest.fixture(autouse=True)
def sent_tasks(monkeypatch) -> list[tuple[str, str, str]]:
    """The Celery messages that would have been sent: (task, id, queue). No test has a broker unless it starts one."""
    sent: list[tuple[str, str, str]] = []
    for module in (
        "web.runs.wake",
        "web.runs.chat_imports",
        "web.builder.files",
        "web.operate.downloads",
        "web.operate.backup.planned",
        "web.api.batches",
    ):
        monkeypatch.setattr(f"{module}.send_task", lambda name, row_id, queue: sent.append((name, row_id, queue)))
    return sent


@pytest.fixture(autouse=True)
def readers_in_this_process(monkeypatch) -> None:
    """The workers' readers of uploads, without a worker and a child process."""

    def read(person: int, reader: str, chunks: Iterable[bytes], *args: str) -> bytes:
        module, _, name = READERS[reader].function.partition(":")
        try:
            return getattr(import_module(module), name)(b"".join(chunks), *args)
        except FileError as error:
            raise confined.Unreadable from error

    monkeypatch.setattr(confined, "read", read)


@pytest.fixture(autouse=True)
def no_meaning() -> None:
    """No worker compares meanings, and searches know it, unless the test takes that out of the cache."""
    cache.clear()
    cache.set(PAUSED, True, None)


@pytest.fixture
def gpt(alice) -> Gpt:
    """Alice's published GPT, in the store."""
    gpt = create_gpt(alice, {"name": "Pump Doctor", "instructions": "Help with pumps.", "starters": ["It leaks."]})
    publish(gpt, Sharing.STORE)
    return gpt


@pytest.fixture
def conversation(gpt, bob) -> Conversation:
    """Bob's empty chat with Alice's GPT."""
    chat = start_conversation(bob, gpt)
    chat.save()
    return chat


@pytest.fixture
def run(conversation) -> Run:
    """Bob's queued first question."""
    return start_run(conversation, "Which seal fits the Z-9?")


@pytest.fixture(autouse=True)
def no_live_settings(monkeypatch) -> None:
    """As on a new site, without asking the database before a test changes something."""
    monkeypatch.setattr(live_settings, "KEEP_S", 1e9)
    monkeypatch.setattr(engines, "KEEP_S", 1e9)
    live_settings.forget({})
    engines.forget({})


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> None:
    """Each test client would look for all static files anew."""
    files: dict[str, Any] = {}
    find = WhiteNoiseMiddleware.add_files_from_finders

    def found(self: WhiteNoiseMiddleware) -> None:
        if not files:
            find(self)
            files.update(self.files)
        self.files = files

    WhiteNoiseMiddleware.add_files_from_finders = found


@pytest.fixture(scope="session", autouse=True)
def emptied_audit_log() -> None:
    """Emptying the database after a test lifts what keeps the audit log's rows."""
    operations = type(connection.ops)  # those of every thread: browser tests have a connection of their own
    empty = operations.execute_sql_flush

    def lift_and_empty(self: Any, statements: list[str]) -> None:
        with audit.lifted():
            empty(self, statements)

    operations.execute_sql_flush = lift_and_empty
