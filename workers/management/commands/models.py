"""`manage.py models`: lists, downloads, chooses, checks and removes base models."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from gpts.spec.base_models import gigabytes
from web.engines import engines
from web.operate.models_connected import ConnectedModel
from web.operate.services import choose_model, chosen_model, current_model, fixed_model
from workers.configuration import base_model, measure_entry
from workers.engine.base import BUNDLED, EngineError
from workers.engine.weights import locate_model
from workers.model_survey import machine, places_of, remove_model
from workers.models.catalogue import catalogue, entry_named, find_source
from workers.models.errors import ModelError
from workers.models.machine import MachineSize, best, misfit
from workers.models.progress import Progress
from workers.models.stored import Manifest, find_stored, stored_models

# How often the line of progress is written, in seconds: on a terminal, and to a file.
TERMINAL_S: Final = 0.2
LOG_S: Final = 10.0


class Command(BaseCommand):
    """NAME is a name of the catalogue, `org/name`, `org/name:file.gguf`, a directory, or a .gguf file."""

    help = "Lists, downloads, chooses, checks and removes base models."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="list | get | use | check | remove")
        actions.add_parser("list", help="what is in use, on this machine, and in the catalogue (the default)")
        for action, text in (
            ("get", "download a model; a stopped download goes on"),
            ("use", "change to this model"),
            ("check", "measure what a model can do, in minutes"),
            ("remove", "delete a model from this machine"),
        ):
            named = actions.add_parser(action, help=text)
            named.add_argument("name", metavar="NAME")
            if action == "get":
                named.add_argument("--accept-licence", action="store_true", help="accept it without being asked")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action'] or 'list'}")(options)
        except (ModelError, EngineError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database is not ready; run `manage.py migrate`. ({error})") from error

    def _list(self, options: dict[str, Any]) -> None:
        self.stdout.write("\n".join([*_in_use(), *_named(), "", *_on_disk(), "", *_catalogue(machine())]))

    def _get(self, options: dict[str, Any]) -> None:
        # Only here, as importing the client library takes a second.
        from workers.models.hub import download
        from workers.models.listing import Hub, look_up

        home, hub, name = settings.GUILDHALL_HOME, Hub(settings.HF_ENDPOINT, settings.HF_TOKEN), options["name"]
        if Path(name).exists() or find_stored(name, home):
            self.stdout.write(f"{name} is already on this machine. Use it: manage.py models use {name}")
            return
        found = look_up(find_source(name), hub, home)
        self._show(found)
        accept = options["accept_licence"] or self._ask()
        try:
            path = download(found, hub, home, accept=accept, report=ProgressLine())
        except KeyboardInterrupt:
            raise CommandError("\nStopped. The same command goes on from here.", returncode=130) from None
        self.stdout.write(f"\nDownloaded to {path}. Use it: manage.py models use {name}")

    def _show(self, found: Manifest) -> None:
        entry = entry_named(found.source.typed)
        self.stdout.write(f"{found.source.typed}, {gigabytes(found.total)} in {len(found.files)} files")
        self.stdout.write(f"Page: {settings.HF_ENDPOINT}/{found.source.repo}/tree/{found.commit}")
        self.stdout.write(f"Licence: {found.licence}")
        if entry:
            self.stdout.write(f"Licence in the catalogue: {entry.licence}")
            if reason := misfit(entry, machine()):
                self.stderr.write(self.style.WARNING(f"It doesn't fit this machine. {reason}"))

    def _ask(self) -> bool:
        if not sys.stdin.isatty():
            raise CommandError("Read the licence, and add --accept-licence.")
        return input("Accept the licence and download? [y/N] ").strip().lower() in ("y", "yes")

    def _use(self, options: dict[str, Any]) -> None:
        name = options["name"]
        path = locate_model(name, settings.GUILDHALL_HOME).resolve()
        choose_model(BUNDLED if name == BUNDLED else str(path))
        self.stdout.write(f"Chosen: {name}. Workers change to it within ten seconds, and end their answers first.")
        if fixed_model():
            self.stderr.write(f"BASE_MODEL is set to {settings.BASE_MODEL}, which wins. Remove that setting.")
        if settings.ENGINE == "vllm":
            self.stderr.write("ENGINE is vllm: the choice counts from the next start of Guildhall on.")
        elif settings.ENGINE != "hf":
            self.stderr.write(f"ENGINE is {settings.ENGINE}; the choice counts when it is hf.")

    def _check(self, options: dict[str, Any]) -> None:
        entry = engines().get(options["name"])
        if entry and entry.url:
            record = measure_entry(entry, self.stderr.write)
            ConnectedModel.objects.filter(name=options["name"]).update(record=record, check_trouble="")
            self.stdout.write("\n".join(f"{name}: {value}" for name, value in record.known().items()))
            return
        settings.BASE_MODEL = str(locate_model(options["name"], settings.GUILDHALL_HOME))
        settings.ENGINE = "hf"
        call_command("checkmodel", stdout=self.stdout, stderr=self.stderr)

    def _remove(self, options: dict[str, Any]) -> None:
        for each in remove_model(options["name"]):
            self.stdout.write(f"Removed {each.name} ({each.state}, {gigabytes(each.size)}).")


class ProgressLine:
    """Writes one line that changes on a terminal, or a line every few seconds to a file."""

    def __init__(self) -> None:
        self._written = 0.0
        self._on_terminal = sys.stdout.isatty()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.done < progress.total and now - self._written < (TERMINAL_S if self._on_terminal else LOG_S):
            return
        self._written = now
        line = f"{progress.done * 100 // max(progress.total, 1):3d} %  {gigabytes(progress.done)} of "
        line += f"{gigabytes(progress.total)}, {progress.speed / 1e6:.1f} MB/s, {_left(progress.seconds_left)}"
        print(f"\r{line:<70}" if self._on_terminal else line, end="" if self._on_terminal else "\n", flush=True)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "starting"
    return f"{seconds / 60:.0f} minutes left" if seconds >= 120 else f"{seconds:.0f} seconds left"


def _in_use() -> list[str]:
    if settings.ENGINE not in ("hf", "vllm"):
        return [f"In use: {settings.ENGINE_MODEL} on {settings.ENGINE_URL} (ENGINE={settings.ENGINE})"]
    name, record = base_model(), current_model()
    how = "BASE_MODEL" if fixed_model() else "chosen" if name != BUNDLED else "comes with Guildhall"
    lines = [f"In use: {name} ({how})"]
    if (chosen := chosen_model()) and chosen.trouble:
        lines.append(f"The model chosen last could not be loaded: {chosen.trouble}")
    if record:
        trusted = ", ".join(each for each, value in record.known().items() if value is True) or "nothing"
        measured = f"trusted with {trusted}" if record.known() else "not measured yet"
        lines.append(f"Loaded last: {record.title}, {measured}")
    return lines


def _named() -> list[str]:
    """The models beside the default one, without their keys."""
    return [
        f"Offered to {entry.allowed}: {name} ({entry.title}), {entry.model} on {entry.url}, else {entry.fallback}"
        for name, entry in engines().items()
        if entry.url
    ]


def _on_disk() -> list[str]:
    used = places_of(base_model())
    rows = [
        f"{'*' if each.path in used else ' '} {each.name:<48} {gigabytes(each.size):>9}  {each.state}"
        for each in stored_models(settings.GUILDHALL_HOME)
    ]
    return ["On this machine (* in use):", *(rows or ["  nothing but the bundled model"])]


def _catalogue(size: MachineSize) -> list[str]:
    here = {each.name for each in stored_models(settings.GUILDHALL_HOME) if each.state == "downloaded"}
    suggested = best(catalogue(), size, here)
    lines = ["Catalogue (get one: manage.py models get NAME):"]
    for entry in catalogue():
        fits = misfit(entry, size, is_stored=entry.name in here) or "Fits."
        note = " Suggested." if entry == suggested else ""
        able = ", ".join(sorted(entry.abilities)) or "-"
        licence = f"{entry.licence}{', gated' if entry.gated else ''}"
        row = f"  {entry.name:<18}{gigabytes(entry.download_bytes):>9}  {able:<18}{licence:<29}{fits}{note}"
        lines.append(row)
    return lines
