"""Embeds texts of programs."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from workers.knowledge.embed import Embedder, normalised


def embed(texts: Sequence[tuple[int, str]], dimensions: int, most_tokens: int, embedder: Embedder) -> dict[str, Any]:
    """`vectors`, as base64 of their 32-bit floats one after the other, and `n_tokens`; or the reason in `refused`.

    Each text comes with its place in the request. `dimensions` 0: all that the model has.
    """
    if dimensions > embedder.dim:
        reason = f"The model has {embedder.dim} dimensions."
        return {"refused": reason, "param": "dimensions", "code": "invalid_value"}
    n_tokens = embedder.count_tokens([text for _, text in texts])
    for (index, _), n in zip(texts, n_tokens, strict=True):
        if n > most_tokens:
            reason = f"Text {index} of “input” has {n:,} tokens; up to {most_tokens:,} are allowed. Split it."
            return {"refused": reason, "param": "input", "code": "context_length_exceeded"}
    vectors = embedder.encode([text for _, text in texts])
    if dimensions:
        vectors = normalised(vectors[:, :dimensions])
    return {"vectors": b64encode(vectors.astype("<f4").tobytes()).decode(), "n_tokens": sum(n_tokens)}
