"""`manage.py checkmodel`: measures or overrides the abilities of the base model."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from web.engines import READS
from web.operate.services import override
from workers.configuration import close, measure_ability, recall_ability, services
from workers.engine.base import EngineError

_VALUES = {"yes": True, "no": False, "measured": None}


class Command(BaseCommand):
    """Loads the configured model and runs a few dozen test prompts, which takes minutes on a CPU."""

    help = "Measures the abilities of the base model: choosing tools, arguments, answers from files, formats."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="ABILITY=yes|no|measured",
            help=f"override an ability instead of measuring; {READS} takes a number; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._check(options)
        except (EngineError, ValueError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database is not ready; run `manage.py migrate`. ({error})") from error
        finally:
            close()

    def _check(self, options: dict[str, Any]) -> None:
        engine = services().engine
        record = recall_ability(engine, engine.health().model)
        if record is None:
            raise CommandError("ENGINE is scripted, so there is no model to check.")
        say = self.stderr.write
        if options["set"]:
            override(record, dict(_change(each) for each in options["set"]))
            engine.learn(record.known())
        else:
            say(f"Checking {record.name} ...")
            measure_ability(engine, record, say)
        record.refresh_from_db()
        found = {
            "model": record.name,
            "fingerprint": record.fingerprint,
            "ability": engine.ability().model_dump(),
            "figures": record.figures,
            "overrides": record.overrides,
            "seconds": record.seconds,
        }
        self.stdout.write(json.dumps(found, indent=2) if options["json"] else _text(found))


def _change(text: str) -> tuple[str, int | None]:
    name, _, value = text.partition("=")
    if name == READS and value.isdecimal():
        return name, int(value)
    if value not in _VALUES or (name == READS and value != "measured"):
        raise ValueError(f"“{text}” must be ability=yes, ability=no or ability=measured, or {READS}=NUMBER.")
    return name, _VALUES[value]


def _text(found: dict[str, Any]) -> str:
    lines = [f"{found['model']} ({found['fingerprint'][:12]})"]
    lines += [
        f"  {name:<16} {figure['right']:>3} of {figure['cases']}"
        for name, figure in found["figures"].items()
        if "right" in figure
    ]
    lines += ["Abilities:"]
    for name, value in found["ability"].items():
        note = " (overridden)" if name in found["overrides"] else ""
        shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        lines.append(f"  {name:<20} {shown}{note}")
    return "\n".join(lines)
