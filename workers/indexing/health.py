"""A report for creators on a draft's files: duplicate passages, and passages that no question found yet.

Of people's questions it contains only counts, never their text.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.conf import settings

from gpts.knowledge.terms import terms
from gpts.spec.gpt import KnowledgeRef
from web.builder.models import Gpt
from web.runs.models import Conversation, Run, StepRow
from workers.isolation.errors import FileError
from workers.knowledge import segments
from workers.knowledge.content import Segment
from workers.knowledge.embed import Vectors

# How many of the newest searches are examined.
SEARCHES: Final = 5_000
# With more passages, exact duplicates are not searched: 60 µs each, so 3 s (measured 2026-11).
MAX_READ: Final = 50_000
# With more passages, near duplicates are not searched: 0.8 s for twenty files (measured 2026-11).
MAX_COMPARED: Final = 8_000
# Near duplicates agree in both meaning and terms; cosines alone also match table rows with different numbers.
NEAR_COSINE: Final = 0.95
NEAR_TERMS: Final = 0.8
EXAMPLES: Final = 5
REPEATS: Final = 12
TEXT_CHARS: Final = 400

# A passage: the numbers of its file and of its chunk.
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _OpenFile:
    """A file of the draft with its open segment."""

    ref: KnowledgeRef
    segment: Segment

    @property
    def n_chunks(self) -> int:
        """The number of its passages."""
        return self.segment.info.n_chunks

    def passage(self, row: int) -> dict[str, Any]:
        """A passage as JSON."""
        chunk = self.segment.chunk(row)
        file = {"file_id": self.ref.file_id, "file_name": self.ref.name, "unit": self.segment.info.unit}
        return {**file, "page": chunk.page, "heading": chunk.heading, "text": chunk.text[:TEXT_CHARS]}


def health(gpt_id: UUID) -> dict[str, Any]:
    """The report on the draft's passages, as JSON. Files whose segment is lost are left out."""
    gpt = Gpt.objects.get(id=gpt_id)
    files = list(_opened(gpt.draft_spec().knowledge))
    return {**_unused(gpt, files), **_duplicates(files)}


def _opened(refs: Sequence[KnowledgeRef]) -> Iterator[_OpenFile]:
    for ref in refs:
        try:
            yield _OpenFile(ref, segments.load(settings.GUILDHALL_HOME, ref.segment))
        except FileError:
            continue


def _unused(gpt: Gpt, files: Sequence[_OpenFile]) -> dict[str, Any]:
    """How many passages were found in a completed run, and examples of those that never were."""
    n_searches, spans = _found_spans(gpt)
    unused: list[_Place] = []
    for number, file in enumerate(files):
        is_used = _is_used(file, spans.get(file.ref.file_id, set()))
        unused += [(number, int(row)) for row in np.flatnonzero(~is_used)]
    n_passages = sum(file.n_chunks for file in files)
    examples = unused[:: max(1, len(unused) // EXAMPLES)][:EXAMPLES]  # spread over all files
    return {
        "n_searches": n_searches,
        "n_passages": n_passages,
        "n_unused": len(unused),
        "n_used": n_passages - len(unused),
        "unused": [files[number].passage(row) for number, row in examples],
    }


def _found_spans(gpt: Gpt) -> tuple[int, dict[str, set[tuple[int, int]]]]:
    """The number of searches, and by file id the ranges of text that they found."""
    steps = StepRow.objects.filter(kind="retrieval", run__status=Run.Status.COMPLETED, run__version__gpt=gpt).exclude(
        run__message__conversation__origin__in=(Conversation.Origin.PREVIEW, Conversation.Origin.BUILDER)
    )
    spans: dict[str, set[tuple[int, int]]] = defaultdict(set)
    searches = steps.order_by("-id").values_list("data", flat=True)[:SEARCHES]
    for data in searches:
        for passage in data["passages"]:
            spans[passage["file_id"]].add((passage["start"], passage["end"]))
    return len(searches), spans


def _is_used(file: _OpenFile, spans: set[tuple[int, int]]) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Whether the middle of each passage lies in one of `spans`; neighbours overlap at their ends."""
    columns = file.segment.columns
    middles = (np.asarray(columns["chunk_starts"]) + np.asarray(columns["chunk_ends"])) // 2
    used = np.zeros(len(middles), np.bool_)
    for start, end in spans:
        first, last = np.searchsorted(middles, (start, end))
        used[first:last] = True
    return used


def _duplicates(files: Sequence[_OpenFile]) -> dict[str, Any]:
    """Exact and near duplicates of passages in several files, as JSON."""
    n_passages = sum(file.n_chunks for file in files)
    exact = _exact_duplicates(files) if n_passages <= MAX_READ else []
    near = _near_duplicates(files, exact) if n_passages <= MAX_COMPARED else []
    groups = [(group, True) for group in exact] + [(group, False) for group in near]
    groups.sort(key=lambda each: -len(each[0]))
    return {
        "compared": n_passages <= MAX_COMPARED,
        "n_repeats": sum(len(group) - 1 for group, _ in groups),
        "repeats": [_group(files, group, is_exact) for group, is_exact in groups[:REPEATS]],
    }


def _group(files: Sequence[_OpenFile], group: Sequence[_Place], is_exact: bool) -> dict[str, Any]:
    places = [files[number].passage(row) for number, row in group]
    text = places[0]["text"]
    return {"exact": is_exact, "text": text, "places": [{**place, "text": ""} for place in places]}


def _exact_duplicates(files: Sequence[_OpenFile]) -> list[list[_Place]]:
    """Groups of passages of several files with the same words in the same order."""
    by_words: dict[bytes, list[_Place]] = defaultdict(list)
    for number, file in enumerate(files):
        for row in range(file.n_chunks):
            words = " ".join(file.segment.chunk(row).text.casefold().split())
            by_words[hashlib.blake2b(words.encode(), digest_size=16).digest()].append((number, row))
    return [group for group in by_words.values() if len({number for number, _ in group}) > 1]


def _near_duplicates(files: Sequence[_OpenFile], exact: Sequence[Sequence[_Place]]) -> list[list[_Place]]:
    """Groups of passages of several files with similar meaning and terms, without those of `exact`."""
    grouped = {place for group in exact for place in group}
    vectors = [_vectors(file.segment) for file in files]
    groups: dict[_Place, list[_Place]] = {}
    for one, other in combinations(range(len(files)), 2):
        if files[one].segment.embedder != files[other].segment.embedder:
            continue  # one of them is to be read again
        for row, twin in np.argwhere(vectors[one] @ vectors[other].T >= NEAR_COSINE):
            first, second = (one, int(row)), (other, int(twin))
            if not grouped & {first, second} and _share_terms(
                files[one].segment, first[1], files[other].segment, twin
            ):
                groups.setdefault(first, [first]).append(second)
                grouped.add(second)
    return list(groups.values())


def _vectors(segment: Segment) -> Vectors:
    index = segment.vectors
    return np.asarray(index.reconstruct_n(0, index.ntotal), np.float32)


def _share_terms(one: Segment, row: int, other: Segment, twin: int) -> bool:
    mine, theirs = set(terms(one.chunk(row).text)), set(terms(other.chunk(int(twin)).text))
    return len(mine & theirs) >= NEAR_TERMS * max(1, len(mine | theirs))
