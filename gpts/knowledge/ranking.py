"""Which chunks become the passages of a question: fusion, coverage, duplicates, neighbours, budget."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeVar

from gpts.knowledge.chunking import CountTokens
from gpts.knowledge.documents import Passage
from gpts.knowledge.terms import terms

# How many of each half are fused.
DEPTH: Final = 100
# Of a question that the embedder reads well; and the letters per piece from which on it does, and at which it spells.
# Chosen on nine collections. On eight others (CISI, CACM, FinanceBench, TAT-QA, NegConstraint, COVID FAQ in German,
# CMRC in Chinese, PIAF in French) nDCG@10 is 48.9 dense, 62.3 BM25 and 67.5 fused; 63.8 by the mean of min-max scaled
# scores. The worst of them is 0.6 below its better half (PIAF), the best 5.5 above (CACM) (measured 2026-11).
DENSE_WEIGHT: Final = 0.55
WELL_READ: Final = 3.5
SPELT_OUT: Final = 1.0
# Tokens of passages for a model with a small context, and the most for one with a large one, which takes a tenth.
BUDGET_TOKENS: Final = 900
MAX_BUDGET_TOKENS: Final = 4_000
# The part of the budget that passages from which a finding was accepted may take while others match too.
UNTRUSTED_SHARE: Final = 1 / 3
# Passages in a row that are too long for what is left, after which a shorter one is no longer looked for.
MISFITS: Final = 3
# A file this small is given whole: its sentences explain each other and cutting it saves nothing.
WHOLE_FILE_TOKENS: Final = 300
# Passages that a cross-encoder reads, if there is one: each costs it a forward pass.
RERANK_DEPTH: Final = 30
# Passages scoring below this share of the best one only distract a small model. On six collections the gold passage
# is among the first five as often as without a floor, with 2.2 to 4.9 of them given (2026-11).
SCORE_FLOOR: Final = 0.55
# Above this share of common terms two passages say the same.
SAME_TERMS: Final = 0.9

# A question is covered from this cosine on, or from a lower one when its terms are found too. Where the embedder
# cannot read the question, any two texts are near, so that the cosine counts less and the terms more. Chosen on
# half of XQuAD's articles, each question asked of its own article and of another. On the other half 99 % of the
# English questions count as covered by their own and 0.7 % by the other; German 96 and 2.4, Spanish 98 and 11,
# Chinese 92 and 1.3 (without the last two, over all articles: 97 and 15, 100 and 42, 100 and 97). Of questions
# to six other collections 99 to 100 % are covered by their own; by another 0.7 (financial reports) to 13 % (FAQ,
# whose questions are short) (2026-11).
COVERED: Final = 0.38
TERM_WEIGHT: Final = 0.2
UNREAD_COSINE: Final = 0.5
UNREAD_TERM_WEIGHT: Final = 1.5

Key = TypeVar("Key", bound=Hashable)
Half = Literal["dense", "lexical"]


class SourceText(Protocol):
    """A segment's canonical text, of which parts can be read without the rest."""

    @property
    def n_tokens(self) -> int:
        """Its length in tokens."""

    @property
    def n_chars(self) -> int:
        """Its length in characters."""

    def part(self, start: int, end: int) -> str:
        """The text from character `start` to `end`."""


def fuse(
    cosines: Mapping[Key, float], lexical: Mapping[Key, float], ceiling: float, dense: float
) -> dict[Key, float]:
    """A score in 0..1 per key of `cosines`, best first: `dense` of it from the cosine, the rest from the words.

    Both are taken as they are, not stretched to the best and worst found, so that a half that cannot tell the chunks
    apart leaves the choice to the other: cosines that are all alike, or words of which no chunk holds many. The words
    count as the BM25 score's share of `ceiling`, the score of a chunk that is full of every term asked for.
    """
    scores = {
        key: dense * max(0.0, cosine) + ((1 - dense) * min(1.0, lexical.get(key, 0.0) / ceiling) if ceiling else 0.0)
        for key, cosine in cosines.items()
    }
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def readable(letters_per_token: float) -> float:
    """How well the embedder reads a question, 0..1, by how long the pieces are that it takes it in.

    An embedder knows a word when it has few pieces for it. The bundled one reads English in pieces of 4.5 letters,
    German and Spanish of 2.8, Chinese hardly at all; the same holds for rare names within a language.
    """
    return min(1.0, max(0.0, (letters_per_token - SPELT_OUT) / (WELL_READ - SPELT_OUT)))


def blend(ranked: Sequence[Passage], judged: Sequence[float]) -> list[Passage]:
    """`ranked` anew, best first: half of each score from the fusion, half from `judged` (0..1, of the first ones).

    The fusion keeps a say because a cross-encoder that was trained on other texts misjudges these.
    """
    known = [*judged, *([0.0] * (len(ranked) - len(judged)))]
    scored = [
        each.model_copy(update={"score": round((each.score + score) / 2, 4)})
        for each, score in zip(ranked, known, strict=True)
    ]
    return sorted(scored, key=lambda passage: -passage.score)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the knowledge holding an answer.

    `cosine` is the best dense similarity. `term_share` is the part of the question's terms, weighed by rarity, that
    one of the best chunks contains. `rare_term` tells whether that chunk holds a part number or another identifier
    that the question names. `readable` is how well the embedder reads the question.
    """

    cosine: float
    term_share: float
    rare_term: bool = False
    readable: float = 1.0


def is_covered(evidence: Evidence) -> bool:
    """Whether the question is about what the knowledge holds."""
    unread = 1 - evidence.readable
    meaning = evidence.cosine - UNREAD_COSINE * unread
    words = (TERM_WEIGHT + UNREAD_TERM_WEIGHT * unread) * evidence.term_share
    return evidence.rare_term or meaning + words >= COVERED


def is_identifier(term: str) -> bool:
    """Whether `term` names one thing exactly: letters and digits mixed ("zp771"), or a number of five digits."""
    has_digit = any(character.isdigit() for character in term)
    return has_digit and len(term) >= 4 and (any(character.isalpha() for character in term) or len(term) >= 5)


def budget_for(context_tokens: int) -> int:
    """How many tokens of passages to give a model with this context: never so many that its answer has no room."""
    return min(max(BUDGET_TOKENS, context_tokens // 10), MAX_BUDGET_TOKENS, max(1, context_tokens // 3))


def select(
    ranked: Sequence[Passage],
    sources: Mapping[str, SourceText],
    count_tokens: CountTokens,
    budget_tokens: int = BUDGET_TOKENS,
) -> tuple[Passage, ...]:
    """The passages to hand to the model, best first, together within `budget_tokens`.

    Small files come whole, overlapping and adjoining chunks become one passage, duplicates are dropped, and a third
    of the budget is all that untrusted passages get beside others. The best passage is always there.
    """
    chosen: list[Passage] = []
    is_only_untrusted = all(each.untrusted for each in _relevant(ranked))
    untrusted_tokens = budget_tokens * (1.0 if is_only_untrusted else UNTRUSTED_SHARE)
    misfits = 0
    # Comparing all that is relevant takes longer than finding it; most of it is never reached.
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
        own = frozenset(terms(passage.text))
        if not any(same_terms(own, other) and not _touch(passage, better) for better, other in seen):
            seen.append((passage, own))
            yield passage


def same_terms(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two passages with these terms say the same."""
    return len(one & other) >= SAME_TERMS * max(1, len(one | other))


def _touch(one: Passage, other: Passage) -> bool:
    """Whether two passages of a file overlap or have only a blank line between them."""
    return one.segment == other.segment and one.start <= other.end + 2 and other.start <= one.end + 2


def _widened(passage: Passage, sources: Mapping[str, SourceText]) -> Passage:
    source = sources[passage.segment]
    if source.n_tokens > WHOLE_FILE_TOKENS:
        return passage
    return passage.model_copy(update={"text": source.part(0, source.n_chars), "start": 0, "end": source.n_chars})


def _merged(chosen: list[Passage], passage: Passage, sources: Mapping[str, SourceText]) -> list[Passage]:
    """`chosen` with `passage` added, joined with those that it touches, in the place of the best of them."""
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
