"""Search for GPTs: a word index in memory that tolerates typos, accents, other endings and unfinished words.

Each process builds the index of the store on the first search, and again after something was published or withdrawn.
Beyond some 20,000 GPTs this belongs in the database.
"""

import math
import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db.models import Count, Max, Sum
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from web.builder.models import Gpt

# `\w` takes a run of CJK characters for one word; single characters allow partial matches.
WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+")
# Words that do not narrow a search.
STOP_WORDS = frozenset(
    "a about an and are as at be by can do for from help how i in is it me my need of on or that the this to what "
    "which who why with you your".split()
)
NAME_WEIGHT, DESCRIPTION_WEIGHT, OTHER_WEIGHT = 4.0, 2.0, 1.0
# Similarity from which two words match: "leaking" and "leaks", "translater" and "translator".
MIN_SIMILARITY = 0.87
# Similarities are close together: the power separates typos from other words.
SIMILARITY_POWER = 4
# Results below this share of the best score only have a common word in common with the query.
MIN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Index:
    """The words of GPTs. `weights`: word → GPT → weight; `words` are its keys, sorted."""

    n_gpts: int
    weights: dict[str, dict[UUID, float]]
    words: list[str]


def find(query: str) -> list[UUID]:
    """Ids of the store's GPTs that match `query`, best first. One small query if the index is current."""
    store = Gpt.objects.in_store()
    stamp = store.aggregate(n=Count("id"), versions=Sum("published"), newest=Max("published__created"))
    return rank(index_of(*stamp.values()), query)


@lru_cache(maxsize=1)
def index_of(n_gpts: int, versions: int | None, newest: datetime | None) -> Index:
    """The index of the store. The arguments change with every publication: they are the cache's key."""
    return index_over(list(Gpt.objects.in_store().select_related("published", "owner")))


def index_over(gpts: Collection[Gpt]) -> Index:
    """The index of `gpts`, by their published texts."""
    weights: dict[str, dict[UUID, float]] = defaultdict(dict)
    for gpt in gpts:
        for word, weight in word_weights(gpt).items():
            weights[word][gpt.id] = weight
    return Index(len(gpts), weights, sorted(weights))


def word_weights(gpt: Gpt) -> Counter[str]:
    """The weight of each word of `gpt`, published or else draft, by the field that counts most."""
    data = gpt.published.data if gpt.published else vars(gpt)
    rest = " ".join([*data["starters"], gpt.get_category_display(), gpt.owner.shown_name])
    found: Counter[str] = Counter()
    places = ((rest, OTHER_WEIGHT), (data["description"], DESCRIPTION_WEIGHT), (data["name"], NAME_WEIGHT))
    for text, weight in places:
        found |= Counter(dict.fromkeys(words(text), weight))
    return found


def rank(index: Index, query: str) -> list[UUID]:
    """Ids of GPTs that match `query`, best first."""
    scores: Counter[UUID] = Counter()
    wanted = set(words(query))
    for term in wanted - STOP_WORDS or wanted:
        best: Counter[UUID] = Counter()
        for word, similarity in similar(index.words, term):
            places = index.weights[word]
            rarity = math.log(1 + index.n_gpts / len(places))
            best |= Counter({gpt: similarity * weight * rarity for gpt, weight in places.items()})
        scores += best
    top = max(scores.values(), default=0)
    return [gpt for gpt, score in scores.most_common() if score >= MIN_SHARE * top]


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
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return WORD.findall(unicodedata.normalize("NFC", plain).lower())
