"""The base model as judge of sentences: whether what it was given in a turn says them.

All sentences of an answer are one short request: the prompt of the answer, which the engine has in its prefix cache,
and the question, which is answered line by line. How likely "yes" is against "no" in a line is the verdict; the
written word, where the engine tells no probabilities.
"""

import logging
import math
import re
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import filterfalse
from typing import Final

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.state import TurnState, reply_room
from gpts.runs.steps import ModelReply, Step
from workers.engine.base import Engine, EngineError, GenerationRequest, PromptTooLong, Sampling
from workers.engine.prompts import fit_prompt

logger = logging.getLogger(__name__)

# Sentences of a turn that are judged, and the seconds that it may take.
MOST_SENTENCES: Final = 40
DEADLINE_S: Final = 10.0
# What a written word is worth without probabilities, and how likely "yes" and "no" together must be to count.
WRITTEN: Final = 0.95
LEAST_MASS: Final = 0.2
# Tokens of a line, such as "12. yes".
_LINE_TOKENS: Final = 8
# The likeliest tokens that are told: OpenAI's API allows no more.
_N_TOP: Final = 20
_YES: Final = frozenset(("yes", "ja", "oui", "sí", "si", "是"))
_NO: Final = frozenset(("no", "nein", "non", "否", "不"))
_WORD: Final = re.compile(r"\b(?:yes|no|ja|nein|oui|non|sí|si)\b|[是否不]", re.IGNORECASE)
_QUESTION: Final = """\
Check these sentences against the files, passages and results above, and my messages:

{sentences}

Of each: is all of it stated there, in whatever words or language, or does it follow from what is stated, such as a \
sum, a date or a comparison? If a figure, name, condition or direction of it differs, or nothing is stated about it, \
the answer is no, whatever you know. If it claims nothing, such as a greeting or an offer, the answer is yes.

Write one line for each sentence, with its number and yes or no."""


def supported(
    sentences: Sequence[str], state: TurnState, engine: Engine, deadline_s: float = DEADLINE_S
) -> list[float | None]:
    """How likely it is for each sentence that the turn's files, results and messages say it; None without a verdict.

    There is none for sentences beyond the first `MOST_SENTENCES`, after an error, and after `deadline_s`.
    """
    verdicts: list[float | None] = [None] * len(sentences)
    asked = [" ".join(each.split()) for each in sentences[:MOST_SENTENCES]]
    if not asked:
        return verdicts
    state = replace(state, steps=tuple(filterfalse(_is_answer, state.steps)))
    tools, room, n_tokens = state.model_tools(), reply_room(state.spec, state.ability), _LINE_TOKENS * len(asked)
    listed = "\n".join(f"{n}. {each}" for n, each in enumerate(asked, 1))
    question = PromptMessage(role="user", content=_QUESTION.format(sentences=listed))
    try:
        messages, _ = fit_prompt(state, engine, room, (question,), tools, n_tokens)
        request = GenerationRequest(
            messages=messages,
            max_tokens=n_tokens,
            sampling=Sampling(temperature=0.0, top_logprobs=_N_TOP),
            deadline_s=deadline_s,
            tools=tools,
            reasoning_effort="none",
        )
        found = _verdicts(request, engine)
    except (PromptTooLong, EngineError) as error:
        logger.warning("the sentences of an answer were not checked by the model: %s", error)
        return verdicts
    return [found.get(n) for n in range(1, len(sentences) + 1)]


def _is_answer(step: Step) -> bool:
    return isinstance(step, ModelReply) and not step.tool_calls


def _verdicts(request: GenerationRequest, engine: Engine) -> dict[int, float | None]:
    """The verdicts by number, of the lines that were written in time."""
    written, tokens = "", list[TokenLogprob]()
    with closing(engine.stream(request)) as stream:
        for token in stream:
            written += token.text
            tokens += token.logprobs
    found: dict[int, float | None] = {}
    if any(each.top for each in tokens):
        line = ""
        for each in tokens:
            if _word(each.text) in _YES | _NO and (number := _number(line, found)):
                found[number] = _share_of_yes(each.top)
            line = (line + each.text).rpartition("\n")[2]
        return found
    for line in written.splitlines():
        if (word := _WORD.search(line)) and (number := _number(line[: word.start()], found)):
            found[number] = WRITTEN if word[0].casefold() in _YES else 1 - WRITTEN
    return found


def _number(line: str, found: Iterable[int]) -> int:
    """The number that a line begins with; 1 for a first line without one. 0 for what is no verdict."""
    if number := re.search(r"\d{1,3}", line):
        return 0 if int(number[0]) in found else int(number[0])
    return 0 if [*found] else 1


def _share_of_yes(likeliest: Iterable[TokenLogprob]) -> float | None:
    """The probability of "yes" among "yes" and "no"; None if the model would rather say something else."""
    mass = dict.fromkeys((*_YES, *_NO), 0.0)
    for token in likeliest:
        if (word := _word(token.text)) in mass:
            mass[word] += math.exp(token.logprob)
    yes, no = (sum(mass[word] for word in words) for words in (_YES, _NO))
    return yes / (yes + no) if yes + no >= LEAST_MASS else None


def _word(text: str) -> str:
    return text.strip(" \n\"'*.,:!").casefold()
