"""What every engine does: turn a list of messages into a stream of tokens, for many callers at once.

An engine is shared by all threads of a worker. `stream` may be called from many threads; the engine batches them.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from gpts.runs.messages import PromptMessage
from gpts.runs.steps import FinishReason
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec


class EngineError(Exception):
    """The engine could not answer; the run may be tried again."""


class PromptTooLong(EngineError):
    """The prompt and the reply asked for do not fit the model's context window."""


class GrammarError(EngineError):
    """The reply could not be held to its grammar: the schema is unsupported or too large, or nothing valid came."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a reply must look like: exactly one of the two is set.

    `json_schema`: the whole reply is one JSON value that follows it. `tools`: free text, but a call that the model
    opens in its own format names one of these and follows its schema; with `required` the reply is calls only.
    """

    json_schema: Mapping[str, Any] | None = field(default=None, hash=False)
    tools: tuple[ToolSpec, ...] = field(default=(), hash=False)
    required: bool = False

    def __post_init__(self) -> None:
        if (self.json_schema is None) == (not self.tools):
            raise ValueError("A grammar is either a JSON schema or tools.")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One reply to generate. `deadline_s` is the longest it may take, in seconds from the call of `stream`.

    `tools` are told to the model in its own format; `grammar` is what its reply is held to. A reply under a JSON
    schema comes in one piece at its end, after it was checked, with empty tokens before; calls likewise.
    """

    messages: tuple[PromptMessage, ...]
    max_tokens: int = 400
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    deadline_s: float = 300.0
    tools: tuple[ToolSpec, ...] = field(default=(), hash=False)
    grammar: Grammar | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written, `cached` of the read ones served from the prefix cache."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the reply: whole characters only, possibly of several model tokens.

    Calls are text in the form that `gpts.runs.replies.parse` reads, whatever form the model itself wrote them in.

    The last one has `finish` and `usage` set (its text may be empty); no token follows it.
    """

    text: str
    finish: FinishReason | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the model is loaded and answering, and what it is called."""

    ready: bool
    model: str
    detail: str = ""


class Learning:
    """The part of an engine that holds what its model can do: `_ability` is what the model's files promise."""

    _ability: ModelAbility
    _learned: Mapping[str, bool] = MappingProxyType({})

    def ability(self) -> ModelAbility:
        """What the model can do: as it was measured, or what its files promise until then."""
        return self._ability.model_copy(update=dict(self._learned))

    def learn(self, fields: Mapping[str, bool]) -> None:
        """Take these fields of the ability for what the model can do, in place of what its files promise."""
        self._learned = MappingProxyType(dict(fields))


class Engine(Protocol):
    """A base model that answers many conversations together."""

    def stream(self, request: GenerationRequest) -> Generator[Token, None, None]:
        """Yield the reply to `request` as it is generated.

        Closing the iterator cancels the generation and frees its place in the batch within one step. Raises
        PromptTooLong and GrammarError (for the schema) before the first token, EngineError at any time.
        """

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """The length of the prompt that `stream` would build for `messages` and `tools`, in tokens."""

    def ability(self) -> ModelAbility:
        """What the model can do: as it was measured, or what its files promise until then."""

    def learn(self, fields: Mapping[str, bool]) -> None:
        """Take these fields of the ability for what the model can do, in place of what its files promise."""

    def fingerprint(self) -> str:
        """The same for the same weights and chat template, 64 hexadecimal digits. Raises EngineError."""

    def health(self) -> Health:
        """The engine's state, without generating anything."""

    def close(self) -> None:
        """Stop background threads and free the weights; the engine is of no use afterwards."""
