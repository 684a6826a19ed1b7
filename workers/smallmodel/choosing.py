"""Chooses the tool or GPT for a message, for models that cannot."""

from collections.abc import Callable, Sequence
from typing import Final

from gpts.runs.delegation import ASK_STORE, StoreGpt
from gpts.runs.messages import PromptMessage
from gpts.runs.queries import retrieval_query
from gpts.runs.state import TurnState
from gpts.runs.steps import Cancelled, DelegatedPart, Finished, Log, ModelReply, ToolChoice, UserMessage
from gpts.spec.tools import ToolSpec
from workers.smallmodel.routing.candidates import RoutedChoice, candidate_of, candidate_of_gpt
from workers.smallmodel.routing.router import Router

# GPTs of the store that are ranked, and the best of them, from which one is chosen.
STORE_NEAREST: Final = 40
STORE_CHOSEN: Final = 12

# Below this score the router's choice is right in less than half of unseen cases; the best two contain it in 93 %.
UNSURE: Final = 0.6

Conversation = Sequence[tuple[str, str]]
# The model's choice among a few tools for a message, by name; empty for none.
Pick = Callable[[str, Sequence[ToolSpec]], str]


def choose_tool(state: TurnState, router: Router, store: Sequence[StoreGpt], pick: Pick) -> ToolChoice:
    """The tool for the last message, or the GPTs between which it is divided, if any."""
    said = conversation_of(state)
    if demanded := state.demanded_tools():
        best = router.choose(said, [candidate_of(tool) for tool in demanded])
        return ToolChoice(name=best.name or demanded[0].name, score=best.score)
    own = [candidate_of(tool) for tool in state.tools.values() if not tool.is_delegation]
    delegated = _choose_gpt(state, router, said, store)
    if not own:
        return delegated
    tool = _tie_broken(state, router.ranked(said, own), pick)
    if delegated.parts or (delegated.name and not (tool.name and tool.score > delegated.score)):
        return delegated
    return ToolChoice(name=tool.name, score=tool.score)


def _tie_broken(state: TurnState, ranked: Sequence[RoutedChoice], pick: Pick) -> RoutedChoice:
    """The best of `ranked`; if the router is unsure, the pick of a model that can decide between two."""
    if ranked[0].score >= UNSURE or not state.ability.breaks_ties:
        return ranked[0]
    best = [state.tools[each.name] for each in ranked[:2] if each.name]
    picked = pick(state.question(), best)
    return next((each for each in ranked if each.name == picked), ranked[0])


def _choose_gpt(state: TurnState, router: Router, said: Conversation, store: Sequence[StoreGpt]) -> ToolChoice:
    """The delegation tool of the GPT for the last message, or the message's parts for several GPTs, or neither.

    The store is searched if no listed GPT fits.
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
    """The slug of the store's GPT for the last message of `said`; empty for none."""
    message = said[-1][1]
    offered = [candidate_of_gpt(each.slug, each.name, each.description, "", each.starters) for each in store]
    near = router.nearest(message, offered, STORE_NEAREST)
    best = {each.name for each in router.rank_gpts(message, near, STORE_CHOSEN)}
    return router.choose_gpt(said, [each for each in near if each.name in best]).name if best else ""


def conversation_of(state: TurnState) -> list[tuple[str, str]]:
    """(role, text) of all messages, without instructions and passages; tool calls are messages "[name, …]"."""
    messages = (message for log in (*state.history, state.steps) for message in _messages(log))
    return [(message.role, message.content) for message in messages]


def _messages(log: Log) -> list[PromptMessage]:
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
