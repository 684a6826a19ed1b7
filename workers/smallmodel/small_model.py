"""The entry to everything for weak models: made in `workers.configuration`, used by `workers.runs`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.knowledge.extracts import Reads, Similarity
from gpts.knowledge.judging import MakeGloss
from gpts.runs.background import REMEMBER
from gpts.runs.decisions import Finish
from gpts.runs.delegation import StoreGpt
from gpts.runs.state import TurnState
from gpts.runs.steps import Intent, MessageIntent, ModelReply, Retrieval, ToolChoice
from gpts.spec.tools import ToolSpec
from workers.engine.base import Engine
from workers.smallmodel.arguments.ready import runs_code
from workers.smallmodel.calls import read_arguments, written_call
from workers.smallmodel.choosing import Pick, choose_tool
from workers.smallmodel.conversation.classifier import MessageClassifier, language
from workers.smallmodel.conversation.english import gloss_between
from workers.smallmodel.conversation.intents import read_message, said_before
from workers.smallmodel.conversation.outlines import outlined
from workers.smallmodel.conversation.replies import message_intent
from workers.smallmodel.memory import to_remember
from workers.smallmodel.quoting import shown_results, with_extract, with_extremes
from workers.smallmodel.routing.router import Router

# From this probability a message is small talk, whose reply no file need support.
TALK_FROM: Final = 0.9


def no_pick(message: str, tools: Sequence[ToolSpec]) -> str:
    """No tool."""
    return ""


@dataclass(frozen=True, slots=True)
class SmallModel:
    """Reads messages with `classifier`, chooses tools with `router`, extracts by `similarity` and `reads`.

    `engine` writes only arguments; `pick` lets the model choose between two tools, if its ability allows. Safe for
    threads.
    """

    engine: Engine
    router: Router
    classifier: MessageClassifier
    similarity: Similarity
    deadline_s: float
    pick: Pick = no_pick
    reads: Reads | None = None

    def using(self, engine: Engine) -> "SmallModel":
        """The same around another engine, which breaks no ties."""
        return replace(self, engine=engine, pick=no_pick)

    def language(self, state: TurnState) -> str:
        """The language of the new message."""
        return language(state.question(), said_before(state))

    def gloss(self, passages: Sequence[Passage]) -> MakeGloss:
        """How answers are compared with `passages` in another language than they are in."""
        in_language = cache(partial(gloss_between, sources=[each.text for each in passages if each.file_id]))
        return lambda answer: in_language(language(answer))

    def asks_for(self, state: TurnState) -> Intent:
        """What the message asks for, in a word; a question if it may be one of those that no file answers."""
        before, has_new_files = said_before(state), bool(state.new_files())
        reading = read_message(state.question(), self.classifier, before, has_new_files=has_new_files)
        needs_files = reading.intent in ("rewrite", "whole_files")
        return reading.intent if reading.share >= TALK_FROM or needs_files else "question"

    def read_intent(self, state: TurnState) -> MessageIntent:
        """What the new message asks for, with the reply if it asks for no facts."""
        return message_intent(state, self.classifier)

    def outline(self, state: TurnState, files: Sequence[Passage]) -> Retrieval:
        """The outline of whole files as what was found in them."""
        return outlined(state, files, self.similarity)

    def extract(self, found: Retrieval, state: TurnState) -> Retrieval:
        """`found` with the answer in the files' own sentences."""
        return with_extract(found, state, self.similarity, self.reads)

    def with_extremes(self, found: Retrieval, state: TurnState, files: Sequence[Passage]) -> Retrieval:
        """`found` with the rows of whole `files` that the question asks for by a superlative."""
        return with_extremes(found, state, files)

    def choose_tool(self, state: TurnState, store: Callable[[], Sequence[StoreGpt]]) -> ToolChoice:
        """The tool for the last message, if any; `store` returns the store's GPTs for delegation."""
        if remember := next((each for each in state.tools.values() if each.builtin == REMEMBER), None):
            if to_remember(state.question()):
                return ToolChoice(name=remember.name, score=1.0)
            # The router took "which exam was it again?" for that.
            others = {name: tool for name, tool in state.tools.items() if tool is not remember}
            state = replace(state, tools=others)
        sums = next(filter(runs_code, state.tools.values()), None)
        if sums and not state.demanded_tools() and read_arguments(state, sums):
            return ToolChoice(name=sums.name, score=1.0)  # a calculation is certain, whatever the router says
        gpts = store() if any(tool.is_delegation for tool in state.tools.values()) else ()
        return choose_tool(state, self.router, gpts, self.pick)

    def write_call(self, state: TurnState, tool: ToolSpec, check: Callable[[], None]) -> ModelReply:
        """A call of `tool`, or a question for its arguments. Raises EngineError and what `check` raises."""
        return written_call(state, self.engine, tool, self.deadline_s, check)

    def show_results(self, state: TurnState) -> Finish:
        """The results of the last calls as the answer."""
        return shown_results(state, self.similarity, self.reads)
