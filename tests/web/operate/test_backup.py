"""What a restore refuses, before it touches anything; and backups that are made by themselves."""

import fcntl
import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.operate.backup import archive, making, planned, restoring
from web.operate.backup.errors import BackupError
from web.operate.backup.keys import SiteKeys, seal_keys
from web.operate.models_backup import Backup, last_backup
from web.runs.kept_files import content_held, content_may_go

PASSPHRASE = "three small words"
DATABASE = {"vendor": "sqlite", "migrations": [["accounts", "0001_initial"]]}


def make_archive(place: Path, passphrase: str = PASSPHRASE, name: str = "home/files/aa", **facts: Any) -> Path:
    """An archive with one file, whose manifest has these `facts`."""
    content = place / "content"
    content.write_bytes(b"x" * 3000)
    with (place / "site.backup").open("wb") as stream:
        writer = archive.ArchiveWriter(stream)
        writer.add(name, content)
        manifest = {"format": 1, "created": timezone.now().isoformat(), "site": "S", "missing": []}
        text = json.dumps({**manifest, "database": DATABASE, "entries": writer.entries, **facts}).encode()
        writer.close(text, seal_keys(SiteKeys("k", ()), passphrase, text))
    content.unlink()
    return place / "site.backup"


def changed(path: Path, at: int = 1200) -> Path:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    return path


def cut(path: Path, size: int) -> Path:
    path.write_bytes(path.read_bytes()[:size])
    return path


def with_link(path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("home/files/aa")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return path


def forged(place: Path) -> Path:
    """Content and manifest changed together, by somebody without the passphrase."""
    path = make_archive(place)
    texts = archive.checked(path)
    manifest = {**texts[0], "site": "T"}
    writer_to = io.BytesIO()
    writer = archive.ArchiveWriter(writer_to)
    (place / "content").write_bytes(b"x" * 3000)
    writer.add("home/files/aa", place / "content")
    writer.close(json.dumps(manifest).encode(), texts[2])
    path.write_bytes(writer_to.getvalue())
    return path


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda place: make_archive(place, "another passphrase"), "Wrong passphrase"),
        (forged, "Wrong passphrase, or somebody changed"),
        (lambda place: changed(make_archive(place)), "changed or damaged: home/files/aa"),
        (lambda place: cut(make_archive(place), 2000), "incomplete or damaged"),
        (lambda place: cut(make_archive(place), 3584), "is incomplete\\."),
        (lambda place: make_archive(place, format=2), "newer release"),
        (
            lambda place: make_archive(place, database={**DATABASE, "migrations": [["accounts", "0999_later"]]}),
            "newer release: this one does not know accounts.0999_later",
        ),
        (
            lambda place: make_archive(place, database={**DATABASE, "migrations": [["builder", "0001_initial"]]}),
            "between two releases",
        ),
        (lambda place: make_archive(place, database={**DATABASE, "vendor": "postgresql"}), "postgresql database"),
        (lambda place: make_archive(place, name="home/files/../../x"), "entry that no backup has"),
        (lambda place: make_archive(place, name="/etc/cron.d/x"), "entry that no backup has"),
        (lambda place: make_archive(place, name="home/secret.key"), "entry that no backup has"),
        (lambda place: with_link(place / "site.backup"), "no file"),
        (lambda place: place / "none.backup", "Couldn’t read"),
        (make_archive, "is not empty"),
    ],
)
def test_it_refuses_before_it_touches_anything(db, home, tmp_path_factory, make, told):
    """The last archive is good, but the database of the tests is there."""
    (home / "files").mkdir()
    (home / "files" / "mine").write_bytes(b"mine")
    with pytest.raises(BackupError, match=told):
        restoring.restore(make(tmp_path_factory.mktemp("elsewhere")), PASSPHRASE)
    assert {path.name for path in home.rglob("*")} - {"run", "up.lock"} == {"files", "mine"}


def test_nothing_stored_goes_while_it_is_held(home):
    with content_held(), content_may_go() as may:
        assert not may
    with content_may_go() as may:
        assert may


def test_backups_are_made_when_they_are_due_and_the_newest_are_kept(db, settings, tmp_path, monkeypatch):
    settings.BACKUP_DIR, settings.BACKUP_KEEP, settings.BACKUP_PASSPHRASE = tmp_path / "b", 2, PASSPHRASE
    monkeypatch.setattr(making.snapshot, "take", lambda folder: {**DATABASE, "names": ["home/files/lost"]})
    for _ in range(4):
        planned.work()
        planned.work()  # which is not due
        name = f"guildhall-2026010{Backup.objects.count()}-000000.backup"
        Path(Backup.objects.first().path).rename(tmp_path / "b" / name)
        Backup.objects.update(created=F("created") - timedelta(days=1))
    assert Backup.objects.count() == 4
    assert len(list((tmp_path / "b").glob(planned.PATTERN))) == 2
    assert last_backup().n_missing == 1
    assert Backup.objects.filter(origin="schedule").exclude(verified=None).count() == 4
    settings.BACKUP_PASSPHRASE = "short"
    planned.work()
    assert "8 characters" in Backup.objects.first().error
    assert not last_backup().error


@pytest.fixture
def console(db) -> Client:
    """The browser of an operator, who has just entered the password."""
    User.objects.create_superuser("oscar@example.org", "oscar-secret-1")
    client = Client()
    client.post("/account/login/", {"login": "oscar@example.org", "password": "oscar-secret-1"})
    return client


def test_an_operator_makes_verifies_downloads_and_deletes_a_backup(
    console, settings, tmp_path, monkeypatch, sent_tasks, django_capture_on_commit_callbacks
):
    assert "<code>BACKUP_DIR</code> and <code>BACKUP_PASSPHRASE</code>" in console.get("/admin/backups/").text
    assert (
        "Set a folder and a passphrase on the page Services first"
        in console.post("/admin/backups/", follow=True).text
    )
    settings.BACKUP_DIR, settings.BACKUP_PASSPHRASE = tmp_path / "b", PASSPHRASE

    def take(folder: Path) -> dict:
        (folder / "auth_user").write_bytes(b"rows" * 300)
        return {**DATABASE, "names": []}

    monkeypatch.setattr(making.snapshot, "take", take)
    planned.work()  # what was due
    with django_capture_on_commit_callbacks(execute=True):
        console.post("/admin/backups/")
        console.post("/admin/backups/")  # which is the same one
    row = Backup.objects.first()
    assert (row.state, Backup.objects.count(), len(sent_tasks)) == ("waiting", 2, 2)
    assert "Waiting for a worker" in console.get("/admin/backups/").text
    Path(Backup.objects.last().path).rename(tmp_path / "b" / "guildhall-20260101-000000.backup")
    Backup.objects.filter(state="ready").update(created=timezone.now() - timedelta(days=2))
    planned.work()  # one for both: the schedule’s is due too
    assert Backup.objects.count() == 2
    (tmp_path / "b" / "guildhall-20250101-000000.backup").write_bytes(b"none")
    page = console.get("/admin/backups/").text
    for name, kind in (("2026", "PostgreSQL, not verified"), ("2025", "Not a backup, or damaged")):
        assert kind in page.partition(f"<b>guildhall-{name}0101-000000.backup</b>")[2].partition("</li>")[0]
    row.refresh_from_db()
    assert (row.state, row.verified is not None, row.by.email) == ("ready", True, "oscar@example.org")
    page = console.get("/admin/backups/").text
    assert f"restore {row.path}" in page
    listed = console.get("/api/operate/backups").json()["items"]
    assert [(each["state"], each["origin"]) for each in listed] == [("ready", "person"), ("ready", "schedule")]

    file = f"/admin/backups/{row.pk}/file/"
    assert console.get(file).url.startswith("/account/reauthenticate/")
    console.post("/account/reauthenticate/", {"password": "oscar-secret-1", "next": file})
    assert b"".join(console.get(file).streaming_content) == Path(row.path).read_bytes()

    changed(Path(row.path), at=600)
    console.post(f"/admin/backups/{row.pk}/verify/")
    planned.work()
    page = console.get("/admin/backups/").text
    assert "Failed: " in page
    assert file not in page
    assert "The last backup failed" in console.get("/admin/").text
    assert last_backup() != row

    path = Path(row.path)
    console.post(f"/admin/backups/{row.pk}/delete/")
    assert (path.exists(), Backup.objects.filter(pk=row.pk).exists()) == (False, False)
    recorded = list(AuditRow.objects.filter(act__startswith="backup.").values_list("act", "by_id"))
    assert [act for act, by in recorded if by] == ["backup.deleted", "backup.downloaded", "backup.made"]


def test_a_killed_worker_leaves_no_half_backup(db, settings, tmp_path, monkeypatch):
    settings.BACKUP_DIR, settings.BACKUP_PASSPHRASE = tmp_path, PASSPHRASE
    monkeypatch.setattr(making.snapshot, "take", lambda folder: {**DATABASE, "names": []})
    half = Backup.objects.create(path=str(tmp_path / "guildhall-20260101-000000.backup"), state="running")
    (tmp_path / ".guildhall-20260101-000000.backup.1.part").write_bytes(b"half")
    (tmp_path / ".snapshot-abc").mkdir()
    with (tmp_path / ".other.backup.2.part").open("xb") as live:  # of a command that runs
        fcntl.flock(live, fcntl.LOCK_EX)
        planned.work()
        assert sorted(path.name for path in tmp_path.glob(".*.part")) == [".other.backup.2.part"]
    half.refresh_from_db()
    assert (half.state, half.error, last_backup()) == ("failed", planned.STOPPED, None)
    Backup.objects.update(created=timezone.now() - timedelta(hours=2))
    planned.work()
    assert not list(tmp_path.glob(".snapshot-*"))
    assert last_backup().verified


@pytest.fixture
def by_up(settings, home, tmp_path):
    """As `deploy/up` runs a site, with a folder of backups."""
    settings.RUN_BY_UP, settings.BACKUP_DIR, settings.BACKUP_PASSPHRASE = True, tmp_path / "kept", PASSPHRASE
    settings.BACKUP_DIR.mkdir()
    good = make_archive(tmp_path, name="database/db.sqlite3").rename(
        settings.BACKUP_DIR / "guildhall-20260101-000000.backup"
    )
    return f"/admin/backups/restore/?file={good.name}"


def asked(console: Client, url: str, **fields: Any) -> str:
    return console.post(url, {"knows": "on", **fields}).text


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only the database of a state directory can be replaced")
def test_a_restore_asked_for_in_the_console_is_done_once_the_site_is_stopped(console, by_up, home, settings, bob):
    assert console.get(by_up).url.startswith("/account/reauthenticate/")
    console.post("/account/reauthenticate/", {"password": "oscar-secret-1", "next": by_up})
    assert by_up in console.get("/admin/backups/").text
    assert "Wrong passphrase" in asked(console, by_up, passphrase="not this one")
    assert "This field is required" in console.post(by_up, {"passphrase": PASSPHRASE}).text
    place = home / ".restore" / "wanted.json"
    assert not place.exists()
    assert "is being restored" in asked(console, by_up)
    assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    Path(json.loads(place.read_text())["path"]).unlink()
    call_command("restore", "--wanted")  # as deploy/up does; the backup is gone meanwhile
    assert "Couldn’t read" in console.get("/admin/backups/").text
    assert not place.exists()
    with pytest.raises(FileNotFoundError):
        call_command("restore", "--wanted")
    acts = set(AuditRow.objects.values_list("act", flat=True))
    assert Act.BACKUP_WANTED in acts
    assert Act.BACKUP_RESTORED not in acts


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only the database of a state directory can be replaced")
def test_a_file_is_restored_into_a_new_site_only(console, by_up, home, tmp_path, settings, bob):
    url = by_up.partition("?")[0]
    console.post("/account/reauthenticate/", {"password": "oscar-secret-1", "next": url})
    sent = make_archive(tmp_path, passphrase="theirs, not ours").read_bytes()
    file = lambda: SimpleUploadedFile("their.backup", sent)  # noqa: E731
    assert "Wrong passphrase" in asked(console, url, passphrase=PASSPHRASE, backup=file())
    assert not (home / ".restore" / "uploaded.backup").exists()
    assert "is being restored" in asked(console, url, passphrase="theirs, not ours", backup=file())
    assert (home / ".restore" / "uploaded.backup").read_bytes() == sent
    for other in ("../secret.key", "guildhall-2.backup", "/etc/passwd"):
        assert console.get(f"{url}?file={other}").status_code == 404
    Client().post("/account/login/", {"login": "bob@example.org", "password": "bob-secret-1"})
    assert console.get(url).status_code == 404
    settings.RUN_BY_UP = False
    assert console.get(by_up).status_code == 404
