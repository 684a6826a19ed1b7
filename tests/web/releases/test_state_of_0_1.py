"""What release 0.1 kept is read by this one: its logs, its versions, its drafts, and the pages that show them.

`state_of_0_1.json.xz` was made by that release itself; `made_by_0_1.py.txt` tells how.
"""

import json
import lzma
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.serializers import python as serializer
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from gpts.runs.steps import Finished, UserMessage
from web.accounts.models import ApiKey, User
from web.builder.models import DelegateRow, Gpt, GptVersion
from web.builder.models_files import KnowledgeFile
from web.builder.reviews import changes_of
from web.operate.backup.archive import ArchiveWriter
from web.operate.backup.keys import SiteKeys, seal_keys
from web.runs import log
from web.runs.models import Conversation, Permission, Run
from web.upgrades import check_database

STATE = Path(__file__).with_name("state_of_0_1.json.xz")
RELEASE = [("accounts", "0001_initial"), ("builder", "0001_release_0_1"), ("runs", "0001_release_0_1")]
# What a release records of its migrations, without the squashed ones that replace them since.
SQUASHED = "_release_0_"
DATABASE = "db_of_0_1.sqlite3"
KINDS = {
    "user_message",
    "retrieval",
    "tool_choice",
    "model_reply",
    "tool_started",
    "delegation",
    "tool_result",
    "approval_request",
    "approval",
    "cancelled",
    "error",
    "finished",
}

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def restored(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The state directory of a site into which a backup of that release was restored, by a process of its own.

    The process brings the backup's database to today's migrations.
    """
    folder = tmp_path_factory.mktemp("restored")
    with django_db_blocker.unblock(), opened(folder / DATABASE):
        make_release()
    back_up(folder / DATABASE, folder / "old.backup")
    own = {"GUILDHALL_HOME": str(folder / "new"), "BACKUP_PASSPHRASE": "three small words"}
    command = [sys.executable, "manage.py", "restore", str(folder / "old.backup")]
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    subprocess.run(command, env={**env, **own}, cwd=settings.REPOSITORY, check=True)
    return folder / "new"


@pytest.fixture(scope="module")
def migrated(django_db_blocker: DjangoDbBlocker, restored: Path) -> Iterator[list[dict]]:
    """The rows of that release; the tests' database holds what became of them, for all tests here."""
    with django_db_blocker.unblock(), opened(restored / "db.sqlite3"):
        yield json.loads(lzma.decompress(STATE.read_bytes()))


@contextmanager
def opened(database: Path) -> Iterator[None]:
    """The tests' connection is one to another SQLite database meanwhile."""
    connection.close()
    own, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], str(database)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


def make_release() -> None:
    """Make that release's tables and load the state into them."""
    MigrationExecutor(connection).migrate(RELEASE)
    then = MigrationExecutor(connection).loader.project_state(RELEASE).apps
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serializer, "apps", then)
        call_command("loaddata", STATE, verbosity=0)
    then.get_model("builder", "Gpt").objects.filter(slug="front-desk").update(a2a=True, files_downloadable=True)
    gpt = then.get_model("builder", "Gpt").objects.first()
    then.get_model("runs", "Permission").objects.create(user_id=gpt.owner_id, gpt_id=gpt.id, tool="reserve")
    then.get_model("accounts", "ApiKey").objects.create(user_id=gpt.owner_id, name="of 0.1")
    then.get_model("builder", "KnowledgeFile").objects.create(
        gpt_id=gpt.id, name="held", size=1, status="quarantined"
    )
    MigrationRecorder.Migration.objects.filter(name__contains=SQUASHED).delete()


def migrations_of(database: Path) -> list[list[str]]:
    with closing(sqlite3.connect(database)) as rows:
        return [list(row) for row in rows.execute("SELECT app, name FROM django_migrations")]


def back_up(database: Path, backup: Path) -> None:
    entries = {"site": "Old", "format": 1, "created": "2026-11-01T12:00:00+00:00", "missing": []}
    about = {"vendor": "sqlite", "migrations": migrations_of(database)}
    with backup.open("wb") as stream:
        writer = ArchiveWriter(stream)
        writer.add("database/db.sqlite3", database)
        text = json.dumps({**entries, "database": about, "entries": writer.entries}).encode()
        writer.close(text, seal_keys(SiteKeys("the old key of that site", ()), "three small words", text))


@pytest.fixture
def as_bob(migrated, client: Client) -> Client:
    """A browser in which Bob is signed in, to whom most conversations belong."""
    client.force_login(User.objects.get(name="Bob"))
    return client


def rows(migrated: list[dict], model: str) -> list[dict]:
    return [row["fields"] for row in migrated if row["model"] == model]


def test_other_gpts_texts_count_as_seen_and_permissions_end(migrated):
    """People gave the permissions before anything bound them to what a tool does."""
    listed = DelegateRow.objects.exclude(delegate__published=None)
    assert listed.exists()
    assert all(changes_of(row) == [] and row.seen["name"] for row in listed)
    assert not Permission.objects.exists()


def test_every_step_is_read_with_all_that_it_held(migrated):
    stored = rows(migrated, "runs.steprow")
    assert {row["kind"] for row in stored} == KINDS
    read = {str(run.id): log.read(run.id) for run in Run.objects.all()}
    for row in stored:
        step = read[row["run"]][row["seq"]].model_dump(mode="json")
        assert _values(step) >= _values(row["data"])


def _values(data: object) -> set[str]:
    """Every text and number in `data`, whatever its fields are called; what is empty does not count."""
    if isinstance(data, dict | list):
        return set().union(*map(_values, data.values() if isinstance(data, dict) else data))
    return {repr(data)} if data else set()


# The longest answer that the form sent with everything else; a version without one leaves it to the model.
FORMER_LENGTH = repr(400)


def test_every_version_is_read_with_all_that_it_held(migrated):
    stored = rows(migrated, "builder.gptversion")
    assert len(stored) == GptVersion.objects.count() >= 5
    for row in stored:
        version = GptVersion.objects.get(gpt=row["gpt"], number=row["number"], created=row["created"])
        assert _values(version.spec().model_dump(mode="json")) >= _values(row["data"]) - {FORMER_LENGTH}
    first = GptVersion.objects.get(gpt__slug="front-desk", number=1).spec()
    assert [each.slug for each in first.delegates] == ["tax-clerk", "auditor"]
    assert first.delegates_to_all
    assert first.delegates_to_store
    assert first.actions
    assert first.mcp_servers
    assert first.remote_agents


def test_a_file_that_waited_for_decisions_is_read(migrated):
    assert KnowledgeFile.objects.get(name="held").status == "received"


def test_keys_keep_what_they_could_do(migrated):
    assert ApiKey.objects.get(name="of 0.1").scopes == ["chat", "read", "manage"]


def test_a_draft_is_still_what_was_published(migrated):
    desk = Gpt.objects.get(slug="front-desk")
    last = desk.published.spec()
    assert desk.draft_spec() == last
    assert desk.lets("a2a")  # which was not in versions
    assert desk.lets("files_downloadable")


def test_who_asked_whom_is_kept_in_logs(migrated):
    tree = Run.objects.filter(root=None, descendants__isnull=False).distinct().get()
    child = Run.objects.get(root=tree, version__gpt__slug="auditor")
    first = log.first(child.id)
    assert [each.slug for each in first.delegated_by] == ["front-desk"]
    guest = [
        step for run in Run.objects.all() if isinstance(step := log.first(run.id), UserMessage) and step.guest_id
    ]
    assert guest


def test_a_backup_of_that_release_is_restored(migrated, restored):
    database = sqlite3.connect(restored / "db.sqlite3")
    for table, model in (("runs_steprow", "runs.steprow"), ("builder_gptversion", "builder.gptversion")):
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] >= len(rows(migrated, model)) > 0
    assert database.execute("SELECT count(*) FROM schedules_schedule").fetchone() == (0,)  # a table of today
    assert (restored / "secret.key").read_text() == "the old key of that site"


@pytest.fixture(scope="module")
def schemas(
    django_db_blocker: DjangoDbBlocker, migrated: list[dict], restored: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[set[tuple[str, ...]]]:
    """The schema of a database with every migration from before the squash, and that after `migrate`."""
    shutil.copy(restored / "db.sqlite3", database := tmp_path_factory.mktemp("unsquashed") / "db.sqlite3")
    with django_db_blocker.unblock(), opened(database):
        MigrationRecorder.Migration.objects.filter(name__contains=SQUASHED).delete()
        before = schema(database)
        call_command("migrate", verbosity=0, skip_checks=False)
        assert MigrationRecorder.Migration.objects.filter(name__contains=SQUASHED).count() == 12
    return [before, schema(database)]


def schema(database: Path) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(database)) as rows:
        return set(rows.execute("SELECT name, sql FROM sqlite_master"))


def test_a_database_from_before_the_squash_stays_as_it_is(schemas):
    assert schemas[0] == schemas[1] != set()


def test_one_between_two_releases_is_refused_with_what_to_do(monkeypatch):
    last = ("operate", "0012_model_groups")
    replaced = {key for each in MigrationLoader(None).replacements.values() for key in each.replaces}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _: dict.fromkeys(replaced - {last}))
    [error] = check_database(["default"])
    assert "lacks operate.0012_model_groups." in error.msg
    assert "manage.py migrate" in error.hint


def test_each_migration_since_then_can_be_undone():
    loader = MigrationExecutor(connection).loader
    for key in loader.graph.nodes.keys() - loader.graph._generate_plan(RELEASE, at_end=True):
        assert all(operation.reversible for operation in loader.disk_migrations[key].operations), key


def test_every_page_of_a_conversation_is_shown(migrated, as_bob):
    bob = User.objects.get(name="Bob")
    for chat in Conversation.objects.filter(owner=bob, origin="chat"):
        page = as_bob.get(f"/c/{chat.id}/")
        assert page.status_code == 200
        for run in Run.objects.filter(message__conversation=chat):
            last = log.read(run.id)[-1]
            if isinstance(last, Finished) and not last.citations:
                assert last.text[:6] in page.content.decode()


def test_every_run_has_its_trace_and_is_read_over_the_api(migrated, as_bob):
    runs = Run.objects.filter(owner__name="Bob")
    for run in runs:
        assert as_bob.get(f"/runs/{run.id}/tree").status_code == 200
        told = as_bob.get(f"/api/runs/{run.id}")
        assert told.status_code == 200
        assert len(told.json()["steps"]) == run.n_steps
        assert as_bob.get(f"/api/runs/{run.id}/tree").status_code == 200
    tree = runs.filter(descendants__isnull=False).distinct().get()
    page = as_bob.get(f"/runs/{tree.id}/tree").content.decode()
    assert "Tax Clerk" in page
    assert "Auditor" in page


def test_every_gpt_has_its_page_and_its_form(migrated, as_bob, client):
    for gpt in Gpt.objects.all():
        assert as_bob.get(f"/g/{gpt.slug}/").status_code == 200
    client.force_login(User.objects.get(name="Alice"))
    for gpt in Gpt.objects.all():
        page = client.get(f"/gpts/{gpt.slug}/edit").content.decode()
        assert gpt.name in page


def test_what_waits_for_a_person_is_still_answered(migrated, as_bob):
    waiting = Run.objects.filter(status="requires_action")
    assert waiting.count() == 2
    for run in waiting:
        answer = {"call_id": "m1", "allowed": False}
        told = as_bob.post(f"/api/runs/{run.id}/approve", answer, "application/json")
        assert told.status_code == 200, told.content
        run.refresh_from_db()
        assert run.status == "in_progress"
