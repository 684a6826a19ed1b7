"""`manage.py bench engine`: the engine against the library it stands on, and the platform against the engine.

All arms are measured in one run and on the same weights.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import httpx

from workers.bench.engines import Library, measure_engine, measure_raw, measure_stock
from workers.bench.figures import Figures
from workers.bench.http import measure_platform
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


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures of all arms and their ratios; `say` tells how far it is. Raises RuntimeError."""
    concurrency, n_tokens = options["concurrency"], options["tokens"]
    try:
        raw, stock, engine = _measure_engines(concurrency, n_tokens, say)
        platform = _measure_platform(options, say)
    except (EngineError, httpx.HTTPError) as error:
        raise RuntimeError(str(error)) from error
    arms = {"raw generate, in turn": raw, "stock continuous batching": stock, "our engine": engine}
    arms |= {"platform over HTTP": platform} if platform else {}
    return {
        "setting": {"concurrency": concurrency, "tokens": n_tokens, "model": engine_config().base_model},
        "arms": {name: asdict(arm) for name, arm in arms.items()},
        "ratios": ratios(raw, stock, engine, platform),
    }


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


def ratios(raw: Figures, stock: Figures, engine: Figures, platform: Figures | None) -> dict[str, float]:
    """The promised ratios: engine to stock and raw, cold to warm first token, HTTP to engine."""
    found = {
        "engine_to_stock_tokens_per_s": engine.tokens_per_s / stock.tokens_per_s,
        "engine_to_raw_tokens_per_s": engine.tokens_per_s / raw.tokens_per_s,
    }
    if engine.solo_tokens_per_s and stock.solo_tokens_per_s:
        found["engine_to_stock_solo"] = engine.solo_tokens_per_s / stock.solo_tokens_per_s
    if engine.cold_first_s and engine.warm_first_s:
        found["cold_to_warm_first_token"] = engine.cold_first_s / engine.warm_first_s
    if platform is not None:
        found["http_to_engine_tokens_per_s"] = platform.tokens_per_s / engine.tokens_per_s
    return found
