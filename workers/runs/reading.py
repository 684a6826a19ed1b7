"""Reads files that are too long for the prompt: one part at a time, each a step of the log.

How it breaks: a worker that dies loses the part that it was reading, and the next one goes on with that part. Notes
are kept by segment (kept_notes.py), so that a file is read once for all who want the same of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.citations import ground
from gpts.knowledge.documents import Passage
from gpts.knowledge.sections import FilePart
from gpts.runs import reading
from gpts.runs.file_calls import reading_wish
from gpts.runs.intent import SUMMARY
from gpts.runs.messages import PromptMessage
from gpts.runs.reading import ReadFile
from gpts.runs.state import TurnState
from gpts.runs.steps import PartNotes, Retrieval, ToolCall
from gpts.spec.gpt import KnowledgeRef
from workers.engine.base import EngineError, PromptTooLong, Usage
from workers.knowledge.kept_notes import NotedPart, notes_key
from workers.knowledge.meaning import EmbeddedMeaning
from workers.runs.services import Services
from workers.runs.writing import Show, limit, write

# A part that does not fit the prompt is halved, but not below this.
LEAST_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class _Part:
    """A part that is still to be read."""

    ref: KnowledgeRef
    place: FilePart


@dataclass(frozen=True, slots=True)
class _NotesRequest:
    """The request for notes of at most `n_tokens` on `part`."""

    part: Passage
    wanted: str
    messages: tuple[PromptMessage, ...]
    n_tokens: int


def next_step(
    state: TurnState, services: Services, person: str, tell: Show, call: ToolCall | None = None
) -> PartNotes | Retrieval:
    """The notes on the next part of the files that the message, or the model's `call`, means.

    Once there is no further part, what was read. `person` identifies whose message it is. Raises FileError,
    EngineError, or what `tell` raises to stop.
    """
    intent, done = reading_wish(call, state) if call else state.intent(), state.notes()
    assert intent is not None
    files = state.files() if call else state.long_files()
    refs = [ref for ref in files if ref.file_id in intent.file_ids]
    left = list(_left(refs, state, services))
    if not left:
        found = _all_read(refs, intent.query, state, services)
        if call:
            return found.model_copy(update={"call_id": call.call_id})
        return found.model_copy(
            update={"whole_files": (*(each.file_name for each in state.whole_files), *found.whole_files)}
        )
    ref, number, n_parts = left[0].ref, len(done) + 1, len(done) + len(left)
    tell(f"Reading {ref.name}, part {number} of {n_parts}")
    request = _fitting(left[0], intent.query, services)
    # Notes depend on the text, the request and the model alone, so that sharing those of a summary tells nothing but
    # that somebody has had the same file summarized. Another request may hold private words, and finding its notes
    # at once would tell a guesser that it was made: those are kept for the same person only.
    whose = "" if intent.query == SUMMARY else person
    noted, usage, from_cache = _noted(request, whose, services, tell)
    part = request.part
    passages = services.index.chunks_with(ref, noted.spans) if noted.spans else (part,) if noted.text else ()
    return PartNotes(
        **part.model_dump(include={"file_id", "file_name", "segment", "start", "end"}),
        number=number,
        n_parts=n_parts,
        place=reading.place_of(part),
        text=noted.text,
        passages=passages,
        from_cache=from_cache,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


def _left(refs: list[KnowledgeRef], state: TurnState, services: Services) -> Iterator[_Part]:
    """The parts within the budget that were not read yet."""
    budget = reading.reading_budget(state)
    files = reading.within([services.index.parts(ref, budget.part_tokens) for ref in refs], budget)
    for ref, parts in zip(refs, files, strict=True):
        read_to = _read_to(ref, state)
        for place in parts:
            if place.end > read_to:
                start = max(place.start, read_to)
                yield _Part(ref, FilePart(start, place.end, place.n_tokens))


def _read_to(ref: KnowledgeRef, state: TurnState) -> int:
    return max((notes.end for notes in state.notes() if notes.file_id == ref.file_id), default=0)


def _fitting(planned: _Part, wanted: str, services: Services) -> _NotesRequest:
    """The request for notes on the planned part, or on its beginning, as much as fits the prompt."""
    start, end = planned.place.start, planned.place.end
    n_tokens = reading.notes_tokens(planned.place)
    while True:
        part = services.index.part(planned.ref, start, end)
        messages = reading.notes_request(part.for_model(), wanted, n_tokens)
        n_prompt = services.engine.count_tokens(messages)
        if n_prompt + limit(n_tokens, services) <= services.engine.ability().context_tokens:
            return _NotesRequest(part, wanted, messages, n_tokens)
        if end - start <= LEAST_CHARS:
            raise PromptTooLong("The model's context is too small to read files.")
        half = (end - start) // 2
        end = start + max(part.text.rfind(" ", half // 2, half), half // 2)  # between two words


def _noted(request: _NotesRequest, whose: str, services: Services, tell: Show) -> tuple[NotedPart, Usage, bool]:
    """The notes, the tokens that they took, and whether they had been taken for `whose` request before."""
    part, messages, n_tokens = request.part, request.messages, request.n_tokens
    key = notes_key(services.engine.fingerprint(), [message.content for message in messages], n_tokens, whose)
    if kept := services.notes.get(part.segment, key):
        return kept, Usage(0, 0), True
    written = write(messages, n_tokens, services, tell)
    if written.finish == "deadline":  # what it left out would go unnoticed
        raise EngineError("The notes on a part of a file were not written in time.")
    text = reading.read_notes(written.text, is_whole=written.finish == "stop")
    found = ground(text, [part], EmbeddedMeaning(services.embedder), request.wanted)
    noted = NotedPart(text, tuple(dict.fromkeys((each.start, each.end) for each in found.citations)))
    services.notes.put(part.segment, key, noted)
    return noted, written.usage, False


def _all_read(refs: list[KnowledgeRef], query: str, state: TurnState, services: Services) -> Retrieval:
    """The end of the reading: which files were read, and how far."""
    notes, files = state.notes(), []
    for ref, info in zip(refs, services.index.infos(refs), strict=True):
        own = [each for each in notes if each.file_id == ref.file_id]
        last = services.index.part(ref, own[-1].start, own[-1].end) if own else None
        files.append(ReadFile(ref.name, services.index.n_chars(ref), info.n_pages, last))
    return Retrieval(
        query=query,
        whole_files=tuple(file.name for file in files if file.last),
        covered=any(each.text for each in notes) or bool(state.whole_files),
        unread=reading.unread(files, services.small.language(state)),
    )
