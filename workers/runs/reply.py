"""Collects a model's reply as it streams, and decides what of it is shown."""

import re
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from gpts.runs.bare_calls import bare_calls, safe_length
from gpts.runs.fixed_replies import is_decline
from gpts.runs.logprobs import TokensOfText
from gpts.runs.replies import OPENING, is_open, parse, prose
from gpts.runs.steps import FinishReason, ModelReply
from gpts.spec.gpt import MAX_REPLY_TOKENS
from workers.engine.base import Token, Usage

# The mark of a reply that says that the files do not cover the question. Small models misspell it and leave out the
# brackets, or write nothing else.
_MARK: Final = re.compile(
    r"""[\s"'*`_]*(?:[\[(]\s*(?i:no[tn]? covered)[.\s]*[\])]|NO[TN]? COVERED\b)["'*`_]*[\s.,:;–—-]*"""
)
_MARK_ALONE: Final = ("not covered", "no covered", "non covered")


def _plain(text: str) -> str:
    return text.strip(" \n\"'*`_.[]()").casefold()


class ReplyCollector:
    """Collects tokens. Tool calls are never shown.

    `tools` are the names of tools that this reply cannot call: calls of them printed as text are removed. With
    `may_decline`, a mark at the beginning is no text but says that the files do not cover the question. What is
    longer than `max_tokens`, its reasoning and calls aside, is cut.
    """

    def __init__(
        self,
        n_prompt_tokens: int,
        tools: Collection[str] = (),
        *,
        may_decline: bool = False,
        max_tokens: int = MAX_REPLY_TOKENS,
    ) -> None:
        self._may_decline = may_decline
        self._declines = False
        self._tools = tools
        self._n_left = max_tokens
        self._calls = False
        self._reasoning = ""
        self._reasons_from, self._reasons_to = 0.0, 0.0
        self._raw = ""
        self._tokens = TokensOfText()
        self._passed = 0  # characters of the raw prose that were shown
        self._text = ""
        self._n_shown = 0
        self._usage, self._spent = Usage(n_prompt_tokens, 0), Usage(0, 0)
        self._finish: FinishReason = "stop"
        self._stop_sequence = ""
        self._started = time.monotonic()
        self._first_token_ms = 0

    @property
    def is_enough(self) -> bool:
        """Whether nothing that still comes would be shown."""
        return self._n_left < 0

    @property
    def begun(self) -> str:
        """The answer as far as the model wrote it, if it could go on; empty if it ended, or its limit was reached."""
        is_cut = self._finish == "length" and self._n_left > 0 and not self._declines
        return self._raw if is_cut and self._raw.strip() and not self._calls else ""

    def go_on(self, n_prompt_tokens: int) -> None:
        """Take the tokens of another reply from here on, which continues this one."""
        self._spent, self._usage = self._total(), Usage(n_prompt_tokens, 0)

    def _total(self) -> Usage:
        """What this reply and those that it continues took."""
        one, other = self._spent, self._usage
        return Usage(
            one.prompt_tokens + other.prompt_tokens,
            one.completion_tokens + other.completion_tokens,
            reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
        )

    def take(self, token: Token) -> str:
        """Add `token` and return the text to show."""
        self._raw += token.text
        self._tokens.add(token.logprobs)
        self._calls = self._calls or OPENING in self._raw[-len(token.text) - len(OPENING) :]
        self._n_left -= bool(token.text) and not self._calls
        self._take_reasoning(token.reasoning)
        self._usage = token.usage or replace(
            self._usage,
            completion_tokens=self._usage.completion_tokens + bool(token.text or token.reasoning),
            reasoning_tokens=self._usage.reasoning_tokens + bool(token.reasoning),
        )
        self._finish = token.finish or ("length" if self._n_left < 0 else self._finish)
        self._stop_sequence = token.stop_sequence
        return self._show(ended=token.finish is not None)

    def _take_reasoning(self, text: str) -> None:
        if text:
            self._reasoning += text
            self._reasons_to = time.monotonic()
            self._reasons_from = self._reasons_from or self._reasons_to

    def finish(self) -> str:
        """End the reply and return the rest of the text to show."""
        return self._show(ended=True)

    def step(self, used_ids: Collection[str] = ()) -> ModelReply:
        """The reply as a step; no call gets an id among `used_ids`."""
        is_cut = self._finish == "length" and is_open(self._raw)
        usage = self._total()
        return ModelReply(
            text=self._text.rstrip(),
            logprobs=self._tokens.take(self._text.rstrip()),
            reasoning=self._reasoning.strip(),
            reasoning_tokens=usage.reasoning_tokens,
            reasoning_ms=round((self._reasons_to - self._reasons_from) * 1000),
            declined=self._declines,
            tool_calls=() if is_cut else parse(self._raw, used_ids)[1],
            cut_call=is_cut,
            finish=self._finish,
            stop_sequence=self._stop_sequence,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            first_token_ms=self._first_token_ms,
        )

    def _prose(self, ended: bool) -> str:
        """The visible text so far, without calls in any form."""
        text = prose(self._raw, ended)
        if self._may_decline:
            text = self._without_mark(text, ended)
        if not self._tools:
            return text
        return bare_calls(text, self._tools)[0] if ended else text[: safe_length(text, self._passed)]

    def _without_mark(self, text: str, ended: bool) -> str:
        """`text` without the mark that it begins with; nothing while it may be the beginning of one."""
        said, mark = _plain(text), _MARK.match(text)
        is_alone = ended and said in _MARK_ALONE
        self._declines = bool(mark) or is_alone or is_decline(text.lstrip())
        if mark:
            return text[mark.end() :]
        may_become = not ended and any(each.startswith(said) for each in _MARK_ALONE)
        return "" if is_alone or may_become else text

    def _show(self, *, ended: bool) -> str:
        text = self._prose(ended)[self._passed :]
        self._passed += len(text)
        return self._keep(text)

    def _keep(self, text: str) -> str:
        """Add `text` to the reply and return what may be shown: never whitespace at either end of the reply."""
        self._text = (self._text + text).lstrip()
        visible = self._text.rstrip()[self._n_shown :]
        if visible and not self._first_token_ms:
            self._first_token_ms = round((time.monotonic() - self._started) * 1000)
        self._n_shown += len(visible)
        return visible
