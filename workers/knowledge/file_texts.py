"""Reads the text of a GPT's files: whole, in parts, and around a passage.

An open segment serves every GPT that has the file. A segment that is missing or damaged raises a FileError that
names the file.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from gpts.knowledge.documents import Block, Document, Passage
from gpts.knowledge.sections import FilePart, Section, parts_of, section_around
from gpts.spec.gpt import KnowledgeRef
from workers.isolation.errors import FileError
from workers.knowledge.content import SegmentInfo
from workers.knowledge.passages import stretch
from workers.knowledge.segment_cache import SegmentCache


class FileTexts:
    """The texts of segments that `cache` opens. Thread-safe."""

    def __init__(self, cache: SegmentCache) -> None:
        self._cache = cache

    def whole(self, refs: Sequence[KnowledgeRef]) -> tuple[Passage, ...]:
        """Each of the files as one passage. Raises FileError naming the file whose segment cannot be used."""
        with self._naming(refs):
            opened = ((ref, self._cache.segment(ref.segment)) for ref in refs)
            return tuple(stretch(ref, segment, 0, segment.n_chars) for ref, segment in opened)

    def infos(self, refs: Sequence[KnowledgeRef]) -> tuple[SegmentInfo, ...]:
        """The facts about each of the files. Raises like `whole`."""
        with self._naming(refs):
            return tuple(self._cache.segment(ref.segment).info for ref in refs)

    def n_tokens(self, refs: Sequence[KnowledgeRef]) -> int:
        """The length of the files in the embedder's tokens. Raises FileError like `whole`."""
        return sum(info.n_tokens for info in self.infos(refs))

    def parts(self, ref: KnowledgeRef, part_tokens: int) -> tuple[FilePart, ...]:
        """The file in parts of at most about `part_tokens` of the embedder's tokens. Raises like `whole`."""
        with self._naming([ref]):
            segment = self._cache.segment(ref.segment)
            return parts_of(segment.borders(), segment.n_chars, segment.n_tokens, part_tokens)

    def part(self, ref: KnowledgeRef, start: int, end: int) -> Passage:
        """The characters `start` to `end` of the file as one passage. Raises like `whole`."""
        with self._naming([ref]):
            return stretch(ref, self._cache.segment(ref.segment), start, end)

    def n_chars(self, ref: KnowledgeRef) -> int:
        """The length of the file's text. Raises like `whole`."""
        with self._naming([ref]):
            return self._cache.segment(ref.segment).n_chars

    def chunks_with(self, ref: KnowledgeRef, spans: Iterable[tuple[int, int]]) -> tuple[Passage, ...]:
        """The chunks of the file that contain these ranges of its text, each once. Raises like `whole`."""
        with self._naming([ref]):
            segment = self._cache.segment(ref.segment)
            ends: dict[int, int] = {}
            for start, end in spans:
                row = segment.row_at(start)
                ends[row] = max(end, ends.get(row, segment.chunk(row).end))
            return tuple(stretch(ref, segment, segment.chunk(row).start, ends[row]) for row in sorted(ends))

    def surroundings(self, address: str, start: int, end: int, n_chars: int) -> Section:
        """The section around the characters `start` to `end` of a segment's text; reads only that part.

        Raises SegmentMissing or SegmentCorrupt.
        """
        segment = self._cache.segment(address)
        # Blocks of one character have two more between them; one block beyond shows whether more follows.
        reach = 3 * n_chars + 4
        inside = list(segment.blocks(start, end)) or [(0, Block(text=""))]
        first, last = inside[0][0], inside[-1][0] + len(inside[-1][1].text)
        near = list(segment.blocks(max(0, first - reach), min(segment.n_chars, last + reach)))
        shift = near[0][0] if near else 0
        excerpt = Document(title="", blocks=tuple(block for _, block in near))
        section = section_around(excerpt, start - shift, end - shift, n_chars)
        parts = tuple(part.model_copy(update={"start": part.start + shift}) for part in section.parts)
        return section.model_copy(update={"parts": parts})

    @contextmanager
    def _naming(self, refs: Iterable[KnowledgeRef]) -> Iterator[None]:
        """Add to a FileError the name of the file whose segment cannot be used."""
        try:
            yield
        except FileError:
            for ref in refs:
                try:
                    self._cache.segment(ref.segment)
                except FileError as error:
                    raise type(error)(f"{ref.name}: {error}") from error
            raise
