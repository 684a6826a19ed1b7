"""A model's reply while it comes in: what of it may be shown now, and what the log keeps in the end."""

import re
import time
from typing import Final

from gpts.knowledge.grounding import Gate
from gpts.runs.replies import parse, prose
from gpts.runs.steps import FinishReason, ModelReply
from workers.engine.base import Token, Usage

# Ends a reply that goes round in circles, as small models do: this many times the same sentence, letter by letter.
SAME_SENTENCE: Final = 3
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_SHORT: Final = 20


class Reply:
    """Collects tokens. Tool calls are never shown; with a `gate`, only sentences that it lets through."""

    def __init__(self, n_prompt_tokens: int, gate: Gate | None = None) -> None:
        self._gate = gate
        self._raw = ""
        self._passed = 0  # characters of the raw prose that were shown or went into the gate
        self._text = ""
        self._n_shown = 0
        self._usage = Usage(n_prompt_tokens, 0)
        self._finish: FinishReason = "stop"
        self._started = time.monotonic()
        self._first_token_ms = 0

    @property
    def is_enough(self) -> bool:
        """Whether nothing that still comes would be shown."""
        return (self._gate is not None and self._gate.is_shut) or self._goes_round()

    def _goes_round(self) -> bool:
        """Whether the last whole sentence has been said before, again and again."""
        if not self._text.rstrip(" ").endswith((".", "!", "?", "\n")):
            return False
        said = [sentence.strip() for sentence in _SENTENCE_END.split(self._text) if sentence.strip()]
        return bool(said) and len(said[-1]) >= _SHORT and said.count(said[-1]) >= SAME_SENTENCE

    def take(self, token: Token) -> str:
        """What to show now that `token` came."""
        self._raw += token.text
        counted = Usage(self._usage.prompt_tokens, self._usage.completion_tokens + bool(token.text))
        self._usage = token.usage or counted
        self._finish = token.finish or self._finish
        return self._show(ended=token.finish is not None)

    def finish(self) -> str:
        """What is left to show now that nothing more comes."""
        shown = self._show(ended=True)
        if self._gate:
            shown += self._keep(self._gate.finish())
        return shown

    def step(self, first_call: int) -> ModelReply:
        """The whole reply as the log keeps it."""
        return ModelReply(
            text=self._text.rstrip(),
            tool_calls=parse(self._raw, first_call)[1],
            finish=self._finish,
            prompt_tokens=self._usage.prompt_tokens,
            completion_tokens=self._usage.completion_tokens,
            first_token_ms=self._first_token_ms,
        )

    def _show(self, *, ended: bool) -> str:
        text = prose(self._raw, ended)[self._passed :]
        self._passed += len(text)
        return self._keep(self._gate.feed(text) if self._gate else text)

    def _keep(self, text: str) -> str:
        """`text`, joined to the reply, as far as it may be shown: blanks at either end of a reply never are."""
        self._text = (self._text + text).lstrip()
        visible = self._text.rstrip()[self._n_shown :]
        if visible and not self._first_token_ms:
            self._first_token_ms = round((time.monotonic() - self._started) * 1000)
        self._n_shown += len(visible)
        return visible
