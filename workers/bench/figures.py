"""What a measurement found, and the conversations it used."""

from dataclasses import dataclass
from statistics import median
from typing import Final

from gpts.runs.messages import Message

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


def instructions(gpt: str) -> str:
    """Instructions of about 1,100 tokens that differ from another `gpt`'s from the first words on."""
    rules = (
        f"Rule {i}: when the person asks about topic number {i}, say that the department on floor {i % 9} answers it "
        f"within {i} days."
        for i in range(N_RULES)
    )
    return f"You are {gpt}, a helpful assistant who tells long stories. " + " ".join(rules)


def conversation(gpt: str, number: int) -> tuple[Message, ...]:
    """The opening of chat `number` with `gpt`, which asks for a long answer."""
    return Message(role="system", content=instructions(gpt)), Message(role="user", content=question(number))


def question(number: int) -> str:
    """A question with a long answer, different for each number."""
    return f"Tell me a long story about animal number {number} and the sea."


def decode_speed(readings: list[Reading]) -> float:
    """Tokens per second after the first, the median of replies made alone."""
    return median((r.n_tokens - 1) / max(1e-9, r.total_s - r.first_s) for r in readings)
