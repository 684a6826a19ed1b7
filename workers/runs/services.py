"""The services of a worker process, opened once in `workers.configuration`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gpts.runs.decisions import Finish
from gpts.runs.delegation import StoreGpt
from gpts.runs.state import TurnState
from gpts.runs.steps import ModelReply, Retrieval, ToolChoice
from gpts.spec.tools import ToolSpec
from workers.engine.base import Engine
from workers.knowledge.embed import Embedder
from workers.knowledge.index import KnowledgeIndex


class SmallModelInterface(Protocol):
    """What replaces the abilities that a weak model lacks; implemented in `workers/smallmodel`."""

    def extract(self, found: Retrieval) -> Retrieval:
        """`found` with an answer quoted from the files."""

    def choose_tool(self, state: TurnState, store: Callable[[], Sequence[StoreGpt]]) -> ToolChoice:
        """The tool that the conversation needs now, if any; `store` returns GPTs that may be called too."""

    def choose_from_store(self, task: str, store: Sequence[StoreGpt]) -> str:
        """The slug of the store's GPT that fits the task; empty for none."""

    def write_call(self, state: TurnState, tool: ToolSpec, check: Callable[[], None]) -> ModelReply:
        """A call of `tool` with its arguments. Raises EngineError, and what `check` raises."""

    def show_results(self, state: TurnState) -> Finish:
        """An answer made of the results of the last calls."""

    def repeats_itself(self, text: str) -> bool:
        """Whether a growing reply repeats the same sentence."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a process. `deadline_s` limits the time of one reply."""

    engine: Engine
    index: KnowledgeIndex
    embedder: Embedder
    small: SmallModelInterface
    deadline_s: float
