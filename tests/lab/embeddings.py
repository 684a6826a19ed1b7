"""`python -m tests.lab embeddings`: `/v1/embeddings` of a temporary site against bare `encode` of its model."""

import os
import random
from argparse import ArgumentParser
from base64 import b64decode
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import httpx
import numpy as np
from django.conf import settings

from web.api import site_models
from workers.bench import Say
from workers.bench.api import NAME, Arm, compared, open_client, timed
from workers.bench.timing import instructions
from workers.knowledge.embed import load_model, shared_embedder

HELP = "the API's embeddings against bare encode"

WORDS_PER_TEXT: Final = (20, 160)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=512, help="texts to embed (default 512)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds after the first, which warms up (default 3)")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The speeds of all arms and their ratios. Raises RuntimeError."""
    try:
        with open_client() as (client, _):
            return _measured(client, options, say)
    except (httpx.HTTPError, OSError) as error:
        raise RuntimeError(str(error)) from error


def _measured(client: httpx.Client, options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    texts = _texts(options["texts"])
    embedder = shared_embedder(settings.EMBEDDER, home=settings.GUILDHALL_HOME)
    # As in the worker, which leaves a core to the site.
    n_cores = os.cpu_count() or 2
    n_threads = max(1, n_cores - 1)
    bare = load_model(embedder.folder, n_threads)
    sent = {"model": site_models.embedder().id, "input": texts, "encoding_format": "base64"}
    vectors: dict[str, Any] = {}

    def encode(threads: int, _number: int) -> float:
        import torch

        torch.set_num_threads(threads)
        return timed(lambda: len(vectors.setdefault("bare", bare.encode(texts, show_progress_bar=False))))

    def api(_number: int) -> float:
        def ask() -> int:
            answer = client.post("/v1/embeddings", json=sent).raise_for_status().json()
            vectors["api"] = [np.frombuffer(b64decode(each["embedding"]), "<f4") for each in answer["data"]]
            return len(vectors["api"])

        return timed(ask)

    name = f"bare encode with {n_threads} of {n_cores} cores"
    arms: dict[str, Arm] = {name: partial(encode, n_threads), "embeddings": api}
    if n_threads != n_cores:
        arms["bare encode with all cores"] = partial(encode, n_cores)
    found = compared(arms, options["rounds"], "texts/s", say)
    return {**found, "least cosine of a vector to its bare one": _least_cosine(vectors["bare"], vectors["api"])}


def _least_cosine(one: Any, other: Any) -> float:
    one, other = np.asarray(one, np.float32), np.asarray(other, np.float32)
    cosines = (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    return round(float(cosines.min()), 4)


def _texts(n_texts: int) -> list[str]:
    """Texts of many lengths, none longer than the bundled embedder reads at once."""
    chance, words = random.Random(0), instructions(NAME).split()
    return [" ".join(chance.choices(words, k=chance.randint(*WORDS_PER_TEXT))) for _ in range(n_texts)]
