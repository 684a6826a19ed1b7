"""`manage.py backup FILE`: the whole state of the site in one file, while it runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from web.operate.backup.errors import BackupError
from web.operate.backup.making import make_backup
from web.operate.backup.passphrases import passphrase


class Command(BaseCommand):
    help = "Writes the database, all files and the keys (encrypted with a passphrase) to FILE, while the site runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_backup(options["file"].resolve(), passphrase(is_new=True))
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made.path}: {made.n_files:,} files, {made.size / 1e6:,.1f} MB, {made.seconds:.1f} s.")
        if made.n_missing:
            self.stderr.write(f"{made.n_missing:,} files that the database names were lost before.")
