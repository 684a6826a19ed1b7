"""`/api/gpts/{slug}/colleagues`: the GPTs that one's own GPT may ask."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Body, Router, Schema, Status
from pydantic import Field

from gpts.spec.gpt import COLLEAGUES, WHEN_CHARS
from web.api.auth import caller
from web.api.gpts import DENIED, INVALID
from web.api.reading import Text
from web.builder import colleagues
from web.builder.colleagues import Entry, access_colleague
from web.builder.models import Gpt
from web.builder.services import access_own_gpt

router = Router(tags=["GPTs that ask GPTs"])
When = Annotated[Text, Field(max_length=WHEN_CHARS)]


class NewColleague(Schema):
    """A GPT to ask: any GPT you can chat with, by its slug."""

    gpt: Annotated[Text, Field(min_length=1, max_length=200)] = Field(examples=["pump-doctor"])
    when: When = Field("", description="When to ask it, in one line for the model.")


class ColleaguePatch(Schema):
    """Changes to an entry."""

    when: When


class ColleagueShape(Schema):
    """A GPT that your draft can ask."""

    gpt: str = Field(description="Its slug.")
    name: str = Field(description="The slug if you no longer have access to it.")
    when: str
    trouble: str = Field(description="Why it isn't asked at present, or not for everyone; empty if it is.")


def _shape(entry: Entry) -> ColleagueShape:
    return ColleagueShape(gpt=entry.slug, name=entry.name, when=entry.when, trouble=entry.trouble)


def _listed(gpt: Gpt) -> list[ColleagueShape]:
    return [_shape(entry) for entry in colleagues.entries(gpt)]


@router.get("/gpts/{slug}/colleagues", response={200: list[ColleagueShape], **DENIED})
def list_colleagues(request: HttpRequest, slug: str) -> list[ColleagueShape]:
    """The GPTs that your draft can ask."""
    return _listed(access_own_gpt(caller(request), slug))


@router.put("/gpts/{slug}/colleagues", response={200: list[ColleagueShape], **INVALID})
def replace_colleagues(
    request: HttpRequest, slug: str, listed: Body[Annotated[list[NewColleague], Field(max_length=COLLEAGUES)]]
) -> list[ColleagueShape]:
    """Replace the list. Existing entries stay valid, even if you could no longer add them."""
    gpt = access_own_gpt(caller(request), slug)
    colleagues.replace(gpt, [(each.gpt, each.when) for each in listed])
    return _listed(gpt)


@router.post("/gpts/{slug}/colleagues", response={201: ColleagueShape, **INVALID})
def add_colleague(request: HttpRequest, slug: str, new: NewColleague) -> Status[ColleagueShape]:
    """Add a GPT to the list."""
    row = colleagues.add(access_own_gpt(caller(request), slug), new.gpt, new.when)
    return Status(201, _shape(colleagues.entry(row)))


@router.patch("/gpts/{slug}/colleagues/{colleague}", response={200: ColleagueShape, **INVALID})
def update_colleague(request: HttpRequest, slug: str, colleague: str, change: ColleaguePatch) -> ColleagueShape:
    """Change when to ask a GPT in the list."""
    row = access_colleague(access_own_gpt(caller(request), slug), colleague)
    return _shape(colleagues.entry(colleagues.change(row, change.when)))


@router.delete("/gpts/{slug}/colleagues/{colleague}", response={204: None, **DENIED})
def remove_colleague(request: HttpRequest, slug: str, colleague: str) -> Status[None]:
    """Remove a GPT from your draft's list. The published version keeps it until you publish again."""
    colleagues.remove(access_colleague(access_own_gpt(caller(request), slug), colleague))
    return Status(204, None)
