"""`/api/account`, `/api/keys` and `/api/programs`: the caller's name, API keys and connected programs.

Programs can only read keys and connected programs: a key that leaks makes no further keys and shuts nobody out.
"""

from datetime import datetime, timedelta
from typing import Annotated

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts import grants
from web.accounts.models import ApiKey, Grant, User
from web.accounts.services import create_key, rename, revoke_key
from web.api.auth import SessionAuth, caller
from web.api.errors import ProblemDetails
from web.api.gpts import DENIED, INVALID
from web.api.paging import Pages
from web.api.reading import RequestBody

router = Router(tags=["Account"])
NAME_CHARS = ApiKey._meta.get_field("name").max_length
PERSON_NAME_CHARS = User._meta.get_field("name").max_length
MAX_DAYS = 3_650


class AccountShape(Schema):
    """Your account."""

    email: str
    name: str = Field(description="May be empty.")
    shown_name: str = Field(description="The name that others see.")


class AccountPatch(RequestBody):
    """Changes to your account; omitted fields stay as they are."""

    name: Annotated[Text, Field(max_length=PERSON_NAME_CHARS)] | None = None


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


class ProgramShape(Schema):
    """A program that you let act for you."""

    id: int
    name: str = Field(validation_alias="program.name", description="What it calls itself; nobody checked it.")
    resource: str = Field(description="The URL where it acts for you.")
    created: datetime
    last_used: datetime | None


@router.get("/account", response={200: AccountShape, 401: ProblemDetails})
def read_account(request: HttpRequest) -> User:
    """Your account."""
    return caller(request)


@router.patch("/account", response={200: AccountShape, **INVALID})
def update_account(request: HttpRequest, change: AccountPatch) -> User:
    """Change the name that others see. Email address and password change only in your browser."""
    if change.name is not None:
        rename(caller(request), change.name)
    return caller(request)


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


@router.get("/programs", response={200: list[ProgramShape], 401: ProblemDetails, 422: ProblemDetails})
@paginate(Pages)
def list_programs(request: HttpRequest) -> QuerySet[Grant]:
    """The programs that you let act for you, newest first."""
    return grants.live_grants(caller(request))


@router.delete("/programs/{int:grant_id}", response={204: None, **DENIED}, auth=SessionAuth())
def disconnect_program(request: HttpRequest, grant_id: int) -> Status[None]:
    """Disconnect a program: its tokens stop working. Only with your browser session."""
    if not grants.end(caller(request), grant_id):
        raise Http404("Program not found.")
    return Status(204, None)
