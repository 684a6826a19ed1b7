"""Search for GPTs: by words, in spite of typos, accents, other endings and unfinished words; and by meaning.

The words are in the database's own full-text search, written when a GPT is published. The meaning is a vector that a
worker makes soon after that; a worker also compares it with a query, as the site has no embedder. Without workers, or
if they are late, a search goes by words alone, and asks no worker for some seconds.
"""

import math
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from web import rpc
from web.accounts.models import User
from web.builder import fulltext
from web.builder.categories import OTHER, categories
from web.builder.models import Gpt, version_text
from web.builder.models_store import SearchEntry

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
# Known words that an unknown one may stand for, and the shortest that is taken for the beginning of others.
MAX_VARIANTS: Final = 5
MIN_BEGINNING: Final = 3
# GPTs outside the store that are searched for their words, newest first.
N_PERSONAL = 200
# Results of a search, and of each half before they are fused.
MAX_FOUND: Final = 200
# What a GPT has that lists can be filtered by, besides its capabilities: the first of each list of a version.
_PARTS: Final = {
    "published__data__knowledge__0__name": "files",
    "published__data__actions__0__name": "actions",
    "published__data__mcp_servers__0__name": "actions",
    "published__data__remote_agents__0__name": "actions",
}
# What the phrases of an entry were written for: others are wanted when that changes.
_CARD: Final = ("name", "description", "starters")
# GPTs that are read from the database at once.
_BATCH = 500
# How long a search waits for the meaning of its query; how long none does after it waited in vain; how long one is
# kept for the same words.
MEANING_S: Final = 0.5
PAUSE_S: Final = 15
KEPT_S: Final = 60
PAUSED: Final = "store-meaning-pause"  # in the cache, while no worker is asked
# A cosine counts from MIN_COSINE on, and in full from CLEAR_COSINE on; MEANING_SHARE of a score comes from it.
# Results below MIN_FUSED of the best score are left out. Chosen on the tuning queries of tests/lab/store (2026-11).
MIN_COSINE: Final = 0.1
CLEAR_COSINE: Final = 0.7
MEANING_SHARE: Final = 0.8
MIN_FUSED: Final = 0.4
# How far a word is believed that only resembles one of the query.
LIKE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Half:
    """What one half of a search found: scores of GPTs, and how far to believe them, 0..1."""

    scores: Mapping[UUID, float]
    trust: float


NOTHING: Final = Half({}, 0.0)


def find(query: str, by_meaning: bool = True) -> list[UUID]:
    """Ids of the store's GPTs that match `query`, best first, at most MAX_FOUND.

    By words only without `by_meaning`: for suggestions while somebody types.
    """
    meaning = _compared(query) if by_meaning else lambda: NOTHING  # a worker compares while the words are looked up
    scores = fused(_by_words(query), meaning())
    found = sorted(scores, key=scores.__getitem__, reverse=True)[:MAX_FOUND]
    there = set(Gpt.objects.in_store().filter(id__in=found).order_by().values_list("id", flat=True))
    found = [gpt for gpt in found if gpt in there]  # some were withdrawn since
    return [gpt for gpt in found if scores[gpt] >= MIN_FUSED * scores[found[0]]]


def fused(words: Half, meaning: Half) -> dict[UUID, float]:
    """A score in 0..1 for each GPT: MEANING_SHARE of it from its cosine, the rest from its words.

    The words count by their share of the best score, the cosine by its place between MIN_COSINE and CLEAR_COSINE.
    """
    best = max(words.scores.values(), default=1.0)
    scores = {gpt: (1 - MEANING_SHARE) * words.trust * score / best for gpt, score in words.scores.items()}
    for gpt, cosine in meaning.scores.items():
        clear = min(1.0, (cosine - MIN_COSINE) / (CLEAR_COSINE - MIN_COSINE))
        if clear > 0:
            scores[gpt] = scores.get(gpt, 0.0) + MEANING_SHARE * meaning.trust * clear
    return scores


def _by_words(query: str) -> Half:
    """GPTs with words of the query, or words like them, which are believed LIKE as much."""
    terms = query_terms(query)
    known = [fulltext.is_known(term) for term in terms]
    variants = [
        each
        for term, is_known in zip(terms, known, strict=True)
        for each in _variants(term, is_known, is_last=term == terms[-1])
    ]
    if not variants:
        return NOTHING
    scores = fulltext.find(list(dict.fromkeys(variants)), MAX_FOUND)
    gpts = SearchEntry.objects.filter(id__in=list(scores)).values_list("id", "gpt_id")
    trust = sum(1 if is_known else LIKE for is_known in known) / len(terms)
    return Half({gpt: scores[entry] for entry, gpt in gpts}, trust)


def _variants(term: str, is_known: bool, is_last: bool) -> list[str]:
    """What to look for: a word that is known, which the query may end within; or else what it may stand for."""
    beginning = [f"{term}*"] * (len(term) >= MIN_BEGINNING)
    if is_known:
        return [term, *beginning * is_last]
    if not term.isalpha() or len(term) <= MIN_BEGINNING:
        return beginning
    known = fulltext.known_terms(SearchEntry.objects.aggregate(newest=Max("changed"))["newest"])
    alike = process.extract(
        term, known, scorer=JaroWinkler.similarity, score_cutoff=MIN_SIMILARITY, limit=MAX_VARIANTS
    )
    return beginning + [word for word, _, _ in alike]


def _compared(query: str) -> Callable[[], Half]:
    """Have a worker compare the query: what waits for the GPTs nearest to it by their cosines, or for NOTHING."""
    key = f"store-meaning-{sha256(query.casefold().encode()).hexdigest()}"
    if kept := cache.get(key):
        return partial(_nearest, kept)
    if cache.get(PAUSED):
        return lambda: NOTHING
    payload = rpc.start("workers.tasks.search_store", query, queue="model", timeout_s=MEANING_S)

    def nearest() -> Half:
        try:
            cache.set(key, found := payload(), KEPT_S)
        except rpc.NoResult:
            cache.set(PAUSED, True, PAUSE_S)
            return NOTHING
        return _nearest(found)

    return nearest


def _nearest(payload: Mapping[str, Any]) -> Half:
    return Half({UUID(gpt): cosine for gpt, cosine in payload["found"]}, payload["trust"])


def catch_up(gpts: "QuerySet[Gpt] | None" = None) -> int:
    """Write what the search needs of published GPTs that changed since: all, or `gpts`. How many those were.

    Their vectors are left to a worker.
    """
    published = (Gpt.objects.all() if gpts is None else gpts).filter(published__isnull=False, deleted=None)
    same = Q(search_entry__version=F("published"), search_entry__category=F("category"))
    same &= Q(search_entry__chosen=F("language"))
    stale = list(
        published.exclude(same & Q(search_entry__creator=F("owner__name"))).order_by().values_list("id", flat=True)
    )
    for start in range(0, len(stale), _BATCH):
        _write(Gpt.objects.filter(id__in=stale[start : start + _BATCH], published__isnull=False))
    return len(stale)


def _write(gpts: "QuerySet[Gpt]") -> None:
    with transaction.atomic():
        own = ("id", "published_id", "category", "language", "owner__name", "published__data__capabilities")
        new, old = ([f"{at}__data__{name}" for name in _CARD] for at in ("published", "search_entry__version"))
        texts = {path: version_text(path) for path in (*_PARTS, *new, *old)}
        facts = {row["id"]: row for row in gpts.values(*own, **texts)}
        for row in facts.values():
            told = {"version_id": row["published_id"], "category": row["category"], "creator": row["owner__name"]}
            told |= {"facets": f" {' '.join(_facets(row))} ", "chosen": row["language"]}
            told |= {"language": row["language"]} if row["language"] else {}
            told |= {} if [row[key] for key in new] == [row[key] for key in old] else {"phrases": None}
            SearchEntry.objects.update_or_create(gpt_id=row["id"], defaults={**told, "vector": b"", "embedder": ""})
        write_words(SearchEntry.objects.filter(gpt__in=facts))


def write_words(entries: "QuerySet[SearchEntry]") -> None:
    """Write what the search by words reads of these entries: the words of their GPTs, and of their phrases."""
    kept = {gpt_id: (entry, phrases) for entry, gpt_id, phrases in entries.values_list("id", "gpt_id", "phrases")}
    rows = []
    for gpt_id, (name, about, rest) in texts_of(Gpt.objects.filter(id__in=kept)):
        entry, phrases = kept[gpt_id]
        rest = " ".join([rest, *(phrases or ())])
        rows.append((entry, _folded(name), _folded(about), _folded(rest)))
    fulltext.put(rows)


def _facets(row: Mapping[str, Any]) -> list[str]:
    parts = {facet for path, facet in _PARTS.items() if row[path] is not None}
    return [*row["published__data__capabilities"], *sorted(parts)]


def find_among(gpts: "QuerySet[Gpt]", query: str) -> list[UUID]:
    """Ids of `gpts` that match `query`, best first, of the N_PERSONAL that were changed last."""
    return rank(dict(word_weights(gpts.order_by("-changed")[:N_PERSONAL])), query)


def texts_of(gpts: "QuerySet[Gpt]") -> Iterator[tuple[UUID, tuple[str, str, str]]]:
    """For each of `gpts`: its name, description and what else it can be found by; published, or else its draft's."""
    texts = ("name", "description", "starters")
    published = [f"published__data__{name}" for name in texts]  # without the rest, which can be megabytes
    live = {path: version_text(path) for path in published[:2]}
    others = ("id", "published_id", "category", "owner__name", "owner__email")
    titles = categories()
    for row in gpts.values(*others, *texts, published[2], **live):
        name, description, starters = (row[key] for key in (published if row["published_id"] else texts))
        owner = User(name=row["owner__name"], email=row["owner__email"]).shown_name
        yield row["id"], (name, description, " ".join([*starters, titles.get(row["category"], titles[OTHER]), owner]))


def word_weights(gpts: "QuerySet[Gpt]") -> Iterator[tuple[UUID, dict[str, int]]]:
    """For each of `gpts`: the weight of each of its words, by the field that counts most."""
    for gpt_id, (name, description, rest) in texts_of(gpts):
        places = ((rest, OTHER_WEIGHT), (description, DESCRIPTION_WEIGHT), (name, NAME_WEIGHT))
        yield gpt_id, {word: weight for text, weight in places for word in words(text)}


def query_terms(query: str) -> list[str]:
    """The words of a query that narrow it, each once."""
    wanted = list(dict.fromkeys(words(query)))
    return ([word for word in wanted if word not in STOP_WORDS] or wanted)[:MAX_TERMS]


def rank(gpts: Mapping[UUID, Mapping[str, int]], query: str) -> list[UUID]:
    """Ids of GPTs, of which the weights of words are given, that match `query`, best first."""
    holders = Counter(word for weights in gpts.values() for word in weights)
    known = sorted(holders)
    scores = dict.fromkeys(gpts, 0.0)
    for term in query_terms(query):
        worth: dict[str, float] = {}
        for word, similarity in similar(known, term):
            worth[word] = max(worth.get(word, 0.0), similarity * math.log(1 + len(gpts) / holders[word]))
        for gpt, weights in gpts.items():
            scores[gpt] += max((worth[word] * weights[word] for word in worth.keys() & weights.keys()), default=0.0)
    found = sorted(filter(scores.__getitem__, gpts), key=scores.__getitem__, reverse=True)
    return [gpt for gpt in found if scores[gpt] >= MIN_SHARE * scores[found[0]]]


def similar(known: list[str], term: str) -> Iterator[tuple[str, float]]:
    """Words of `known`, which is sorted, that `term` may stand for, each with its similarity, at most 1."""
    if len(term) > 3:
        alike = process.extract(term, known, scorer=JaroWinkler.similarity, score_cutoff=MIN_SIMILARITY, limit=None)
        yield from ((word, similarity**SIMILARITY_POWER) for word, similarity, _ in alike)
    for word in known[bisect_left(known, term) : bisect_left(known, term + "\U0010ffff")]:
        if word == term or len(term) > 1:
            yield word, 1.0 if word == term else 0.9


def _folded(text: str) -> str:
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text)
    if marks := {ord(letter) for letter in set(plain) if unicodedata.combining(letter)}:
        plain = plain.translate(dict.fromkeys(marks))
    return WORD.findall(unicodedata.normalize("NFC", plain).lower())
