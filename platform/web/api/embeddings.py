"""`/v1/embeddings`: texts as vectors of the site's embedder, which a worker computes."""

import json
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field
from pydantic_core import to_json

from gpts.values import Text
from web.accounts import quotas
from web.accounts.models import User
from web.api import site_models, worker_turns
from web.api.auth import caller
from web.api.errors import ApiError, OpenAiErrorBody
from web.runs.connections import in_database

router = Router()

# As with OpenAI.
MAX_INPUTS: Final = 2_048
MAX_TOKENS: Final = 300_000
# What the worker embeds at once: about a second's work.
PIECE_TEXTS: Final = 128
PIECE_CHARS: Final = 64_000
TOKENS: Final = (
    "Arrays of tokens are not supported, because their numbers stand for other words in each model. Send texts"
    " (LangChain: check_embedding_ctx_length=False)."
)
DESCRIPTION: Final = (
    f"The vectors have the length 1. A text may have up to {site_models.MAX_INPUT_TOKENS:,} of the model's tokens."
    " Nothing is cut off: the vector of a text that is longer than the model reads at once is the mean of its parts,"
    f" like when files are searched. All texts of a request may have up to {MAX_TOKENS:,} tokens, which count in your"
    " quota.\n\n`GET /v1/models/{id}` describes the model, whose id the error for any other name tells."
)


class EmbeddingRequest(Schema):
    """A request for embeddings."""

    model: Text = Field(description="The site's embedding model.")
    input: Text | list[Text | int | list[int]] = Field(
        description=f"A text or up to {MAX_INPUTS:,}, none of them empty. Arrays of tokens are refused."
    )
    dimensions: int | None = Field(
        None,
        ge=1,
        description="Leaves out the later numbers and makes the length 1 again. Most models, the bundled one among"
        " them, aren't trained for this: results get worse.",
    )
    encoding_format: Literal["float", "base64"] | None = Field(None, description="Default: float.")
    user: Text | None = Field(None, description="Without effect.")

    def texts(self) -> list[str]:
        """The texts to embed. Raises ApiError."""
        given = [self.input] if isinstance(self.input, str) else self.input
        texts = [text for text in given if isinstance(text, str)]
        if len(texts) != len(given):
            raise ApiError(400, TOKENS, "input", "unsupported_value")
        if not 0 < len(texts) <= MAX_INPUTS:
            text = f"“input” has {len(texts):,} texts; 1 to {MAX_INPUTS:,} are allowed."
            raise ApiError(400, text, "input", "invalid_value")
        if "" in texts:
            raise ApiError(400, f"Text {texts.index('')} of “input” is empty.", "input", "invalid_value")
        return texts


class EmbeddingObject(Schema):
    """A vector: its numbers, or with `base64` their 32-bit little-endian floats."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(Schema):
    """Tokens of the texts, by the embedder's tokenizer."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Schema):
    """The vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[EmbeddingObject]
    model: str
    usage: EmbeddingUsage


@router.post(
    "/embeddings",
    response={200: EmbeddingList, **dict.fromkeys((400, 401, 404, 413, 429, 503), OpenAiErrorBody)},
    description=DESCRIPTION,
    summary="Embed texts",
)
async def create_embeddings(request: HttpRequest, body: EmbeddingRequest) -> HttpResponse:
    """The vectors of the texts."""
    model, user = site_models.embedder(), caller(request)
    site_models.check(body.model, model)
    vectors = Vectors(body.texts(), body.dimensions)
    await in_database(check_quota, user)
    try:
        await worker_turns.compute(user, "workers.tasks.embed_texts", list(vectors.pieces()), vectors.take)
    finally:
        await in_database(quotas.add, user.pk, "tokens", vectors.n_tokens)
    as_text = body.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": encoded(vector, as_text)}
        for index, vector in enumerate(vectors.found)
    ]
    usage = {"prompt_tokens": vectors.n_tokens, "total_tokens": vectors.n_tokens}
    # Up to a million numbers, which a schema would check one by one.
    whole = to_json({"object": "list", "data": data, "model": model.id, "usage": usage})
    return HttpResponse(whole, content_type="application/json")


def check_quota(user: User) -> None:
    """Raise QuotaExceeded if the person has used up their tokens of the day."""
    quotas.check(user.pk, "tokens", quotas.used_today(user.pk).get("tokens", 0))


class Vectors:
    """The texts of a request, and their vectors as they come: `found` holds the bytes of 32-bit floats of each."""

    def __init__(self, texts: Sequence[str], dimensions: int | None) -> None:
        self._texts, self._dimensions = texts, dimensions
        # Texts of like length are embedded together: a batch takes as long as its longest text.
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        self._groups = list(_groups(order, texts))
        self.found = [b""] * len(texts)
        self.n_tokens = 0

    def pieces(self) -> Iterator[tuple[str, ...]]:
        """The arguments of the worker's task, for each of its calls."""
        options = str(self._dimensions or 0), str(site_models.MAX_INPUT_TOKENS)
        for group in self._groups:
            yield json.dumps([[index, self._texts[index]] for index in group]), *options

    def take(self, number: int, payload: dict[str, Any]) -> None:
        """Keep the vectors of a piece. Raises ApiError for what the worker refused."""
        if "refused" in payload:
            raise ApiError(400, payload["refused"], payload["param"], payload["code"])
        group, data = self._groups[number], b64decode(payload["vectors"])
        size = len(data) // len(group)
        for place, index in enumerate(group):
            self.found[index] = data[place * size : (place + 1) * size]
        self.n_tokens += payload["n_tokens"]
        if self.n_tokens > MAX_TOKENS:
            text = f"All texts of a request may have {MAX_TOKENS:,} tokens. Send fewer at once."
            raise ApiError(400, text, "input", "max_tokens_per_request")


def _groups(order: Sequence[int], texts: Sequence[str]) -> Iterator[list[int]]:
    """`order` in groups of up to PIECE_TEXTS texts and PIECE_CHARS characters, or of one text."""
    group: list[int] = []
    n_chars = 0
    for index in order:
        if group and (len(group) == PIECE_TEXTS or n_chars + len(texts[index]) > PIECE_CHARS):
            yield group
            group, n_chars = [], 0
        group.append(index)
        n_chars += len(texts[index])
    yield group


def encoded(vector: bytes, as_text: bool) -> str | list[float]:
    """The vector as base64 text, or as numbers."""
    return b64encode(vector).decode() if as_text else array("f", vector).tolist()
