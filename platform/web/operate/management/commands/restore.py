"""`manage.py restore FILE`: the state of a site from its backup, into an empty state directory."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from web.operate.backup import wanted
from web.operate.backup.errors import BackupError
from web.operate.backup.passphrases import passphrase
from web.operate.backup.restoring import restore


class Command(BaseCommand):
    help = "Restores a backup into an empty state directory (GUILDHALL_HOME), while the site is stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", nargs="?")
        parser.add_argument("--replace", action="store_true", help="move what is there aside first")
        parser.add_argument("--wanted", action="store_true", help="the one chosen in the console, for `deploy/up`")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["wanted"]:
            restore_wanted()
        elif options["file"] is None:
            raise CommandError("Name the FILE of the backup.")
        else:
            self._restore(options["file"].resolve(), options["replace"])

    def _restore(self, path: Path, replaces: bool) -> None:
        try:
            done = restore(path, passphrase(is_new=False), replaces=replaces)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored {done.n_files:,} files as of {done.created:%Y-%m-%d %H:%M} UTC.")
        if done.n_missing:
            self.stderr.write(f"{done.n_missing:,} files were missing when the backup was made.")
        if done.n_erased:
            self.stdout.write(f"{done.n_erased:,} things that were erased since are erased again.")
        self.stdout.write("Start the site with ./deploy/up. Everyone signs in again.")


def restore_wanted() -> None:
    """Restore what an operator chose. `deploy/up` holds the lock, and starts the site again whatever comes of it."""
    path, phrase = wanted.take()
    error = ""
    try:
        restore(path, phrase, replaces=True, locks=False)
    except (BackupError, DatabaseError, OSError) as problem:
        error = str(problem)
    wanted.finish(error)
