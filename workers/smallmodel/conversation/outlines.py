"""Whole files for a model that cannot summarise them: an outline of sections, each with its first sentences."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.documents import Passage
from gpts.knowledge.extracts import Closeness, Similarity
from gpts.knowledge.support import Source, is_title, sources_of
from gpts.knowledge.terms import terms
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
# An outline has the first sentence of every section, and the next ones, section by section, while it is no longer
# than this: most of a short file, and little more than first sentences of a long one.
OUTLINE_CHARS: Final = 2_500
# A sentence is listed if it is this share as close to the message as the closest one.
_LISTED_SHARE: Final = 0.6
_LEAST_WORDS: Final = 3
_LISTING: Final = re.compile(r"\b(?:all|every|each|list|alle|samtliche|tous|toutes|todos|todas|tutti|tutte)\b")
_OVERVIEW: Final = re.compile(
    r"\b(?:summar\w+|overview|outline|gist|nutshell|short version|about|chapters?|sections?|zusammen\w*|uberblick"
    r"|abschnitte?|kapitel|resum\w+|apercu|chapitres?|panorama|capitulos?|secciones)\b"
)
_PARAGRAPH: Final = re.compile(r"(?:(?<=\n\n)|\A)\S")
_STOPPED: Final = re.compile(r"[.!?:;…。！？][\"'”’)\]]*$")
_BULLET: Final = re.compile(r"^(?:[-*+•]|\d+[.)])\s+")


# A part of a file, and its text as it is shown.
_Sentence = tuple[Passage, str]


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
    found = _listed(intent.query, files, similarity) if lists else []
    lines = [f"- {_BULLET.sub('', text)}" for _, text in found]
    if not found:
        sections = list(islice((section for file in files for section in _sentences(file)), MAX_SECTIONS))
        shown = [section[:n] for section, n in zip(sections, _shares(sections), strict=True) if n]
        whole = {file.file_id: file for file in files}
        items = [_items(section, whole[section[0][0].file_id]) for section in shown]
        found = [item for each in items for item in each]
        lines = list(_outline_lines(items, several=len(files) > 1))
    return Retrieval(
        query=intent.query,
        passages=tuple(passage for passage, _ in found),
        covered=bool(lines),
        extract="\n".join(lines),
        whole_files=tuple(file.file_name for file in files),
    )


def _listed(message: str, files: Sequence[Passage], similarity: Similarity) -> list[_Sentence]:
    """What the message wants all of: sentences of a kind, of the sections that it names, or the closest ones."""
    return _of_kind(message, files) or _of_named(message, files) or _closest(message, files, similarity)


def _of_named(message: str, files: Sequence[Passage]) -> list[_Sentence]:
    """The sentences of the sections whose whole heading the message has: "all error codes"."""
    said = frozenset(terms(message))
    sections = (section for file in files for section in _sentences(file) if section)
    named = (section for section in sections if _is_named(section[0][0], said))
    return list(islice((sentence for section in named for sentence in section), MAX_LISTED))


def _is_named(part: Passage, said: frozenset[str]) -> bool:
    heading = frozenset(terms(part.heading.rsplit(" > ", 1)[-1]))
    return bool(heading) and heading <= said


def _of_kind(message: str, files: Sequence[Passage]) -> list[_Sentence]:
    """Every sentence with a date, price, contact or rule, if the message wants all of one of these."""
    asked = fold(message)
    kinds = [each for each in phrases("listing").values() if re.search(each["asks"], asked)]
    sources = sources_of(files, pairs=False) if kinds else []
    sources = [each for each in sources if not _is_heading(each, each.passage.heading_at(_span(each)[0]))]
    found = [each for each in sources if any(_gives(kind, each) for kind in kinds)]
    return [(_part(each.passage, *_span(each)), each.readable) for each in found[:MAX_LISTED] if each.readable]


def _gives(kind: dict[str, str], source: Source) -> bool:
    """Whether the sentence gives one, or the row has a column of that name."""
    if tables.is_row(source.text) and re.search(kind["asks"], fold(source.readable)):
        return True
    return bool(re.search(kind["gives"], fold(source.text)) or re.search(kind["gives"], source.text))


def _closest(message: str, files: Sequence[Passage], similarity: Similarity) -> list[_Sentence]:
    """The sentences closest to the message; none of files that are too long to compare all of theirs."""
    if sum(len(file.text) for file in files) > MAX_CLOSEST_CHARS:
        return []
    listed = Closeness(message, files, similarity).extract(_LISTED_SHARE, MAX_CLOSEST)
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


def _shares(sections: Sequence[Sequence[_Sentence]]) -> list[int]:
    """How many sentences of each section an outline has."""
    counts = [min(1, len(section)) for section in sections]
    left = OUTLINE_CHARS - sum(len(section[0][1]) for section in sections if section)
    for depth in range(1, max(map(len, sections), default=0)):
        for number, section in enumerate(sections):
            if depth == counts[number] < len(section) and (left := left - len(section[depth][1])) >= 0:
                counts[number] += 1
    return counts


def _items(section: Sequence[_Sentence], file: Passage) -> list[_Sentence]:
    """The sentences of a section as one item of an outline; rows of a table stay apart."""
    if any(tables.is_row(part.text) for part, _ in section):
        return list(section)
    texts = [text if _STOPPED.search(text) else f"{text};" for _, text in section]
    first, last = section[0][0], section[-1][0]
    return [(_part(file, first.start, last.end, first.heading), " ".join(texts).rstrip(";"))]


def _outline_lines(sections: Sequence[Sequence[_Sentence]], *, several: bool) -> Iterator[str]:
    file = ""
    for section in sections:
        part = section[0][0]
        if part.file_id != file:
            title = part.heading.split(" > ")[0] if " > " in part.heading else ""
            name = ": ".join(filter(None, [part.file_name if several else "", title]))
            yield from [*([""] if file else []), *([f"**{name}**", ""] if name else [])]
            file = part.file_id
        heading = part.heading.rsplit(" > ", 1)[-1]
        for number, (_, text) in enumerate(section):
            yield f"- **{heading}**: {text}" if heading and not number else f"- {text}"


def _sentences(file: Passage) -> Iterator[list[_Sentence]]:
    """The sentences of each section of a file, or of each paragraph if it has no headings; rows of a table."""
    for section in _sections(file):
        part = _part(file, section.start, section.end, section.heading)
        sources = [each for each in sources_of([part], pairs=False) if _is_text(each, section.heading)]
        yield [(_part(file, *_span(each), section.heading), _BULLET.sub("", each.readable)) for each in sources]


def _is_text(source: Source, heading: str) -> bool:
    """Whether it is no heading, and says something; without headings, the first line of a file names it."""
    is_first = not heading and source.passage.start + source.span.start == 0
    is_heading = is_title(source.passage.text, source.span) and not is_first
    return not (is_heading or _is_heading(source, heading)) and len(source.readable.split()) >= _LEAST_WORDS


def _is_heading(source: Source, heading: str) -> bool:
    """Whether it is the heading of its section: "5. General meeting" has no date."""
    return source.text == heading.rsplit(" > ", 1)[-1]


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
