"""The creator's search test: what a question finds, how both halves of the search score it, what a chat would get."""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from pydantic import TypeAdapter

from gpts.knowledge.documents import Passage
from gpts.knowledge.ranking import COVERED, SCORE_FLOOR, TERM_WEIGHT, Evidence, is_covered, same_terms
from gpts.knowledge.terms import terms
from gpts.runs.state import TurnState
from gpts.runs.steps import UserMessage
from gpts.spec.gpt import GptSpec, KnowledgeRef
from workers.knowledge import segments
from workers.knowledge.index import Explained, KnowledgeIndex
from workers.runs.searching import retrieval, whole_files
from workers.runs.services import Services

# More than a chat ever gets, so that near misses are shown.
SHOWN: Final = 12
TEXT_CHARS: Final = 700
# Six bytes each in JSON at most, of web/rpc.py's four million.
MOST_CHARS: Final = 600_000
PER_PAGE: Final = 30


def probe(services: Services, spec: GptSpec, question: str) -> dict[str, Any]:
    """What the files of a GPT contain for `question`, best first, as JSON. Raises FileError."""
    explained = services.index.explain(spec.knowledge, question)
    _, evidence = services.index.rank(spec.knowledge, question)
    ability = services.engine.ability()
    state = TurnState(spec, ability, (UserMessage(text=question),), (), {})
    is_whole = bool(whole_files(state, services))
    covered = is_covered(evidence)  # a model that writes decides itself
    if not ability.writes_from_sources:
        covered = services.small.extract(retrieval(state, services), state).covered
    highest = max((each.bm25 for each in explained if each.bm25), default=0.0)
    return {
        "covered": covered,
        "whole": is_whole,
        "declines": spec.only_from_knowledge or not ability.writes_from_sources,
        "reason": _reason(evidence, covered) if explained else "",
        "passages": [_to_json(each, explained[:i], highest, covered) for i, each in enumerate(explained[:SHOWN])],
        "n_more": max(0, len(explained) - SHOWN),
    }


def search(index: KnowledgeIndex, refs: str, queries: str, n: int) -> dict[str, Any]:
    """The `n` best passages of the files for any of the queries, both as JSON. Raises FileError."""
    files = TypeAdapter(list[KnowledgeRef]).validate_json(refs)
    best: dict[tuple[str, int], Passage] = {}
    for query in TypeAdapter(list[str]).validate_json(queries):
        for passage in index.rank(files, query)[0][:n]:
            place = (passage.file_id, passage.chunk)
            if place not in best or passage.score > best[place].score:
                best[place] = passage
    ordered = sorted(best.values(), key=lambda passage: -passage.score)[:n]
    return {"passages": [each.model_dump(include={"file_id", "text", "score"}) for each in ordered]}


def whole_text(index: KnowledgeIndex, ref: str) -> dict[str, Any]:
    """The text of the file, or only its length if that is too long to send. Raises FileError."""
    file = KnowledgeRef.model_validate_json(ref)
    n_chars = index.n_chars(file)
    return {"n_chars": n_chars, "text": index.part(file, 0, n_chars).text if n_chars <= MOST_CHARS else ""}


def passages(address: str, start: int) -> dict[str, Any]:
    """The blocks of a segment from number `start` on, without headings, and the number of the `next` one or None."""
    segment = segments.load(settings.GUILDHALL_HOME, address)
    found: list[dict[str, Any]] = []
    n_chars = 0
    for number, block in enumerate(segment.blocks_from(start), start):
        if len(found) >= PER_PAGE or (found and n_chars + len(block.text) > MOST_CHARS):
            return {"passages": found, "next": number}
        if not block.is_heading():
            n_chars += len(block.text)
            found.append({"text": block.text, "heading": block.heading, "page": block.page})
    return {"passages": found, "next": None}


def _reason(evidence: Evidence, covered: bool) -> str:
    """Why the question counts as covered or not, with numbers."""
    meaning, words = max(evidence.cosine, 0.0), evidence.term_share
    together = meaning + TERM_WEIGHT * words
    reason = (
        f"Meaning {meaning:.2f}, and {words:.0%} of its words in the best passages: {together:.2f} together,"
        f" where {COVERED:.2f} is enough."
    )
    if evidence.rare_term:
        reason += " The files contain the exact number or part."
    if covered == is_covered(evidence):
        return reason
    return reason + (" One sentence clearly answers it." if covered else " But no sentence is close enough.")


def _to_json(each: Explained, better: Sequence[Explained], highest_bm25: float, covered: bool) -> dict[str, Any]:
    passage, given = each.passage, each.is_given and covered
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
        "words": each.bm25,
        "words_share": each.bm25 / highest_bm25 if each.bm25 else 0.0,
        "given": given,
        "why_not": "" if given else _why_not(each, better),
    }


def _why_not(each: Explained, better: Sequence[Explained]) -> str:
    """Why the model does not get the passage: the rules of `gpts.knowledge.ranking.select`, in its order."""
    passage = each.passage
    if each.is_given:
        return "Not covered"
    if better and passage.score < SCORE_FLOOR * better[0].passage.score:
        return "Score too low"
    own = frozenset(terms(passage.text))
    if any(same_terms(own, frozenset(terms(other.passage.text))) for other in better):
        return "Duplicate"
    return "No room left"
