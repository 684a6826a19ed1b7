"""The services of a worker process, opened once in `workers.configuration`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from gpts.knowledge.documents import Passage
from gpts.knowledge.extracts import Reads
from gpts.knowledge.judging import MakeGloss
from gpts.runs.decisions import Finish
from gpts.runs.delegation import StoreGpt
from gpts.runs.state import TurnState
from gpts.runs.steps import Intent, MessageIntent, ModelReply, Retrieval, ToolChoice
from gpts.spec.tools import ToolSpec
from workers.engine.base import Engine
from workers.knowledge.embed import Embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.kept_notes import KeptNotes


class SmallModelInterface(Protocol):
    """What replaces the abilities that a weak model lacks; implemented in `workers/smallmodel`."""

    @property
    def reads(self) -> Reads | None:
        """Tells how likely texts answer a question, if anything does."""

    def using(self, engine: Engine) -> Self:
        """The same around another engine."""

    def language(self, state: TurnState) -> str:
        """The ISO 639-1 code of the likeliest language of the new message."""

    def gloss(self, passages: Sequence[Passage]) -> MakeGloss:
        """How answers are compared with `passages` in another language than they are in."""

    def with_extremes(self, found: Retrieval, state: TurnState, files: Sequence[Passage]) -> Retrieval:
        """`found` with the rows of whole `files` that the question asks for by a superlative."""

    def asks_for(self, state: TurnState) -> Intent:
        """What the message asks for, in a word."""

    def read_intent(self, state: TurnState) -> MessageIntent:
        """What the new message asks for, with the reply if it asks for no facts."""

    def outline(self, state: TurnState, files: Sequence[Passage]) -> Retrieval:
        """The outline of whole files as what was found in them."""

    def extract(self, found: Retrieval, state: TurnState) -> Retrieval:
        """`found` with the answer in the files' own sentences."""

    def choose_tool(self, state: TurnState, store: Callable[[], Sequence[StoreGpt]]) -> ToolChoice:
        """The tool that the conversation needs now, if any; `store` returns GPTs that may be called too."""

    def write_call(self, state: TurnState, tool: ToolSpec, check: Callable[[], None]) -> ModelReply:
        """A call of `tool` with its arguments. Raises EngineError, and what `check` raises."""

    def show_results(self, state: TurnState) -> Finish:
        """An answer made of the results of the last calls."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a process. `deadline_s` limits the time of one reply.

    `expands_queries`: a model that writes answers guesses one before each search.
    """

    engine: Engine
    index: KnowledgeIndex
    embedder: Embedder
    small: SmallModelInterface
    notes: KeptNotes
    deadline_s: float
    expands_queries: bool = False
