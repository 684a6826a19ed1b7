"""Calls for models that cannot write them: arguments read from the message, or written under a grammar."""

import json
import logging
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from gpts.runs.prompt import call_request
from gpts.runs.queries import retrieval_query
from gpts.runs.replies import CallIds
from gpts.runs.state import TurnState
from gpts.runs.steps import ModelReply, ToolCall
from gpts.safety.flow import context_label
from gpts.spec.tools import ToolSpec
from workers.engine.base import Engine, EngineError, GenerationRequest, Grammar, GrammarError, Sampling
from workers.engine.prompts import fit_prompt
from workers.smallmodel.arguments.ready import ready_arguments, runs_code
from workers.smallmodel.choosing import conversation_of

logger = logging.getLogger(__name__)

# Limit for the arguments of one call.
MAX_CALL_TOKENS: Final = 512
NO_CODE: Final = (
    "I can’t write code with this site’s model. It calculates (17 * 23, 15 % of 240), counts the days "
    "between two dates, and adds up or plots one column of a table by another (“Plot revenue by month in sales.csv”)."
)
NOT_WRITTEN: Final = "“{title}” needs details that could not be read from this message. Please give them one by one."


def written_call(
    state: TurnState, engine: Engine, tool: ToolSpec, deadline_s: float, check: Callable[[], None]
) -> ModelReply:
    """A call of `tool`, with arguments read from the message if that is certain, else written under its schema.

    `check` is called at every token and may raise to stop. Raises EngineError.
    """
    label = context_label(state.history, state.steps, state.tools)
    ready = read_arguments(state, tool)
    if ready is not None:
        return ModelReply(text="", tool_calls=(_call(state, tool, ready),), label=label)
    if runs_code(tool) and not state.ability.writes_from_sources:
        # The bundled model wrote no correct code for 26 calculations that are not read (2026-11).
        return ModelReply(text=NO_CODE, label=label)
    messages, n_tokens = fit_prompt(state, engine, MAX_CALL_TOKENS, (call_request(tool),))
    request = GenerationRequest(
        messages=messages,
        max_tokens=MAX_CALL_TOKENS,
        sampling=Sampling(temperature=0.0),
        deadline_s=deadline_s,
        grammar=Grammar(json_schema=tool.parameters),
    )
    try:
        text, finish, n_written = _generated(engine, request, check)
        if finish == "deadline":
            raise EngineError("The arguments of a call were not written in time.")
        call = _call(state, tool, json.loads(text))
    except (
        GrammarError,
        ValueError,
    ) as error:  # a server without grammars, or arguments that ended before they closed
        logger.warning("no call of %s was written: %s", tool.name, error)
        return ModelReply(text=NOT_WRITTEN.format(title=tool.title or tool.name), label=label)
    return ModelReply(text="", tool_calls=(call,), label=label, prompt_tokens=n_tokens, completion_tokens=n_written)


def _generated(engine: Engine, request: GenerationRequest, check: Callable[[], None]) -> tuple[str, str, int]:
    """The whole reply, its finish reason and its length in tokens."""
    text, finish, n_tokens = "", "stop", 0
    with closing(engine.stream(request)) as tokens:
        for token in tokens:
            check()
            text, finish = text + token.text, token.finish or finish
            n_tokens = token.usage.completion_tokens if token.usage else n_tokens
    return text, finish, n_tokens


def read_arguments(state: TurnState, tool: ToolSpec) -> dict[str, Any] | None:
    """The arguments of a call of `tool` if the message states them with certainty; None if they must be written."""
    if tool.is_delegation:  # a model that writes answers writes the task itself
        task = retrieval_query(state.history, state.steps)
        return None if state.ability.writes_from_sources else {"task": task} | _files_named(state)
    earlier = [text for role, text in conversation_of(state)[:-1] if role == "user"]
    return ready_arguments(tool, state.question(), earlier)


def _files_named(state: TurnState) -> dict[str, list[str]]:
    names = [file.name for file in state.user_message().attachments]
    return {"files": names} if names else {}


def _call(state: TurnState, tool: ToolSpec, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(call_id=CallIds(state.call_ids()).new(), name=tool.name, arguments=arguments)
