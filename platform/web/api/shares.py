"""`/api/gpts/{slug}/shares`: the people and groups with which your GPT is shared, and what one of them gets."""

from datetime import datetime
from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder import shares
from web.builder.access import access_own_gpt
from web.builder.models_shares import GptShare

router = Router(tags=["GPT"])
Right = Literal["chat", "view", "edit"]
Email = Annotated[Text, Field(max_length=254)]


class NewGptShare(RequestBody):
    """A share with a person, by address or user name, or a group, by its id. If shared already, its right changes."""

    email: Email = ""
    group: Annotated[int, Field(ge=1, le=2**31)] | None = None
    right: Right = Field(
        "chat",
        description="view: they also see its settings, and can copy it. edit: and change its draft and publish it.",
    )


class GptShareShape(Schema):
    """A share with an address or a group."""

    id: int
    email: str | None
    group: int | None = Field(validation_alias="group_id")
    name: str = Field(validation_alias="who", description="The address, the user name or the group’s name.")
    right: Right
    waits: bool = Field(description="Whether nobody has proved yet that the address is theirs; until then it waits.")
    created: datetime

    @staticmethod
    def resolve_email(share: GptShare) -> str | None:
        """The person's address."""
        return share.address or None


class AccessShape(Schema):
    """What a person gets of your GPT now, by the rules that every page and API applies."""

    may_chat: bool
    may_view: bool = Field(description="Whether they see its settings, and can copy it.")
    may_edit: bool = Field(description="Whether they can change its draft, and publish it.")
    reason: str
    version: int | None = Field(description="The live version that they would chat with.")
    capabilities: list[str]
    actions: list[str]
    n_files: int
    may_download: bool
    asks: list[str] = Field(description="The GPTs that it can ask for them.")
    asks_not: int = Field(description="How many others it can’t.")


@router.get("/gpts/{slug}/shares", response={200: list[GptShareShape], **LISTED})
@paginate(Pages)
def list_gpt_shares(request: HttpRequest, slug: str) -> QuerySet[GptShare]:
    """The people and groups with which your GPT is shared, newest first."""
    return access_own_gpt(caller(request), slug).shares.select_related("user", "group")


@router.post("/gpts/{slug}/shares", response={201: GptShareShape, **INVALID})
def share_gpt(request: HttpRequest, slug: str, new: NewGptShare) -> Status[GptShare]:
    """Share your GPT with a person, or with a group that you are in."""
    gpt = access_own_gpt(caller(request), slug)
    return Status(201, shares.share(gpt, new.right, email=new.email, group=new.group))


@router.delete("/gpts/{slug}/shares/{int:share_id}", response={204: None, **DENIED})
def unshare_gpt(request: HttpRequest, slug: str, share_id: int) -> Status[None]:
    """End a share. Chats stay readable."""
    if not shares.unshare(access_own_gpt(caller(request), slug), share_id):
        raise Http404("Not shared with them.")
    return Status(204, None)


@router.get("/gpts/{slug}/access", response={200: AccessShape, **INVALID})
def read_access(request: HttpRequest, slug: str, email: Email = "") -> shares.View:
    """What the person with this address or user name, or else you, would get of your GPT now."""
    gpt = access_own_gpt(caller(request), slug)
    return shares.seen_by(gpt, shares.person_with(email) if email else caller(request))
