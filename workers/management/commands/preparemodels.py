"""`manage.py preparemodels`: finds the base model and the embedder, and converts them once, so that no chat waits."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from web.checks import TAG
from workers.configuration import engine_config
from workers.engine.base import EngineError
from workers.engine.local import prepare_local
from workers.knowledge.embed import shared_embedder
from workers.voice.hearing import model_folder


class Command(BaseCommand):
    """Prepares the base model; does nothing when it is ready."""

    requires_system_checks = [TAG]  # all of them would load every page
    help = "Finds the base model set in BASE_MODEL and converts it if it is a GGUF file. Fast if already converted."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a line per step with its time."""
        shared_embedder(settings.EMBEDDER, home=settings.GUILDHALL_HOME)
        if settings.VOICE_MODEL:
            self._prepare_voice()
        config = engine_config()
        if config.engine not in ("hf", "vllm"):
            self.stdout.write(f"ENGINE is {config.engine}: no local base model needed.")
            return
        started = time.perf_counter()
        try:
            n_bytes = prepare_local(config, self._report)
        except EngineError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Base model ready in {time.perf_counter() - started:.1f} s: {n_bytes / 1e6:.0f} MB of weights"
        )

    def _prepare_voice(self) -> None:
        try:
            model_folder(settings.VOICE_MODEL, settings.GUILDHALL_HOME, may_download=True)
        except Exception as error:
            raise CommandError(f"VOICE_MODEL={settings.VOICE_MODEL} can't be downloaded: {error}") from error

    def _report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
