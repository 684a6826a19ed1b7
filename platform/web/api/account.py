"""`/api/keys`: the caller's API keys. Programs can only read them: a key that leaks makes no further keys."""

from datetime import datetime, timedelta
from typing import Annotated

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts.models import ApiKey
from web.accounts.services import create_key, revoke_key
from web.api.auth import SessionAuth, caller
from web.api.errors import ProblemDetails
from web.api.gpts import DENIED, INVALID
from web.api.paging import Pages
from web.api.reading import RequestBody

router = Router(tags=["Account"])
NAME_CHARS = ApiKey._meta.get_field("name").max_length
MAX_DAYS = 3_650


class NewKey(RequestBody):
    """A key to create."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)]
    days: int | None = Field(90, ge=1, le=MAX_DAYS, description="Until it expires; null for never.")
    may_approve: bool = Field(False, description="Whether programs with it can approve actions.")


class KeyShape(Schema):
    """One of your API keys, without the key itself."""

    id: int
    name: str
    prefix: str = Field(description="How it begins.")
    may_approve: bool
    created: datetime
    expires: datetime | None
    last_used: datetime | None


class CreatedKey(KeyShape):
    """A new key."""

    secret: str = Field(description="The key, which is shown only here.")


@router.get("/keys", response={200: list[KeyShape], 401: ProblemDetails, 422: ProblemDetails})
@paginate(Pages)
def list_keys(request: HttpRequest) -> QuerySet[ApiKey]:
    """Your API keys that aren't revoked, newest first."""
    return caller(request).api_keys.filter(revoked=None)


@router.post("/keys", response={201: CreatedKey, 429: ProblemDetails, **INVALID}, auth=SessionAuth())
def create_api_key(request: HttpRequest, new: NewKey) -> Status[ApiKey]:
    """Create a key. Only with your browser session."""
    expires = timezone.now() + timedelta(days=new.days) if new.days else None
    key, secret = create_key(caller(request), new.name, expires, may_approve=new.may_approve)
    key.secret = secret  # type: ignore[attr-defined]
    return Status(201, key)


@router.delete("/keys/{int:key_id}", response={204: None, **DENIED}, auth=SessionAuth())
def revoke_api_key(request: HttpRequest, key_id: int) -> Status[None]:
    """Revoke a key. Only with your browser session."""
    if not revoke_key(caller(request), key_id):
        raise Http404("Key not found.")
    return Status(204, None)
