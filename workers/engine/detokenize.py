"""Token ids to text, piece by piece: whole characters only, and no part of a stop string."""

from collections.abc import Sequence
from typing import Any, Final

from workers.engine.stopping import StopFilter

# The tokenizer's output for an incomplete character.
REPLACEMENT: Final = "�"


class Detokenizer:
    """The text of one growing reply, without special tokens; empty after `stopped`.

    `tokenizer` is the transformers tokenizer of the model.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._filter = StopFilter(stop)
        self._ids: list[int] = []
        self._from = 0  # decoding starts at this token, so that spaces between pieces are right
        self._to = 0  # the tokens before this one were returned

    @property
    def stopped(self) -> bool:
        """Whether a stop string was found."""
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
