"""Search for GPTs: a word index in memory that tolerates typos, accents, other endings and unfinished words.

Each process keeps one index of the store, and before a search adds what was published since and leaves out what was
withdrawn. 10,000 GPTs with 2,000 characters each take 28 MB, a search of them 0.1 s and the first one in a process
3 s of one core (measured 2026-11). Beyond some 20,000 this belongs in the database.
"""

import math
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from threading import Lock
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, QuerySet, Sum
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from web.accounts.models import User
from web.builder.models import Category, Gpt

# `\w` takes a run of CJK characters for one word; single characters allow partial matches.
WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+")
# Words that do not narrow a search.
STOP_WORDS = frozenset(
    "a about an and are as at be by can do for from help how i in is it me my need of on or that the this to what "
    "which who why with you your".split()
)
NAME_WEIGHT, DESCRIPTION_WEIGHT, OTHER_WEIGHT = 4, 2, 1
# Similarity from which two words match: "leaking" and "leaks", "translater" and "translator".
MIN_SIMILARITY = 0.87
# Similarities are close together: the power separates typos from other words.
SIMILARITY_POWER = 4
# Results below this share of the best score only have a common word in common with the query.
MIN_SHARE = 0.3
# Words of a query that count.
MAX_TERMS = 16
# GPTs outside the store that are searched for their words, newest first.
N_PERSONAL = 200
# GPTs that are read from the database at once.
_BATCH = 500


class Index:
    """The words of GPTs. Takes 4 bytes for each word of each GPT, besides the words themselves."""

    def __init__(self) -> None:
        self.gpts: list[UUID | None] = []  # None: removed
        # The place of a word in a GPT is the GPT's position in `gpts`, times 8, plus the weight of the word in it.
        self.places: dict[str, array[int]] = {}
        self.words: list[str] = []  # sorted

    def add(self, gpts: "QuerySet[Gpt]") -> None:
        """Add `gpts`, by their published texts or else their drafts."""
        for gpt_id, weights in word_weights(gpts):
            self.add_words(gpt_id, weights)
        self.words = sorted(self.places)

    def add_words(self, gpt_id: UUID, weights: dict[str, int]) -> None:
        """Add a GPT by its words; `words` does not have them yet."""
        for word, weight in weights.items():
            if (places := self.places.get(word)) is None:
                places = self.places[word] = array("I")
            places.append(8 * len(self.gpts) + weight)
        self.gpts.append(gpt_id)


class StoreIndex:
    """The index of the store, brought up to date before each search. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stamp: dict[str, Any] = {}
        self._start_over()

    def _start_over(self) -> None:
        self._index = Index()
        # The position in the index of each GPT's version; and of what else of it can be found.
        self._positions: dict[tuple[Any, ...], int] = {}

    def find(self, query: str) -> list[UUID]:
        """Ids of the store's GPTs that match `query`, best first. One small query if nothing was published since."""
        with self._lock:
            self._update()
            return rank(self._index, query)

    def _update(self) -> None:
        store = Gpt.objects.in_store().order_by()
        stamp = store.aggregate(n=Count("id"), versions=Sum("published"), newest=Max("published__created"))
        if stamp == self._stamp:
            return
        now = set(store.values_list("id", "published", "category", "owner__name"))
        if len(self._index.gpts) > 2 * len(now):
            self._start_over()
        for gone in self._positions.keys() - now:
            self._index.gpts[self._positions.pop(gone)] = None
        new = list(now - self._positions.keys())
        for start in range(0, len(new), _BATCH):
            batch = {key[0]: key for key in new[start : start + _BATCH]}
            first = len(self._index.gpts)
            self._index.add(store.filter(id__in=batch))
            added = enumerate(self._index.gpts[first:], first)
            self._positions |= {batch[gpt_id]: position for position, gpt_id in added if gpt_id}
        self._stamp = stamp


@cache
def _store_index() -> StoreIndex:
    return StoreIndex()


def find(query: str) -> list[UUID]:
    """Ids of the store's GPTs that match `query`, best first."""
    return _store_index().find(query)


def find_among(gpts: "QuerySet[Gpt]", query: str) -> list[UUID]:
    """Ids of `gpts` that match `query`, best first, of the N_PERSONAL that were changed last."""
    index = Index()
    index.add(gpts.order_by("-changed")[:N_PERSONAL])
    return rank(index, query)


def word_weights(gpts: "QuerySet[Gpt]") -> Iterator[tuple[UUID, dict[str, int]]]:
    """For each of `gpts`: the weight of each of its words, by the field that counts most."""
    texts = ("name", "description", "starters")
    published = [f"published__data__{name}" for name in texts]  # without the rest, which can be megabytes
    others = ("id", "published_id", "category", "owner__name", "owner__email")
    for row in gpts.values(*others, *texts, *published):
        name, description, starters = (row[key] for key in (published if row["published_id"] else texts))
        owner = User(name=row["owner__name"], email=row["owner__email"]).shown_name
        rest = " ".join([*starters, Category(row["category"]).label, owner])
        places = ((rest, OTHER_WEIGHT), (description, DESCRIPTION_WEIGHT), (name, NAME_WEIGHT))
        yield row["id"], {word: weight for text, weight in places for word in words(text)}


def rank(index: Index, query: str) -> list[UUID]:
    """Ids of GPTs that match `query`, best first."""
    scores: dict[int, float] = defaultdict(float)
    wanted = list(dict.fromkeys(words(query)))
    for term in ([word for word in wanted if word not in STOP_WORDS] or wanted)[:MAX_TERMS]:
        for position, score in _scores(index, term).items():
            scores[position] += score
    found = sorted(scores.items(), key=lambda item: item[1], reverse=True)
    there = [(gpt, score) for position, score in found if (gpt := index.gpts[position])]
    return [gpt for gpt, score in there if score >= MIN_SHARE * there[0][1]]


def _scores(index: Index, term: str) -> dict[int, float]:
    """The score of each GPT with a word like `term`, by its position."""
    best: dict[int, float] = {}
    for word, similarity in similar(index.words, term):
        places = index.places[word]
        factor = similarity * math.log(1 + len(index.gpts) / len(places))
        for place in places:
            position, score = place >> 3, (place & 7) * factor
            if score > best.get(position, 0):
                best[position] = score
    return best


def similar(known: list[str], term: str) -> Iterator[tuple[str, float]]:
    """Words of `known`, which is sorted, that `term` may stand for, each with its similarity, at most 1."""
    if len(term) > 3:
        alike = process.extract(term, known, scorer=JaroWinkler.similarity, score_cutoff=MIN_SIMILARITY, limit=None)
        yield from ((word, similarity**SIMILARITY_POWER) for word, similarity, _ in alike)
    for word in known[bisect_left(known, term) : bisect_left(known, term + "\U0010ffff")]:
        if word == term or len(term) > 1:
            yield word, 1.0 if word == term else 0.9


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text)
    if marks := {ord(letter) for letter in set(plain) if unicodedata.combining(letter)}:
        plain = plain.translate(dict.fromkeys(marks))
    return WORD.findall(unicodedata.normalize("NFC", plain).lower())
