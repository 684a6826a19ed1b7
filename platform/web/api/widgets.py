"""`/api/gpts/{slug}/widget`: your GPT's chat on other sites."""

from typing import Annotated, Literal

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from gpts.spec.embedding import MAX_ORIGINS
from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID
from web.api.reading import RequestBody
from web.builder import widgets
from web.builder.access import access_own_gpt
from web.builder.models_widgets import MAX_A_DAY, Widget

router = Router(tags=["GPT"])
Limit = Annotated[int, Field(ge=1, le=MAX_A_DAY)]


class WidgetShape(Schema):
    """What visitors of other sites get. `script` is for a page of `origins`, `page` shows the chat alone.

    `secret` signs tokens that name visitors; empty until one is made.
    """

    is_on: bool
    origins: list[str]
    only_signed: bool
    label: str
    colour: str
    side: Literal["left", "right"]
    theme: Literal["auto", "light", "dark"]
    messages_a_day: int
    messages_a_visitor: int
    script: str
    page: str
    secret: str

    @staticmethod
    def resolve_script(widget: Widget) -> str:
        """The address of the script."""
        return _address(widget, ".js")

    @staticmethod
    def resolve_page(widget: Widget) -> str:
        """The address of the page."""
        return _address(widget, "/")

    @staticmethod
    def resolve_secret(widget: Widget) -> str:
        """The secret itself: only the GPT's owner gets this shape."""
        return widgets.secret_of(widget)


def _address(widget: Widget, end: str) -> str:
    """An address of the widget; empty until it is saved."""
    return "" if widget._state.adding else f"{settings.SITE_URL}/embed/{widget.key}{end}"


class WidgetPatch(RequestBody):
    """The fields to change."""

    is_on: bool | None = None
    origins: Annotated[list[Text], Field(max_length=MAX_ORIGINS)] | None = None
    only_signed: bool | None = None
    label: Annotated[Text, Field(min_length=1, max_length=40)] | None = None
    colour: Annotated[Text, Field(pattern="^#[0-9a-fA-F]{6}$")] | None = None
    side: Literal["left", "right"] | None = None
    theme: Literal["auto", "light", "dark"] | None = None
    messages_a_day: Limit | None = None
    messages_a_visitor: Limit | None = None


@router.get("/gpts/{slug}/widget", response={200: WidgetShape, **DENIED})
def read_widget(request: HttpRequest, slug: str) -> Widget:
    """The widget of your GPT. Its addresses work once it was saved and is on."""
    return widgets.widget_of(access_own_gpt(caller(request), slug))


@router.patch("/gpts/{slug}/widget", response={200: WidgetShape, **INVALID})
def change_widget(request: HttpRequest, slug: str, change: WidgetPatch) -> Widget:
    """Change the widget. Only a published GPT's can be turned on."""
    gpt = access_own_gpt(caller(request), slug)
    return widgets.change(gpt, change.model_dump(exclude_none=True))


@router.post("/gpts/{slug}/widget/secret", response={200: WidgetShape, **DENIED})
def replace_widget_secret(request: HttpRequest, slug: str) -> Widget:
    """Make a new secret. Tokens made with the old one no longer work."""
    return widgets.new_secret(access_own_gpt(caller(request), slug))
