"""Writes about the GPTs that a draft can ask, which GPTs can be added, and the list as its owner sees it.

A delegate may become unavailable at any time. Its entry then stays with a note, and is not asked. Whether the person
who chats has access to a delegate is checked on every call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, Value
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from gpts.safety.invisible_characters import visible
from gpts.spec.gpt import MAX_DELEGATES, DelegateRef, GptSpec
from web.accounts.models import User
from web.builder.models import DelegateRow, Gpt
from web.builder.models_access import Sharing
from web.builder.reviews import GPT_TEXTS, TextChange, changes_of, published_texts
from web.builder.search import find, find_among

N_CHOICES: Final = 20
# The same for GPTs that do not exist and GPTs without access, so that nobody learns which GPTs exist.
UNKNOWN: Final = gettext_noop("GPT not found, or you don’t have access to it.")
GONE: Final = gettext_noop("Not used: it was deleted or is no longer shared with you.")
NOT_YOURS: Final = gettext_noop("You don’t have access to it, so it isn’t asked in your chats.")
NOT_THEIRS: Final = gettext_noop(
    "{person}, who owns this GPT, doesn’t have access to it. Both of you need access to a GPT that this one asks."
)
UNPUBLISHED: Final = gettext_noop("Not used: it isn’t published yet.")
OWN_ONLY: Final = gettext_noop("Only works for you. Other people don’t have access to it.")
BY_LINK: Final = gettext_noop("Only works for people who have its link.")


@dataclass(frozen=True, slots=True)
class DelegateEntry:
    """An entry of the list, for one who edits the draft. `gpt` is None if they have no access to it.

    `changes` are another person's changes to its texts, which are not used before an editor has looked at them.
    """

    slug: str
    name: str
    when: str
    trouble: str
    gpt: Gpt | None
    changes: list[TextChange]

    @property
    def field(self) -> str:
        """The name of its field in the form."""
        return field_name(self.slug)


def field_name(slug: str) -> str:
    """The name of the form's field for when to ask the GPT `slug`."""
    return f"when-{slug}"


def shown_name(user: User, gpt: Gpt) -> str:
    """The name of `gpt` for `user`: its owner sees the draft's name, others the published one."""
    return gpt.name if gpt.owner_id == user.pk else gpt.live.name


def choices(user: User, gpt: Gpt, query: str = "") -> list[Gpt]:
    """The first GPTs that `user` can add to the list of `gpt`, their own before others.

    With a `query` those that match it, best first, with tolerance for typos and unfinished words.
    """
    open_to = _permitted(user, gpt).exclude(id__in=gpt.delegates.values("delegate"))
    others = open_to.exclude(owner=user)
    if not query.strip():
        return [*open_to.filter(owner=user)[:N_CHOICES], *others[:N_CHOICES]][:N_CHOICES]
    near = open_to.filter(Q(owner=user) | ~Q(sharing=Sharing.STORE))
    found = dict.fromkeys([*find_among(near, query), *find(query, by_meaning=False)])  # each once, in this order
    ids = list(found)[: N_CHOICES + MAX_DELEGATES + 1]  # open_to leaves out this GPT and those in the list
    fitting = open_to.in_bulk(ids)
    return [fitting[gpt_id] for gpt_id in ids if gpt_id in fitting][:N_CHOICES]


def _permitted(user: User, gpt: Gpt) -> QuerySet[Gpt]:
    found = Gpt.objects.chattable_by(user).exclude(id=gpt.id).select_related("owner", "published")
    return found if user.pk == gpt.owner_id else found.chattable_by(gpt.owner)


def rows(gpt: Gpt, reader: User) -> QuerySet[DelegateRow]:
    """The list of the draft, oldest entry first, for `reader`, whom `entries_of` finds in each row."""
    found = gpt.delegates.select_related("gpt__owner", "delegate__published", "delegate__owner")
    return found.annotate(reader=Value(reader.pk))


def entries(gpt: Gpt, reader: User) -> list[DelegateEntry]:
    """The list as `reader`, who edits the draft, sees it, oldest entry first."""
    return entries_of(list(rows(gpt, reader)))


def entries_of(rows: Sequence[DelegateRow]) -> list[DelegateEntry]:
    """These rows, all of one draft, as its `reader` sees them."""
    if not rows:
        return []
    gpt = rows[0].gpt
    reader_id = getattr(rows[0], "reader", gpt.owner_id)
    reader = gpt.owner if reader_id == gpt.owner_id else User.objects.get(pk=reader_id)
    wanted = [row.delegate_id for row in rows]
    theirs = Gpt.objects.chattable_by(reader).select_related("owner", "published").in_bulk(wanted)
    owners = theirs if reader == gpt.owner else _permitted(gpt.owner, gpt).in_bulk(wanted)
    found = []
    for row in rows:
        delegate, slug = theirs.get(row.delegate_id), row.delegate.slug
        name = shown_name(reader, delegate) if delegate else slug
        changes = changes_of(row) if delegate and delegate.owner_id != gpt.owner_id else []
        owners_own = owners.get(row.delegate_id)
        trouble = _trouble(gpt, owners_own) if delegate or not owners_own else gettext(NOT_YOURS)
        found.append(DelegateEntry(slug, name, row.when, trouble, delegate, changes))
    return found


def entry(row: DelegateRow) -> DelegateEntry:
    """One entry of the list."""
    return entries_of([row])[0]


def _trouble(gpt: Gpt, delegate: Gpt | None) -> str:
    """Why `delegate`, None if the owner has no access, is not asked now, or not for everyone; else empty."""
    if delegate is None:
        return gettext(GONE)
    if delegate.published_id is None:
        return gettext(UNPUBLISHED)
    if gpt.sharing == Sharing.ME or delegate.sharing == Sharing.STORE:
        return ""
    return gettext(OWN_ONLY if delegate.sharing == Sharing.ME else BY_LINK)


def access_delegate(gpt: Gpt, slug: str, reader: User) -> DelegateRow:
    """The entry for the GPT `slug` in the draft of `gpt`, for `reader`. Raises Http404."""
    row = rows(gpt, reader).filter(delegate__slug=slug).first()
    if row is None:
        raise Http404(f"{gpt.name} doesn’t have this GPT in its list.")
    return row


def add(gpt: Gpt, slug: str, when: str = "", *, by: User) -> DelegateRow:
    """A new entry of `by`: a GPT that they and its owner have access to. Raises ValidationError by field.

    Else an editor would have the owner ask GPTs of theirs, or the other way round.
    """
    slug = slug.replace("\x00", "").strip()
    if slug == gpt.slug:
        raise ValidationError({"gpt": gettext("A GPT can’t ask itself.")})
    delegate = Gpt.objects.chattable_by(by).filter(slug=slug).first()
    if delegate is None:
        raise ValidationError({"gpt": gettext(UNKNOWN)})
    if by != gpt.owner and not _permitted(by, gpt).filter(id=delegate.id).exists():
        raise ValidationError({"gpt": gettext(NOT_THEIRS).format(person=gpt.owner.shown_name)})
    with transaction.atomic():
        Gpt.objects.select_for_update().get(id=gpt.id)  # two requests at once must not exceed the limit
        if gpt.delegates.count() >= MAX_DELEGATES:
            raise ValidationError(
                {"gpt": gettext("A GPT can ask {limit} others. Remove one first.").format(limit=MAX_DELEGATES)}
            )
        row = DelegateRow(gpt=gpt, delegate=delegate, when=when, seen=published_texts(delegate))
        row.reader = by.pk  # type: ignore[attr-defined]
        return _saved(row)


def change(row: DelegateRow, when: str) -> DelegateRow:
    """The entry with `when` changed. Raises ValidationError by field."""
    if _one_line(when) == row.when:
        return row
    row.when = when
    return _saved(row)


def accept_texts(row: DelegateRow) -> DelegateRow:
    """The entry with the GPT's current texts, which its reader has looked at. Raises Http404 if they cannot."""
    if entry(row).gpt is None:
        raise Http404(gettext(UNKNOWN))
    row.seen = published_texts(row.delegate) or row.seen
    return _saved(row)


def _saved(row: DelegateRow) -> DelegateRow:
    row.when = _one_line(row.when)
    row.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise ValidationError({"gpt": gettext("This GPT is already in the list.")}) from None
    _draft_changed(row.gpt)
    return row


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def _draft_changed(gpt: Gpt) -> None:
    Gpt.objects.filter(id=gpt.id).update(changed=timezone.now())


def change_lines(gpt: Gpt, lines: dict[str, str]) -> None:
    """Change when to ask the GPTs in `lines` (by slug); GPTs that are no longer in the list are ignored."""
    for row in gpt.delegates.select_related("gpt", "delegate").filter(delegate__slug__in=lines):
        change(row, lines[row.delegate.slug])


def remove(row: DelegateRow) -> None:
    """Remove a GPT from the draft's list. The published version keeps it until the next publication."""
    row.delete()
    _draft_changed(row.gpt)


def replace(gpt: Gpt, listed: Sequence[tuple[str, str]], *, by: User) -> None:
    """Replace the list by `listed` (slug, when). Raises ValidationError by field; nothing is changed then.

    Existing entries keep their place, even if they could no longer be added.
    """
    lines = dict(listed)
    if len(lines) < len(listed):
        raise ValidationError({"gpt": gettext("A GPT can be in the list only once.")})
    with transaction.atomic():
        gpt.delegates.exclude(delegate__slug__in=lines).delete()
        there = set(gpt.delegates.values_list("delegate__slug", flat=True))
        change_lines(gpt, {slug: when for slug, when in lines.items() if slug in there})
        for slug, when in lines.items():
            if slug not in there:
                add(gpt, slug, when, by=by)
        _draft_changed(gpt)


def bring_back(gpt: Gpt, spec: GptSpec) -> None:
    """Replace the draft's list by that of `spec`, without GPTs that no longer exist."""
    ids = [UUID(each.gpt_id) for each in spec.delegates]
    known = set(Gpt.objects.filter(id__in=ids).values_list("id", flat=True))
    gpt.delegates.all().delete()
    for gpt_id, each in zip(ids, spec.delegates, strict=True):
        if gpt_id in known:
            seen = each.model_dump(mode="json", include=set(GPT_TEXTS))
            DelegateRow.objects.create(gpt=gpt, delegate_id=gpt_id, when=each.when, seen=seen)


def visible_delegates(spec: GptSpec, reader: Any) -> list[Gpt]:
    """The GPTs that `spec` can ask and `reader` may chat with. Others must not be shown."""
    ids = [UUID(each.gpt_id) for each in spec.delegates]
    seen = Gpt.objects.chattable_by(reader).filter(published__isnull=False).select_related("published").in_bulk(ids)
    return [seen[gpt_id] for gpt_id in ids if gpt_id in seen]


def last_seen(gpt: Gpt, ref: DelegateRef) -> DelegateRef:
    """`ref` with the texts that the creator of `gpt` last saw: versions of release 0.1 have none."""
    if ref.name:
        return ref
    row = gpt.delegates.filter(delegate=UUID(ref.gpt_id)).first()
    return ref.model_copy(update=row.seen) if row else ref
