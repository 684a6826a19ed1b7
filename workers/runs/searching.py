"""Computes what the files of a turn hold: those that its prompt has whole, and what is found in the others."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from gpts.knowledge.cut_tables import is_table, part_of_table
from gpts.knowledge.documents import Passage
from gpts.knowledge.ranking import budget_for
from gpts.knowledge.superlatives import has_superlative
from gpts.runs.file_calls import meant_files, reads_on
from gpts.runs.queries import retrieval_query
from gpts.runs.search_texts import MAX_TOKENS, answer_request, read_written
from gpts.runs.state import CHARS_PER_TOKEN, TurnState, fit_whole, room, whole_attachments
from gpts.runs.steps import Retrieval, ToolCall
from gpts.spec.gpt import KnowledgeRef
from workers.engine.base import EngineError
from workers.isolation.errors import FileError
from workers.knowledge.errors import AttachmentGone
from workers.knowledge.index import KnowledgeIndex
from workers.runs.services import Services
from workers.runs.writing import write

logger = logging.getLogger(__name__)

GONE: Final = "“{name}” can no longer be read. Attach it again, or start a new chat."
# Of files that are no longer than this together, every sentence may be the answer of a model that only quotes.
QUOTED_WHOLE_TOKENS: Final = 4_000
# Of files that are no longer than this together, all rows are compared: a second or less.
COMPARED_TOKENS: Final = 100_000
# A table of more tokens is no longer part of prompts as it is, but by its columns and as many characters of its rows:
# about so many tokens. Models add up 200 rows wrongly, and each call of a turn has the prompt again.
TABLE_TOKENS: Final = 4_000
PART_CHARS: Final = 1_800
PART_TOKENS: Final = 1_000
# By its beginning it is told whether a long file is a table.
SAMPLE_CHARS: Final = 3_000
# How long a search waits for a likely answer.
LIKELY_S: Final = 8.0


def whole_files(state: TurnState, services: Services, *, opens_own: bool = False) -> tuple[Passage, ...]:
    """The files as they become part of the prompt of this turn. Raises FileError.

    Of long tables these are the first rows, if the model can read the others by calls; of the GPT's own, if
    `opens_own` says that its tools may open them for this person.
    """
    index, own = services.index, state.spec.knowledge
    for file in state.attached():
        try:
            index.n_tokens([file.as_knowledge()])
        except FileError as error:
            raise AttachmentGone(GONE.format(name=file.name)) from error
    if not (state.ability.writes_from_sources and state.files()):
        return ()
    parts = _parts_of_tables(state, index, own if opens_own else ()) if reads_on(state) else {}
    sizes = dict.fromkeys(parts, PART_TOKENS)
    n_tokens = sum(sizes.get(ref.file_id) or index.n_tokens([ref]) for ref in own)
    kept = own if fit_whole(n_tokens, state.spec, state.ability) else ()
    attached = whole_attachments(state, n_tokens if kept else 0, searches_own=bool(own and not kept), parts=sizes)
    refs = (*kept, *(file.as_knowledge() for file in attached))
    return tuple(parts.get(ref.file_id) or index.whole([ref])[0] for ref in refs)


def _parts_of_tables(state: TurnState, index: KnowledgeIndex, own: Sequence[KnowledgeRef]) -> dict[str, Passage]:
    """The beginnings of the long tables among the attached files and the GPT's `own`, by the file's id."""
    refs = (*own, *(file.as_knowledge() for file in state.attached()))
    long = [ref for ref in refs if index.n_tokens([ref]) > TABLE_TOKENS]
    tables = (ref for ref in long if is_table(index.part(ref, 0, SAMPLE_CHARS).text))
    return {ref.file_id: _first_rows(index.whole([ref])[0]) for ref in tables}


@lru_cache(maxsize=8)
def _first_rows(table: Passage) -> Passage:
    return part_of_table(table, PART_CHARS, described=True).model_copy(update={"is_part": True})


def retrieval(state: TurnState, services: Services, call: ToolCall | None = None) -> Retrieval:
    """What the files of the turn hold on the question, or on what the model's `call` asks.

    Those that are not read whole are searched. A model that writes answers decides itself whether the passages cover
    the question. Raises FileError.
    """
    if call:
        return _called_search(call, state, services)
    names = tuple(file.file_name for file in state.whole_files)
    searched = state.long_files()
    if not searched or state.has_search:
        return Retrieval(query=state.question(), whole_files=names, covered=True)
    intent, writes = state.intent(), state.ability.writes_from_sources
    is_same = state.goes_on() or (intent and intent.intent == "rewrite")
    if writes and is_same and (last := state.last_passages()):
        return Retrieval(query=state.question(), passages=last, covered=True, whole_files=names, reused=True)
    query = (intent.query if intent else "") or retrieval_query(state.history, state.steps)
    found = _search(searched, query, state, services)
    if not writes:
        return found
    return found.model_copy(update={"whole_files": names, "covered": bool(names or found.passages)})


def _called_search(call: ToolCall, state: TurnState, services: Services) -> Retrieval:
    """What the model's call finds. Its query is one already, so that no likely answer is guessed for it."""
    query, alone = str(call.arguments.get("query", "")), replace(services, expands_queries=False)
    found = _search(meant_files(call, state), query, state, alone)
    return found.model_copy(update={"covered": bool(found.passages), "call_id": call.call_id})


def _search(refs: Sequence[KnowledgeRef], query: str, state: TurnState, services: Services) -> Retrieval:
    """What was found in `refs`, and the rows that a superlative in the question asks for."""
    found = _best(refs, query, state, services)
    if has_superlative(state.question()) and services.index.n_tokens(refs) <= COMPARED_TOKENS:
        return services.small.with_extremes(found, state, services.index.whole(refs))
    return found


def _best(refs: Sequence[KnowledgeRef], query: str, state: TurnState, services: Services) -> Retrieval:
    """What was found in `refs`: in the files that the message means first, and in the others.

    A model that writes answers gets the best of both; for another one, the others count if the first say nothing.
    """
    index = services.index
    intent, writes = state.intent(), state.ability.writes_from_sources
    meant = [file.id for file in state.new_files()] if writes or intent is None else intent.file_ids
    first = [ref for ref in refs if ref.file_id in meant]
    budget = _passages_budget(state)
    if not writes:
        found = _quotable(first or refs, query, budget, index)
        is_answered = not first or found.covered or services.small.extract(found, state).covered
        return found if is_answered else _quotable(refs, query, budget, index)
    likely = ""
    if services.expands_queries:
        likely = likely_answer(query, replace(services, deadline_s=LIKELY_S))
    if not first or len(first) == len(refs):
        return index.search(refs, query, budget, likely)
    others = [ref for ref in refs if ref not in first]
    one, other = (index.search(each, query, budget // 2, likely) for each in (first, others))
    return one.model_copy(update={"passages": one.passages + other.passages, "n_files": len(refs)})


def _passages_budget(state: TurnState) -> int:
    """Tokens for the passages of a search; of one that the model calls for, beside those of the turn so far."""
    most = budget_for(state.ability.context_tokens)
    if not state.has_search:
        return most
    n_given = sum(len(each.text) for found in state.searches() for each in found.passages)
    n_whole = sum(len(file.text) for file in state.whole_files)
    left = room(state.spec, state.ability) - (n_given + n_whole) // CHARS_PER_TOKEN
    return max(1, min(most, left // 2))


def likely_answer(query: str, services: Services) -> str:
    """A guess of the model, as far as it came in time; empty if there is none."""
    try:
        return read_written(write(answer_request(query), MAX_TOKENS, services, lambda text: None).text)
    except EngineError as error:
        logger.warning("a question is searched without a likely answer: %s", error)
        return ""


def _quotable(refs: Sequence[KnowledgeRef], query: str, budget: int, index: KnowledgeIndex) -> Retrieval:
    """What was found in `refs` for a model that only quotes: all of them if they are short."""
    found = index.search(refs, query, budget)
    if index.n_tokens(refs) <= QUOTED_WHOLE_TOKENS:
        # Whether a question is covered can be told among many passages, hardly among those of a page or two.
        found = found.model_copy(update={"passages": index.whole(refs), "covered": True})
    return found


def outline(state: TurnState, services: Services) -> Retrieval:
    """The outline of the files that the message means. Raises FileError."""
    intent = state.intent()
    assert intent is not None
    refs = [ref for ref in state.files() if ref.file_id in intent.file_ids]
    return services.small.outline(state, services.index.whole(refs))
