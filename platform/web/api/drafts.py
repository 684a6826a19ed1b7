"""`/api/gpts/{slug}/publish-when-ready`, `…/drafts`, `…/changes`, `…/picture`: acts on the draft of a GPT."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from ninja import File as Upload
from ninja import Router, Schema, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate
from pydantic import Field

from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, ProblemDetails
from web.api.paging import Pages
from web.api.shapes import OwnGpt, PicturePrompt, Publication, ReplacedDraft
from web.builder import services, versions
from web.builder.access import access_draft, access_gpt
from web.builder.models import Gpt, GptVersion
from web.builder.pictures import generated_picture, store_picture
from web.builder.views_pictures import picture_response
from web.runs import drafts
from web.runs.models_drafts import DraftChange

router = Router(tags=["GPT"])
PICTURE = {"content": {"image/webp": {"schema": {"type": "string"}}}}


@router.post("/gpts/{slug}/publish-when-ready", response={200: OwnGpt, **INVALID})
def publish_when_ready(request: HttpRequest, slug: str, publication: Publication) -> Gpt:
    """Publish the draft now if its files are ready, else once they are: `publish_when_ready` is true until then.

    `sharing` changes at once. Refused if a file failed or was cancelled, and as `publish` for the store.
    """
    by = caller(request)
    gpt = access_draft(by, slug)
    services.check_sharing(gpt, publication.sharing, by=by)
    with transaction.atomic():
        services.check_listing(gpt, publication.sharing or gpt.sharing)
        if missing := services.unnamed(gpt):
            raise ValidationError(missing)
        if publication.sharing and by.pk == gpt.owner_id:
            services.set_sharing(gpt, publication.sharing, by=by)
        if reason := services.blocked(gpt):
            raise ValidationError({"files": reason})
    # Not within the transaction: a worker that readies the last file meanwhile has to see that the draft waits.
    services.publish_when_ready(gpt, by=by)
    return access_draft(by, slug)


@router.delete("/gpts/{slug}/publish-when-ready", response={204: None, **DENIED})
def cancel_publishing(request: HttpRequest, slug: str) -> Status[None]:
    """Don't publish the draft once its files are ready."""
    services.cancel_publishing(access_draft(caller(request), slug))
    return Status(204, None)


@router.get("/gpts/{slug}/drafts", response={200: list[ReplacedDraft], **LISTED})
@paginate(Pages)
def list_drafts(request: HttpRequest, slug: str) -> QuerySet[GptVersion]:
    """The drafts with unpublished changes that restored versions replaced, newest first."""
    return versions.replaced_drafts(access_draft(caller(request), slug))


@router.post("/gpts/{slug}/drafts/{int:draft_id}/restore", response={200: OwnGpt, **DENIED})
def restore_draft(request: HttpRequest, slug: str, draft_id: int) -> Gpt:
    """Restore a replaced draft. The draft that it replaces is kept in the same way."""
    gpt = access_draft(caller(request), slug)
    return versions.restore(gpt, versions.access_version(gpt, id=draft_id, number=None), by=caller(request))


class DraftChangeShape(Schema):
    """What the builder changed in a draft: fields with their values before and after."""

    id: int
    run: UUID = Field(validation_alias="run_id")
    before: dict[str, Any]
    after: dict[str, Any]
    suggested: list[Literal["files", "actions"]] = Field(description="What you should add yourself.")
    created: datetime
    undone: datetime | None


@router.get("/gpts/{slug}/changes", response={200: list[DraftChangeShape], **LISTED})
@paginate(Pages)
def list_draft_changes(request: HttpRequest, slug: str) -> QuerySet[DraftChange]:
    """What the builder changed in your draft, newest first."""
    return DraftChange.objects.filter(gpt=access_draft(caller(request), slug)).order_by("-id")


@router.post(
    "/gpts/{slug}/changes/{int:change_id}/revert", response={200: DraftChangeShape, 409: ProblemDetails, **DENIED}
)
def revert_draft_change(request: HttpRequest, slug: str, change_id: int) -> DraftChange:
    """Undo a change of the builder, or make it again. Refused if one of its fields was changed since."""
    return drafts.revert(drafts.access_change(access_draft(caller(request), slug), change_id), caller(request))


@router.get("/gpts/{slug}/picture", response={200: None, **DENIED}, openapi_extra={"responses": {200: PICTURE}})
def read_picture(request: HttpRequest, slug: str) -> FileResponse:
    """The picture of a GPT that you can chat with, as WebP."""
    return picture_response(access_gpt(caller(request), slug).picture.name or "")


@router.post("/gpts/{slug}/picture", response={200: OwnGpt, 503: ProblemDetails, **INVALID})
def upload_picture(request: HttpRequest, slug: str, file: Upload[UploadedFile]) -> Gpt:
    """Replace the picture, for everyone at once, with a PNG, JPEG, WebP or GIF (multipart field `file`)."""
    gpt = access_draft(caller(request), slug)
    return services.update_gpt(gpt, {"picture": store_picture(file, caller(request))}, by=caller(request))


@router.post(
    "/gpts/{slug}/picture/generate", response={200: OwnGpt, 429: ProblemDetails, 503: ProblemDetails, **INVALID}
)
def generate_picture(request: HttpRequest, slug: str, wanted: PicturePrompt) -> Gpt:
    """Replace the picture with a generated one. Takes up to two minutes."""
    gpt = access_draft(caller(request), slug)
    return services.update_gpt(
        gpt, {"picture": generated_picture(gpt, wanted.prompt, caller(request))}, by=caller(request)
    )


@router.delete("/gpts/{slug}/picture", response={204: None, **DENIED})
def remove_picture(request: HttpRequest, slug: str) -> Status[None]:
    """Remove the picture: the icon is shown instead."""
    services.update_gpt(access_draft(caller(request), slug), {"picture": ""}, by=caller(request))
    return Status(204, None)
