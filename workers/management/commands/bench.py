"""`manage.py bench SUBJECT`: measures a part of Guildhall; speed as ratios within one run."""

import json
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.configuration import close
from workers.management.checkout import require_checkout

# Each module has HELP, add_arguments(parser) and report(options, say), which returns the figures as a JSON object.
SUBJECTS: dict[str, str] = {
    "answers": "workers.bench.answers",
    "api": "workers.bench.api",
    "delegation": "workers.bench.delegation",
    "engine": "workers.bench.engine",
    "ingest": "workers.bench.ingest",
    "injection": "workers.bench.injection",
    "load": "workers.bench.load",
    "retrieval": "workers.bench.retrieval",
    "scale": "workers.bench.scale",
    "store": "workers.bench.store",
    "tools": "workers.bench.tools",
}


class Command(BaseCommand):
    """Runs one subject's measurement."""

    help = "Measures a part of Guildhall."

    def add_arguments(self, parser: CommandParser) -> None:
        """A sub-command per subject, each with its own options and --json."""
        require_checkout(parser, "workers.bench")
        subjects = parser.add_subparsers(dest="subject", required=True)
        for name, module in SUBJECTS.items():
            subject = import_module(module)
            options = subjects.add_parser(name, help=subject.HELP)
            options.add_argument("--json", action="store_true", help="print JSON instead of a table")
            subject.add_arguments(options)

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.bench.report import as_text

        subject = import_module(SUBJECTS[options["subject"]])
        try:
            found = subject.report(options, self.stderr.write)
            text = json.dumps(found, indent=2, ensure_ascii=False) if options["json"] else as_text(found)
            self.stdout.write(text)
        except RuntimeError as error:
            raise CommandError(str(error)) from error
        finally:
            close()  # otherwise the engine's batch thread keeps the process alive
