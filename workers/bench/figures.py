"""What a measurement found, how each way of answering is measured, and the conversations that are used."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Final

from gpts.runs.messages import PromptMessage

N_COLD: Final = 3
N_WARM: Final = 5
N_RULES: Final = 35  # about 1,100 tokens of instructions with the bundled model's tokenizer


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply as it was read: seconds to its first piece and to its end, and its number of tokens."""

    first_s: float
    total_s: float
    n_tokens: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """One way of answering, measured. Seconds are medians; None where it has no such number.

    `n_identical` of `n_compared` replies of the batch had the very text of the same conversation alone.
    """

    tokens_per_s: float
    solo_tokens_per_s: float | None = None
    cold_first_s: float | None = None
    warm_first_s: float | None = None
    n_identical: int | None = None
    n_compared: int | None = None


# The replies to these conversations with a GPT, asked for at once, each of so many tokens.
ReadAll = Callable[[str, Sequence[int], int], list[Reading]]


def instructions(gpt: str) -> str:
    """Instructions of about 1,100 tokens that differ from another `gpt`'s from the first words on."""
    rules = (
        f"Rule {i}: when the person asks about topic number {i}, say that the department on floor {i % 9} answers it "
        f"within {i} days."
        for i in range(N_RULES)
    )
    return f"You are {gpt}, a helpful assistant who tells long stories. " + " ".join(rules)


def conversation(gpt: str, number: int) -> tuple[PromptMessage, ...]:
    """The opening of chat `number` with `gpt`, which asks for a long answer."""
    return PromptMessage(role="system", content=instructions(gpt)), PromptMessage(
        role="user", content=question(number)
    )


def question(number: int) -> str:
    """A question with a long answer, different for each number."""
    return f"Tell me a long story about animal number {number} and the sea."


def measure(
    read_all: ReadAll, concurrency: int, n_tokens: int, *, n_cold: int = N_COLD, n_alone: int = 1
) -> tuple[Figures, int]:
    """One way of answering: cold, warm, alone and with `concurrency` conversations at once, after a first such round.

    With it, how many of the `n_alone` conversations got the same text alone and together.
    """
    cold = [read_all(f"Cold{i}", [0], 2)[0].first_s for i in range(n_cold)]
    read_all("Warm", [99], 2)
    warm = [read_all("Warm", [100 + i], 2)[0].first_s for i in range(N_WARM)]
    alone = [read_all("Warm", [number], n_tokens)[0] for number in range(n_alone)]
    read_all("Warm", range(concurrency), n_tokens)
    started = time.perf_counter()
    together = read_all("Warm", range(concurrency), n_tokens)
    speed = sum(reading.n_tokens for reading in together) / (time.perf_counter() - started)
    n_same = sum(one.text == other.text for one, other in zip(alone, together, strict=False))
    solo = median((each.n_tokens - 1) / max(1e-9, each.total_s - each.first_s) for each in alone)
    return Figures(speed, solo, median(cold) if cold else None, median(warm)), n_same


def at_once(read: Callable[[str, int, int], Reading]) -> ReadAll:
    """Reads each conversation in a thread of its own."""

    def read_all(gpt: str, numbers: Sequence[int], n_tokens: int) -> list[Reading]:
        with ThreadPoolExecutor(len(numbers)) as pool:
            return list(pool.map(lambda number: read(gpt, number, n_tokens), numbers))

    return read_all
