"""The meaning of the store's GPTs: their vectors, and the GPTs that are nearest to a query.

Vectors are kept in the database, as float16, and in each process that compares them as float32: 15 MB for 10,000
GPTs. Ones that another embedder made count as missing and are made again.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, Final, cast
from uuid import UUID

import numpy as np
from django.db.models import Max
from django.utils import timezone

from gpts.knowledge.ranking import readable
from gpts.knowledge.terms import stem
from web.builder.models import Gpt
from web.builder.models_store import SearchEntry
from web.builder.search import catch_up, texts_to_embed
from workers.knowledge.embed import Embedder, Vectors
from workers.knowledge.languages import language_of_text
from workers.knowledge.spelling import corrected

# GPTs that are embedded together: some seconds' work, after which others of the queue have a turn.
BATCH: Final = 64
N_NEAREST: Final = 200
# Below _UNRELATED a GPT has nothing to do with a query. A few words are no sentence that the embedder knows, and the
# texts of GPTs say whom they help with what: a query is the mean of itself and of a sentence. One that was corrected
# counts less by _CORRECTED: "monet" is no "money". By these and by the mean of two texts of each GPT, hit@3 went from
# 0.81 to 0.86 on the 190 tuning queries of `bench store`; on the 174 unseen ones it is 0.77 (2026-11). What adds
# nothing there: a vector for each name, sentence and starter with the nearest one or a soft maximum (0.80 to 0.87);
# queries that the bundled model writes for each GPT (0.84 to 0.86); typos corrected by the store's own words (0.86);
# other weights of the fields, of the two halves and of the bounds of the cosine, and less for GPTs that are near to
# all queries (0.83 to 0.88). Half of the cosine from the multilingual embedder, for queries in other languages only,
# makes the unseen ones 0.79; with EMBEDDER=multilingual for all, both are lower: 0.82 and 0.72. all-mpnet-base-v2,
# with all of this as it is, makes them 0.905 and 0.787 (hit@1: 0.805, not 0.758, and 0.684, not 0.598), and a query
# takes 68 ms, not 32. What gains on the tuning queries only: words that Qwen2.5-Coder-1.5B writes for each GPT
# (synonyms, things, tools, problems, names) as more text and as half of the vector (0.91, but 0.76 of the unseen
# ones); WordNet's glosses (0.88, but 0.74).
_UNRELATED: Final = 0.15
_SENTENCE: Final = "I need help with {}"
_CORRECTED: Final = 0.1
# What vectors and languages were made by, besides the embedder: another number has all of them made again.
_RECIPE: Final = 3
# Entries may be committed in another order than they were changed in.
_OVERLAP: Final = timedelta(minutes=1)


def refresh(embedder: Embedder) -> int:
    """Write what the search lacks of GPTs that were published or renamed. How many vectors are still to be made."""
    catch_up()
    missing = SearchEntry.objects.exclude(embedder=made_by(embedder))
    batch = list(missing.select_related("version").order_by("changed")[:BATCH])
    vectors = _means(embedder.encode([text for entry in batch for text in texts_to_embed(entry.version.data)]))
    for entry, vector in zip(batch, vectors, strict=True):
        made = {"vector": vector.astype("<f2").tobytes(), "embedder": made_by(embedder), "changed": timezone.now()}
        made["language"] = entry.chosen or _language(entry.version.data)
        # Not if it was published again meanwhile.
        SearchEntry.objects.filter(id=entry.id, version=entry.version_id, chosen=entry.chosen).update(**made)
    return missing.count()


def _language(data: Mapping[str, Any]) -> str:
    """The language of what people read of a version, or else of its instructions; empty if it cannot be told."""
    return language_of_text(texts_to_embed(data)[0]) or language_of_text(data["instructions"])


def made_by(embedder: Embedder) -> str:
    """How vectors are made now."""
    return f"{embedder.id}-{_RECIPE}"


def _means(vectors: Vectors) -> Vectors:
    """The mean of each two `(2n, dim)`, `(n, dim)` and L2-normalised."""
    sums = vectors[::2] + vectors[1::2]
    return cast(Vectors, sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9))


class StoreVectors:
    """The vectors of published GPTs, brought up to date before each search. Thread-safe."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._newest: datetime | None = None
        self._by_gpt: dict[UUID, Vectors] = {}
        self._gpts: list[UUID] = []
        self._all: Vectors = np.zeros((0, embedder.dim), np.float32)

    def nearest(self, query: str) -> list[tuple[UUID, float]]:
        """The GPTs of the store nearest to `query`, as it is or without its typos, with their cosines."""
        asked = [text for each in self.readings(query) for text in (each, _SENTENCE.format(each))]
        vectors = _means(self._embedder.encode_queries(asked))
        with self._lock:
            self._update()
            gpts, cosines = self._gpts, self._all @ vectors.T
        cosines[:, 1:] -= _CORRECTED
        nearness = np.max(cosines, axis=1)
        best = np.argsort(-nearness)[:N_NEAREST]
        return [(gpts[i], round(float(nearness[i]), 4)) for i in best if nearness[i] >= _UNRELATED]

    def readings(self, query: str) -> list[str]:
        """The query, and what it may have been meant to be by the embedder's own words.

        It counts as the nearer of the two: with a typo in each tuning query, hit@3 goes from 0.66 to 0.85 by that,
        and stays 0.95 as they were written; with the corrected one alone it would be 0.79 and 0.92 (2026-11).
        """
        words = self._embedder.words
        return list(dict.fromkeys((query, corrected(query, self._held, words, list))))

    def _held(self, stems: Sequence[str]) -> list[int]:
        return [int(each in self._stems) for each in stems]

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(map(stem, self._embedder.words))

    def _update(self) -> None:
        entries = SearchEntry.objects.filter(embedder=made_by(self._embedder))
        newest = entries.aggregate(newest=Max("changed"))["newest"]
        if newest == self._newest:
            return
        new = entries.filter(changed__gte=self._newest - _OVERLAP) if self._newest else entries
        for gpt, vector in new.values_list("gpt_id", "vector").iterator():
            self._by_gpt[gpt] = np.frombuffer(bytes(vector), "<f2").astype(np.float32)
        there = set(Gpt.objects.in_store().order_by().values_list("id", flat=True))
        self._gpts = [gpt for gpt in self._by_gpt if gpt in there]
        self._all = np.array([self._by_gpt[gpt] for gpt in self._gpts], np.float32).reshape(-1, self._embedder.dim)
        self._newest = newest


@cache
def _vectors(embedder: Embedder) -> StoreVectors:
    return StoreVectors(embedder)


def search(query: str, embedder: Embedder) -> dict[str, Any]:
    """`found`: the ids and cosines of the nearest GPTs. `trust`: how well the embedder reads the query, 0..1."""
    vectors = _vectors(embedder)
    trust = max(readable(embedder.letters_per_token(each)) for each in vectors.readings(query))
    return {"found": [(str(gpt), cosine) for gpt, cosine in vectors.nearest(query)], "trust": trust}
