"""Token ids to text, piece by piece: whole characters only, and never a part of a stop string."""

from collections.abc import Sequence
from typing import Any, Final

# What the tokenizer shows for bytes that are not a whole character yet.
REPLACEMENT: Final = "�"


class Detokenizer:
    """The text of one growing reply. After `stopped` is True nothing more is given out.

    `tokenizer` is the transformers tokenizer of the model; special tokens show as nothing.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(mark for mark in stop if mark)
        self._ids: list[int] = []
        self._shown_from = 0  # decoding starts here, so that spaces between pieces are right
        self._shown_to = 0
        self._held = ""
        self.stopped = False

    def push(self, ids: Sequence[int]) -> str:
        """The text that became certain with `ids`; empty while a character or a stop string may be incomplete."""
        if self.stopped:
            return ""
        self._ids.extend(ids)
        shown = self._decode(self._ids[self._shown_from : self._shown_to])
        text = self._decode(self._ids[self._shown_from :])
        if text.endswith(REPLACEMENT) or len(text) <= len(shown):
            return ""
        self._shown_from, self._shown_to = self._shown_to, len(self._ids)
        return self._release(text[len(shown) :])

    def flush(self) -> str:
        """The rest: what was held back for a stop string that did not come. Incomplete characters are dropped."""
        if self.stopped:
            return ""
        shown = self._decode(self._ids[self._shown_from : self._shown_to])
        text = self._decode(self._ids[self._shown_from :]).rstrip(REPLACEMENT)
        self._shown_from = self._shown_to = len(self._ids)
        certain = self._release(text[len(shown) :])
        rest, self._held = self._held, ""
        return certain if self.stopped else certain + rest

    def _release(self, text: str) -> str:
        """What may be shown of the held text and `text`: up to a stop string, or up to the beginning of one."""
        self._held += text
        found = [at for at in (self._held.find(mark) for mark in self._stop) if at >= 0]
        if found:
            self.stopped = True
            certain, self._held = self._held[: min(found)], ""
            return certain
        keep = max((_overlap(self._held, mark) for mark in self._stop), default=0)
        cut = len(self._held) - keep
        certain, self._held = self._held[:cut], self._held[cut:]
        return certain

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` begin `mark`."""
    for size in range(min(len(mark) - 1, len(text)), 0, -1):
        if text.endswith(mark[:size]):
            return size
    return 0
