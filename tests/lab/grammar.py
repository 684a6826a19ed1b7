"""The cost of a grammar in the batch, and whether constrained replies are valid.

The two arms take turns on one engine with the same prompts; a free reply gets as many tokens as the constrained one
of the same conversation took.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any, Final

from gpts.runs.messages import PromptMessage
from gpts.runs.replies import parse
from gpts.spec.tools import ToolSpec
from workers.bench.timing import conversation, read
from workers.engine.base import Engine, EngineError, GenerationRequest, Grammar, Sampling
from workers.engine.schemas import problem

STREAMS: Final = (1, 8, 16)
N_ROUNDS: Final = 3
MAX_TOKENS: Final = 160
_SAMPLING: Final = Sampling(temperature=1.0)
# A text of a minimum length, so that every reply has at least fifty tokens, and fields of other types.
TIMED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 60},
        "year": {"type": "integer"},
        "kind": {"enum": ["fable", "legend", "report"]},
        "story": {"type": "string", "minLength": 160, "maxLength": 240},
    },
    "required": ["title", "year", "kind", "story"],
}


def grammar_cost(engine: Engine, streams: Sequence[int] = STREAMS, n_rounds: int = N_ROUNDS) -> dict[str, Any]:
    """Medians of tokens per second "free" and "constrained" and of their "ratio", by the number of streams."""
    return {str(n_streams): _cost(engine, n_streams, n_rounds) for n_streams in streams}


def _cost(engine: Engine, n_streams: int, n_rounds: int) -> dict[str, float]:
    grammar = Grammar(json_schema=TIMED)
    _speed(engine, [MAX_TOKENS] * n_streams, grammar)  # fills the prefix cache and compiles
    pairs = []
    for _ in range(n_rounds):
        constrained, counts = _speed(engine, [MAX_TOKENS] * n_streams, grammar)
        free, _ = _speed(engine, counts, None)
        pairs.append((free, constrained))
    free, constrained = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return {"free": free, "constrained": constrained, "ratio": median(ours / plain for plain, ours in pairs)}


def _speed(engine: Engine, limits: Sequence[int], grammar: Grammar | None) -> tuple[float, list[int]]:
    """Tokens per second of `len(limits)` greedy replies at once, and the number of tokens of each."""
    with ThreadPoolExecutor(len(limits)) as pool:
        started = time.perf_counter()
        prompts = [conversation("Timed", number) for number in range(len(limits))]
        replies = pool.map(lambda prompt, limit: read(engine, prompt, limit, grammar), prompts, limits)
        counts = [reply.n_tokens for reply in replies]
        return sum(counts) / (time.perf_counter() - started), counts


def call_is_valid(engine: Engine, spec: ToolSpec, messages: tuple[PromptMessage, ...]) -> bool:
    """Whether the reply to `messages`, which must call `spec`, has valid calls only."""
    grammar = Grammar(tools=(spec,), required=True)
    request = GenerationRequest(messages, MAX_TOKENS, _SAMPLING, tools=(spec,), grammar=grammar)
    try:
        calls = parse("".join(token.text for token in engine.stream(request)))[1]
    except EngineError:
        return False
    return bool(calls) and all(c.name == spec.name and not problem(c.arguments, spec.parameters) for c in calls)
