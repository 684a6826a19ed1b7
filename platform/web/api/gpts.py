"""`/api/gpts`: create, read, change, publish and delete GPTs, and read their usage."""

from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, JsonResponse
from ninja import Router, Status
from ninja.pagination import paginate
from pydantic import Field

from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, OWN_LISTED, ApiError, ProblemDetails
from web.api.paging import InOrder, Pages, SearchText
from web.api.shapes import (
    CategoryKey,
    GptCard,
    GptPatch,
    LanguageCode,
    NewGpt,
    OwnGpt,
    Publication,
    Version,
    VersionChanges,
    VersionNote,
)
from web.builder import services, versions
from web.builder.access import access_draft, access_gpt, access_own_gpt, may_edit
from web.builder.categories import validate_category
from web.builder.changes import differences, turned_off
from web.builder.models import Gpt, GptVersion
from web.builder.models_access import Sharing
from web.builder.search import find, find_among
from web.runs.usage import GptUsage, usage_of
from web.store.listing import HAS, Wanted, fitting, listed

router = Router(tags=["GPT"])
Sort = Literal["newest", "match", "used", "rated", "trending"]
Facet = Literal[*HAS]  # type: ignore[valid-type]


def known_category(key: str) -> None:
    """Raises ApiError unless there is such a category."""
    try:
        validate_category(key)
    except ValidationError as error:
        raise ApiError(422, f"category: {error.messages[0]}", "category", "invalid") from error


@router.get("/gpts", response={200: list[GptCard], **OWN_LISTED})
@paginate(Pages)
def list_gpts(
    request: HttpRequest,
    scope: Literal["own", "store"] = "own",
    q: SearchText = "",
    category: CategoryKey | None = None,
    sort: Sort = "newest",
    has: Facet | None = None,
    works: Annotated[bool, Field(description="Only what works on this site as it is set up.")] = False,
    language: LanguageCode = "",
) -> QuerySet[Gpt] | InOrder:
    """The GPTs that you can edit, or those in the store, newest first; with `q`, those that the store's search finds.

    `q` searches the 200 of the former that were changed last. `sort`, `has`, `works` and `language` are for the
    store; in an order other than newest first, a later page may repeat or skip GPTs. `match` is how well they match
    `q`.
    """
    query = q.strip()
    if category:
        known_category(category)
    if scope == "store":
        wanted = Wanted(query, category or "", "" if sort == "match" else sort, has or "", works, language)
        return fitting(wanted, find(query) if query else []) if sort == "newest" else InOrder(listed(wanted))
    user = caller(request)
    own = Gpt.objects.editable_by(user).annotate(
        right=Case(When(owner=user, then=Value("own")), default=Value("edit"))
    )
    own = own.filter(category=category) if category else own
    own = own.filter(id__in=find_among(own, query)) if query else own
    return own.select_related("owner", "published", "standing")


@router.post("/gpts", response={201: OwnGpt, **INVALID})
def create_gpt(request: HttpRequest, new: NewGpt) -> Status[Gpt]:
    """Create a draft that only you can see."""
    return Status(201, services.create_gpt(caller(request), new.fields()))


@router.get("/gpts/{slug}", response={200: OwnGpt | GptCard, 401: ProblemDetails, 404: ProblemDetails})
def read_gpt(request: HttpRequest, slug: str) -> JsonResponse:
    """A GPT you can chat with; the whole draft if you can edit it."""
    gpt = access_gpt(caller(request), slug)
    # Ninja would choose the first shape that fits, which the draft always does.
    shape = OwnGpt if may_edit(caller(request), gpt) else GptCard
    context = {"request": request}
    return JsonResponse(shape.model_validate(gpt, from_attributes=True, context=context).model_dump(mode="json"))


@router.patch("/gpts/{slug}", response={200: OwnGpt, **INVALID})
def update_gpt(request: HttpRequest, slug: str, change: GptPatch) -> Gpt:
    """Change the draft. The published version stays as it is until you publish again."""
    fields = change.fields()
    sharing = fields.pop("sharing", None)
    by = caller(request)
    with transaction.atomic():
        gpt = services.update_gpt(access_draft(by, slug), fields, by=by)
        services.check_sharing(gpt, sharing, by=by)
        if gpt.published:
            services.check_listing(gpt, sharing)
        return services.set_sharing(gpt, sharing, by=by) if sharing and by.pk == gpt.owner_id else gpt


@router.delete("/gpts/{slug}", response={204: None, **DENIED})
def delete_gpt(request: HttpRequest, slug: str) -> Status[None]:
    """Delete the GPT for everyone. People can still read the chats they had with it."""
    services.delete_gpt(access_own_gpt(caller(request), slug))
    return Status(204, None)


@router.post("/gpts/{slug}/publish", response={201: Version, **INVALID})
def publish_gpt(request: HttpRequest, slug: str, publication: Publication) -> Status[GptVersion]:
    """Make the draft the live version. Refused while a file is not ready.

    For the store it needs a description, and instructions, knowledge or actions.
    """
    gpt = access_draft(caller(request), slug)
    note = " ".join(publication.note.split())
    return Status(201, services.publish(gpt, publication.sharing, note, by=caller(request)))


@router.post("/gpts/{slug}/link", response={200: OwnGpt, **DENIED})
def rotate_link(request: HttpRequest, slug: str) -> Gpt:
    """Replace the secret link of your GPT. People who opened the old one lose access."""
    gpt = access_own_gpt(caller(request), slug)
    if gpt.sharing != Sharing.LINK:
        raise Http404(f"{gpt.name} is not shared by link.")
    return services.rotate_link(gpt)


@router.get("/gpts/{slug}/versions", response={200: list[Version], **LISTED})
@paginate(Pages)
def list_versions(request: HttpRequest, slug: str) -> QuerySet[GptVersion]:
    """The published versions of your GPT, newest first."""
    gpt = access_draft(caller(request), slug)
    return gpt.versions.filter(number__isnull=False).select_related("gpt", "author")


@router.patch("/gpts/{slug}/versions/{int:number}", response={200: Version, **INVALID})
def note_version(request: HttpRequest, slug: str, number: int, change: VersionNote) -> GptVersion:
    """Set the note on a version; nothing else of it can be changed."""
    gpt = access_draft(caller(request), slug)
    return versions.set_note(gpt, versions.access_version(gpt, number=number).id, change.note)


@router.get("/gpts/{slug}/versions/{int:number}/changes", response={200: VersionChanges, **LISTED})
def read_changes(request: HttpRequest, slug: str, number: int, since: int | None = None) -> dict[str, Any]:
    """What restoring version `number` would change in your draft; with `since`, how it differs from that version."""
    gpt = access_draft(caller(request), slug)
    spec = versions.access_version(gpt, number=number).spec()
    return {"changes": differences(versions.spec_of(gpt, since), spec), "turned_off": turned_off(gpt, spec)}


@router.post("/gpts/{slug}/versions/{int:number}/restore", response={200: OwnGpt, **INVALID})
def restore_version(request: HttpRequest, slug: str, number: int) -> Gpt:
    """Restore version `number` to the draft. Publish it to make it live. History keeps the replaced draft."""
    return versions.restore_version(access_draft(caller(request), slug), number, by=caller(request))


@router.get("/gpts/{slug}/usage", response={200: GptUsage, **LISTED})
def read_usage(request: HttpRequest, slug: str, days: Annotated[int, Field(ge=1, le=365)] = 30) -> GptUsage:
    """How often people and other GPTs use your GPT. API calls count for two days."""
    return usage_of(access_own_gpt(caller(request), slug), days)
