"""The limits that a program sets for a reply, on texts that no model writes: sentences of the files, and declines.

An engine keeps to them while it writes; these texts are cut afterwards. They count as if the model had written them.
"""

import re
from bisect import bisect_right
from dataclasses import replace
from typing import Final

from gpts.runs.decisions import Finish
from gpts.runs.messages import PromptMessage
from gpts.runs.state import TurnState
from gpts.runs.steps import Finished, FinishReason, ModelReply
from workers.engine.base import Engine
from workers.engine.detokenize import first_stop

_WORD: Final = re.compile(r"\S+")


def limited_finish(decision: Finish, state: TurnState, engine: Engine) -> Finish:
    """`decision` with its text within the program's limits, unless a model wrote it under them."""
    if not decision.text or is_written(decision.text, state):
        return decision
    text, finish, stopped = cut(decision.text, state, engine)
    return replace(decision, text=text, finish=finish or decision.finish, stop_sequence=stopped)


def limited_end(end: Finished, state: TurnState, engine: Engine) -> Finished:
    """`end` with its text within the program's limits, and the citations and support of what is left of it."""
    text, finish, stopped = cut(end.text, state, engine)
    if text == end.text:
        return end
    return end.model_copy(
        update={
            "text": text,
            "finish": finish or end.finish,
            "stop_sequence": stopped,
            "citations": tuple(each for each in end.citations if each.answer_end <= len(text)),
            "support": tuple(each for each in end.support if each.answer_end <= len(text)),
        }
    )


def counted(end: Finished, state: TurnState, engine: Engine) -> Finished:
    """`end` with the tokens of the messages and of its text, if no model read and wrote them."""
    if any(isinstance(step, ModelReply) for step in state.steps) or not end.text:
        return end
    first = state.user_message()
    said = "\n".join((*(each.content for each in (*first.earlier, *first.later)), first.text))
    tokens = {"prompt_tokens": n_tokens(said, engine), "completion_tokens": n_tokens(end.text, engine)}
    return end.model_copy(update=tokens)


def is_written(text: str, state: TurnState) -> bool:
    """Whether a model wrote the text in this turn, or at least its beginning."""
    replies = (step.text for step in state.steps if isinstance(step, ModelReply))
    return any(reply and text.startswith(reply) for reply in replies)


def cut(text: str, state: TurnState, engine: Engine) -> tuple[str, FinishReason | None, str]:
    """`text` up to a program's stop text or longest reply, why it ends there, None if it is whole, and the stop."""
    overrides = state.user_message().overrides
    end, stopped = first_stop(text, overrides.stop) or (len(text), "")
    kept = text[:end].rstrip() if stopped else text
    most = overrides.max_tokens
    if most is None or n_tokens(kept, engine) <= most:
        return kept, "stop" if stopped else None, stopped
    ends = [found.end() for found in _WORD.finditer(kept)]
    n_kept = bisect_right(ends, most, key=lambda end: n_tokens(kept[:end], engine))
    return kept[: ends[n_kept - 1]] if n_kept else "", "length", ""


def n_tokens(text: str, engine: Engine) -> int:
    """The length of the text in the model's tokens, without those around a message."""
    alone, empty = (engine.count_tokens((PromptMessage(role="user", content=each),)) for each in (text, ""))
    return max(0, alone - empty)
