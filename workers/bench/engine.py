"""`manage.py bench engine`: the engine against the library it stands on, and the platform against the engine.

All arms are measured in one run and on the same weights.
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx

from workers.bench.engines import Library, measure_engine, measure_raw, measure_stock
from workers.bench.figures import Figures
from workers.bench.http import measure_platform
from workers.bench.report import as_json, as_table, ratios
from workers.configuration import engine_config
from workers.engine.base import EngineError

HELP = "raw generate, stock continuous batching, our engine and, with --url, the whole platform"

Say = Callable[[str], object]


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this subject."""
    parser.add_argument("--concurrency", type=int, default=16, help="conversations at once (default 16)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens per reply (default 64)")
    parser.add_argument("--url", default="", help="a running site, such as http://127.0.0.1:8000")
    parser.add_argument("--key", default="", help="an API key of that site")


def report(options: Mapping[str, Any], say: Say) -> str:
    """The table, or with `json` the JSON, of all arms; `say` tells how far it is. Raises RuntimeError."""
    concurrency, n_tokens = options["concurrency"], options["tokens"]
    try:
        raw, stock, engine = _measure_engines(concurrency, n_tokens, say)
        platform = _measure_platform(options, say)
    except (EngineError, httpx.HTTPError) as error:
        raise RuntimeError(str(error)) from error
    arms = [raw, stock, engine, *([platform] if platform else [])]
    found = ratios(raw, stock, engine, platform)
    if options["json"]:
        setting = {"concurrency": concurrency, "tokens": n_tokens, "model": engine_config().base_model}
        return json.dumps(as_json(arms, found, setting), indent=2)
    return as_table(arms, found, concurrency)


def _measure_engines(concurrency: int, n_tokens: int, say: Say) -> tuple[Figures, Figures, Figures]:
    """Raw, stock and ours, one after the other; the first two give their model back before ours loads."""
    config = replace(engine_config(), engine="hf")
    library = Library(config)
    say("Measuring raw generate ...")
    raw = measure_raw(library, n_tokens)
    say("Measuring stock continuous batching ...")
    stock = measure_stock(library, concurrency, n_tokens)
    del library
    say("Measuring our engine ...")
    return raw, stock, measure_engine(config, concurrency, n_tokens)


def _measure_platform(options: Mapping[str, Any], say: Say) -> Figures | None:
    """The site's figures; None, with a sentence, when no site was named."""
    if not options["url"]:
        say("The platform over HTTP is skipped: no --url was given.")
        return None
    say("Measuring the platform over HTTP ...")
    return measure_platform(options["url"], options["key"], options["concurrency"], options["tokens"])
