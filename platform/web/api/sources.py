"""`/api/gpts/{slug}/sources`: knowledge that is kept in step with where it comes from."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.spec.sources import LEAST_HOURS, MOST_HOURS, SourceSettings
from gpts.values import Text
from web.accounts.models import User
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder import sources
from web.builder.access import access_draft
from web.builder.models_sources import Source, SourceCheck

router = Router(tags=["Knowledge"])
ONE = "/gpts/{slug}/sources/{uuid:source_id}"
Hours = Annotated[int, Field(ge=LEAST_HOURS, le=MOST_HOURS)]
Secret = Annotated[Text, Field(max_length=1000)]


class NewSource(RequestBody):
    """A source to follow. `secret`: a token, secret key or password, as its kind needs. It is never shown again."""

    settings: SourceSettings
    secret: Secret = ""
    hours: Hours = 24
    publishes: bool = True


class SourcePatch(RequestBody):
    """What to change; its kind cannot be."""

    settings: SourceSettings | None = None
    secret: Secret | None = None
    hours: Hours | None = None
    publishes: bool | None = None


class SourceShape(Schema):
    """A source. `next_at` is null while it is paused; `has_secret` says whether there is one."""

    id: UUID
    settings: SourceSettings
    hours: int
    publishes: bool
    has_secret: bool
    next_at: datetime | None
    n_files: int
    created: datetime

    @staticmethod
    def resolve_has_secret(source: Source) -> bool:
        """Whether a secret is kept."""
        return bool(source.secret)

    @staticmethod
    def resolve_n_files(source: Source) -> int:
        """Its files in the draft."""
        return source.files.filter(removed=None).count()


class SourceChange(Schema):
    """A file that was added, changed, removed or failed."""

    what: str
    name: str


class CheckShape(Schema):
    """A look at a source, and the first 100 changes. `error`: why the source could not be read."""

    created: datetime
    ended: datetime | None
    n_added: int
    n_changed: int
    n_removed: int
    n_failed: int
    n_same: int
    error: str
    changes: list[SourceChange]

    @staticmethod
    def resolve_changes(check: SourceCheck) -> list[dict[str, str]]:
        """The changes."""
        return [{"what": what, "name": name} for what, name in check.changes]


def _own(request: HttpRequest, slug: str, source_id: UUID) -> Source:
    return sources.access(access_draft(caller(request), slug), source_id)


def _saved(source: Source, settings: Any, secret: str | None, hours: int, publishes: bool, by: User) -> Source:
    return sources.save(source, settings.model_dump(exclude={"kind"}), secret, hours, publishes, by=by)


@router.get("/gpts/{slug}/sources", response={200: list[SourceShape], **LISTED})
@paginate(Pages, oldest_first=True)
def list_sources(request: HttpRequest, slug: str) -> QuerySet[Source]:
    """The sources of your GPT, oldest first."""
    return access_draft(caller(request), slug).sources.all()


@router.post("/gpts/{slug}/sources", response={201: SourceShape, **INVALID})
def add_source(request: HttpRequest, slug: str, new: NewSource) -> Status[Source]:
    """Follow a source. A worker reads it in a moment; its documents become files of your draft."""
    source = Source(gpt=access_draft(caller(request), slug), kind=new.settings.kind)
    return Status(201, _saved(source, new.settings, new.secret or None, new.hours, new.publishes, caller(request)))


@router.get(ONE, response={200: SourceShape, **DENIED})
def read_source(request: HttpRequest, slug: str, source_id: UUID) -> Source:
    """A source of your GPT."""
    return _own(request, slug, source_id)


@router.patch(ONE, response={200: SourceShape, **INVALID})
def change_source(request: HttpRequest, slug: str, source_id: UUID, change: SourcePatch) -> Source:
    """Change a source, which is then looked at again."""
    source = _own(request, slug, source_id)
    settings = change.settings or source.read_settings()
    if settings.kind != source.kind:
        raise ValidationError({"settings": "The kind of a source can’t be changed. Remove it, and add another."})
    hours = source.hours if change.hours is None else change.hours
    publishes = source.publishes if change.publishes is None else change.publishes
    return _saved(source, settings, change.secret, hours, publishes, caller(request))


@router.delete(ONE, response={204: None, **DENIED})
def remove_source(request: HttpRequest, slug: str, source_id: UUID) -> Status[None]:
    """Remove a source and its files from the draft."""
    sources.remove(_own(request, slug, source_id))
    return Status(204, None)


@router.post(f"{ONE}/check", response={202: SourceShape, **DENIED})
def check_source(request: HttpRequest, slug: str, source_id: UUID) -> Status[Source]:
    """Look for changes as soon as a worker is free."""
    source = _own(request, slug, source_id)
    sources.check_now(source)
    source.refresh_from_db()
    return Status(202, source)


@router.post(f"{ONE}/pause", response={200: SourceShape, **DENIED})
def pause_source(request: HttpRequest, slug: str, source_id: UUID) -> Source:
    """Look for changes no more, until `check` is called. Its files stay."""
    source = _own(request, slug, source_id)
    sources.pause(source)
    source.refresh_from_db()
    return source


@router.get("/gpts/{slug}/sources/{uuid:source_id}/checks", response={200: list[CheckShape], **LISTED})
@paginate(Pages)
def list_checks(request: HttpRequest, slug: str, source_id: UUID) -> QuerySet[SourceCheck]:
    """The last looks at a source, newest first."""
    return _own(request, slug, source_id).checks.all()
