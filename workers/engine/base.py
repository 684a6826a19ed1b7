"""What every engine does: turn a list of messages into a stream of tokens, for many callers at once.

An engine is shared by all threads of a worker. `stream` may be called from many threads; the engine batches them.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol

from gpts.messages import Message
from gpts.steps import FinishReason


class EngineError(Exception):
    """The engine could not answer; the run may be tried again."""


class PromptTooLong(EngineError):
    """The prompt and the reply asked for do not fit the model's context window."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One reply to generate. `deadline_s` is the longest it may take, in seconds from the call of `stream`."""

    messages: tuple[Message, ...]
    max_tokens: int = 400
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    deadline_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written, `cached` of the read ones served from the prefix cache."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the reply: whole characters only, possibly of several model tokens.

    The last one has `finish` and `usage` set (its text may be empty); no token follows it.
    """

    text: str
    finish: FinishReason | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the model is loaded and answering, and what it is."""

    ready: bool
    model: str
    context_tokens: int
    detail: str = ""


class Engine(Protocol):
    """A base model that answers many conversations together."""

    def stream(self, request: GenerationRequest) -> Generator[Token, None, None]:
        """Yield the reply to `request` as it is generated.

        Closing the iterator cancels the generation and frees its place in the batch within one step. Raises
        PromptTooLong before the first token, EngineError at any time.
        """

    def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """The length of the prompt that `stream` would build for `messages`, in tokens."""

    def health(self) -> Health:
        """The engine's state, without generating anything."""

    def close(self) -> None:
        """Stop background threads and free the weights; the engine is of no use afterwards."""
