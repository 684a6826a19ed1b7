"""`manage.py bench SUBJECT`: measures how fast this machine serves; speed as ratios within one run."""

import json
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.configuration import close


class Command(BaseCommand):
    """Runs one subject's measurement."""

    help = "Measures this machine and its site."
    # Each module has HELP, add_arguments(parser) and report(options, say), which returns figures as a JSON object.
    SUBJECTS: ClassVar[Mapping[str, str]] = {name: f"workers.bench.{name}" for name in ("api", "engine", "load")}

    def add_arguments(self, parser: CommandParser) -> None:
        """A sub-command per subject, each with its own options and --json."""
        if find_spec("workers.bench") is None:
            parser.error("This command needs a checkout of Guildhall: it is not part of the installed package.")
        subjects = parser.add_subparsers(dest="subject", required=True)
        for name, module in self.SUBJECTS.items():
            subject = import_module(module)
            options = subjects.add_parser(name, help=subject.HELP)
            options.add_argument("--json", action="store_true", help="print JSON instead of a table")
            subject.add_arguments(options)

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.bench.report import as_text

        subject = import_module(self.SUBJECTS[options["subject"]])
        try:
            found = subject.report(options, self.stderr.write)
            text = json.dumps(found, indent=2, ensure_ascii=False) if options["json"] else as_text(found)
            self.stdout.write(text)
        except RuntimeError as error:
            raise CommandError(str(error)) from error
        finally:
            close()  # otherwise the engine's batch thread keeps the process alive
