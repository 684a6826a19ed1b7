"""Stop strings in a growing text: never shown, not even in part, however the text is split into pieces."""

from collections.abc import Sequence


class StopFilter:
    """Passes text on up to the first of the `stop` strings; then `stopped` is True and the rest is dropped."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = tuple(mark for mark in stop if mark)
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """The held text and `text` up to a stop string, or up to what may be the beginning of one."""
        if self.stopped:
            return ""
        self._held += text
        found = [at for at in (self._held.find(mark) for mark in self._stop) if at >= 0]
        self.stopped = bool(found)
        keep = max((_overlap(self._held, mark) for mark in self._stop), default=0)
        cut = min(found) if found else len(self._held) - keep
        certain, self._held = self._held[:cut], "" if found else self._held[cut:]
        return certain

    def flush(self) -> str:
        """The text held back for a possible stop string, at the end of the reply."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` are the beginning of `mark`."""
    sizes = range(min(len(mark) - 1, len(text)), 0, -1)
    return next((size for size in sizes if text.endswith(mark[:size])), 0)
