"""Sections of a document: the one around a passage, to see a quote in context, and those that are read together."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.documents import Block, Document
from gpts.values import Value

# Characters shown before and after the passage: about a page each.
ROOM_CHARS: Final = 3_000
# A part of a file ends with a section, or else with a block, that ends in its last half.
LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class FilePart:
    """Consecutive sections of a file that are read together: characters of its text, and their length in tokens."""

    start: int
    end: int
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Borders:
    """The characters at which the sections, blocks and chunks of a text begin, each ascending."""

    sections: Sequence[int]
    blocks: Sequence[int]
    chunks: Sequence[int]


def parts_of(borders: Borders, n_chars: int, n_tokens: int, part_tokens: int) -> tuple[FilePart, ...]:
    """A text of this length in parts of at most about `part_tokens`, cut between sections where possible."""
    size = max(1, part_tokens * n_chars // max(1, n_tokens))
    parts: list[FilePart] = []
    start = 0
    while start < n_chars:
        end = _part_end(borders, start, size) if n_chars - start > size else n_chars
        parts.append(FilePart(start, end, max(1, (end - start) * n_tokens // n_chars)))
        start = end
    return tuple(parts)


def _part_end(borders: Borders, start: int, size: int) -> int:
    """Where a part from `start` ends: within a block only if that is very long, then between its sentences."""
    least = start + int(size * LEAST_SHARE)
    for begins, after in ((borders.sections, least), (borders.blocks, least), (borders.chunks, start)):
        last = begins[bisect_right(begins, start + size) - 1] if begins else 0
        if last > after:
            return last
    return start + size


class SectionBlock(Value):
    """A block of a document as shown to a reader; `start` is its offset in the document's text."""

    text: str
    start: int
    page: int | None = None
    is_heading: bool = False

    @property
    def end(self) -> int:
        """Its end in the document's text."""
        return self.start + len(self.text)


class Section(Value):
    """Blocks around a passage in reading order. `cut_before`/`cut_after`: the section continues there."""

    parts: tuple[SectionBlock, ...]
    cut_before: bool = False
    cut_after: bool = False


def section_around(document: Document, start: int, end: int, room: int = ROOM_CHARS) -> Section:
    """The blocks that hold `start`..`end` of the text, and those of the same sections within `room` characters.

    Blocks are never cut. The section is empty if the range lies outside the document.
    """
    parts = tuple(
        SectionBlock(text=block.text, start=start, page=block.page, is_heading=block.is_heading())
        for start, block in document.placed()
    )
    inside = [number for number, part in enumerate(parts) if part.start < end and start < part.end]
    if not inside:
        return Section(parts=())
    first, last = inside[0], inside[-1]
    top = _reach(document.blocks, first, -1, room)
    bottom = _reach(document.blocks, last, 1, room)
    return Section(
        parts=parts[top : bottom + 1],
        cut_before=_belongs(document.blocks, first, top - 1),
        cut_after=_belongs(document.blocks, last, bottom + 1),
    )


def _reach(blocks: Sequence[Block], number: int, step: int, room: int) -> int:
    """The last block from `number` in the direction `step` that belongs to the same section and fits into `room`."""
    reached = number
    while _belongs(blocks, number, reached + step) and len(blocks[reached + step].text) <= room:
        reached += step
        room -= len(blocks[reached].text)
    return reached


def _belongs(blocks: Sequence[Block], number: int, other: int) -> bool:
    """Whether block `other` is under the same heading as block `number`."""
    if not 0 <= other < len(blocks):
        return False
    heading = blocks[number].heading
    return blocks[other].heading == heading or blocks[other].heading.startswith(f"{heading} > ")
