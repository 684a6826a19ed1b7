"""An engine whose model can be changed while it answers: a reply ends with the model that began it."""

import threading
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

from gpts.runs.messages import PromptMessage
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec
from workers.engine.base import Engine, EngineError, GenerationRequest, Health, Token

# How long a request waits for the next model. Converting a GGUF file of 7B takes some minutes, so it is done before.
SWITCH_S: Final = 600.0
CHANGING: Final = "The model is being changed. Try again in a minute."

Open = Callable[[], Engine]


class SwitchingEngine:
    """Passes everything on to the engine of `base_model`, which `switch` replaces. Safe for threads."""

    def __init__(self, engine: Engine, base_model: str = "") -> None:
        self.base_model = base_model
        self._current: Engine | None = engine
        self._changed = threading.Condition()
        # The replies that each engine is writing.
        self._n_replies: dict[Engine, int] = {}

    @property
    def takes_pictures(self) -> bool:
        """Of the current engine."""
        return self._ready().takes_pictures

    @property
    def ignores(self) -> frozenset[str]:
        """Of the current engine."""
        return self._ready().ignores

    def stream(self, request: GenerationRequest) -> Generator[Token, None, None]:
        """See `Engine.stream`. The engine stays open until the reply ended or was closed."""
        engine = self._begin()
        try:
            return Reply(engine.stream(request), lambda: self._end(engine))
        except BaseException:
            self._end(engine)
            raise

    def switch(self, open_next: Open, reopen: Open | None = None) -> None:
        """Answer with the engine that `open_next` opens from now on, and close the old one after its last reply.

        With `reopen`, which opens the old one again, the old one is closed first, as both do not fit the memory;
        requests wait meanwhile. If the next one cannot be opened, the old one stays, and EngineError is raised.
        """
        if reopen is None:
            old = self._replace(open_next())
            self._close(old)
            return
        self._close(self._replace(None))
        try:
            self._replace(open_next())
        except EngineError:
            self._replace(reopen())
            raise

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """See `Engine.count_tokens`."""
        return self._ready().count_tokens(messages, tools)

    def ability(self) -> ModelAbility:
        """See `Engine.ability`."""
        return self._ready().ability()

    def can_continue(self) -> bool:
        """See `Engine.can_continue`."""
        return self._ready().can_continue()

    def learn(self, fields: Mapping[str, int]) -> None:
        """See `Engine.learn`."""
        self._ready().learn(fields)

    def fingerprint(self) -> str:
        """See `Engine.fingerprint`."""
        return self._ready().fingerprint()

    def health(self) -> Health:
        """See `Engine.health`; not ready between two models."""
        engine = self._current
        return engine.health() if engine else Health(False, "", CHANGING)

    def close(self) -> None:
        """Close the current engine."""
        if engine := self._current:
            engine.close()

    def _ready(self) -> Engine:
        """The current engine, once there is one. Raises EngineError if that takes too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._current is not None, SWITCH_S):
                raise EngineError(CHANGING)
            assert self._current is not None
            return self._current

    def _begin(self) -> Engine:
        with self._changed:
            engine = self._ready()
            self._n_replies[engine] = self._n_replies.get(engine, 0) + 1
            return engine

    def _end(self, engine: Engine) -> None:
        with self._changed:
            self._n_replies[engine] -= 1
            self._changed.notify_all()

    def _replace(self, engine: Engine | None) -> Engine | None:
        """The engine that was current until now."""
        with self._changed:
            old, self._current = self._current, engine
            self._changed.notify_all()
            return old

    def _close(self, old: Engine | None) -> None:
        """Close the engine after its last reply."""
        if old is None:
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._n_replies.get(old))
            self._n_replies.pop(old, None)
        old.close()


class Reply(Generator[Token, None, None]):
    """The tokens of one reply; `ended` is called once, when they are over, closed or forgotten."""

    def __init__(self, tokens: Generator[Token, None, None], ended: Callable[[], None]) -> None:
        self._tokens = tokens
        self._ended: Callable[[], None] | None = ended

    def send(self, value: None) -> Token:
        """The next token."""
        try:
            return next(self._tokens)
        except BaseException:
            self._end()
            raise

    def throw(self, *error: Any) -> Token:
        """Raise the error in the generation, which ends it."""
        try:
            return self._tokens.throw(*error)
        finally:
            self._end()

    def close(self) -> None:
        """Cancel the generation."""
        try:
            self._tokens.close()
        finally:
            self._end()

    def __del__(self) -> None:
        self.close()

    def _end(self) -> None:
        ended, self._ended = self._ended, None
        if ended:
            ended()
