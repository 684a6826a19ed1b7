"""The prompt of a turn, truncated to the model's context."""

from typing import Final

from gpts.runs.messages import PromptMessage
from gpts.runs.prompt import build_prompt
from gpts.runs.state import TurnState
from gpts.spec.tools import ToolSpec
from workers.engine.base import Engine, PromptTooLong

# Turns dropped at a time from the front of a conversation that exceeds the model's context; in blocks, so that the
# prefix cache is lost once in a while instead of at every turn.
DROP_TURNS: Final = 4


def fit_prompt(
    state: TurnState,
    engine: Engine,
    max_tokens: int,
    request: tuple[PromptMessage, ...] = (),
    tools: tuple[ToolSpec, ...] = (),
    least_tokens: int | None = None,
) -> tuple[tuple[PromptMessage, ...], int]:
    """The prompt and its length in tokens, with as few of the oldest turns dropped as the model's context requires.

    `request` comes last. If this turn alone leaves less than `max_tokens`, `least_tokens` are enough; raises
    PromptTooLong when it does not leave these.
    """
    context = state.ability.context_tokens
    for dropped in range(0, len(state.history) + DROP_TURNS, DROP_TURNS):
        told = build_prompt(
            state.spec,
            state.history,
            state.steps,
            state.whole_files,
            dropped,
            state.pictures,
            with_declined=state.ability.keeps_to_sources,
            with_today=state.ability.calls_tools,
            has_search=state.has_search,
        )
        messages = (*told, *request)
        n_tokens = engine.count_tokens(messages, tools)
        if n_tokens <= context - max_tokens:
            return messages, n_tokens
    if least_tokens is not None and n_tokens <= context - least_tokens:
        return messages, n_tokens
    raise PromptTooLong("This message is too long for the model. Shorten it or add it as a knowledge file.")
