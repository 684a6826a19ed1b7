"""The interface of engines, which turn messages into a stream of tokens, and their configuration.

An engine is shared by all threads of a worker; it batches the calls of `stream`.
"""

from collections.abc import Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, Protocol

from gpts.egress.config import EgressConfig
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.overrides import ReasoningEffort
from gpts.runs.steps import FinishReason
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec

BUNDLED: Final = "bundled"
# For whom this thread generates: people whose requests wait for a place in a batch take turns.
served_person: ContextVar[int] = ContextVar("served_person", default=0)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Which engine to open and how. Zero and "auto": chosen by the machine and the model.

    `base_model` is "bundled", a directory with safetensors, a .gguf file, or the name of a downloaded model;
    downloads and converted models are in `home`.
    `cache_tokens` is the size of the key-value cache shared by all chats, `context_tokens` the longest prompt plus
    reply. `weight_bits` are those per weight where transformers runs the model: 16, 8 or 4. `remote_*` belong to the
    engine "remote", `egress` to one whose server must not be any address, `script` (a JSON file of replies) to the
    engine "scripted".
    """

    engine: str = "hf"
    base_model: str = BUNDLED
    home: Path = Path("var")
    remote_url: str = ""
    remote_model: str = ""
    remote_key: str = ""
    egress: EgressConfig | None = None
    threads: int = 0
    cache_tokens: int = 0
    context_tokens: int = 0
    dtype: str = "auto"
    weight_bits: int = 0
    device: str = "auto"
    script: str = ""


LOADING: Final = "The model is still loading. Your message is saved. Try again in a minute."


class EngineError(Exception):
    """The engine failed; the run may be retried."""


class ModelLoading(EngineError):
    """The model is still loading."""


class PromptTooLong(EngineError):
    """The prompt and the requested reply do not fit the model's context window."""


class GrammarError(EngineError):
    """No reply follows the grammar: its schema is unsupported or too large, or the model wrote nothing valid."""


class SchemaRefused(GrammarError):
    """No reply can follow this schema: it is unsupported, too large, or too long for the reply."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A constraint on a reply: either `json_schema` or `tools`.

    `json_schema`: the whole reply is one JSON value that follows it. `tools`: free text, but a call in the model's
    format must name one of these and follow its schema; with `required` the reply is calls only.
    """

    json_schema: Mapping[str, Any] | None = field(default=None, hash=False)
    tools: tuple[ToolSpec, ...] = field(default=(), hash=False)
    required: bool = False

    def __post_init__(self) -> None:
        if (self.json_schema is None) == (not self.tools):
            raise ValueError("A grammar is either a JSON schema or tools.")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; temperature 0 is greedy.

    With a `seed`, the same request gets the same reply as far as the engine can promise it. `presence_penalty` counts
    once for each token that the reply has already, `frequency_penalty` each time; `logit_bias` holds token ids of the
    model, each with what is added to its score. `top_logprobs`: tell how likely each token was by the model's own
    scores, and as many of the likeliest ones in its place; None: nothing of that.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    top_logprobs: int | None = None

    @property
    def shifts_scores(self) -> bool:
        """Whether scores change with what was written, or by token."""
        return bool(self.presence_penalty or self.frequency_penalty or self.logit_bias)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One reply to generate, within `deadline_s` seconds from the call of `stream`.

    `tools` are described to the model in its own format; `grammar` constrains its reply. What the engine `ignores`
    has no effect. Calls are yielded whole at the end, with empty tokens before, and so is a reply under a JSON schema
    unless the engine is known to follow all of it. `begun` is the beginning of the reply, written before: what is
    yielded comes directly after it. Only an engine that `can_continue` takes it.
    """

    messages: tuple[PromptMessage, ...]
    max_tokens: int = 400
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    deadline_s: float = 300.0
    tools: tuple[ToolSpec, ...] = field(default=(), hash=False)
    grammar: Grammar | None = None
    begun: str = ""
    reasoning_effort: ReasoningEffort | None = None

    @property
    def without_reasoning(self) -> bool:
        """Whether a model that can leave out its reasoning should."""
        return self.reasoning_effort in ("none", "minimal")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written; `cached_tokens` of the prompt came from the prefix cache.

    `reasoning_tokens` of those written are reasoning, estimated if the engine does not count them.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the reply: whole characters, possibly of several model tokens.

    `reasoning` is what the model wrote to itself before the reply, which is never part of its text. Calls are text in
    the form that `gpts.runs.replies.parse` reads, whatever the model's form. Only the last token has `finish` and
    `usage` set, and `stop_sequence` if a stop string ended the reply; its text may be empty.
    `logprobs`, if asked for, are of what the model wrote since the token before, reasoning and calls included, which
    need not be `text` exactly.
    """

    text: str
    finish: FinishReason | None = None
    usage: Usage | None = None
    reasoning: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    stop_sequence: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the model is loaded and answering, and its name."""

    ready: bool
    model: str
    detail: str = ""


class Learning:
    """Holds an engine's ability: `_ability` is what the model's files promise, overridden by what was measured.

    A model sees pictures only through an engine with `takes_pictures`, whatever was measured or set.
    """

    takes_pictures: ClassVar[bool] = False
    # Settings of a request that have no effect, by their names in OpenAI's API.
    ignores: ClassVar[frozenset[str]] = frozenset()
    _ability: ModelAbility
    _learned: Mapping[str, int] = MappingProxyType({})

    def ability(self) -> ModelAbility:
        """See `Engine.ability`."""
        able = self._ability.model_copy(update=dict(self._learned))
        return able if self.takes_pictures else able.model_copy(update={"sees_images": False})

    def can_continue(self) -> bool:
        """See `Engine.can_continue`."""
        return True

    def learn(self, fields: Mapping[str, int]) -> None:
        """See `Engine.learn`."""
        self._learned = MappingProxyType(dict(fields))


class Engine(Protocol):
    """A base model that serves many conversations at once."""

    @property
    def takes_pictures(self) -> bool:
        """Whether it passes the pictures of messages to the model; without, they are left out."""

    @property
    def ignores(self) -> frozenset[str]:
        """The settings of a request that have no effect here, by their names in OpenAI's API."""

    def stream(self, request: GenerationRequest) -> Generator[Token, None, None]:
        """Yield the reply to `request` as it is generated.

        Closing the iterator cancels the generation and frees its place in the batch within one step. Raises
        PromptTooLong and GrammarError (for the schema) before the first token, EngineError at any time.
        """

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """The length of the prompt that `stream` would build for `messages` and `tools`, in tokens."""

    def ability(self) -> ModelAbility:
        """The model's ability as measured, or until then as its files promise."""

    def can_continue(self) -> bool:
        """Whether a reply can go on from a given beginning; may ask the model, the first time."""

    def learn(self, fields: Mapping[str, int]) -> None:
        """Override these fields of the ability, as they were measured."""

    def fingerprint(self) -> str:
        """64 hexadecimal digits, the same for the same weights and chat template. Raises EngineError."""

    def health(self) -> Health:
        """The engine's state, without generating anything."""

    def close(self) -> None:
        """Stop background threads and free the weights; the engine cannot be used afterwards."""
