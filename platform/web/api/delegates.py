"""`/api/gpts/{slug}/delegates`: the GPTs to which a draft can delegate."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Body, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.spec.gpt import MAX_DELEGATES, WHEN_CHARS
from gpts.values import Text
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder import delegates
from web.builder.access import access_draft
from web.builder.delegates import DelegateEntry, access_delegate
from web.builder.models import DelegateRow
from web.builder.reviews import TextChange

router = Router(tags=["Delegates"])
When = Annotated[Text, Field(max_length=WHEN_CHARS)]


class NewDelegate(RequestBody):
    """A GPT to delegate to: any GPT that you and the owner of yours can chat with, by its slug."""

    gpt: Annotated[Text, Field(min_length=1, max_length=200)] = Field(examples=["pump-doctor"])
    when: When = Field("", description="When to delegate to it, in one line for the model.")


class DelegatePatch(RequestBody):
    """Changes to an entry."""

    when: When


class DelegateShape(Schema):
    """A GPT to which your draft can delegate."""

    gpt: str = Field(validation_alias="slug", description="Its slug.")
    name: str = Field(description="The slug if you no longer have access to it.")
    when: str
    trouble: str = Field(description="Why it is unavailable now, or not available to everyone; empty if it is.")
    changes: list[TextChange] = Field(description="Its creator's changes, not used before you accept them.")


@router.get("/gpts/{slug}/delegates", response={200: list[DelegateShape], **LISTED})
@paginate(Pages, oldest_first=True, each=delegates.entries_of)
def list_delegates(request: HttpRequest, slug: str) -> QuerySet[DelegateRow]:
    """The GPTs to which your draft can delegate."""
    return delegates.rows(access_draft(caller(request), slug), caller(request))


@router.put("/gpts/{slug}/delegates", response={200: list[DelegateShape], **INVALID})
def replace_delegates(
    request: HttpRequest, slug: str, listed: Body[Annotated[list[NewDelegate], Field(max_length=MAX_DELEGATES)]]
) -> list[DelegateEntry]:
    """Replace the list. Existing entries stay valid, even if you could no longer add them."""
    gpt = access_draft(caller(request), slug)
    delegates.replace(gpt, [(each.gpt, each.when) for each in listed], by=caller(request))
    return delegates.entries(gpt, caller(request))


@router.post("/gpts/{slug}/delegates", response={201: DelegateShape, **INVALID})
def add_delegate(request: HttpRequest, slug: str, new: NewDelegate) -> Status[DelegateEntry]:
    """Add a GPT to the list."""
    row = delegates.add(access_draft(caller(request), slug), new.gpt, new.when, by=caller(request))
    return Status(201, delegates.entry(row))


@router.patch("/gpts/{slug}/delegates/{delegate}", response={200: DelegateShape, **INVALID})
def update_delegate(request: HttpRequest, slug: str, delegate: str, change: DelegatePatch) -> DelegateEntry:
    """Change when to delegate to a GPT in the list."""
    row = access_delegate(access_draft(caller(request), slug), delegate, caller(request))
    return delegates.entry(delegates.change(row, change.when))


@router.post("/gpts/{slug}/delegates/{delegate}/accept", response={200: DelegateShape, **DENIED})
def accept_delegate_texts(request: HttpRequest, slug: str, delegate: str) -> DelegateEntry:
    """Accept the changed name, description and starters of a GPT in the list."""
    row = access_delegate(access_draft(caller(request), slug), delegate, caller(request))
    return delegates.entry(delegates.accept_texts(row))


@router.delete("/gpts/{slug}/delegates/{delegate}", response={204: None, **DENIED})
def remove_delegate(request: HttpRequest, slug: str, delegate: str) -> Status[None]:
    """Remove a GPT from your draft's list. The published version keeps it until you publish again."""
    delegates.remove(access_delegate(access_draft(caller(request), slug), delegate, caller(request)))
    return Status(204, None)
