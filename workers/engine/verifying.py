"""The base model as judge of sentences: whether what it was given in a turn says them.

Each sentence is one short request: the prompt of the turn's answer, which the engine has in its prefix cache, and
the question. The model gets nothing that it did not have, and not its own answer, which it would confirm: with it,
a model of 1.5B put 30 to 44 % of the pairs of a right and a wrong sentence in order, without it 56 to 67 % (24
sentences, four questions, 2026-12). How likely "yes" is against "no" is the verdict; the written word, where the
engine tells no probabilities.
"""

import logging
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
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

# Sentences of a turn that are judged, which are as many requests at once; and the seconds that each may take.
MOST_SENTENCES: Final = 12
DEADLINE_S: Final = 8.0
# How likely "yes" must be for a sentence to count as said.
SAID: Final = 0.7
# What a written word is worth without probabilities, and how likely "yes" and "no" together must be to count.
WRITTEN: Final = 0.95
LEAST_MASS: Final = 0.2
# The model's word is its first token; some servers count a token before it.
_ANSWER_TOKENS: Final = 2
# The likeliest tokens that are told: OpenAI's API allows no more.
_N_TOP: Final = 20
_YES: Final = frozenset(("yes", "ja", "oui", "sí", "si", "是"))
_NO: Final = frozenset(("no", "nein", "non", "否", "不"))
_QUESTION: Final = """\
Do the files, passages and results above, or my messages, state the following, in whatever words or language? If \
they state something else, or nothing about it, the answer is no, whatever you know.

{sentence}

Answer yes or no."""


def supported(
    sentences: Sequence[str], state: TurnState, engine: Engine, deadline_s: float = DEADLINE_S
) -> list[float | None]:
    """How likely it is for each sentence that the turn's files, results and messages say it; None without a verdict.

    There is none for sentences beyond the first `MOST_SENTENCES`, after an error, and after `deadline_s`.
    """
    asked = [_question(each) for each in sentences[:MOST_SENTENCES]]
    if not asked:
        return []
    state = replace(state, steps=tuple(filterfalse(_is_answer, state.steps)))
    tools, room = state.model_tools(), reply_room(state.spec, state.ability)
    longest = max(asked, key=lambda each: len(each.content))
    try:
        messages, _ = fit_prompt(state, engine, room, (longest,), tools, _ANSWER_TOKENS)
    except PromptTooLong:
        return [None] * len(sentences)
    requests = [
        GenerationRequest(
            messages=(*messages[:-1], question),
            max_tokens=_ANSWER_TOKENS,
            sampling=Sampling(temperature=0.0, top_logprobs=_N_TOP),
            deadline_s=deadline_s,
            tools=tools,
            reasoning_effort="none",
        )
        for question in asked
    ]
    with ThreadPoolExecutor(len(requests)) as pool:
        waiting = [pool.submit(copy_context().run, _likelihood, each, engine) for each in requests]
        verdicts = [each.result() for each in waiting]
    return [*verdicts, *[None] * (len(sentences) - len(verdicts))]


def _is_answer(step: Step) -> bool:
    return isinstance(step, ModelReply) and not step.tool_calls


def _question(sentence: str) -> PromptMessage:
    return PromptMessage(role="user", content=_QUESTION.format(sentence=" ".join(sentence.split())))


def _likelihood(request: GenerationRequest, engine: Engine) -> float | None:
    text, tokens = "", list[TokenLogprob]()
    try:
        with closing(engine.stream(request)) as stream:
            for token in stream:
                text += token.text
                tokens += token.logprobs
    except EngineError as error:
        logger.warning("a sentence was not checked by the model: %s", error)
        return None
    first = next((each for each in tokens if _word(each.text)), None)
    if first is not None and first.top:
        return _share_of_yes(first.top)
    word = _word(text.strip().partition(" ")[0])
    return WRITTEN if word in _YES else 1 - WRITTEN if word in _NO else None


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
