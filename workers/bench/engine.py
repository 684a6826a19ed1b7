"""`manage.py bench engine`: our engine, llama.cpp and vLLM, in one run on the same weights.

llama.cpp takes part if the package xllamacpp is installed, vLLM if its program is named with --vllm. Both are asked
over HTTP by the engine for servers, ours within this process.
"""

import os
import secrets
import subprocess
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, replace
from importlib.util import find_spec
from tempfile import TemporaryFile
from typing import Any, Final

import httpx

from workers.bench import Say
from workers.bench.temporary_site import free_port
from workers.bench.timing import Figures, measure
from workers.configuration import engine_config
from workers.engine import open_engine
from workers.engine.base import Engine, EngineConfig, EngineError
from workers.engine.weights import locate_model, resolve_model

HELP = "our engine beside llama.cpp and vLLM"

TIMEOUT_S: Final = 300.0
# vLLM compiles for minutes at its first start.
START_S: Final = 600.0
CONTEXT_TOKENS: Final = 4_096
# With what vLLM takes by itself, it does not start on a machine with 24 GB of memory.
KV_CACHE_GB: Final = "2"
VLLM_OPTIONS: Final = (
    *("--host", "127.0.0.1", "--served-model-name", "model", "--max-model-len", str(CONTEXT_TOKENS)),
    *("--enable-prefix-caching", "--dtype", "bfloat16"),
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--concurrency", type=int, default=16, help="conversations at once (default 16)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens per reply (default 64)")
    parser.add_argument("--vllm", default="", help="the program vllm, such as /opt/vllm/bin/vllm")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures of all arms and their ratios. Raises RuntimeError."""
    concurrency, n_tokens = options["concurrency"], options["tokens"]
    config = replace(engine_config(), engine="hf")
    try:
        with closing(open_engine(config)) as engine:
            say("Measuring our engine ...")
            arms = {"our engine": measure(engine, concurrency, n_tokens, compares=True)}
        for name, server in (("llama.cpp", _llama_cpp), ("vLLM", _vllm)):
            arms |= _other(name, server(config, options, say), concurrency, n_tokens, say)
    except (EngineError, httpx.HTTPError, OSError) as error:
        raise RuntimeError(str(error)) from error
    return {
        "setting": {"concurrency": concurrency, "tokens": n_tokens, "model": config.base_model},
        "load of the machine": [round(each, 2) for each in os.getloadavg()],
        "arms": {name: asdict(arm) for name, arm in arms.items()},
        "ratios": ratios(arms),
    }


def _other(
    name: str, server: AbstractContextManager[Engine | None], concurrency: int, n_tokens: int, say: Say
) -> dict[str, Figures]:
    """The figures of another engine; none if it is not here or fails, which must not lose those of the rest."""
    try:
        with server as engine:
            if engine is None:
                return {}
            say(f"Measuring {name} ...")
            return {name: measure(engine, concurrency, n_tokens)}
    except (EngineError, httpx.HTTPError, OSError) as error:
        say(f"{name} could not be measured: {error}")
        return {}


def ratios(arms: Mapping[str, Figures]) -> dict[str, float]:
    """Our engine to every other arm: its tokens a second, alone and together, and the times to a first token."""
    ours, found = arms["our engine"], {}
    for name, other in arms.items():
        if other is ours:
            continue
        found[f"together, to {name}"] = ours.tokens_per_s / other.tokens_per_s
        found[f"alone, to {name}"] = ours.solo_tokens_per_s / other.solo_tokens_per_s
        found[f"cold first token, {name} to ours"] = other.cold_first_s / ours.cold_first_s
        found[f"warm first token, {name} to ours"] = other.warm_first_s / ours.warm_first_s
    return {name: round(ratio, 2) for name, ratio in found.items()}


@contextmanager
def _llama_cpp(config: EngineConfig, options: Mapping[str, Any], say: Say) -> Iterator[Engine | None]:
    """llama.cpp's server with the same GGUF file, one slot a conversation; None if it is not installed."""
    file = locate_model(config.base_model, config.home)
    if find_spec("xllamacpp") is None or file.is_dir():
        say("llama.cpp is skipped: it wants the package xllamacpp, and a model in a GGUF file.")
        yield None
        return
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.verbosity = -1
    params.n_parallel = options["concurrency"]
    params.n_ctx = CONTEXT_TOKENS * params.n_parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = len(os.sched_getaffinity(0))
    server = xllamacpp.Server(params)
    with closing(_served(server.listening_address, str(file))) as engine:
        yield engine
    del server


@contextmanager
def _vllm(config: EngineConfig, options: Mapping[str, Any], say: Say) -> Iterator[Engine | None]:
    """vLLM's server with the same model in bfloat16; None without --vllm."""
    if not options["vllm"]:
        say("vLLM is skipped: --vllm names no program.")
        yield None
        return
    folder, key, port = resolve_model(config), secrets.token_hex(16), free_port()
    command = [options["vllm"], "serve", str(folder), "--port", str(port), *VLLM_OPTIONS]
    # Our own modules must not get in the way of its.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {"VLLM_CPU_KVCACHE_SPACE": KV_CACHE_GB, **kept, "VLLM_API_KEY": key}
    with (
        TemporaryFile() as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,  # noqa: S603 (the operator's)
    ):
        try:
            with closing(_served(f"http://127.0.0.1:{port}", "model", key)) as engine:
                ends_at = time.monotonic() + START_S
                while not engine.health().ready:
                    if process.poll() is not None or time.monotonic() > ends_at:
                        log.seek(0)
                        said = log.read().decode(errors="replace").strip()
                        raise EngineError(f"vLLM did not start: {said[-2_000:]}")
                    time.sleep(1.0)
                yield engine
        finally:
            process.terminate()


def _served(url: str, model: str, key: str = "") -> Engine:
    return open_engine(
        EngineConfig("remote", remote_url=url, remote_model=model, remote_key=key, context_tokens=CONTEXT_TOKENS)
    )
