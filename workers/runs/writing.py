"""Short texts that the model writes for the platform rather than for the reader: intents, and notes on files."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from gpts.runs.messages import PromptMessage
from gpts.runs.steps import FinishReason
from workers.engine.base import GenerationRequest, Sampling, Token, Usage
from workers.runs.services import Services

# How long a model that reasons may do so before it writes a short text.
SHORT_REASONING_TOKENS: Final = 1_024

# Given each piece of an answer as it may be shown, also empty ones, several times a second; may raise to stop.
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ShortText:
    """A text as the model wrote it; empty if its reasoning was too long."""

    text: str
    finish: FinishReason
    usage: Usage


def limit(max_tokens: int, services: Services) -> int:
    """The longest reply of which `max_tokens` are the text itself."""
    return max_tokens + (SHORT_REASONING_TOKENS if services.engine.ability().reasons else 0)


def write(
    messages: tuple[PromptMessage, ...], max_tokens: int, services: Services, check: Show, *, one_line: bool = False
) -> ShortText:
    """The model's reply to `messages`, the likeliest one. Raises EngineError, or what `check` raises to stop.

    `one_line`: what follows the first line is not wanted.
    """
    request = GenerationRequest(
        messages=messages,
        max_tokens=limit(max_tokens, services),
        sampling=Sampling(temperature=0.0),
        deadline_s=services.deadline_s,
    )
    raw, last = "", Token("")
    with closing(services.engine.stream(request)) as tokens:
        for token in tokens:
            check("")
            raw, last = raw + token.text, token
            if one_line and "\n" in raw.lstrip():
                break
    usage = last.usage or Usage(services.engine.count_tokens(messages), len(raw) // 4)
    return ShortText(raw.strip(), last.finish or "stop", usage)
