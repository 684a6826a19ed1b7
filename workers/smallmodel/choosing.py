"""Which tool or GPT a message wants, for models that cannot choose by themselves."""

from collections.abc import Callable, Sequence
from typing import Final

from gpts.runs.delegation import ASK_STORE, StoreGpt
from gpts.runs.messages import PromptMessage
from gpts.runs.queries import retrieval_query
from gpts.runs.state import TurnState
from gpts.runs.steps import Cancelled, DelegatedPart, Finished, Log, ModelReply, ToolChoice, UserMessage
from gpts.spec.tools import ToolSpec
from workers.smallmodel.routing.candidates import Candidate, RoutedChoice, candidate_of, candidate_of_gpt
from workers.smallmodel.routing.router import Router

# GPTs of the store that are ranked, and the best of them among which the choice is made.
STORE_NEAREST: Final = 40
STORE_CHOSEN: Final = 12

# Below this score the router's choice is right in less than half of unseen cases, the best two hold it in 93 %.
UNSURE: Final = 0.6

Conversation = Sequence[tuple[str, str]]
# The model's choice of a few tools for a message, by name; empty for none of them.
Pick = Callable[[str, Sequence[ToolSpec]], str]


def choose_tool(state: TurnState, router: Router, store: Sequence[StoreGpt], pick: Pick) -> ToolChoice:
    """The tool that the conversation asks for now, or the GPTs among which its work divides, if any."""
    said = said_so_far(state)
    if demanded := state.demanded_tools():
        best = router.choose(said, [candidate_of(tool) for tool in demanded])
        return ToolChoice(name=best.name or demanded[0].name, score=best.score)
    own = [candidate_of(tool) for tool in state.tools.values() if not tool.is_delegation]
    asked = _choose_gpt(state, router, said, store)
    if not own:
        return asked
    tool = _tie_broken(state, router.ranked(said, own), pick)
    if asked.parts or (asked.name and not (tool.name and tool.score > asked.score)):
        return asked
    return ToolChoice(name=tool.name, score=tool.score)


def _tie_broken(state: TurnState, ranked: Sequence[RoutedChoice], pick: Pick) -> RoutedChoice:
    """The best of `ranked`; where the router is unsure, the pick of a model that is able to decide between two."""
    if ranked[0].score >= UNSURE or not state.ability.breaks_ties:
        return ranked[0]
    best = [state.tools[each.name] for each in ranked[:2] if each.name]
    picked = pick(state.question(), best)
    return next((each for each in ranked if each.name == picked), ranked[0])


def _choose_gpt(state: TurnState, router: Router, said: Conversation, store: Sequence[StoreGpt]) -> ToolChoice:
    """The tool that asks the GPT which the last of what was `said` is for, or its parts for several; or neither.

    The store is looked into where no listed GPT fits.
    """
    others = [
        candidate_of_gpt(tool.name, tool.title, tool.description, tool.when, tool.examples)
        for tool in state.tools.values()
        if tool.is_delegation and tool.name != ASK_STORE
    ]
    if len(others) > 1 and (parts := router.divide(said, others)):
        return ToolChoice(score=1.0, parts=tuple(DelegatedPart(name=name, task=task) for name, task in parts))
    chosen = router.choose_gpt(said, others) if others else RoutedChoice("", 0.0)
    if chosen.name or ASK_STORE not in state.tools:
        return ToolChoice(name=chosen.name, score=chosen.score)
    if slug := choose_from_store(router, said, store):
        task = retrieval_query(state.history, state.steps)
        return ToolChoice(score=1.0, parts=(DelegatedPart(name=ASK_STORE, task=task, gpt=slug),))
    return ToolChoice(score=chosen.score)


def choose_from_store(router: Router, said: Conversation, store: Sequence[StoreGpt]) -> str:
    """The slug of the store's GPT that the last of what was `said` is for; empty for none."""
    message = said[-1][1]
    near = router.nearest(message, [_candidate(each) for each in store], STORE_NEAREST)
    best = {each.name for each in router.rank_gpts(message, near, STORE_CHOSEN)}
    return router.choose_gpt(said, [each for each in near if each.name in best]).name if best else ""


def _candidate(gpt: StoreGpt) -> Candidate:
    return candidate_of_gpt(gpt.slug, gpt.name, gpt.description, "", gpt.starters)


def said_so_far(state: TurnState) -> list[tuple[str, str]]:
    """(role, text) of what was said, without instructions and passages; a call of a tool counts as something said."""
    messages = (message for log in (*state.history, state.steps) for message in _said(log))
    return [(message.role, message.content) for message in messages]


def _said(log: Log) -> list[PromptMessage]:
    said: list[PromptMessage] = []
    for step in log:
        match step:
            case UserMessage():
                said += [*step.earlier, PromptMessage(role="user", content=step.text)]
            case ModelReply(tool_calls=calls) if calls:
                said.append(PromptMessage(role="assistant", content=f"[{', '.join(call.name for call in calls)}]"))
            case Finished() | Cancelled():
                said.append(PromptMessage(role="assistant", content=step.text))
    return said
