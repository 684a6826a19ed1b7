"""`/api/runs/…/apps`: what the pages of MCP servers in your chats (MCP Apps) ask of their own servers."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import INVALID, LISTED
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.api.runs import BUSY
from web.runs import app_calls
from web.runs.app_calls import MAX_ADDRESS_CHARS
from web.runs.models_chats import AppCall

router = Router(tags=["Runs and conversations"])
APP: Final = "/runs/{uuid:run_id}/apps/{call_id}"
ANSWERS: Final = {**INVALID, **BUSY, 503: INVALID[400]}


class ToolRequest(RequestBody):
    """A tool of the app’s server that is for its apps."""

    tool: Annotated[Text, Field(min_length=1, max_length=120)]
    arguments: dict[str, Any] = Field(default_factory=dict)


class ResourceRequest(RequestBody):
    """A resource of the app’s server."""

    address: Annotated[Text, Field(min_length=1, max_length=MAX_ADDRESS_CHARS)]


class CallAnswer(RequestBody):
    """Whether the app may make the call that waits."""

    allowed: bool


class RequestShape(Schema):
    """What you are asked to allow."""

    title: str
    host: str
    plain: str
    raw: str
    reason: str


class AppCallShape(Schema):
    """A call of a tool, or the resource at `address`; `outcome` is the beginning of its result, or why it failed."""

    id: UUID
    tool: str
    arguments: dict[str, Any]
    address: str
    status: AppCall.Status = Field(description="It waits for your answer if it is “waiting”.")
    request: RequestShape | None
    outcome: str
    created: datetime
    ended: datetime | None


class AppAnswerShape(Schema):
    """A call and the server’s result, which is given once."""

    call: AppCallShape
    result: dict[str, Any] | None


@router.get(f"{APP}/calls", response={200: list[AppCallShape], **LISTED})
@paginate(Pages, oldest_first=True)
def list_app_calls(request: HttpRequest, run_id: UUID, call_id: str) -> QuerySet[AppCall]:
    """What the app that shows the result of this call has asked of its server, oldest first."""
    return app_calls.calls_of(caller(request), run_id, call_id)


@router.post(f"{APP}/calls", response={200: AppAnswerShape, **ANSWERS})
def call_for_app(request: HttpRequest, run_id: UUID, call_id: str, new: ToolRequest) -> app_calls.AppAnswer:
    """Call a tool of the app’s server for it. A call that may change something waits for your answer first."""
    return app_calls.call_tool(caller(request), run_id, call_id, new.tool, new.arguments)


@router.post(f"{APP}/resources", response={200: AppAnswerShape, **ANSWERS})
def read_for_app(request: HttpRequest, run_id: UUID, call_id: str, new: ResourceRequest) -> app_calls.AppAnswer:
    """Read a resource of the app’s server for it."""
    return app_calls.read_resource(caller(request), run_id, call_id, new.address)


@router.post(
    f"{APP}/calls/{{uuid:app_call_id}}/answer",
    response={200: AppAnswerShape, **ANSWERS},
)
def answer_app_call(
    request: HttpRequest, run_id: UUID, call_id: str, app_call_id: UUID, answer: CallAnswer
) -> app_calls.AppAnswer:
    """Allow or decline the call of an app that waits, within ten minutes. Keys need “Can approve actions”."""
    return app_calls.answer(caller(request), run_id, call_id, app_call_id, answer.allowed)
