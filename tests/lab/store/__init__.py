"""`python -m tests.lab store`: how well and how fast the search of the store finds GPTs.

A temporary site with all its workers gets the GPTs in gpts.txt, and is asked the queries of tuning.txt and unseen.txt
over its API: a query is a hit if one of the GPTs that fit is among the first results. Constants may be chosen by the
first set; the second was written before, and nobody looks at its misses. Then they are asked again with the phrases
that a capable model wrote for the GPTs, as on a site with one (workers/indexing/phrases.py). At last the store is
filled with made-up GPTs that have phrases, and the pages of the store are timed.
"""

import random
import time
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx

from tests.lab.measures import milliseconds, percentiles
from workers.bench import Say
from workers.bench.temporary_site import python, temporary_site, web_server

HELP = "relevance of the store's search on labelled queries, and latency of the store with many GPTs"

FOLDER: Final = Path(__file__).parent
SETS: Final = ("tuning", "unseen")
TIMEOUT_S: Final = 30.0
WARM_S: Final = 120.0
# So that neither limits of requests nor quotas stop the benchmark.
LIMITS: Final = dict.fromkeys(("API_REQUESTS_A_MINUTE", "SEARCHES_A_MINUTE", "MAX_GPTS_PER_PERSON"), "unlimited")
_BATCH: Final = 500


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--gpts", type=int, default=10_000, help="GPTs in the store when it is timed (default 10000)")
    parser.add_argument("--rounds", type=int, default=2, help="times that each query is timed (default 2)")
    parser.add_argument("--misses", action="store_true", help="with --json: the misses of the tuning set")
    parser.add_argument("--inside", default="", help=SUPPRESS)


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Hits by set, and latencies in milliseconds. Raises RuntimeError."""
    if options["inside"]:
        inside = {"labelled": _prepare, "phrases": _take_phrases, "fill": lambda: _fill(options["gpts"])}
        return {"done": inside[options["inside"]]()}
    try:
        with temporary_site(queues=("model,tools", "index"), **LIMITS) as environment, web_server(environment) as url:
            return _measured(environment, url, options, say)
    except httpx.HTTPError as error:
        raise RuntimeError(str(error)) from error


def _measured(environment: Mapping[str, str], url: str, options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    inside = partial(python, environment, "-m", "tests.lab", "store")
    say("Publishing the labelled GPTs ...")
    key = inside("--inside=labelled").split()[-1]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S) as client:
        _wait_for_meaning(client)
        found = _relevances(client, options["misses"])
        say("Adding the phrases of a capable model ...")
        inside("--inside=phrases")
        with_phrases = _relevances(client, options["misses"])
        say(f"Filling the store with {options['gpts']:,} GPTs ...")
        inside("--inside=fill", f"--gpts={options['gpts']}")
        queries = [query for name in SETS for query, _ in labelled(name)]
        times = _latencies(client, queries, options)
    return {"relevance": found, "with phrases": with_phrases, "GPTs": options["gpts"], "milliseconds": times}


def _relevances(client: httpx.Client, misses: bool) -> dict[str, Any]:
    return {name: _relevance(client, name, misses and name == "tuning") for name in SETS}


def _wait_for_meaning(client: httpx.Client) -> None:
    """Until a worker has loaded the embedder. Raises RuntimeError."""
    ends_at = time.monotonic() + WARM_S
    params = {"scope": "store", "sort": "match"}
    for n in count():  # no search is by meaning for a while after one that was late
        answer = client.get("/api/gpts", params={**params, "q": f"revenue service {n}"}).raise_for_status()
        if answer.json()["items"]:
            return
        if time.monotonic() > ends_at:
            raise RuntimeError(f"No worker compared meanings within {WARM_S:.0f} s.")
        time.sleep(1)


def rows_of(name: str) -> Iterator[list[str]]:
    """The rows of a file of this folder."""
    for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split(" | ")


def labelled(name: str) -> list[tuple[str, list[str]]]:
    """The queries of a set, each with the names of the GPTs that fit."""
    return [(query, names.split(" / ")) for query, names in rows_of(name)]


def _relevance(client: httpx.Client, name: str, with_misses: bool) -> dict[str, Any]:
    cases = labelled(name)
    ranks: list[int] = []
    misses = []
    for query, fitting in cases:
        params: dict[str, str | int] = {"scope": "store", "sort": "match", "q": query, "limit": 10}
        answer = client.get("/api/gpts", params=params).raise_for_status().json()
        names = [item["name"] for item in answer["items"]]
        ranks.append(next((rank for rank, each in enumerate(names, 1) if each in fitting), 0))
        if ranks[-1] not in (1, 2, 3):
            misses.append({"query": query, "wanted": fitting, "found": names[:3]})
    hits = {f"hit_{n}": round(sum(0 < rank <= n for rank in ranks) / len(cases), 3) for n in (1, 3, 10)}
    return {"queries": len(cases), **hits, **({"misses": misses} if with_misses else {})}


def _latencies(client: httpx.Client, queries: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Of the pages of the store, for people who are not signed in. No query is asked twice in the same words."""
    rng = random.Random(7)
    unique = [f"{query} {rng.randrange(10**6)}" for query in queries * options["rounds"]]
    paths: dict[str, Callable[[int], dict[str, str]]] = {
        "search": lambda n: {"q": unique[n]},
        "search for one word": lambda n: {"q": unique[n].split()[0]},
        "front page": lambda n: {},
        "best rated": lambda n: {"sort": "rated", "page": str(1 + n % 20)},
        "in a category": lambda n: {"category": "home", "works": "1"},
    }

    def show(params: Mapping[str, str]) -> None:
        client.get("/", params=params).raise_for_status()

    found = {}
    for name, params in paths.items():
        show(params(0))
        found[name] = percentiles([milliseconds(partial(show, params(n))) for n in range(1, len(unique))])
    return found


def _prepare() -> str:
    """Publish the labelled GPTs on the site of this process, with their vectors. A key."""
    from web.accounts.models import User
    from web.accounts.services import create_key
    from web.builder.models_access import Sharing
    from web.builder.services import create_gpt, publish
    from workers.indexing import files, store

    owner = User.objects.create_user("owner@example.org", name="Ada")
    for name, description, starters in rows_of("gpts"):
        fields = {"name": name, "description": description, "instructions": "Help.", "category": "home"}
        publish(create_gpt(owner, {**fields, "starters": starters.split(" / ")}), Sharing.STORE, by=owner)
    while store.refresh(files.embedder()):
        pass
    return create_key(owner, "bench")[1]


def _phrases() -> dict[str, list[str]]:
    return {name: phrases.split(" / ") for name, phrases in rows_of("phrases")}


def _take_phrases() -> int:
    """Let the labelled GPTs be found by their phrases. How many there are."""
    from django.core.cache import cache

    from web.builder.models_store import SearchEntry
    from workers.indexing import files, store

    phrases = _phrases()
    for entry in SearchEntry.objects.select_related("version"):
        store.take_phrases(entry, phrases[entry.version.data["name"]], files.embedder())
    cache.clear()  # what was found for the same queries before
    return len(phrases)


def _fill(n: int) -> int:
    """Fill the store to `n` GPTs whose texts mix those of the labelled ones, and whose vectors are near theirs."""
    import numpy as np

    from web.accounts.models import User
    from web.builder.models import Gpt, GptVersion
    from web.builder.models_access import Sharing
    from web.builder.models_store import SearchEntry
    from web.builder.search import catch_up, write_words
    from web.operate.tidying import analyse
    from web.store.models import Standing

    rng, noise = random.Random(11), np.random.default_rng(11)
    texts, phrases = list(rows_of("gpts")), _phrases()
    of_gpt = {}
    entries = list(SearchEntry.objects.exclude(embedder="").values_list("vector", "embedder"))
    owner = User.objects.get(email="owner@example.org")
    for start in range(len(texts), n, _BATCH):
        numbers = range(start, min(n, start + _BATCH))
        gpts = [Gpt(owner=owner, sharing=Sharing.STORE, slug=f"made-{i}", name=f"Helper {i}") for i in numbers]
        Gpt.objects.bulk_create(gpts)
        for gpt in gpts:
            one, two = rng.sample(texts, 2)
            of_gpt[gpt.id] = [each for name in (one[0], two[0]) for each in rng.sample(phrases[name], 8)]
            words = f"{one[1]} {two[1]} {gpt.slug}"
            data = {"slug": gpt.slug, "name": f"{one[0]} {two[0]}"[:50], "description": words, "starters": [two[2]]}
            gpt.published = GptVersion(gpt=gpt, number=1, data={**gpt.draft_spec().model_dump(mode="json"), **data})
        GptVersion.objects.bulk_create([gpt.published for gpt in gpts if gpt.published])
        Gpt.objects.bulk_update(gpts, ["published"])
        Standing.objects.bulk_create(
            [Standing(gpt=gpt, n_people=rng.randrange(500), score=rng.uniform(3, 5), n_ratings=4) for gpt in gpts]
        )
    catch_up()
    for entry in SearchEntry.objects.filter(embedder=""):
        vector, embedder = rng.choice(entries)
        near = np.frombuffer(bytes(vector), "<f2").astype(np.float32)
        near = near + noise.normal(0, 0.03, near.shape).astype(np.float32)
        made = {"vector": (near / np.linalg.norm(near)).astype("<f2").tobytes(), "embedder": embedder}
        SearchEntry.objects.filter(id=entry.id).update(**made, phrases=of_gpt[entry.gpt_id])
    write_words(SearchEntry.objects.filter(gpt__owner=owner))
    analyse()
    return n
