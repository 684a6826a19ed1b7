"""`/api/account`, `/api/keys`, `/api/programs`, `/api/sessions`: the caller's name, keys, programs and browsers.

Programs can only read keys, connected programs and sessions: a key that leaks makes no further keys and shuts nobody
out.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts import grants
from web.accounts.hints import HINTS, Hint, keep_seen
from web.accounts.models import ApiKey, Grant, User
from web.accounts.services import create_key, rename, revoke_key
from web.accounts.sessions import end_all_sessions, end_session, live_sessions
from web.api.auth import SessionAuth, caller
from web.api.errors import DENIED, INVALID, OWN, OWN_LISTED, ProblemDetails
from web.api.paging import InOrder, Pages
from web.api.reading import RequestBody
from web.languages import keep
from web.notifications import kinds

router = Router(tags=["Account"])
NAME_CHARS = ApiKey._meta.get_field("name").max_length
PERSON_NAME_CHARS = User._meta.get_field("name").max_length
MAX_DAYS = 3_650


class AccountShape(Schema):
    """Your account."""

    email: str
    name: str = Field(description="May be empty.")
    shown_name: str = Field(description="The name that others see.")
    hints_seen: list[Hint] = Field(description="The hints on pages that you dismissed.")
    language: str = Field(description="The language of the pages that you see; empty: your browser’s.")


class AccountPatch(RequestBody):
    """Changes to your account; omitted fields stay as they are."""

    name: Annotated[Text, Field(max_length=PERSON_NAME_CHARS)] | None = None
    hints_seen: list[Hint] | None = Field(None, max_length=len(HINTS), description="Hints that you dismissed.")
    language: Literal["", "en", "de", "fr", "es", "zh-hans"] | None = None


class NewKey(RequestBody):
    """A key to create."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)]
    days: int | None = Field(90, ge=1, le=MAX_DAYS, description="Until it expires; null for never.")
    scopes: list[Literal["chat", "read", "manage", "approve"]] = Field(
        ["chat", "read", "manage"], min_length=1, max_length=4, description="What programs with it can do."
    )


class KeyShape(Schema):
    """One of your API keys, without the key itself."""

    id: int
    name: str
    prefix: str = Field(description="How it begins.")
    scopes: list[str]
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


@router.get("/account", response={200: AccountShape, **OWN})
def read_account(request: HttpRequest) -> User:
    """Your account."""
    return caller(request)


@router.patch("/account", response={200: AccountShape, **INVALID})
def update_account(request: HttpRequest, change: AccountPatch) -> User:
    """Change the name that others see, the language of your pages, and which hints pages show.

    Email address and password change only in your browser.
    """
    if change.name is not None:
        rename(caller(request), change.name)
    if change.hints_seen is not None:
        keep_seen(caller(request), change.hints_seen)
    if change.language is not None:
        keep(caller(request), change.language)
    return caller(request)


@router.get("/keys", response={200: list[KeyShape], **OWN_LISTED})
@paginate(Pages)
def list_keys(request: HttpRequest) -> QuerySet[ApiKey]:
    """Your API keys that aren't revoked, newest first."""
    return caller(request).api_keys.filter(revoked=None)


@router.post("/keys", response={201: CreatedKey, 429: ProblemDetails, **INVALID}, auth=SessionAuth())
def create_api_key(request: HttpRequest, new: NewKey) -> Status[ApiKey]:
    """Create a key. Only with your browser session."""
    expires = timezone.now() + timedelta(days=new.days) if new.days else None
    key, secret = create_key(caller(request), new.name, expires, scopes=new.scopes)
    key.secret = secret  # type: ignore[attr-defined]
    return Status(201, key)


@router.delete("/keys/{int:key_id}", response={204: None, **DENIED}, auth=SessionAuth())
def revoke_api_key(request: HttpRequest, key_id: int) -> Status[None]:
    """Revoke a key. Only with your browser session."""
    if not revoke_key(caller(request), key_id):
        raise Http404("Key not found.")
    return Status(204, None)


@router.get("/programs", response={200: list[ProgramShape], **OWN_LISTED})
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


class SessionShape(Schema):
    """A browser in which you are signed in."""

    id: int
    browser: str = Field(description="What it says of itself, such as “Firefox, Windows”.")
    ip: str
    created: datetime = Field(validation_alias="created_at", description="When you signed in.")
    is_current: bool = Field(description="Whether this request has this session.")

    @staticmethod
    def resolve_is_current(session: UserSession) -> bool:
        """Whether it is that of the request."""
        return bool(session.is_current())


@router.get("/sessions", response={200: list[SessionShape], **OWN_LISTED})
@paginate(Pages)
def list_sessions(request: HttpRequest) -> InOrder:
    """Where you are signed in: this session first, then the newest."""
    return InOrder(live_sessions(caller(request), request))


@router.delete("/sessions/{int:session_id}", response={204: None, **DENIED}, auth=SessionAuth())
def end_one_session(request: HttpRequest, session_id: int) -> Status[None]:
    """End a session. Only with your browser session."""
    if not end_session(caller(request), str(session_id)):
        raise Http404("Session not found.")
    return Status(204, None)


@router.delete("/sessions", response={204: None, **OWN}, auth=SessionAuth())
def end_other_sessions(request: HttpRequest) -> Status[None]:
    """End all sessions but this one. Only with your browser session."""
    end_all_sessions(caller(request), caller(request), but=request)
    return Status(204, None)


class Notifications(Schema):
    """The kinds of email that there are for you, and those that you get."""

    kinds: list[str]
    wanted: list[str]


class WantedNotifications(RequestBody):
    """The kinds that you want."""

    wanted: list[Annotated[Text, Field(max_length=40)]] = Field(max_length=20)


@router.get("/account/notifications", response={200: Notifications, **OWN})
def read_notifications(request: HttpRequest) -> Notifications:
    """Which emails you get."""
    return Notifications(kinds=list(kinds.kinds_for(caller(request))), wanted=kinds.wanted_by(caller(request)))


@router.put("/account/notifications", response={200: Notifications, **OWN_LISTED})
def choose_notifications(request: HttpRequest, body: WantedNotifications) -> Notifications:
    """Choose which emails you get."""
    kinds.choose(caller(request), body.wanted)
    return read_notifications(request)
