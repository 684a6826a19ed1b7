"""`manage.py preparemodels`: finds the base model and converts it once, so that no first chat waits for it."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workers.configuration import engine_config
from workers.engine.base import EngineError
from workers.engine.local import prepare_local


class Command(BaseCommand):
    """Prepares the base model; does nothing when it is ready."""

    help = "Finds the base model set in BASE_MODEL and converts it if it is a GGUF file. Fast if already converted."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a line per step with its time."""
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

    def _report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
