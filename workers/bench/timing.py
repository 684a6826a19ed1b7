"""How a way of answering is timed, and the conversations used for it."""

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Final

from gpts.runs.messages import PromptMessage
from workers.engine.base import Engine, GenerationRequest, Grammar

N_COLD: Final = 3
N_WARM: Final = 5
# Every model tried answers it at length; of an animal with a number, some said only that they know none.
QUESTION: Final = "Tell me a long story about a cat with the number {} and the sea. Begin with the morning."
N_RULES: Final = 35  # about 1,100 tokens of instructions with the bundled model's tokenizer


@dataclass(frozen=True, slots=True)
class TimedReply:
    """One reply: seconds to its first piece and to its end, and its number of tokens."""

    first_s: float
    total_s: float
    n_tokens: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """One way of answering, measured. Seconds are medians.

    `n_identical` of `n_compared` replies of the batch were identical to the same conversation's reply alone.
    """

    tokens_per_s: float
    solo_tokens_per_s: float
    cold_first_s: float
    warm_first_s: float
    n_identical: int | None = None
    n_compared: int | None = None


def instructions(gpt: str) -> str:
    """Instructions of about 1,100 tokens that differ from another `gpt`'s from the first words on."""
    rules = (
        f"Rule {i}: when the person asks about topic number {i}, say that the department on floor {i % 9} answers it "
        f"within {i} days."
        for i in range(N_RULES)
    )
    return f"You are {gpt}, a helpful assistant who tells long stories. " + " ".join(rules)


def conversation(gpt: str, number: int) -> tuple[PromptMessage, ...]:
    """The system message of `gpt` and question `number`, which has a long answer."""
    question = PromptMessage(role="user", content=QUESTION.format(number))
    return PromptMessage(role="system", content=instructions(gpt)), question


def measure(engine: Engine, concurrency: int, n_tokens: int, *, compares: bool = False) -> Figures:
    """Times cold and warm first tokens, one conversation alone, and `concurrency` at once after a warm-up round.

    `compares`: each conversation is also read alone, and the texts are compared.
    """
    cold = [read_all(engine, f"Cold{i}", [0], 2)[0].first_s for i in range(N_COLD)]
    read_all(engine, "Warm", [99], 2)
    warm = [read_all(engine, "Warm", [100 + i], 2)[0].first_s for i in range(N_WARM)]
    alone = [read_all(engine, "Warm", [number], n_tokens)[0] for number in range(concurrency if compares else 1)]
    read_all(engine, "Warm", range(concurrency), n_tokens)
    started = time.perf_counter()
    together = read_all(engine, "Warm", range(concurrency), n_tokens)
    return Figures(
        sum(reply.n_tokens for reply in together) / (time.perf_counter() - started),
        median((each.n_tokens - 1) / max(1e-9, each.total_s - each.first_s) for each in alone),
        median(cold),
        median(warm),
        sum(one.text == other.text for one, other in zip(alone, together, strict=True)) if compares else None,
        concurrency if compares else None,
    )


def read_all(engine: Engine, gpt: str, numbers: Sequence[int], n_tokens: int) -> list[TimedReply]:
    """The replies of these conversations with `gpt`, each read in a thread of its own, as in a worker."""
    with ThreadPoolExecutor(len(numbers)) as pool:
        return list(pool.map(lambda number: read(engine, conversation(gpt, number), n_tokens), numbers))


def read(
    engine: Engine, messages: tuple[PromptMessage, ...], n_tokens: int, grammar: Grammar | None = None
) -> TimedReply:
    """One greedy reply."""
    started = time.perf_counter()
    first_s, text, n_written = 0.0, "", 0
    for token in engine.stream(GenerationRequest(messages, max_tokens=n_tokens, grammar=grammar)):
        first_s = first_s or time.perf_counter() - started
        text += token.text
        n_written = token.usage.completion_tokens if token.usage else 0
    return TimedReply(first_s, time.perf_counter() - started, n_written, text)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
