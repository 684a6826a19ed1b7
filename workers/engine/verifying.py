"""The base model as judge of sentences: whether what it was given in a turn says them.

All sentences of an answer are one short request: the prompt of the answer, which the engine has in its prefix cache,
and the question, which is answered line by line, with the first words of the place after a yes. How likely "yes" is
against "no" in a line is the verdict; the written word, where the engine tells no probabilities.
"""

import logging
import math
import re
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import filterfalse
from typing import Final

from gpts.knowledge.citations import Checked
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.state import TurnState, reply_room
from gpts.runs.steps import ModelReply, Step
from workers.engine.base import Engine, EngineError, GenerationRequest, PromptTooLong, Sampling
from workers.engine.prompts import fit_prompt

logger = logging.getLogger(__name__)

# Sentences of a turn that are judged, and the seconds that it may take.
MOST_SENTENCES: Final = 40
DEADLINE_S: Final = 20.0
# What a written word is worth without probabilities, and how likely "yes" and "no" together must be to count.
WRITTEN: Final = 0.95
LEAST_MASS: Final = 0.2
# Tokens of a line, such as "12. yes: Lockers take a coin of".
_LINE_TOKENS: Final = 32
# The likeliest tokens that are told: OpenAI's API allows no more.
_N_TOP: Final = 20
# The mark of a list's item.
_LISTED: Final = re.compile(r"^(?:[-*+•>]+ |\d{1,3}[.)] )+")
_YES: Final = frozenset(("yes", "ja", "oui", "sí", "si", "是"))
_NO: Final = frozenset(("no", "nein", "non", "否", "不"))
_LINE: Final = re.compile(
    r"^[^\w\n]*(?:(?P<number>\d{1,3})[^\w\n]*)?(?P<word>yes\b|no\b|ja\b|nein\b|oui\b|non\b|sí\b|si\b|[是否不])"
    r"[^\w\n]*(?P<words>.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_QUESTION: Final = """\
Check these sentences against the files, passages and results above, and my messages:

{sentences}

Of each: is all of it stated there, in whatever words or language, or does it follow from what is stated, such as a \
sum, a date or a comparison? If a figure, name, condition or direction of it differs, or nothing is stated about it, \
the answer is no, whatever you know. If it rightly says that something is not stated there, or claims nothing, such \
as a greeting or an offer, the answer is yes.

Write one line for each sentence: its number, yes or no, and after a yes six words in a row, copied from the very \
place that states it, if there is one:
1. no
2. yes: Lockers take a one-pound coin"""


def supported(
    sentences: Sequence[str], state: TurnState, engine: Engine, deadline_s: float = DEADLINE_S
) -> list[Checked | None]:
    """Whether the turn's files, results and messages say each sentence; None without a verdict.

    There is none for sentences beyond the first `MOST_SENTENCES`, after an error, and after `deadline_s`.
    """
    verdicts: list[Checked | None] = [None] * len(sentences)
    asked = [_LISTED.sub("", " ".join(each.split())) for each in sentences[:MOST_SENTENCES]]
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


def _verdicts(request: GenerationRequest, engine: Engine) -> dict[int, Checked]:
    """The verdicts by number, of the lines that were written in time; a first line may lack its number."""
    written, tokens = "", list[TokenLogprob]()
    with closing(engine.stream(request)) as stream:
        for token in stream:
            written += token.text
            tokens += token.logprobs
    shares = _shares(tokens)
    found: dict[int, Checked] = {}
    for line in _LINE.finditer(written):
        number = int(line["number"] or not found)
        likely: float | None = WRITTEN if line["word"].casefold() in _YES else 1 - WRITTEN
        likely = shares.get(line.start("word"), likely)
        if number and number not in found and likely is not None:
            found[number] = Checked(likely=likely, words=line["words"])
    return found


def _shares(tokens: Sequence[TokenLogprob]) -> dict[int, float | None]:
    """The probability of "yes", by where each "yes" or "no" begins in the text of `tokens`; None if both are rare."""
    at, found = 0, dict[int, float | None]()
    for token in tokens:
        if _word(token.text) in _YES | _NO:
            found[at + len(token.text) - len(token.text.lstrip(" \n\"'*.,:!"))] = _share_of_yes(token.top)
        at += len(token.text)
    return found


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
