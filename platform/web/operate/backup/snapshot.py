"""A consistent copy of the database while the site writes to it, and how it is read back.

SQLite: `VACUUM INTO`, one read transaction, which, unlike the online backup API, also leaves out the pages that
deleted rows have freed. PostgreSQL: every table by COPY in one REPEATABLE READ transaction, without other programs.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from web.operate.backup.archive import SQLITE_FILE
from web.operate.backup.errors import BackupError
from web.runs.kept_files import KINDS
from web.upgrades import missing_migrations

_BLOCK: Final = 1024 * 1024


def take(folder: Path) -> dict[str, Any]:
    """Write the snapshot's files to `folder`; what the manifest says of it, with the content that it `names`."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(folder / SQLITE_FILE)])
            # What was made between the two is in the archive too: content is stored before its row.
            return {"vendor": "sqlite", "migrations": _migrations(), "names": sorted(_names())}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tables = {table: _columns(cursor, table) for table in connection.introspection.table_names(cursor)}
        for table, columns in tables.items():
            with (
                (folder / table).open("wb") as file,
                cursor.copy(f"COPY {_quoted(table, columns)} TO STDOUT") as rows,
            ):
                for block in rows:
                    file.write(block)
        return {
            "vendor": "postgresql",
            "migrations": _migrations(),
            "names": sorted(_names()),
            "tables": tables,
        }


def _migrations() -> list[list[str]]:
    return [list(key) for key in MigrationRecorder(connection).applied_migrations()]


def _names() -> Iterator[str]:
    """The stored content that rows name, as in the archive."""
    for kind in KINDS:
        for sha256, segment in kind.objects.values_list("sha256", "segment").iterator():
            yield f"home/files/{sha256}"
            if segment:
                yield f"home/segments/{segment}/manifest.json"


def _columns(cursor: Any, table: str) -> list[str]:
    return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _quoted(table: str, columns: Sequence[str]) -> str:
    quote = connection.ops.quote_name
    return f"{quote(table)} ({', '.join(map(quote, columns))})"


def check(facts: dict[str, Any]) -> None:
    """Raise BackupError unless this database can take the snapshot that a manifest describes."""
    if facts["vendor"] != connection.vendor:
        raise BackupError(f"The backup is of a {facts['vendor']} database, and this site has {connection.vendor}.")
    loader, applied = MigrationLoader(None), set(map(tuple, facts["migrations"]))
    known = {*loader.disk_migrations, *(key for each in loader.replacements.values() for key in each.replaces)}
    if unknown := sorted(applied - known):
        raise BackupError(f"The backup was made by a newer release: this one does not know {'.'.join(unknown[0])}.")
    if missing_migrations(applied):
        raise BackupError("The backup is of a commit between two releases. Restore it with that commit, and upgrade.")
    if connection.vendor != "sqlite" and connection.introspection.table_names():
        raise BackupError("The database is not empty. Restore into a new one (DATABASE_URL).")


def load(folder: Path, facts: dict[str, Any]) -> None:
    """Read the snapshot in `folder` into the empty database, and bring it to this release's migrations."""
    if connection.vendor == "sqlite":
        connection.close()
        shutil.move(folder / SQLITE_FILE, connection.settings_dict["NAME"])
    else:
        _load_tables(folder, facts)
    call_command("migrate", interactive=False, verbosity=0)
    _reset_sequences(apps.get_models(include_auto_created=True))


def _load_tables(folder: Path, facts: dict[str, Any]) -> None:
    loader, applied = MigrationLoader(None), set(map(tuple, facts["migrations"]))
    nodes = loader.graph.node_map
    applied |= {key for key, squashed in loader.replacements.items() if applied.issuperset(squashed.replaces)}
    applied &= nodes.keys()
    ends = [key for key in applied if not any(child.key in applied for child in nodes[key].children)]
    executor = MigrationExecutor(connection)
    executor.migrate(ends)
    tables = {table: columns for table, columns in facts["tables"].items() if table != "django_migrations"}
    with transaction.atomic(), connection.cursor() as cursor:
        if filled := [table for table in map(connection.ops.quote_name, tables) if _has_rows(cursor, table)]:
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")  # what migrations put there
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table, columns in tables.items():
            copy = f"COPY {_quoted(table, columns)} FROM STDIN"
            with (folder / table).open("rb") as file, cursor.copy(copy) as to:
                while block := file.read(_BLOCK):
                    to.write(block)
    then = MigrationExecutor(connection).loader.project_state(ends).apps
    _reset_sequences(then.get_models(include_auto_created=True))


def _has_rows(cursor: Any, quoted: str) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted})")  # noqa: S608 - a name of this database
    return bool(cursor.fetchone()[0])


def _reset_sequences(models: Any) -> None:
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(sql)
