"""An engine with canned replies, for tests: no model, no waiting, every failure on demand.

A script is a list of replies used in turn (the last one repeatedly), or a function from messages to a reply. A reply
is a text, or a list of steps: pieces of text, an exception to raise, or a `threading.Event` to wait for. In
ENGINE_SCRIPT, a JSON file, a reply is a text or a list of texts, and {"ability": {…}, "replies": […], "word_s": 0.02}
also sets fields of the ability and the seconds that a word takes. Without a script the engine echoes the user. A
reply may begin with `<think>…</think>`.
"""

import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Final

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.steps import FinishReason
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec
from workers.engine.base import (
    EngineConfig,
    EngineError,
    GenerationRequest,
    Health,
    Learning,
    PromptTooLong,
    Token,
    Usage,
)
from workers.engine.detokenize import StopFilter
from workers.engine.reasoning import without_reasoning

ScriptStep = str | Exception | threading.Event
ScriptedReply = str | Sequence[ScriptStep]
Script = Sequence[ScriptedReply] | Callable[[tuple[PromptMessage, ...]], ScriptedReply]

CAPABLE: Final = ModelAbility(calls_tools=True, writes_from_sources=True, context_tokens=8192)
WEAK: Final = ModelAbility(calls_tools=False, writes_from_sources=False, context_tokens=8192)
# How often a stream that waits for an event checks its deadline and whether the engine was closed, in seconds.
WAIT_S: Final = 0.02
_WORD: Final = re.compile(r"\s*\S+\s*|\s+")


def echo(messages: tuple[PromptMessage, ...]) -> str:
    """The user's last message."""
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


class ScriptedEngine(Learning):
    """Streams its script word by word. `requests` are those so far, `active` is the number of open streams.

    Grammars are ignored, as by a hostile model behind a server without them.
    """

    takes_pictures = True

    def __init__(self, script: Script = echo, ability: ModelAbility = CAPABLE, word_s: float = 0.0) -> None:
        self.requests: list[GenerationRequest] = []
        self.active = 0
        self._script = script
        self._ability = ability
        self._word_s = word_s
        self._lock = threading.Lock()
        self._closed = False

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        """See `Engine.stream`. One word is one token."""
        ends_at = time.monotonic() + request.deadline_s
        n_prompt = self.count_tokens(request.messages) + len(request.begun.split())
        if n_prompt + request.max_tokens > self._ability.context_tokens:
            raise PromptTooLong(f"The prompt of {n_prompt} words does not fit {self._ability.context_tokens}.")
        with self._lock:
            if callable(self._script):
                reply = self._script(request.messages)
            else:
                reply = self._script[min(len(self.requests), len(self._script) - 1)]
            self.requests.append(request)
        return without_reasoning(self._stream(request, reply, n_prompt, ends_at))

    def fingerprint(self) -> str:
        """The same for all scripts."""
        return hashlib.sha256(b"scripted").hexdigest()

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """The number of words in the messages; tools count as 0."""
        return sum(len(message.content.split()) for message in messages)

    def health(self) -> Health:
        """Ready until closed."""
        return Health(not self._closed, "scripted")

    def close(self) -> None:
        """Makes `health` not ready and every stream fail at its next token."""
        self._closed = True

    def _stream(
        self, request: GenerationRequest, reply: ScriptedReply, n_prompt: int, ends_at: float
    ) -> Generator[Token]:
        """The reply's words under the request's limits; counts as active until it ends or is closed."""
        with self._lock:
            self.active += 1
        try:
            visible = StopFilter(request.stop)
            finish: FinishReason = "stop"
            n_words = 0
            for word in self._words(reply, ends_at):
                if word is None or n_words == request.max_tokens:
                    finish = "deadline" if word is None else "length"
                    break
                n_words += 1
                text, likely = visible.push(word), _likely(word, request)
                if text or likely:
                    yield Token(text, logprobs=likely)
                if visible.stopped:
                    break
            yield Token(visible.flush(), finish, Usage(n_prompt, n_words), stop_sequence=visible.stopped)
        finally:
            with self._lock:
                self.active -= 1

    def _words(self, reply: ScriptedReply, ends_at: float) -> Iterator[str | None]:
        """The words of the reply with the white space around them; None at the deadline."""
        for step in [reply] if isinstance(reply, str) else reply:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, threading.Event):
                while not step.wait(WAIT_S) and not self._closed and time.monotonic() < ends_at:
                    continue
            else:
                for word in _WORD.findall(step):
                    time.sleep(self._word_s)
                    yield self._checked(word, ends_at)
            if time.monotonic() >= ends_at:
                yield None

    def _checked(self, word: str, ends_at: float) -> str | None:
        """`word`, or None after the deadline. Raises EngineError if the engine was closed."""
        if self._closed:
            raise EngineError("The engine was closed.")
        return word if time.monotonic() < ends_at else None


def _likely(word: str, request: GenerationRequest) -> tuple[TokenLogprob, ...]:
    """The word with the probability of 1/2, and others in its place, if that is asked."""
    n_top = request.sampling.top_logprobs
    if n_top is None:
        return ()
    top = (word, *(f"{word.strip()}{number}" for number in range(1, n_top)))[:n_top]
    half = math.log(0.5)
    return (TokenLogprob.of(word.encode(), half, tuple(TokenLogprob.of(each.encode(), half) for each in top)),)


def open_scripted(config: EngineConfig) -> ScriptedEngine:
    """The engine for ENGINE=scripted. Raises EngineError if the script cannot be read."""
    if not config.script:
        return ScriptedEngine()
    try:
        script = json.loads(Path(config.script).read_text(encoding="utf-8"))
        script = script if isinstance(script, dict) else {"replies": script}
        ability = CAPABLE.model_copy(update=script.get("ability", {}))
        return ScriptedEngine(script["replies"], ability, script.get("word_s", 0.0))
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"ENGINE_SCRIPT {config.script} is not a JSON list of replies: {error}") from error
