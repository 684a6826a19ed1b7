"""The section of a document around a passage, for a reader who wants to see a quote in context."""

from collections.abc import Sequence
from typing import Final

from gpts.knowledge.documents import Block, Document
from gpts.values import Value

# Characters shown before and after the passage: about a page each.
ROOM_CHARS: Final = 3_000


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
