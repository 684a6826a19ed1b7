"""Passages as others see them: a chunk or stretch of a file with its place, heading, page and trust."""

from gpts.knowledge.documents import Passage
from gpts.spec.gpt import KnowledgeRef
from workers.knowledge.content import Segment


def holds(given: Passage, chunk: Passage) -> bool:
    """Whether `chunk` is a part of `given`."""
    return given.segment == chunk.segment and given.start <= chunk.start and chunk.end <= given.end


def passage_of(ref: KnowledgeRef, segment: Segment, row: int, score: float, cosine: float) -> Passage:
    """The chunk of the file's segment with this number, as it was found."""
    chunk = segment.chunk(row)
    return Passage(
        file_id=ref.file_id,
        file_name=ref.name,
        segment=ref.segment,
        chunk=row,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        heading=chunk.heading,
        page=chunk.page,
        unit=segment.info.unit,
        untrusted=_is_untrusted(segment, chunk.start, chunk.end),
        score=round(score, 4),
        cosine=round(cosine, 4),
    )


def stretch(ref: KnowledgeRef, segment: Segment, start: int, end: int) -> Passage:
    """The characters `start` to `end` of a file as one passage."""
    text = segment.part(start, end)
    passage = Passage(
        file_id=ref.file_id,
        file_name=ref.name,
        segment=ref.segment,
        chunk=segment.row_at(start),
        text=text,
        start=start,
        end=start + len(text),
        unit=segment.info.unit,
    )
    return placed(passage, segment)


def _is_untrusted(segment: Segment, start: int, end: int) -> bool:
    """Whether it overlaps a finding; the owner has accepted that, which does not make it trustworthy."""
    return any(a < end and start < b for finding in segment.info.findings for a, b in finding.spans)


def placed(passage: Passage, segment: Segment) -> Passage:
    """`passage`, which may have been extended, with its place (also of what it runs into), marks and trust."""
    breaks: list[tuple[int, int]] = []
    sections: list[tuple[int, str]] = []
    heading, page = passage.heading, passage.page
    for offset, block in segment.blocks(passage.start, passage.end):
        if offset <= passage.start:
            heading, page = block.heading, block.page
            continue
        if block.page is not None and block.page != (breaks[-1][1] if breaks else page):
            breaks.append((offset, block.page))
        if block.heading != (sections[-1][1] if sections else heading):
            sections.append((offset, block.heading))
    return passage.model_copy(
        update={
            "heading": heading,
            "page": page,
            "page_breaks": tuple(breaks),
            "heading_breaks": tuple(sections),
            "marks": segment.marks(passage.start, passage.end),
            "untrusted": _is_untrusted(segment, passage.start, passage.end),
        }
    )
