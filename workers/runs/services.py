"""What a worker process works with, opened once in `workers.configuration` and passed to whoever needs it."""

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


class SmallModel(Protocol):
    """What stands in for a model that is too weak; `workers/smallmodel` has it. Used where its ability says so."""

    def extract(self, found: Retrieval) -> Retrieval:
        """`found` with the answer in the files' own sentences."""

    def choose_tool(self, state: TurnState, store: Callable[[], Sequence[StoreGpt]]) -> ToolChoice:
        """The tool that the conversation asks for now, if any; `store` gives GPTs that may be asked too."""

    def choose_from_store(self, task: str, store: Sequence[StoreGpt]) -> str:
        """The slug of the store's GPT that the task is for; empty for none."""

    def write_call(self, state: TurnState, tool: ToolSpec, check: Callable[[], None]) -> ModelReply:
        """A call of `tool` with its arguments. Raises EngineError, and what `check` raises."""

    def show_results(self, state: TurnState) -> Finish:
        """The answer that the results of the last calls are."""

    def repeats_itself(self, text: str) -> bool:
        """Whether a growing reply repeats the same sentence."""


@dataclass(frozen=True, slots=True)
class Services:
    """The model, the knowledge and what helps a weak model. `deadline_s` is the longest that one reply may take."""

    engine: Engine
    index: KnowledgeIndex
    embedder: Embedder
    small: SmallModel
    deadline_s: float
