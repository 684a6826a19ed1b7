"""Which databases this release can upgrade: those of a release, and those with every migration before the squash.

Django silently leaves out a squashed migration if a database has only some of the migrations that it replaces.
"""

from collections.abc import Collection
from typing import Any, Final

from django.core.checks import CheckMessage, Error
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

HINT: Final = "Check out commit d43cfc21, run `manage.py migrate` there, and then start this release."


def missing_migrations(applied: Collection[tuple[str, str]]) -> list[str]:
    """The migrations that a database with the `applied` ones needs from the last commit that has them."""
    missing: list[str] = []
    for migration in MigrationLoader(None).replacements.values():
        lacking = [key for key in migration.replaces if key not in applied]
        if len(lacking) < len(migration.replaces):
            missing += map(".".join, lacking)
    return missing


def check_database(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The problem with a database that stands between two releases. `manage.py migrate` checks for it."""
    missing = missing_migrations(MigrationRecorder(connection).applied_migrations()) if databases else []
    if not missing:
        return []
    problem = f"The database is of a commit between two releases: it lacks {', '.join(missing)}."
    return [Error(problem, hint=HINT, id="guildhall.E011")]
