"""`manage.py servemodel`: becomes a vLLM that serves the base model on this machine, for ENGINE=vllm."""

import os
import shlex
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from workers.configuration import engine_config
from workers.engine.base import EngineError
from workers.engine.vllm import serve_command, serve_environment


class Command(BaseCommand):
    """Replaces this process, so that what supervises it supervises vLLM."""

    help = "Serves the base model with vLLM for ENGINE=vllm; `deploy/up` runs it. Ends when vLLM does."

    def handle(self, *args: Any, **options: Any) -> None:
        config = engine_config()
        if config.engine != "vllm":
            raise CommandError(f"ENGINE is {config.engine}; vLLM serves the model when it is vllm.")
        try:
            command = serve_command(settings.ENGINE_PROGRAM, config, settings.ENGINE_ARGS, self.stdout.write)
        except EngineError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(shlex.join(command))
        self.stdout.flush()
        os.execvpe(command[0], command, serve_environment(config, os.environ))  # noqa: S606  # our own command
