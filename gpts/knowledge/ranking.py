"""Which chunks become the passages of a question: fusion, coverage, duplicates, neighbours, budget."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeVar

from gpts.knowledge.chunking import CountTokens
from gpts.knowledge.documents import Passage
from gpts.knowledge.terms import terms

# How many of each half are fused. Min-max of the top 100 at 0.5/0.5 beats reciprocal-rank fusion (k = 60) on four
# of five public collections, and either half alone by 4 to 15 points of nDCG@10 (measured 2026-11).
DEPTH: Final = 100
BUDGET_TOKENS: Final = 900
# A file this small is given whole: its sentences explain each other and cutting it saves nothing.
WHOLE_FILE_TOKENS: Final = 300
# Passages that a cross-encoder reads, if there is one: each costs it a forward pass.
RERANK_DEPTH: Final = 30
# Passages scoring below this share of the best one only distract a small model.
SCORE_FLOOR: Final = 0.35
# Above this share of common terms two passages say the same.
SAME_TERMS: Final = 0.9

# A question is covered from this cosine on, or from a lower one when its terms are found too. So 92 % of 65 questions
# to the sample GPTs count as covered, and 2.5 % of 785 meant for others; 96 % of XQuAD's 1,190 questions to their own
# article, and 0.3 % of 1,200 to another's (2026-11; chosen on these same questions). The cosine alone, at 0.38, loses
# 15 % and 10 % of the right ones.
COVERED: Final = 0.38
TERM_WEIGHT: Final = 0.2

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


def fuse(dense: Mapping[Key, float], lexical: Mapping[Key, float]) -> dict[Key, float]:
    """A score in 0..1 per key, best first: half from each side's min-max scaled scores, 0 where a side has none."""
    scaled = [_scaled(dense), _scaled(lexical)]
    keys = dict.fromkeys([*dense, *lexical])
    scores = {key: sum(side.get(key, 0.0) for side in scaled) / 2 for key in keys}
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _scaled(scores: Mapping[Key, float]) -> dict[Key, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in scores.items()}


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
    that the question names.
    """

    cosine: float
    term_share: float
    rare_term: bool = False


def is_covered(evidence: Evidence) -> bool:
    """Whether the question is about what the knowledge holds."""
    return evidence.rare_term or evidence.cosine + TERM_WEIGHT * evidence.term_share >= COVERED


def is_identifier(term: str) -> bool:
    """Whether `term` names one thing exactly: letters and digits mixed ("zp771"), or a number of five digits."""
    has_digit = any(character.isdigit() for character in term)
    return has_digit and len(term) >= 4 and (any(character.isalpha() for character in term) or len(term) >= 5)


def select(
    ranked: Sequence[Passage],
    sources: Mapping[str, SourceText],
    count_tokens: CountTokens,
    budget_tokens: int = BUDGET_TOKENS,
) -> tuple[Passage, ...]:
    """The passages to hand to the model, best first, together within `budget_tokens`.

    Small files come whole, overlapping and adjoining chunks become one passage, duplicates are dropped. The best
    passage is always there, whatever the budget.
    """
    chosen: list[Passage] = []
    for passage in _distinct(_relevant(ranked)):
        candidate = _merged(chosen, _widened(passage, sources), sources)
        if chosen and sum(count_tokens([each.text for each in candidate])) > budget_tokens:
            break
        chosen = candidate
    return tuple(chosen)


def _relevant(ranked: Sequence[Passage]) -> Iterable[Passage]:
    return (passage for passage in ranked if passage.score >= SCORE_FLOOR * ranked[0].score)


def _distinct(passages: Iterable[Passage]) -> Iterable[Passage]:
    """`passages` without those that repeat a better one from elsewhere nearly word for word."""
    seen: list[tuple[Passage, frozenset[str]]] = []
    for passage in passages:
        own = frozenset(terms(passage.text))
        if not any(_same(own, other) and not _touch(passage, better) for better, other in seen):
            seen.append((passage, own))
            yield passage


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
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
            "score": max(one.score, other.score),
            "cosine": max(one.cosine, other.cosine),
        }
    )
