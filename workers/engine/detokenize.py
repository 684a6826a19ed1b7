"""Token ids to text, piece by piece: whole characters only, and no part of a stop string."""

from collections.abc import Sequence
from typing import Any, Final

# The tokenizer's output for an incomplete character.
REPLACEMENT: Final = "�"


class Detokenizer:
    """The text of one growing reply, without special tokens; empty after `stopped`.

    `tokenizer` is the transformers tokenizer of the model, `before` the last tokens of what the text continues.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = (), before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._filter = StopFilter(stop)
        self._ids: list[int] = [*before]
        self._from = 0  # decoding starts at this token, so that spaces between pieces are right
        self._to = len(before)  # the tokens before this one were returned

    @property
    def stopped(self) -> str:
        """The stop string that was found; empty until then."""
        return self._filter.stopped

    def push(self, ids: Sequence[int]) -> str:
        """The new text with `ids`; empty while a character or a stop string may be incomplete."""
        self._ids.extend(ids)
        shown, text = self._decode(self._ids[self._from : self._to]), self._decode(self._ids[self._from :])
        if text.endswith(REPLACEMENT) or len(text) <= len(shown):
            return ""
        self._from, self._to = self._to, len(self._ids)
        return self._filter.push(text[len(shown) :])

    def flush(self) -> str:
        """The rest, at the end of the reply. Incomplete characters are dropped."""
        shown, text = self._decode(self._ids[self._from : self._to]), self._decode(self._ids[self._from :])
        self._from = self._to = len(self._ids)
        return self._filter.push(text.rstrip(REPLACEMENT)[len(shown) :]) + self._filter.flush()

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


class StopFilter:
    """Passes text on up to the first of the `stop` strings; then `stopped` is that one and the rest is dropped."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = tuple(mark for mark in stop if mark)
        self._held = ""
        self.stopped = ""

    def push(self, text: str) -> str:
        """The held text and `text` up to a stop string, or up to what may be the beginning of one."""
        if self.stopped:
            return ""
        self._held += text
        keep = max((overlap(self._held, mark) for mark in self._stop), default=0)
        cut, self.stopped = first_stop(self._held, self._stop) or (len(self._held) - keep, "")
        certain, self._held = self._held[:cut], "" if self.stopped else self._held[cut:]
        return certain

    def flush(self) -> str:
        """The text held back for a possible stop string, at the end of the reply."""
        rest, self._held = self._held, ""
        return rest


def first_stop(text: str, stop: Sequence[str]) -> tuple[int, str] | None:
    """The place and name of the first stop string in `text`; None without any."""
    return min(((at, mark) for mark in stop if (at := text.find(mark)) >= 0), default=None)


def overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` are the beginning of `mark`."""
    sizes = range(min(len(mark) - 1, len(text)), 0, -1)
    return next((size for size in sizes if text.endswith(mark[:size])), 0)
