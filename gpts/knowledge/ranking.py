"""Selects the chunks that become a question's passages: fusion, coverage, duplicates, neighbours, budget."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, Protocol, TypeVar

from gpts.knowledge.chunking import CountTokens
from gpts.knowledge.documents import Passage
from gpts.knowledge.terms import terms

# Results of each half that are fused.
DEPTH: Final = 100
# The letters per token from which the embedder reads a question well, and at which it spells.
WELL_READ: Final = 3.5
SPELT_OUT: Final = 1.0
# The first results get up to so much more for words of the question side by side, such as a row's label. In a fusion
# by halves, at 0.1: +3.0 on TAT-QA, +0.1 on XQuAD, -0.1 on Cranfield and on XQuAD in Spanish, -0.5 on CoSQA (nDCG@10,
# 2026-11).
PHRASE_WEIGHT: Final = 0.17
PHRASE_DEPTH: Final = 12
# What the scores of a likely answer count, beside those of the question. Guesses of a large model take questions
# about nine code bases from 75.6 to 80.6 and those of CoSQA from 57.0 to 61.2; those of Qwen2.5-Coder-1.5B, in a
# fusion by halves at 0.15, TAT-QA from 65.1 to 66.1, CoSQA from 60.1 to 60.3, Cranfield from 42.1 to 41.9 (nDCG@10;
# 248, 200, 50, 43 and 50 questions, 2026-11). The question in other words made TAT-QA worse.
LIKELY_WEIGHT: Final = 0.25
# Tokens of passages for a model with a small context, and the maximum for a large one, which gives them a tenth.
BUDGET_TOKENS: Final = 900
MAX_BUDGET_TOKENS: Final = 4_000
# The share of the budget for passages with an accepted finding while others match too.
UNTRUSTED_SHARE: Final = 1 / 3
# Passages in a row that do not fit, after which the search for a shorter one stops.
MISFITS: Final = 3
# A file this small is given whole: its sentences explain each other and cutting it saves nothing.
WHOLE_FILE_TOKENS: Final = 300
# Passages that a cross-encoder scores, if there is one: one forward pass each.
RERANK_DEPTH: Final = 30
# Passages scoring below this share of the best one only distract a small model. On six collections the gold passage
# is among the first five as often as without a floor, with 2.2 to 4.9 of them given (2026-11).
SCORE_FLOOR: Final = 0.65
# Passages with more than this share of common terms count as duplicates.
SAME_TERMS: Final = 0.9

# A question is covered from this cosine on, or from a lower one if its terms are found too. If the embedder cannot
# read the question, all texts look similar, so the cosine counts less and the terms more. Chosen on half of XQuAD's
# articles, each question asked of its own article and of another. On the other half 99 % of the English questions
# count as covered by their own and 0.7 % by the other; German 96 and 2.4, Spanish 98 and 11, Chinese 92 and 1.3
# (without the last two, over all articles: 97 and 15, 100 and 42, 100 and 97). Of questions to six other collections
# 99 to 100 % are covered by their own; by another 0.7 (financial reports) to 13 % (FAQ with short questions)
# (2026-11).
COVERED: Final = 0.38
TERM_WEIGHT: Final = 0.2
UNREAD_COSINE: Final = 0.5
UNREAD_TERM_WEIGHT: Final = 1.5

Key = TypeVar("Key", bound=Hashable)
Half = Literal["dense", "lexical"]


class SourceText(Protocol):
    """A segment's canonical text, which can be read in parts."""

    @property
    def n_tokens(self) -> int:
        """Its length in tokens."""

    @property
    def n_chars(self) -> int:
        """Its length in characters."""

    def part(self, start: int, end: int) -> str:
        """The text from character `start` to `end`."""


def fuse(
    cosines: Mapping[Key, float], lexical: Mapping[Key, float], ceiling: float, readability: float
) -> dict[Key, float]:
    """A score in 0..1 per key of `cosines`, best first: how likely its meaning or words are those of the question.

    The cosine and the BM25 score's share of `ceiling`, the score of a chunk full of every query term, count as the
    chances of two independent witnesses: the surer one is, the less the other adds. The cosine counts less for a
    question of low `readability` (0..1). Neither is stretched to its best and worst result, so one that cannot
    separate the chunks leaves the choice to the other.

    nDCG@10 and that of weighing both by a half: CoSQA 55.4 and 53.0 (59.3 by meaning alone), functions by their
    documentation 72.1 and 71.8, TAT-QA 66.3 and 66.2, XQuAD 98.6 and 98.5, in Spanish 96.3 and 96.4, in Russian 94.8
    and 94.6; Cranfield and questions about nine code bases alike (2026-11).
    """
    trust = readability / (2 - readability)
    unlikely = {
        key: (1 - trust * max(0.0, cosine)) * (1 - (min(1.0, lexical.get(key, 0.0) / ceiling) if ceiling else 0.0))
        for key, cosine in cosines.items()
    }
    return {key: 1 - chance for key, chance in sorted(unlikely.items(), key=lambda item: item[1])}


def raised(scores: Mapping[Key, float], more: Mapping[Key, float], weight: float) -> dict[Key, float]:
    """`scores`, which are best first, raised by `weight` times `more` (0..1 each) and put in order again."""
    scored = {key: score + weight * more.get(key, 0.0) for key, score in scores.items()}
    return dict(sorted(scored.items(), key=lambda item: -item[1]))


def phrase_share(query: Sequence[str], rarities: Mapping[str, float], text: str) -> float:
    """The share 0..1 of neighbouring terms of `query`, weighted by `rarities`, that are neighbours in `text` too."""
    weights = {pair: sum(rarities[term] for term in pair) for pair in pairwise(query)}
    folded = text.casefold()
    if not any(_may_hold(folded, pair) for pair in weights):
        return 0.0
    held = frozenset(pairwise(_terms_of(text)))
    return sum(weight for pair, weight in weights.items() if pair in held) / sum(weights.values())


def _may_hold(folded: str, pair: tuple[str, str]) -> bool:
    """Whether a text may have both terms, without cutting it into its own, which takes a millisecond."""
    if not folded.isascii():
        return True
    # A stem is how its words begin, but that "policies" gives "policy".
    return all(not term.isalpha() or term[:-1] in folded for term in pair)


@lru_cache(maxsize=512)
def _terms_of(text: str) -> tuple[str, ...]:
    """Kept, as one search needs them twice."""
    return tuple(terms(text))


def readable(letters_per_token: float) -> float:
    """How well the embedder reads a question, 0..1, by the mean length of its tokens in letters.

    An embedder has learned a word if it takes few tokens. The bundled one has 4.5 letters per token in English, 2.8
    in German and Spanish, hardly more than one in Chinese; rare names differ likewise within a language.
    """
    return min(1.0, max(0.0, (letters_per_token - SPELT_OUT) / (WELL_READ - SPELT_OUT)))


def blend(ranked: Sequence[Passage], judged: Sequence[float]) -> list[Passage]:
    """`ranked` reordered, best first: half of each score from the fusion, half from `judged` (0..1, of the first
    ones).

    The fusion still counts because a cross-encoder trained on other texts misjudges some of these.
    """
    known = [*judged, *([0.0] * (len(ranked) - len(judged)))]
    scored = [
        each.model_copy(update={"score": round((each.score + score) / 2, 4)})
        for each, score in zip(ranked, known, strict=True)
    ]
    return sorted(scored, key=lambda passage: -passage.score)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence that the knowledge holds an answer.

    `cosine` is the best dense similarity. `term_share` is the share of the question's terms, weighted by rarity, in
    one of the best chunks. `rare_term`: that chunk contains a part number or other identifier of the question.
    `readable` is how well the embedder reads the question.
    """

    cosine: float
    term_share: float
    rare_term: bool = False
    readable: float = 1.0


def is_covered(evidence: Evidence) -> bool:
    """Whether the question is about the content of the knowledge."""
    unread = 1 - evidence.readable
    meaning = evidence.cosine - UNREAD_COSINE * unread
    words = (TERM_WEIGHT + UNREAD_TERM_WEIGHT * unread) * evidence.term_share
    return evidence.rare_term or meaning + words >= COVERED


def is_identifier(term: str) -> bool:
    """Whether `term` is an identifier: letters and digits mixed ("zp771"), or a number of five digits."""
    has_digit = any(character.isdigit() for character in term)
    return has_digit and len(term) >= 4 and (any(character.isalpha() for character in term) or len(term) >= 5)


def budget_for(context_tokens: int) -> int:
    """The token budget for passages of a model with this context; always leaves room for its answer."""
    return min(max(BUDGET_TOKENS, context_tokens // 10), MAX_BUDGET_TOKENS, max(1, context_tokens // 3))


def select(
    ranked: Sequence[Passage],
    sources: Mapping[str, SourceText],
    count_tokens: CountTokens,
    budget_tokens: int = BUDGET_TOKENS,
) -> tuple[Passage, ...]:
    """The passages to give to the model, best first, together within `budget_tokens`.

    Small files come whole, overlapping and adjoining chunks are merged, duplicates are dropped, and untrusted
    passages get at most a third of the budget if there are others. The best passage is always included.
    """
    chosen: list[Passage] = []
    is_only_untrusted = all(each.untrusted for each in _relevant(ranked))
    untrusted_tokens = budget_tokens * (1.0 if is_only_untrusted else UNTRUSTED_SHARE)
    misfits = 0
    # Compared lazily: comparing everything relevant takes longer than finding it, and most of it is never reached.
    for passage in _distinct(_relevant(ranked)):
        candidate = _merged(chosen, _widened(passage, sources), sources)
        counts = count_tokens([each.text for each in candidate])
        doubtful = sum(n for n, each in zip(counts, candidate, strict=True) if each.untrusted)
        if not chosen or (sum(counts) <= budget_tokens and (doubtful <= untrusted_tokens or not passage.untrusted)):
            chosen, misfits = candidate, 0
        elif (misfits := misfits + 1) >= MISFITS:
            break
    return tuple(chosen)


def _relevant(ranked: Sequence[Passage]) -> Iterable[Passage]:
    return (passage for passage in ranked if passage.score >= SCORE_FLOOR * ranked[0].score)


def _distinct(passages: Iterable[Passage]) -> Iterable[Passage]:
    """`passages` without those that repeat a better one from elsewhere nearly word for word."""
    seen: list[tuple[Passage, frozenset[str]]] = []
    for passage in passages:
        own = frozenset(_terms_of(passage.text))
        if not any(same_terms(own, other) and not _touch(passage, better) for better, other in seen):
            seen.append((passage, own))
            yield passage


def same_terms(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two passages with these terms are duplicates: nearly the same words, and the same numbers."""
    if len(one & other) < SAME_TERMS * max(1, len(one | other)):
        return False
    return not any(character.isdigit() for term in one ^ other for character in term)


def _touch(one: Passage, other: Passage) -> bool:
    """Whether two passages of a file overlap or are separated only by a blank line."""
    return one.segment == other.segment and one.start <= other.end + 2 and other.start <= one.end + 2


def _widened(passage: Passage, sources: Mapping[str, SourceText]) -> Passage:
    source = sources[passage.segment]
    if source.n_tokens > WHOLE_FILE_TOKENS:
        return passage
    return passage.model_copy(update={"text": source.part(0, source.n_chars), "start": 0, "end": source.n_chars})


def _merged(chosen: list[Passage], passage: Passage, sources: Mapping[str, SourceText]) -> list[Passage]:
    """`chosen` with `passage` added, merged with those it touches, in the position of the best of them."""
    touching = [each for each in chosen if _touch(each, passage)]
    joint = passage
    for each in touching:
        joint = _joined(joint, each, sources[passage.segment])
    rest: list[Passage] = [each for each in chosen if each not in touching]
    rest.insert(chosen.index(touching[0]) if touching else len(rest), joint)
    return rest


def _joined(one: Passage, other: Passage, source: SourceText) -> Passage:
    first = min(one, other, key=lambda passage: passage.start)
    start, end = first.start, max(one.end, other.end)
    return first.model_copy(
        update={
            "text": source.part(start, end),
            "end": end,
            "untrusted": one.untrusted or other.untrusted,
            "score": max(one.score, other.score),
            "cosine": max(one.cosine, other.cosine),
        }
    )
