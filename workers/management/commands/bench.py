"""`manage.py bench engine`: the engine against the library it stands on, and the platform against the engine."""

import json
from dataclasses import replace
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.bench.figures import Figures
from workers.bench.report import as_json, as_table, ratios
from workers.configuration import engine_config
from workers.engine.base import EngineError


class Command(BaseCommand):
    """Measures in one run and on the same weights."""

    help = "Measures raw generate, stock continuous batching, our engine and, with --url, the whole platform."

    def add_arguments(self, parser: CommandParser) -> None:
        """One subject so far, `engine`, and its options."""
        parser.add_argument("subject", choices=["engine"])
        parser.add_argument("--concurrency", type=int, default=16, help="conversations at once (default 16)")
        parser.add_argument("--tokens", type=int, default=64, help="tokens per reply (default 64)")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--url", default="", help="a running site, such as http://127.0.0.1:8000")
        parser.add_argument("--key", default="", help="an API key of that site")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the table or the JSON."""
        concurrency, n_tokens = options["concurrency"], options["tokens"]
        try:
            raw, stock, engine = self._measure_engines(concurrency, n_tokens)
            platform = self._measure_platform(options)
        except (EngineError, httpx.HTTPError) as error:
            raise CommandError(str(error)) from error
        arms = [raw, stock, engine, *([platform] if platform else [])]
        found = ratios(raw, stock, engine, platform)
        if options["json"]:
            setting = {"concurrency": concurrency, "tokens": n_tokens, "model": engine_config().base_model}
            self.stdout.write(json.dumps(as_json(arms, found, setting), indent=2))
        else:
            self.stdout.write(as_table(arms, found, concurrency))

    def _measure_engines(self, concurrency: int, n_tokens: int) -> tuple[Figures, Figures, Figures]:
        """Raw, stock and ours, one after the other; the first two give their model back before ours loads."""
        from workers.bench.engines import Library, measure_engine, measure_raw, measure_stock

        config = replace(engine_config(), engine="hf")
        library = Library(config)
        self.stderr.write("Measuring raw generate ...")
        raw = measure_raw(library, n_tokens)
        self.stderr.write("Measuring stock continuous batching ...")
        stock = measure_stock(library, concurrency, n_tokens)
        del library
        self.stderr.write("Measuring our engine ...")
        return raw, stock, measure_engine(config, concurrency, n_tokens)

    def _measure_platform(self, options: dict[str, Any]) -> Figures | None:
        """The site's figures; None, with a sentence, when no site was named."""
        from workers.bench.http import measure_platform

        if not options["url"]:
            self.stderr.write("The platform over HTTP is skipped: no --url was given.")
            return None
        self.stderr.write("Measuring the platform over HTTP ...")
        return measure_platform(options["url"], options["key"], options["concurrency"], options["tokens"])
