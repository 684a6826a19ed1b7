"""The list of models as Anthropic's API has it, for clients that send its version header."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from web.api.errors import ApiError
from web.builder.models import Gpt
from web.runs.model_facts import facts_of

HEADER: Final = "anthropic-version"


def is_asked(request: HttpRequest) -> bool:
    """Whether the client speaks Anthropic's API."""
    return HEADER in request.headers


class ModelInfo(Schema):
    """A GPT as a model of Anthropic's API."""

    id: str
    type: Literal["model"] = "model"
    display_name: str
    created_at: datetime
    lifecycle: Literal["active"] = "active"
    max_input_tokens: int | None = Field(None, description="Longest prompt, in tokens; null while unknown.")
    max_tokens: int | None = Field(None, description="Longest reply, in tokens.")


class AnthropicModelList(Schema):
    """A page of models, the newest first."""

    data: list[ModelInfo]
    has_more: bool
    first_id: str | None
    last_id: str | None


class ModelCursor(Schema):
    """Which models to return: only with Anthropic's version header."""

    limit: int = Field(20, ge=1, le=1000)
    after_id: str = Field("", max_length=200, description="The id of the model before the first.")
    before_id: str = Field("", max_length=200, description="The id of the model after the last.")


def model_info(gpt: Gpt) -> ModelInfo:
    """The GPT as such a model."""
    facts = facts_of(gpt)
    return ModelInfo(
        id=gpt.slug,
        display_name=gpt.live.name,
        created_at=gpt.created,
        max_input_tokens=facts.context_tokens,
        max_tokens=facts.most_reply_tokens,
    )


def model_page(gpts: Sequence[Gpt], cursor: ModelCursor) -> AnthropicModelList:
    """A page of `gpts`, which are given newest first. Raises ApiError for an id that is not among them."""
    ids = [gpt.slug for gpt in gpts]
    start = _place(ids, cursor.after_id, "after_id") + 1 if cursor.after_id else 0
    end = min(len(ids), start + cursor.limit)
    if cursor.before_id:
        end = _place(ids, cursor.before_id, "before_id")
        start = max(0, end - cursor.limit)
    data = [model_info(gpt) for gpt in gpts[start:end]]
    has_more = start > 0 if cursor.before_id else end < len(ids)
    return AnthropicModelList(
        data=data,
        has_more=has_more,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
    )


def _place(ids: Sequence[str], wanted: str, field: str) -> int:
    if wanted not in ids:
        raise ApiError(400, f"There is no model “{wanted[:80]}”.", field, "invalid_value")
    return ids.index(wanted)
