"""Writes about GPTs: the draft, versions, sharing. `files` has those about knowledge files."""

import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.text import slugify

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.accounts import quotas
from web.accounts.models import User
from web.builder import actions, delegates
from web.builder.actions import outside
from web.builder.models import SPEC_FIELDS, Gpt, GptVersion, KnowledgeFile, LinkGrant, Sharing
from web.engines import DEFAULT, offered


class StaleDraft(Exception):
    """The draft was changed in another tab or over the API since this page was opened. Nothing was saved."""


# Slugs that look like URLs of the site itself.
RESERVED_SLUGS = {"new", "mine", "edit", "mentionable"}


def access_gpt(user: Any, slug: str) -> Gpt:
    """The GPT that `user` may chat with: the only way one is fetched on a person's behalf. Raises Http404."""
    # Not `first`, which sorts: with as many columns that is half of the time.
    try:
        return Gpt.objects.chattable_by(user).select_related("published", "owner").get(slug=slug)
    except Gpt.DoesNotExist:
        raise Http404(f"GPT “{slug}” not found, or you don’t have access to it.") from None


def access_published(user: Any, slug: str) -> Gpt:
    """The published GPT that `user` may chat with, by a slug from outside. Raises Http404."""
    gpt = access_gpt(user, slug.replace("\x00", ""))
    if gpt.published is None:
        raise Http404(f"{gpt.name} is not published.")
    return gpt


def access_own_gpt(user: Any, slug: str) -> Gpt:
    """The GPT that `user` may edit. Raises Http404 for any other."""
    try:
        return Gpt.objects.editable_by(user).select_related("published", "owner").get(slug=slug)
    except Gpt.DoesNotExist:
        raise Http404(f"GPT “{slug}” not found, or you can’t edit it.") from None


def may_have_files(user: Any, gpt: Gpt) -> bool:
    """Whether `user` may download the files of `gpt`, and have its tools open them, by its creator's settings now."""
    if gpt.owner_id == user.id:
        return True
    return gpt.lets("files_downloadable") and Gpt.objects.chattable_by(user).filter(id=gpt.id).exists()


def free_slug(name: str) -> str:
    """A slug for `name` that no GPT has, deleted ones included."""
    base = slugify(name)[:60] or "gpt"
    taken = set(Gpt.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED_SLUGS
    return next(slug for n in range(len(taken) + 1) if (slug := f"{base}-{n + 1}" if n else base) not in taken)


def create_gpt(owner: User, fields: dict[str, Any]) -> Gpt:
    """A new draft that only its owner sees. `fields` are model fields.

    Raises ValidationError by field, and QuotaExceeded.
    """
    _check_engine(owner, fields.get("engine", ""))
    for _ in range(5):  # another request may take the slug before the insert
        gpt = Gpt(owner=owner, slug=free_slug(fields.get("name", "")), **fields)
        gpt.full_clean(exclude=["slug"], validate_unique=False)
        try:
            with transaction.atomic():
                quotas.lock(owner.id)
                quotas.check(owner.id, "gpts", owner.gpts.filter(deleted=None).count())
                gpt.save()
        except IntegrityError:
            continue
        return gpt
    raise ValidationError({"name": "Couldn’t create the GPT. Try again."})


def update_gpt(gpt: Gpt, fields: dict[str, Any]) -> Gpt:
    """The draft with `fields` changed and saved. Raises ValidationError by field."""
    differs = _differs(gpt, fields)
    if fields.get("engine", gpt.engine) != gpt.engine:
        _check_engine(gpt.owner, fields["engine"])
    for name, value in fields.items():
        setattr(gpt, name, value)
    gpt.full_clean(validate_unique=False)
    gpt.save(update_fields=[*fields, "changed"])  # a worker may have published meanwhile
    return _next_revision(gpt) if differs else gpt


def save_form(gpt: Gpt, fields: dict[str, Any], lines: dict[str, str], revision: int | None) -> Gpt:
    """The draft with `fields`, and `lines` on when to ask other GPTs, as one page sends them.

    Raises ValidationError by field. If they differ from a draft that is newer than the `revision` which the page
    shows, nothing is saved and StaleDraft raised.
    """
    with transaction.atomic():
        now = Gpt.objects.select_for_update().get(id=gpt.id)
        sent = gpt.delegates.filter(delegate__slug__in=lines).values_list("delegate__slug", "when")
        line_differs = any(lines[slug] != when for slug, when in sent)
        if revision not in (None, now.revision) and (line_differs or _differs(now, fields)):
            raise StaleDraft
        update_gpt(gpt, fields)
        delegates.change_lines(gpt, lines)
        return _next_revision(gpt) if line_differs else gpt


def _differs(gpt: Gpt, fields: dict[str, Any]) -> bool:
    """Whether `fields` change what pages send together; the picture is sent alone, by the same page."""
    return any(getattr(gpt, name) != value for name, value in fields.items() if name != "picture")


def _next_revision(gpt: Gpt) -> Gpt:
    Gpt.objects.filter(id=gpt.id).update(revision=F("revision") + 1)
    gpt.refresh_from_db(fields=["revision"])
    return gpt


def _check_engine(owner: User, name: str) -> None:
    """Raises ValidationError unless `owner` may choose the model called `name`."""
    names = offered(settings.ENGINES, owner).keys() - {DEFAULT}
    if name and name not in names:
        choices = f"It can be {', '.join(sorted(names))}, or" if names else "It must be"
        raise ValidationError({"engine": f"There is no such model. {choices} empty for the default model."})


def publish(gpt: Gpt, sharing: str | None = None) -> GptVersion:
    """A new immutable version of the draft, which goes live. Existing conversations keep theirs.

    Raises ValidationError if files are still being indexed, need a decision or have failed, so that none is left out
    silently, and if the draft lacks something for the store.
    """
    check_listing(gpt, sharing or gpt.sharing)
    if reason := unready(gpt):
        raise ValidationError({"files": reason})
    with transaction.atomic():
        locked = Gpt.objects.select_for_update().get(id=gpt.id)
        number = (locked.versions.aggregate(n=Max("number"))["n"] or 0) + 1
        version = GptVersion.objects.create(gpt=gpt, number=number, data=gpt.draft_spec().model_dump(mode="json"))
        gpt.published = version
        gpt.publish_when_ready = False
        gpt.save(update_fields=["published", "publish_when_ready", "changed"])
        set_sharing(gpt, sharing or gpt.sharing)
        actions.forget_unused_secrets(gpt, version.spec())
    return version


def unready(gpt: Gpt) -> str:
    """Why the draft cannot be published yet, for its owner; empty if it can."""
    if gpt.sharing == Sharing.STORE and (reason := actions.privacy_missing(gpt)):
        return reason
    draft = gpt.files.filter(removed=None)
    status = KnowledgeFile.Status
    problems = (
        (draft.filter(status=status.QUARANTINED), "Needs your review", "Decide on the flagged passages, or remove"),
        (draft.filter(status__in=(status.FAILED, status.CANCELLED)), "Couldn’t be read", "Retry, replace or remove"),
        (draft.exclude(status=status.READY), "Not ready yet", "Wait, or remove"),
    )
    for files, problem, remedy in problems:
        if names := files.values_list("name", flat=True)[:3]:
            them = "it" if len(names) == 1 else "them"
            return f"{problem}: {', '.join(names)}. {remedy} {them}, then publish."
    return ""


def unlisted(gpt: Gpt) -> dict[str, str]:
    """What the draft lacks for the store, by field; people there have nothing else to go by."""
    rows: list[QuerySet[Any]] = [gpt.files.all(), *outside(gpt)]
    is_empty = not gpt.delegates.exists() and not any(each.filter(removed=None).exists() for each in rows)
    missing = {}
    if not gpt.description.strip():
        missing["description"] = "Add a description to list this GPT in the store."
    if not gpt.instructions.strip() and is_empty:
        missing["instructions"] = "Add instructions, knowledge or actions to list this GPT in the store."
    return missing


def check_listing(gpt: Gpt, sharing: str | None) -> None:
    """Raises ValidationError by field if `sharing` is the store and the draft lacks something for it."""
    if sharing != Sharing.STORE:
        return
    if reason := actions.privacy_missing(gpt):
        raise ValidationError({"sharing": reason})
    if missing := unlisted(gpt):
        raise ValidationError(missing)


def publish_when_ready(gpt: Gpt) -> GptVersion | None:
    """Publish now if every file is ready, else once the last one is. The new version, or None if it has to wait."""
    Gpt.objects.filter(id=gpt.id).update(publish_when_ready=True)
    return publish_if_awaited(gpt)


def blocked(gpt: Gpt) -> str:
    """Why publishing the draft cannot wait for its files, as it takes more than time; empty if it can."""
    stuck = (KnowledgeFile.Status.FAILED, KnowledgeFile.Status.CANCELLED)
    is_stuck = gpt.files.filter(removed=None, status__in=stuck).exists()
    is_unlisted = gpt.sharing == Sharing.STORE and actions.privacy_missing(gpt)
    return unready(gpt) if is_stuck or is_unlisted else ""


def cancel_publishing(gpt: Gpt) -> None:
    """Do not publish the draft once its files are ready."""
    Gpt.objects.filter(id=gpt.id).update(publish_when_ready=False)


def publish_if_awaited(gpt: Gpt) -> GptVersion | None:
    """The new version if publishing was waiting for files that are all ready now; else None.

    Two workers may finish files at once: the conditional update lets one of them publish. If a file was added in
    between, publish() raises, which rolls the update back; this is called again when that file is ready. A draft that
    meanwhile lacks something for the store waits no longer: its creator has to publish it.
    """
    try:
        with transaction.atomic():
            waiting = Gpt.objects.filter(id=gpt.id, publish_when_ready=True, deleted=None)
            return publish(Gpt.objects.get(id=gpt.id)) if waiting.update(publish_when_ready=False) else None
    except ValidationError:
        if not unready(gpt):
            cancel_publishing(gpt)
        return None


def set_sharing(gpt: Gpt, sharing: str) -> Gpt:
    """Change who may chat with `gpt`. Any value but "link" deletes the secret link and the access it gave.

    Raises ValidationError for the store while an action has no privacy policy.
    """
    if sharing == Sharing.STORE and (reason := actions.privacy_missing(gpt)):
        raise ValidationError({"sharing": reason})
    gpt.sharing = sharing
    if sharing == Sharing.LINK:
        gpt.link_secret = gpt.link_secret or secrets.token_urlsafe(24)
    else:
        gpt.link_secret = ""
        LinkGrant.objects.filter(gpt=gpt).delete()
    gpt.full_clean(validate_unique=False)
    gpt.save(update_fields=["sharing", "link_secret", "changed"])
    return gpt


def rotate_link(gpt: Gpt) -> Gpt:
    """Replace the secret link. People who opened the old one lose access."""
    set_sharing(gpt, Sharing.ME)
    return set_sharing(gpt, Sharing.LINK)


def open_link(user: User, secret: str) -> Gpt:
    """The GPT behind a secret link, which `user` may chat with from now on. Raises Http404."""
    gpt = Gpt.objects.filter(link_secret=secret, sharing=Sharing.LINK, deleted=None, published__isnull=False).first()
    if not secret or gpt is None:
        raise Http404("This link no longer works. Its GPT was deleted or is no longer shared by link.")
    LinkGrant.objects.get_or_create(gpt=gpt, user=user)
    return gpt


def restore_version(gpt: Gpt, number: int) -> Gpt:
    """The draft with everything of the published version `number` restored. Raises Http404."""
    return restore(gpt, access_version(gpt, number=number))


def access_version(gpt: Gpt, **which: Any) -> GptVersion:
    """The published version or replaced draft of `gpt` that can be restored. Raises Http404."""
    version = gpt.versions.exclude(number=None, replaced=None).filter(**which).first()
    if version is None:
        raise Http404(f"{gpt.name} has no such version.")
    return version


def replaced_drafts(gpt: Gpt) -> "QuerySet[GptVersion]":
    """The drafts with unpublished changes that a restored version replaced, the last one first."""
    return gpt.versions.exclude(replaced=None).order_by("-replaced")


def restore(gpt: Gpt, version: GptVersion) -> Gpt:
    """The draft with everything of `version`. A draft with unpublished changes is kept as a replaced one."""
    spec = version.spec()
    kept = [ref.file_id for ref in spec.knowledge]
    with transaction.atomic():
        draft = gpt.draft_spec()
        if draft not in (spec, gpt.published and gpt.published.spec()):
            GptVersion.objects.create(gpt=gpt, data=draft.model_dump(mode="json"), replaced=timezone.now())
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
        return update_gpt(gpt, _draft_fields(spec))


def _draft_fields(spec: GptSpec) -> dict[str, Any]:
    fields: dict[str, Any] = spec.model_dump(mode="json", include=set(SPEC_FIELDS))
    fields["capabilities"] = [key for key in spec.capabilities if key in CAPABILITIES]
    return {**fields, **spec.model.model_dump(include={"engine", "temperature", "max_tokens"})}


def delete_gpt(gpt: Gpt) -> None:
    """Hide `gpt` from everyone. Their chats with it stay readable, without the questions to its creator."""
    with transaction.atomic():
        gpt.deleted = timezone.now()
        gpt.save(update_fields=["deleted", "changed"])
        gpt.creator_questions.all().delete()


def preview_version(gpt: Gpt) -> GptVersion:
    """An unnumbered snapshot of the draft for preview chats; an unchanged draft reuses the last one."""
    data = gpt.draft_spec().model_dump(mode="json")
    last = gpt.versions.filter(number=None).first()
    return last if last and last.data == data else GptVersion.objects.create(gpt=gpt, data=data)
