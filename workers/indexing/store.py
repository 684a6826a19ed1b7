"""The meaning of the store's GPTs: their vectors, and the GPTs that are nearest to a query.

Vectors are kept in the database, as float16, and in each process that compares them as float32: 15 MB for 10,000
GPTs. Ones that another embedder made count as missing and are made again.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property
from itertools import islice
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from gpts.knowledge.ranking import readable
from gpts.knowledge.terms import stem
from web.builder.models import Gpt
from web.builder.models_store import SearchEntry
from web.builder.search import MAX_FOUND, catch_up, write_words
from workers.indexing.store_texts import encoder, text_of_gpt
from workers.knowledge.embed import Embedder, Vectors, normalised
from workers.knowledge.languages import language_of_text
from workers.knowledge.spelling import corrected

# GPTs that are embedded together: some seconds' work, after which others of the queue have a turn.
BATCH: Final = 64
# Below _UNRELATED a GPT has nothing to do with a query. One that was corrected counts less by _CORRECTED: "monet" is
# no "money". With the change of the encoder hit@3 is 0.90 on the 190 tuning queries in tests/lab/store and 0.87 on
# 174 unseen ones (hit@1 0.73), with the bundled embedder as it is 0.86 and 0.77 (0.60), with all-mpnet-base-v2 0.905
# and 0.787 (2026-11). With the phrases that a capable model wrote (phrases.py) it is 0.97 and 0.91 (0.84). What added
# nothing to the bundled one on unseen queries: a vector for each name, sentence and starter with the nearest one or a
# soft maximum; queries or words that small models write for each GPT (Qwen2.5-Coder-1.5B lists the card's); WordNet's
# glosses; typos corrected by the store's own words; other weights of the fields and of the two halves, and less for
# GPTs that are near to all queries. With EMBEDDER=multilingual hit@3 was 0.82 and 0.72.
_UNRELATED: Final = 0.15
_CORRECTED: Final = 0.1
# What vectors and languages were made by, besides the embedder: another number has all of them made again.
_RECIPE: Final = 5
# Entries may be committed in another order than they were changed in.
_OVERLAP: Final = timedelta(minutes=1)


def refresh(embedder: Embedder) -> int:
    """Write what the search lacks of GPTs that were published or renamed. How many vectors are still to be made."""
    catch_up()
    missing = SearchEntry.objects.exclude(embedder=made_by(embedder))
    batch = list(missing.select_related("version").order_by("changed")[:BATCH])
    for entry, vector in zip(batch, _encoded(batch, embedder), strict=True):
        made = {"vector": vector, "embedder": made_by(embedder), "changed": timezone.now()}
        made["language"] = entry.chosen or _language(entry.version.data)
        # Not if it was published again, or got its phrases, meanwhile.
        same = SearchEntry.objects.filter(id=entry.id, version=entry.version_id, chosen=entry.chosen)
        same.filter(phrases__isnull=entry.phrases is None).update(**made)
    return missing.count()


def take_phrases(entry: SearchEntry, phrases: Sequence[str], embedder: Embedder) -> None:
    """Let the GPT be found by `phrases` as well, unless it was published again since `entry` was read."""
    entry.phrases = list(phrases)
    made = {"vector": _encoded([entry], embedder)[0], "embedder": made_by(embedder), "changed": timezone.now()}
    current = SearchEntry.objects.filter(id=entry.id, version=entry.version_id)
    with transaction.atomic():
        if current.update(**made, phrases=entry.phrases):
            write_words(current)


def _encoded(entries: Sequence[SearchEntry], embedder: Embedder) -> list[bytes]:
    """A vector for each: between that of its card and the mean of its phrases', if it has any."""
    parts = [[_text(entry.version.data), *(entry.phrases or ())] for entry in entries]
    vectors = iter(encoder(embedder).encode([text for each in parts for text in each]))
    found = []
    for each in parts:
        card, *others = islice(vectors, len(each))
        vector = normalised(card + normalised(np.mean(others, axis=0))) if others else card
        found.append(vector.astype("<f2").tobytes())
    return found


def _text(data: Mapping[str, Any]) -> str:
    return text_of_gpt(data["name"], data["description"], data["starters"])


def _language(data: Mapping[str, Any]) -> str:
    """The language of what people read of a version, or else of its instructions; empty if it cannot be told."""
    return language_of_text(_text(data)) or language_of_text(data["instructions"])


def made_by(embedder: Embedder) -> str:
    """How vectors are made now."""
    return f"{embedder.id}-{_RECIPE}"


class StoreVectors:
    """The vectors of published GPTs, brought up to date before each search. Thread-safe."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._encoder = embedder, encoder(embedder)
        self._lock = threading.Lock()
        self._newest: datetime | None = None
        self._by_gpt: dict[UUID, Vectors] = {}
        self._gpts: list[UUID] = []
        self._all: Vectors = np.zeros((0, embedder.dim), np.float32)

    def nearest(self, query: str) -> list[tuple[UUID, float]]:
        """The GPTs of the store nearest to `query`, as it is or without its typos, with their cosines."""
        vectors = self._encoder.encode_queries(self.readings(query))
        with self._lock:
            self._update()
            gpts, cosines = self._gpts, self._all @ vectors.T
        cosines[:, 1:] -= _CORRECTED
        nearness = np.max(cosines, axis=1)
        best = np.argsort(-nearness)[:MAX_FOUND]
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
