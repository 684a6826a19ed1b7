"""Whole files for a model that cannot summarise them: an outline of sections, each with its first sentence."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.citations import Similarity, extractive_answer
from gpts.knowledge.documents import Passage
from gpts.knowledge.support import Source, is_title, sources_of
from gpts.runs.state import TurnState
from gpts.runs.steps import Retrieval
from workers.smallmodel.conversation.wording import plain_words
from workers.smallmodel.phrases import phrases
from workers.smallmodel.routing.words import fold

# Sections that an outline names, and sentences of an answer to "list all ...": of the kind, or the closest ones.
MAX_SECTIONS: Final = 40
MAX_LISTED: Final = 40
MAX_CLOSEST: Final = 12
# The embedder reads this in some two seconds on two cores.
MAX_CLOSEST_CHARS: Final = 100_000
# Rows of a table at the beginning of a section that an outline has, or sentences if there are few sections.
MAX_ROWS: Final = 5
_FEW_SECTIONS: Final = 2
# A sentence is listed if it is this share as close to the message as the closest one.
_LISTED_SHARE: Final = 0.6
_LEAST_WORDS: Final = 3
_LISTING: Final = re.compile(r"\b(?:all|every|each|list|alle|samtliche|tous|toutes|todos|todas|tutti|tutte)\b")
_OVERVIEW: Final = re.compile(
    r"\b(?:summar\w+|overview|outline|gist|nutshell|short version|about|chapters?|sections?|zusammen\w*|uberblick"
    r"|abschnitte?|kapitel|resum\w+|apercu|chapitres?|panorama|capitulos?|secciones)\b"
)
_PARAGRAPH: Final = re.compile(r"(?:(?<=\n\n)|\A)\S")
_BULLET: Final = re.compile(r"^(?:[-*+•]|\d+[.)])\s+")


@dataclass(frozen=True, slots=True)
class _Section:
    """A section of a file: its heading and the characters of the file's text."""

    heading: str
    start: int
    end: int


def outlined(state: TurnState, files: Sequence[Passage], similarity: Similarity) -> Retrieval:
    """The outline of `files`, each given whole; or the sentences on what the message wants listed."""
    intent = state.intent()
    assert intent is not None
    lists = is_listing(intent.query)
    found = _of_kind(intent.query, files) or _closest(intent.query, files, similarity) if lists else []
    lines = [f"- {_BULLET.sub('', text)}" for _, text in found]
    if not found:
        found = list(islice((lead for file in files for lead in _leads(file)), MAX_SECTIONS))
        lines = list(_outline_lines(found, several=len(files) > 1))
    return Retrieval(
        query=intent.query,
        passages=tuple(passage for passage, _ in found),
        covered=bool(lines),
        extract="\n".join(lines),
        whole_files=tuple(file.file_name for file in files),
    )


def _of_kind(message: str, files: Sequence[Passage]) -> list[tuple[Passage, str]]:
    """Every sentence with a date, price, contact or rule, if the message wants all of one of these."""
    asked = fold(message)
    kinds = [each for each in phrases("listing").values() if re.search(each["asks"], asked)]
    sources = sources_of(files, pairs=False) if kinds else []
    found = [each for each in sources if any(_gives(kind, each) for kind in kinds)]
    return [(_part(each.passage, *_span(each)), each.readable) for each in found[:MAX_LISTED] if each.readable]


def _gives(kind: dict[str, str], source: Source) -> bool:
    """Whether the sentence gives one, or the row has a column of that name."""
    if tables.is_row(source.text) and re.search(kind["asks"], fold(source.readable)):
        return True
    return bool(re.search(kind["gives"], fold(source.text)) or re.search(kind["gives"], source.text))


def _closest(message: str, files: Sequence[Passage], similarity: Similarity) -> list[tuple[Passage, str]]:
    """The sentences closest to the message; none of files that are too long to compare all of theirs."""
    if sum(len(file.text) for file in files) > MAX_CLOSEST_CHARS:
        return []
    listed = extractive_answer(message, files, similarity, MAX_CLOSEST, _LISTED_SHARE)
    whole = {file.segment: file for file in files}
    return [
        (_part(whole[each.segment], each.start, each.end), listed.text[each.answer_start : each.answer_end])
        for each in listed.citations
    ]


def _span(source: Source) -> tuple[int, int]:
    return source.passage.start + source.span.start, source.passage.start + source.span.end


def is_listing(message: str) -> bool:
    """Whether the message wants all of something listed."""
    plain = " ".join(plain_words(message))
    return bool(_LISTING.search(plain)) and not _OVERVIEW.search(plain)


def _outline_lines(leads: Sequence[tuple[Passage, str]], *, several: bool) -> Iterator[str]:
    file = heading = ""
    for lead, text in leads:
        if several and lead.file_id != file:
            yield from (["", f"**{lead.file_name}**", ""] if file else [f"**{lead.file_name}**", ""])
        is_next = (lead.file_id, lead.heading) == (file, heading)  # a further row of the section's table
        title = "" if is_next else lead.heading.rsplit(" > ", 1)[-1]
        yield f"- **{title}**: {text}" if title else f"- {text}"
        file, heading = lead.file_id, lead.heading


def _leads(file: Passage) -> Iterator[tuple[Passage, str]]:
    """The first sentence of each section of a file, or of each paragraph if it has no headings; rows of a table.

    Of a file with few sections, the first sentences.
    """
    sections = list(_sections(file))
    for section in sections:
        part = _part(file, section.start, section.end, section.heading)
        sources = [each for each in sources_of([part], pairs=False) if _is_text(each, section.heading)]
        rows = [each for each in sources[:MAX_ROWS] if tables.is_row(each.text)]
        shown = sources[: 1 if len(sections) > _FEW_SECTIONS else MAX_ROWS]
        for source in rows if rows and rows[0] is sources[0] else shown:
            yield _part(file, *_span(source), section.heading), _BULLET.sub("", source.readable)


def _is_text(source: Source, heading: str) -> bool:
    """Whether it is no heading, and says something; without headings, the first line of a file names it."""
    is_first = not heading and source.passage.start + source.span.start == 0
    is_heading = is_title(source.passage.text, source.span) and not is_first
    is_heading = is_heading or source.text == heading.rsplit(" > ", 1)[-1]
    return not is_heading and len(source.readable.split()) >= _LEAST_WORDS


def _sections(file: Passage) -> Iterator[_Section]:
    starts = [(file.start, file.heading), *file.heading_breaks]
    if len(starts) == 1:
        starts = [(file.start + found.start(), file.heading) for found in _PARAGRAPH.finditer(file.text)]
    ends = [start for start, _ in starts[1:]] + [file.end]
    yield from (_Section(heading, start, end) for (start, heading), end in zip(starts, ends, strict=True))


def _part(file: Passage, start: int, end: int, heading: str | None = None) -> Passage:
    """The characters `start` to `end` of a file that is given whole."""
    return file.model_copy(
        update={
            "text": file.text[start - file.start : end - file.start],
            "start": start,
            "end": end,
            "heading": file.heading_at(start) if heading is None else heading,
            "page": file.page_at(start),
            "page_breaks": (),
            "heading_breaks": (),
        }
    )
