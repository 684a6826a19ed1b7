"""`/api/gpts/{slug}/usage`: how much one's own GPT is used."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from web.api.auth import caller
from web.api.errors import NativeErrorBody
from web.api.gpts import DENIED
from web.builder.services import access_own_gpt
from web.runs.usage import DelegatorUsage, GptUsage, usage_of

router = Router(tags=["GPTs"])
Days = Annotated[int, Field(ge=1, le=365)]


class ShareShape(Schema):
    """So many questions, with the tokens that the model read and wrote and the time from question to answer."""

    n_runs: int
    n_tokens: int
    seconds: int


class DelegatorUsageShape(Schema):
    """A GPT that asked. `gpt` is its slug, null for those that you may not see, which count as one."""

    gpt: str | None
    name: str
    n_runs: int
    n_tokens: int

    @staticmethod
    def resolve_gpt(delegator: DelegatorUsage) -> str | None:
        return delegator.slug or None


class UsageShape(Schema):
    """How much your GPT was used in the last `days` days, previews aside; never by whom, nor for what."""

    days: int
    n_people: int
    by_people: ShareShape
    by_gpts: ShareShape = Field(description="By other GPTs, on behalf of people who chat with them.")
    by_delegator: list[DelegatorUsageShape]


@router.get("/gpts/{slug}/usage", response={200: UsageShape, **DENIED, 422: NativeErrorBody})
def read_usage(request: HttpRequest, slug: str, days: Days = 30) -> GptUsage:
    """How often people and other GPTs use your GPT. API calls count for two days."""
    return usage_of(access_own_gpt(caller(request), slug), days)
