"""Writes about GPTs: the draft, publishing, sharing. `versions` has those about earlier versions."""

import re
import secrets
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_noop

from gpts.safety.invisible_characters import visible
from gpts.spec.gpt import UNTITLED
from gpts.spec.inputs import placeholders
from web import erasures
from web.accounts import audit, quotas
from web.accounts.models import User
from web.builder import actions, delegates, listing, notify, search
from web.builder.access import may_edit
from web.builder.actions import outside
from web.builder.models import Gpt, GptVersion
from web.builder.models_access import LinkGrant, Sharing
from web.builder.models_files import KnowledgeFile
from web.engines import DEFAULT, NamedEngine, answering, named, offered


class StaleDraft(Exception):
    """The draft was changed elsewhere, or by somebody else, since this page was opened. Nothing was saved."""


UNLISTED = "An admin of this site has withdrawn this GPT from the store. You can share it by link."
OWNERS = gettext_noop("Only {person}, who owns this GPT, can change who can use it.")
WITHDRAWN = "An admin of this site has withdrawn this GPT, so only you can use it. Ask them to restore it."
# A model may still be filling in a younger draft.
UNTOUCHED_FOR = timedelta(hours=1)
VERSIONS_A_DAY = DELETED_A_DAY = 500
# Slugs that look like URLs of the site itself.
RESERVED_SLUGS = {"new", "mine", "edit", "mentionable"}


def _is_slug_of(slug: str, name: str) -> bool:
    """Whether `free_slug` may have made the slug for `name`."""
    return bool(re.fullmatch(rf"{_base_of(name)}(-\d+)?", slug))


def _base_of(name: str) -> str:
    return slugify(name)[:60] or "gpt"


def free_slug(name: str) -> str:
    """A slug for `name` that no GPT has, deleted ones included."""
    base = _base_of(name)
    alike = Gpt.objects.filter(Q(slug__startswith=base) | Q(former_slug__startswith=base))
    taken = {slug for both in alike.values_list("slug", "former_slug") for slug in both} | RESERVED_SLUGS
    return next(slug for n in range(len(taken) + 1) if (slug := f"{base}-{n + 1}" if n else base) not in taken)


def _n_counted(owner: User) -> int:
    """How many GPTs count for the owner's limit: those that were deleted today too if they are very many."""
    there = owner.gpts.filter(deleted=None).count()
    gone = owner.gpts.filter(deleted__gte=timezone.now() - timedelta(days=1)).count()
    return there + max(0, gone - DELETED_A_DAY)


def _seen(value: Any) -> Any:
    """A field without what nobody sees: what was pasted or imported may hold orders for the model there."""
    if isinstance(value, list):
        return [*map(_seen, value)]
    return visible(value) if isinstance(value, str) else value


def create_gpt(owner: User, fields: dict[str, Any]) -> Gpt:
    """A new draft that only its owner sees. `fields` are model fields.

    Raises ValidationError by field, and QuotaExceeded.
    """
    fields = {name: _seen(value) for name, value in fields.items()}
    check_engine(owner, fields.get("engine", ""), by=owner)
    for _ in range(5):  # another request may take the slug before the insert
        gpt = Gpt(owner=owner, slug=free_slug(fields.get("name", "")), **fields)
        gpt.full_clean(exclude=["slug"], validate_unique=False)
        try:
            with transaction.atomic():
                quotas.lock(owner.id)
                quotas.check(owner.id, "gpts", _n_counted(owner))
                gpt.save()
        except IntegrityError:
            continue
        return gpt
    raise ValidationError({"name": gettext("Couldn’t create the GPT. Try again.")})


def forget_untouched(owner: User) -> None:
    """Delete the owner's drafts in which nothing was filled in for an hour after they were made."""
    old = Gpt.objects.owned_by(owner).untouched().filter(created__lt=timezone.now() - UNTOUCHED_FOR)
    for gpt in old:
        delete_gpt(gpt)


def update_gpt(gpt: Gpt, fields: dict[str, Any], *, by: User) -> Gpt:
    """The draft with `fields` changed and saved `by` a person. Raises ValidationError by field."""
    fields = {name: _seen(value) for name, value in fields.items()}
    differs = _differs(gpt, fields)
    if fields.get("engine", gpt.engine) != gpt.engine:
        check_engine(gpt.owner, fields["engine"], by=by)
    for name, value in fields.items():
        setattr(gpt, name, value)
    gpt.full_clean(validate_unique=False)
    gpt.save(update_fields=[*fields, "changed"])  # a worker may have published meanwhile
    return _next_revision(gpt, by=by) if differs else gpt


def save_form(gpt: Gpt, fields: dict[str, Any], lines: dict[str, str], revision: int | None, *, by: User) -> Gpt:
    """The draft with `fields`, and `lines` on when to ask other GPTs, as one page sends them.

    Raises ValidationError by field. If they differ from a draft that is newer than the `revision` which the page
    shows, nothing is saved and StaleDraft raised.
    """
    fields = {name: _seen(value) for name, value in fields.items()}
    with transaction.atomic():
        now = Gpt.objects.select_for_update().get(id=gpt.id)
        sent = gpt.delegates.filter(delegate__slug__in=lines).values_list("delegate__slug", "when")
        line_differs = any(lines[slug] != when for slug, when in sent)
        if revision not in (None, now.revision) and (line_differs or _differs(now, fields)):
            raise StaleDraft
        update_gpt(gpt, fields, by=by)
        delegates.change_lines(gpt, lines)
        return _next_revision(gpt, by=by) if line_differs else gpt


def _differs(gpt: Gpt, fields: dict[str, Any]) -> bool:
    """Whether `fields` change what pages send together; the picture is sent alone, by the same page."""
    return any(getattr(gpt, name) != value for name, value in fields.items() if name != "picture")


def _next_revision(gpt: Gpt, *, by: User) -> Gpt:
    Gpt.objects.filter(id=gpt.id).update(revision=F("revision") + 1, changed_by=by)
    gpt.refresh_from_db(fields=["revision", "changed_by"])
    return gpt


def engines_for(owner: User, *, by: User) -> dict[str, NamedEngine]:
    """The models that `by` may choose for a GPT of `owner`: those offered to both."""
    entries = offered(owner)
    return {name: entries[name] for name in offered(by) if name in entries}


def check_engine(owner: User, name: str, *, by: User) -> None:
    """Raises ValidationError unless `by` may choose the model called `name` for a GPT of `owner`."""
    names = engines_for(owner, by=by).keys() - {DEFAULT}
    if name and name not in names:
        text = gettext("There is no such model. Leave it empty for {default}, or choose one of: {names}.")
        default = named(answering(""))
        raise ValidationError({"engine": text.format(default=default, names=", ".join(sorted(names)))})


def publish(gpt: Gpt, sharing: str | None = None, note: str = "", *, by: User) -> GptVersion:
    """A new immutable version of the draft, which goes live, or waits as `listing` says. Conversations keep theirs.

    Raises ValidationError if files are still being indexed, need a decision or
    have failed, so that none is left out silently, if the draft lacks something for the store, and if somebody else
    than its owner would change who can use it.
    """
    check_sharing(gpt, sharing, by=by)
    sharing = sharing or listing.wanted_sharing(gpt)
    check_listing(gpt, sharing)
    if missing := unnamed(gpt):
        raise ValidationError(missing)
    if reason := unready(gpt) or too_many_versions(gpt):
        raise ValidationError({"files": reason})
    with transaction.atomic():
        locked = Gpt.objects.select_for_update().get(id=gpt.id)
        if not (_is_slug_of(gpt.slug, gpt.name) or locked.versions.exists()):
            gpt.slug, gpt.former_slug = free_slug(gpt.name), gpt.slug  # nobody else knows the old one
        data = gpt.draft_spec().model_dump(mode="json")
        version = add_version(locked, data, author=by, note=note)
        version.gpt = gpt
        waits = sharing == Sharing.STORE and listing.is_needed(gpt, by=by)
        goes_live = not (waits and listing.is_listed(gpt))
        gpt.published = version if goes_live else gpt.published
        gpt.publish_when_ready = False
        gpt.save(update_fields=["slug", "former_slug", "published", "publish_when_ready", "changed"])
        if goes_live:
            before = Sharing.ME if gpt.sharing == Sharing.STORE else gpt.sharing
            _go_live(gpt, version, before if waits else sharing, by)
        if waits:
            listing.ask(gpt, version, by=by)
        else:
            listing.withdraw(gpt, by=by)
    return version


def check_sharing(gpt: Gpt, sharing: str | None, *, by: User) -> None:
    """Raises ValidationError if `sharing` is another than now, and `by` is not the owner."""
    if by.pk != gpt.owner_id and sharing not in (None, listing.wanted_sharing(gpt)):
        raise ValidationError({"sharing": gettext(OWNERS).format(person=gpt.owner.shown_name)})


def _go_live(gpt: Gpt, version: GptVersion, sharing: str, by: User) -> None:
    apply_sharing(gpt, sharing, by=by)
    actions.forget_unused_secrets(gpt, version.spec())
    search.catch_up(Gpt.objects.filter(id=gpt.id))
    audit.record(audit.Act.GPT_PUBLISHED, by, gpt, version=version.number, sharing=gpt.sharing)
    notify.of_gpt(gpt, "gpt.published", version=version.number)


def too_many_versions(gpt: Gpt) -> str:
    """Why the GPT gets no further version today, empty if it may: each holds all of its GPT."""
    lately = timezone.now() - timedelta(days=1)
    if GptVersion.objects.filter(gpt__owner=gpt.owner_id, created__gte=lately).count() < VERSIONS_A_DAY:
        return ""
    text = gettext("The GPTs of one person can have up to {limit} new versions a day. Try again tomorrow.")
    return text.format(limit=VERSIONS_A_DAY)


def add_version(gpt: Gpt, data: dict[str, Any], **facts: Any) -> GptVersion:
    """The next numbered version of `gpt`, whose row the caller has locked."""
    number = (gpt.versions.aggregate(n=Max("number"))["n"] or 0) + 1
    return GptVersion.objects.create(gpt=gpt, number=number, data=data, **facts)


def unready(gpt: Gpt) -> str:
    """Why the draft cannot be published yet, for its owner; empty if it can."""
    if gpt.sharing == Sharing.STORE and (reason := actions.privacy_missing(gpt)):
        return reason
    draft = gpt.uploads
    status = KnowledgeFile.Status
    problems = (
        (
            draft.filter(status=status.QUARANTINED),
            gettext(
                "These need your review: {names}. Decide on the flagged passages or remove the files, then publish."
            ),
        ),
        (
            draft.filter(status__in=(status.FAILED, status.CANCELLED)),
            gettext("These couldn’t be read: {names}. Retry, replace or remove them, then publish."),
        ),
        (
            draft.exclude(status=status.READY),
            gettext("These aren’t ready yet: {names}. Wait or remove them, then publish."),
        ),
    )
    for files, problem in problems:
        if names := files.values_list("name", flat=True)[:3]:
            return problem.format(names=", ".join(names))
    return ""


def unnamed(gpt: Gpt) -> dict[str, str]:
    """What the draft lacks to be published at all, by field: a name of its own."""
    return {"name": gettext("Give it a name to publish it.")} if gpt.name == UNTITLED else {}


def unlisted(gpt: Gpt) -> dict[str, str]:
    """What the draft lacks for the store, by field; people there have nothing else to go by."""
    rows: list[QuerySet[Any]] = [gpt.files.all(), *outside(gpt)]
    is_empty = not gpt.delegates.exists() and not any(each.filter(removed=None).exists() for each in rows)
    missing = unnamed(gpt)
    if not gpt.description.strip():
        missing["description"] = gettext("Add a description to list this GPT in the store.")
    if not gpt.instructions.strip() and is_empty:
        missing["instructions"] = gettext("Add instructions, knowledge or actions to list this GPT in the store.")
    return missing


def undeclared(gpt: Gpt) -> list[str]:
    """The names of placeholders in the draft that are none of its inputs."""
    declared = {each["name"] for each in gpt.inputs}
    return [name for name in placeholders((gpt.instructions, *gpt.starters)) if name not in declared]


def check_listing(gpt: Gpt, sharing: str | None) -> None:
    """Raises ValidationError by field if `sharing` is the store and the draft lacks something for it."""
    if gpt.withdrawn and sharing not in (None, Sharing.ME):
        raise ValidationError({"sharing": WITHDRAWN})
    if sharing != Sharing.STORE:
        return
    if gpt.unlisted:
        raise ValidationError({"sharing": UNLISTED})
    if reason := actions.privacy_missing(gpt):
        raise ValidationError({"sharing": reason})
    if missing := unlisted(gpt):
        raise ValidationError(missing)


def publish_when_ready(gpt: Gpt, *, by: User) -> GptVersion | None:
    """Publish now if every file is ready, else once the last one is. The new version, or None if it has to wait."""
    Gpt.objects.filter(id=gpt.id).update(publish_when_ready=True, awaited_by=by)
    return publish_if_awaited(gpt)


def blocked(gpt: Gpt) -> str:
    """Why publishing the draft cannot wait for its files, as it takes more than time; empty if it can."""
    stuck = (KnowledgeFile.Status.FAILED, KnowledgeFile.Status.CANCELLED)
    is_stuck = gpt.uploads.filter(status__in=stuck).exists()
    is_unlisted = gpt.sharing == Sharing.STORE and actions.privacy_missing(gpt)
    return too_many_versions(gpt) or (unready(gpt) if is_stuck or is_unlisted else "")


def cancel_publishing(gpt: Gpt) -> None:
    """Do not publish the draft once its files are ready."""
    Gpt.objects.filter(id=gpt.id).update(publish_when_ready=False)


def publish_if_awaited(gpt: Gpt) -> GptVersion | None:
    """The new version if publishing was waiting for files that are all ready now; else None.

    Two workers may finish files at once: the conditional update lets one of them publish. If a file was added in
    between, publish() raises, which rolls the update back; this is called again when that file is ready. A draft that
    meanwhile lacks something for the store, or that whoever waits may no longer edit, waits no longer.
    """
    try:
        with transaction.atomic():
            waiting = Gpt.objects.filter(id=gpt.id, publish_when_ready=True, deleted=None)
            if not waiting.update(publish_when_ready=False):
                return None
            now = Gpt.objects.select_related("awaited_by").get(id=gpt.id)
            by = now.awaited_by or now.owner
            return publish(now, by=by) if may_edit(by, now) else None
    except ValidationError:
        if not unready(gpt):
            cancel_publishing(gpt)
        return None


def set_sharing(gpt: Gpt, sharing: str, *, by: User) -> Gpt:
    """Change who may chat with `gpt`, as `apply_sharing` does; for the store it may first wait for an operator."""
    with transaction.atomic():
        if (
            sharing == Sharing.STORE
            and gpt.published
            and not listing.is_listed(gpt)
            and listing.is_needed(gpt, by=by)
        ):
            check_listing(gpt, sharing)
            listing.ask(gpt, gpt.published, by=by)
            return gpt
        if sharing != Sharing.STORE:
            listing.withdraw(gpt, by=by)
        return apply_sharing(gpt, sharing, by=by)


def apply_sharing(gpt: Gpt, sharing: str, *, by: User) -> Gpt:
    """Change who may chat with `gpt` now. Any value but "link" deletes the secret link and the access it gave.

    Raises ValidationError for the store while an action has no privacy policy.
    """
    if gpt.withdrawn and sharing != Sharing.ME:
        raise ValidationError({"sharing": WITHDRAWN})
    if sharing == Sharing.STORE and (reason := UNLISTED if gpt.unlisted else actions.privacy_missing(gpt)):
        raise ValidationError({"sharing": reason})
    before, gpt.sharing = gpt.sharing, sharing
    if sharing == Sharing.LINK:
        gpt.link_secret = gpt.link_secret or secrets.token_urlsafe(24)
    else:
        gpt.link_secret = ""
        LinkGrant.objects.filter(gpt=gpt).delete()
    gpt.full_clean(validate_unique=False)
    gpt.save(update_fields=["sharing", "link_secret", "changed"])
    if sharing != before:
        audit.record(audit.Act.GPT_SHARED, by, gpt, sharing=sharing, before=before)
    return gpt


def rotate_link(gpt: Gpt) -> Gpt:
    """Replace the secret link. People who opened the old one lose access."""
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    return set_sharing(gpt, Sharing.LINK, by=gpt.owner)


def delete_gpt(gpt: Gpt) -> None:
    """Hide `gpt` from everyone. Their chats with it stay readable, without the questions to its creator."""
    with transaction.atomic():
        gpt.deleted = timezone.now()
        gpt.save(update_fields=["deleted", "changed"])
        gpt.creator_questions.all().delete()
        erasures.note("gpt", gpt.pk)
        audit.record(audit.Act.GPT_DELETED, gpt.owner, gpt)
