"""Versions of a GPT that were published, replaced or tried: compare, annotate, restore and try them.

`services` adds the next one.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import MODEL_FIELDS, GptSpec
from web.accounts.models import User
from web.builder import actions, delegates
from web.builder.models import NOTE_CHARS, SPEC_FIELDS, Gpt, GptVersion
from web.builder.models_files import KnowledgeFile
from web.builder.services import check_engine, too_many_versions, update_gpt
from web.languages import too_long


def access_version(gpt: Gpt, **which: Any) -> GptVersion:
    """The published version or replaced draft of `gpt` that can be restored. Raises Http404."""
    version = gpt.versions.exclude(number=None, replaced=None).filter(**which).first()
    if version is None:
        raise Http404(f"{gpt.name} has no such version.")
    return version


def spec_of(gpt: Gpt, number: int | None) -> GptSpec:
    """What the published version `number` says, or for None the draft. Raises Http404."""
    return gpt.draft_spec() if number is None else access_version(gpt, number=number).spec()


def replaced_drafts(gpt: Gpt) -> "QuerySet[GptVersion]":
    """The drafts with unpublished changes that a restored version replaced, the last one first."""
    return gpt.versions.exclude(replaced=None).select_related("author").order_by("-replaced")


def set_note(gpt: Gpt, version_id: int, note: str) -> GptVersion:
    """The version of `gpt` with this note, in one line. Raises Http404, ValidationError."""
    version = access_version(gpt, id=version_id)
    version.note = " ".join(note.split())
    if len(version.note) > NOTE_CHARS:
        raise ValidationError({"note": too_long(version.note, NOTE_CHARS)})
    version.save(update_fields=["note"])
    return version


def restore_version(gpt: Gpt, number: int, *, by: User) -> Gpt:
    """The draft with everything of the published version `number` restored. Raises Http404."""
    return restore(gpt, access_version(gpt, number=number), by=by)


def restore(gpt: Gpt, version: GptVersion, *, by: User) -> Gpt:
    """The draft with everything of `version`. A draft with unpublished changes is kept as a replaced one.

    Raises ValidationError after very many of these.
    """
    spec = version.spec()
    kept = [ref.file_id for ref in spec.knowledge]
    with transaction.atomic():
        draft = gpt.draft_spec()
        if draft not in (spec, gpt.published and gpt.published.spec()):
            if reason := too_many_versions(gpt):
                raise ValidationError(reason)
            facts = {"replaced": timezone.now(), "author": by}
            GptVersion.objects.create(gpt=gpt, data=draft.model_dump(mode="json"), **facts)
        later = gpt.files.filter(removed=None).exclude(id__in=kept)
        # A worker that reads one of them loses its claim and stops.
        later.exclude(status__in=KnowledgeFile.SETTLED).update(
            status=KnowledgeFile.Status.CANCELLED, claimed_until=None
        )
        later.update(removed=timezone.now())
        gpt.files.filter(id__in=kept).update(removed=None)
        actions.bring_back(gpt, spec)
        delegates.bring_back(gpt, spec)
        gpt.engine = spec.model.engine  # also one that is no longer offered: its form says so
        return update_gpt(gpt, _draft_fields(spec), by=by)


def _draft_fields(spec: GptSpec) -> dict[str, Any]:
    fields: dict[str, Any] = spec.model_dump(mode="json", include=set(SPEC_FIELDS))
    fields["inputs"] = [each.model_dump(mode="json", exclude_defaults=True) for each in spec.inputs]
    fields["capabilities"] = [key for key in spec.capabilities if key in CAPABILITIES]
    return {**fields, **spec.model.model_dump(include=set(MODEL_FIELDS))}


def preview_version(gpt: Gpt) -> GptVersion:
    """An unnumbered snapshot of the draft for preview chats."""
    return snapshot(gpt, gpt.draft_spec())


def version_to_try(gpt: Gpt, number: int | None, engine: str | None, *, by: User) -> GptVersion:
    """A version of a GPT for a preview: published or the draft, with its model or another. Raises Http404.

    `engine`: None for its own. Raises ValidationError for one that `by` may not choose for it.
    """
    spec = spec_of(gpt, number)
    if engine is None or engine == spec.model.engine:
        return preview_version(gpt) if number is None else access_version(gpt, number=number)
    check_engine(gpt.owner, engine, by=by)
    return snapshot(gpt, spec.model_copy(update={"model": spec.model.model_copy(update={"engine": engine})}))


def snapshot(gpt: Gpt, spec: GptSpec) -> GptVersion:
    """An unnumbered version of `gpt`, for its previews or its builder; one of the last two if it is the same."""
    data = spec.model_dump(mode="json")
    last = gpt.versions.filter(number=None, replaced=None)[:2]
    same = (version for version in last if version.data == data)
    return next(same, None) or GptVersion.objects.create(gpt=gpt, data=data)
