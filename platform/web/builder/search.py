"""Search for GPTs: a word index in memory that forgives typos, other endings and unfinished words.

A process builds that of the store on the first search and again when something was published or withdrawn. 1,000 GPTs
take about 0.2 s to index and a few milliseconds to search; past some 20,000 this belongs into the database.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db.models import Count, Max, Sum

from web.builder.models import Gpt

# A run of CJK characters is one word to `\w`: cut into single characters it can be found in part.
WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+")
# Words that say nothing about what is looked for.
IDLE = frozenset(
    "a about an and are as at be by can do for from help how i in is it me my need of on or that the this to what "
    "which who why with you your".split()
)
NAME_WEIGHT, DESCRIPTION_WEIGHT, OTHER_WEIGHT = 4.0, 2.0, 1.0
# Share of trigrams (Dice) from which two words count as one: "leaking" and "leaks", "translater" and "translator".
LIKE_ENOUGH = 0.45
# Hits far behind the best one only share a common word with the query.
TAIL = 0.3


@dataclass(frozen=True, slots=True)
class Index:
    """Words of the store. `weights`: word → GPT → weight; the others lead from a misspelt word to real ones."""

    n_gpts: int
    weights: dict[str, dict[UUID, float]]
    by_slip: dict[str, set[str]]
    by_trigram: dict[str, set[str]]


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
    return make_index(len(gpts), weights)


def make_index(n_gpts: int, weights: dict[str, dict[UUID, float]]) -> Index:
    """The index over `weights` with its ways in for misspelt words."""
    by_slip: dict[str, set[str]] = defaultdict(set)
    by_trigram: dict[str, set[str]] = defaultdict(set)
    for word in weights:
        for slip in slips(word):
            by_slip[slip].add(word)
        for trigram in trigrams(word):
            by_trigram[trigram].add(word)
    return Index(n_gpts, weights, by_slip, by_trigram)


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
        for word, likeness in like(index, wish):
            places = index.weights[word]
            rarity = math.log(1 + index.n_gpts / len(places))
            best |= Counter({gpt: likeness * weight * rarity for gpt, weight in places.items()})
        scores += best
    top = max(scores.values(), default=0)
    return [gpt for gpt, score in scores.most_common() if score >= TAIL * top]


def like(index: Index, wish: str) -> Iterator[tuple[str, float]]:
    """Words of the store that `wish` may mean, each with how alike they are, up to 1."""
    if wish in index.weights:
        yield wish, 1.0
    slipped = {word for slip in slips(wish) for word in index.by_slip.get(slip, ())} if len(wish) > 3 else set()
    own = trigrams(wish)
    shared = Counter(word for trigram in own for word in index.by_trigram.get(trigram, ()))
    for word in slipped | shared.keys():
        dice = 2 * shared[word] / (len(own) + len(word) + 1)  # a word has a trigram a letter and one more
        if word.startswith(wish) and len(wish) > 1:
            yield word, 0.9
        elif word in slipped and len(word) > 3:
            yield word, max(dice, 0.75)
        elif dice >= LIKE_ENOUGH:
            yield word, dice


def words(text: str) -> list[str]:
    """The words of `text` in lower case."""
    return WORD.findall(text.lower())


def slips(word: str) -> set[str]:
    """`word` and what is left of it without one letter: two words that share one differ by one slip of the pen."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def trigrams(word: str) -> set[str]:
    """The three-letter pieces of `word` with its edges marked, the first letter counting most."""
    padded = f"  {word} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}
