"""The creator's box "Ask the knowledge": what a question finds, how both halves score it, what a chat would get."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from gpts.knowledge.ranking import COVERED, SCORE_FLOOR, TERM_WEIGHT, Evidence, Explained, is_covered, same_terms
from gpts.knowledge.terms import terms
from gpts.runs.state import TurnState
from gpts.runs.steps import UserMessage
from web.builder.models import Gpt
from workers.runs.answering import retrieval
from workers.runs.services import Services

# More than a chat is ever given, so that what just missed shows.
SHOWN: Final = 12
TEXT_CHARS: Final = 700


def probe(services: Services, gpt_id: UUID, question: str) -> dict[str, Any]:
    """What the draft's files hold for `question`, as JSON, best first. Raises KnowledgeError."""
    spec = Gpt.objects.get(id=gpt_id).draft_spec()
    explained = services.index.explain(spec.knowledge, question)
    _, evidence = services.index.rank(spec.knowledge, question)
    ability = services.engine.ability()
    found = retrieval(TurnState(spec, ability, (UserMessage(text=question),), (), {}), services)
    covered = (found if ability.writes_from_sources else services.small.extract(found)).covered
    most = max((each.lexical.score for each in explained if each.lexical), default=0.0)
    return {
        "covered": covered,
        "reason": _reason(evidence, covered) if explained else "",
        "passages": [_told(each, explained[:number], most, covered) for number, each in enumerate(explained[:SHOWN])],
        "n_more": max(0, len(explained) - SHOWN),
    }


def _reason(evidence: Evidence, covered: bool) -> str:
    """Why the question counts as covered or not, in numbers."""
    meaning, words = max(evidence.cosine, 0.0), evidence.term_share
    together = meaning + TERM_WEIGHT * words
    told = (
        f"Meaning {meaning:.2f}, and {words:.0%} of its words in the best passages: {together:.2f} together,"
        f" where {COVERED:.2f} is enough."
    )
    if evidence.rare_term:
        told = f"{told} The files contain the exact number or part."
    if covered == is_covered(evidence):
        return told
    return f"{told} One sentence clearly answers it." if covered else f"{told} But no sentence is close enough."


def _told(each: Explained, better: Sequence[Explained], most: float, covered: bool) -> dict[str, Any]:
    passage, given = each.passage, each.is_given and covered
    words = each.lexical.score if each.lexical else None
    return {
        "file_id": passage.file_id,
        "file_name": passage.file_name,
        "page": passage.page,
        "unit": passage.unit,
        "heading": passage.heading,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text[:TEXT_CHARS],
        "untrusted": passage.untrusted,
        "score": passage.score,
        "meaning": passage.cosine,
        "meaning_share": min(max(passage.cosine, 0.0), 1.0),
        "words": words,
        "words_share": words / most if words and most else 0.0,
        "given": given,
        "why_not": "" if given else _why_not(each, better),
    }


def _why_not(each: Explained, better: Sequence[Explained]) -> str:
    """What keeps a passage from the model: the reasons of `gpts.knowledge.ranking.select`, in its order."""
    passage = each.passage
    if each.is_given:
        return "Not covered"
    if better and passage.score < SCORE_FLOOR * better[0].passage.score:
        return "Score too low"
    own = frozenset(terms(passage.text))
    if any(same_terms(own, frozenset(terms(other.passage.text))) for other in better):
        return "Duplicate"
    return "No room left"
