"""An LRU cache of the segments and unions that this process has open.

Small segments are held in memory, limited by their bytes. Large ones are mapped: the system drops their pages when
memory is short, so only their number is limited (each keeps a file open). A search holds references to what it uses,
so evicting or deleting that does not affect it.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from workers.knowledge import publishing, segments, unions
from workers.knowledge.content import Segment
from workers.knowledge.errors import SegmentCorrupt, SegmentMissing
from workers.knowledge.unions import Union

logger = logging.getLogger(__name__)

CACHE_BYTES: Final = 1_000_000_000
# A process may open 1,024 files by default, and a web server needs most of them.
MAPPED: Final = 400
UNIONS: Final = 64
# Between two requests for the same union: building one of a million chunks takes minutes.
REQUEST_AGAIN_S: Final = 600.0


class SegmentCache:
    """Opens the segments and unions under `home`. Thread-safe."""

    def __init__(
        self,
        home: Path,
        cache_bytes: int = CACHE_BYTES,
        request_union: Callable[[str], object] = lambda name: None,
    ) -> None:
        self.home = home
        self._cache_bytes = cache_bytes
        self._request_union = request_union
        self._requested_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._segments: OrderedDict[str, Segment] = OrderedDict()
        self._unions: OrderedDict[str, Union] = OrderedDict()
        self._damaged: set[str] = set()
        self._checker = ThreadPoolExecutor(1, "check-segments", initializer=_lower_priority)

    def segment(self, address: str) -> Segment:
        """The segment, open. Raises SegmentMissing or SegmentCorrupt."""
        with self._lock:
            if address in self._damaged:
                raise SegmentCorrupt
            segment = self._segments.get(address)
            if segment is not None:
                self._segments.move_to_end(address)
                return segment
        segment = segments.load(self.home, address)
        if not segment.n_bytes:
            self._checker.submit(self._check_segment, address)
        with self._lock:
            self._segments[address] = segment
            self._evict()
        return segment

    def union(self, name: str) -> Union | None:
        """The union, open; None if it was not built, or was damaged and is now removed."""
        with self._lock:
            union = self._unions.get(name)
            if union is not None:
                self._unions.move_to_end(name)
                return union
        try:
            union = unions.load(self.home, name)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError):
            self._discard_union(name)
            return None
        with self._lock:
            self._unions[name] = union
            while len(self._unions) > UNIONS:
                self._unions.popitem(last=False)
        # After caching it, because a failed check removes it from the cache.
        self._checker.submit(self._check_union, name)
        return union

    def union_of(self, addresses: Sequence[str], embedder: str) -> Union | None:
        """The union of these segments, None if they are few and small or it has not been built yet.

        It is requested then, if all of them were made with `embedder`.
        """
        name = unions.union_id(addresses)
        if (union := self.union(name)) is None:
            n_chunks = sum(self.segment(each).info.n_chunks for each in addresses)
            is_large = len(addresses) > unions.MANY_SEGMENTS or n_chunks > unions.MANY_CHUNKS
            is_due = time.monotonic() - self._requested_at.get(name, -REQUEST_AGAIN_S) >= REQUEST_AGAIN_S
            if is_large and is_due and all(self.segment(each).embedder == embedder for each in addresses):
                self._requested_at[name] = time.monotonic()
                self._request_union(unions.request(self.home, addresses))
        return union

    def _evict(self) -> None:
        """Drop the oldest segments while there are too many bytes or open files; keeps the newest."""
        n_bytes = sum(each.n_bytes for each in self._segments.values())
        n_mapped = sum(not each.n_bytes for each in self._segments.values())
        for address in list(self._segments)[:-1]:
            size = self._segments[address].n_bytes
            if (size and n_bytes > self._cache_bytes) or (not size and n_mapped > MAPPED):
                del self._segments[address]
                n_bytes -= size
                n_mapped -= not size

    def _check_segment(self, address: str) -> None:
        """Check all bytes of a mapped segment; a damaged one is refused from then on."""
        try:
            segments.check(self.home, address)
        except SegmentCorrupt:
            logger.exception("segment %s is damaged; its file must be indexed again", address)
            with self._lock:
                self._damaged.add(address)
                self._segments.pop(address, None)
        except SegmentMissing:
            logger.info("segment %s was removed while it was open", address)

    def _check_union(self, name: str) -> None:
        place = unions.folder(self.home, name)
        try:
            is_whole = publishing.is_whole(place, publishing.read_manifest(place))
        except (OSError, ValueError):
            is_whole = False
        if not is_whole:
            self._discard_union(name)

    def _discard_union(self, name: str) -> None:
        logger.error("union %s is damaged and will be rebuilt", name)
        with self._lock:
            self._unions.pop(name, None)
        try:
            publishing.discard(unions.folder(self.home, name))
        except FileNotFoundError:
            logger.info("union %s is already gone", name)


def _lower_priority() -> None:
    """Give this thread the lowest priority, which Linux keeps per thread."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
