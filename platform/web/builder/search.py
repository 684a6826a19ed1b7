"""Search for GPTs: a word index in memory that forgives typos, accents, other endings and unfinished words.

A process builds that of the store on the first search and again when something was published or withdrawn. Past some
20,000 GPTs this belongs into the database.
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

# A run of CJK characters is one word to `\w`: cut into single characters it can be found in part.
WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+")
# Words that say nothing about what is looked for.
IDLE = frozenset(
    "a about an and are as at be by can do for from help how i in is it me my need of on or that the this to what "
    "which who why with you your".split()
)
NAME_WEIGHT, DESCRIPTION_WEIGHT, OTHER_WEIGHT = 4.0, 2.0, 1.0
# Similarity from which two words count as one: "leaking" and "leaks", "translater" and "translator".
LIKE_ENOUGH = 0.87
# Likenesses lie close together: the power sets a slip of the pen apart from another word.
LIKE_POWER = 4
# Hits far behind the best one only share a common word with the query.
TAIL = 0.3


@dataclass(frozen=True, slots=True)
class Index:
    """Words of the store. `weights`: word → GPT → weight; `words` are its keys in order."""

    n_gpts: int
    weights: dict[str, dict[UUID, float]]
    words: list[str]


def find(query: str) -> list[UUID]:
    """Ids of the store's GPTs that fit `query`, best first. One small query when nothing was published since."""
    store = Gpt.objects.in_store()
    stamp = store.aggregate(n=Count("id"), versions=Sum("published"), newest=Max("published__created"))
    return rank(index_of(*stamp.values()), query)


@lru_cache(maxsize=1)
def index_of(n_gpts: int, versions: int | None, newest: datetime | None) -> Index:
    """The index of the store as it stands; the arguments change with every publication and are the cache's key."""
    return index_over(list(Gpt.objects.in_store().select_related("published", "owner")))


def index_over(gpts: Collection[Gpt]) -> Index:
    """The index of `gpts`, by the words that people get of each."""
    weights: dict[str, dict[UUID, float]] = defaultdict(dict)
    for gpt in gpts:
        for word, weight in word_weights(gpt).items():
            weights[word][gpt.id] = weight
    return Index(len(gpts), weights, sorted(weights))


def word_weights(gpt: Gpt) -> Counter[str]:
    """How much each word says about `gpt` as it is published, else drafted, by its best place."""
    data = gpt.published.data if gpt.published else vars(gpt)
    rest = " ".join([*data["starters"], gpt.get_category_display(), gpt.owner.shown_name])
    found: Counter[str] = Counter()
    places = ((rest, OTHER_WEIGHT), (data["description"], DESCRIPTION_WEIGHT), (data["name"], NAME_WEIGHT))
    for text, weight in places:
        found |= Counter(dict.fromkeys(words(text), weight))
    return found


def rank(index: Index, query: str) -> list[UUID]:
    """Ids of GPTs that fit `query`, best first."""
    scores: Counter[UUID] = Counter()
    wanted = set(words(query))
    for wish in wanted - IDLE or wanted:
        best: Counter[UUID] = Counter()
        for word, likeness in like(index.words, wish):
            places = index.weights[word]
            rarity = math.log(1 + index.n_gpts / len(places))
            best |= Counter({gpt: likeness * weight * rarity for gpt, weight in places.items()})
        scores += best
    top = max(scores.values(), default=0)
    return [gpt for gpt, score in scores.most_common() if score >= TAIL * top]


def like(known: list[str], wish: str) -> Iterator[tuple[str, float]]:
    """Words of `known`, which is sorted, that `wish` may mean, each with how alike they are, up to 1."""
    if len(wish) > 3:
        alike = process.extract(wish, known, scorer=JaroWinkler.similarity, score_cutoff=LIKE_ENOUGH, limit=None)
        yield from ((word, likeness**LIKE_POWER) for word, likeness, _ in alike)
    for word in known[bisect_left(known, wish) : bisect_left(known, wish + "\U0010ffff")]:
        if word == wish or len(wish) > 1:
            yield word, 1.0 if word == wish else 0.9


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without accents."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return WORD.findall(unicodedata.normalize("NFC", plain).lower())
