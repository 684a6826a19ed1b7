"""Every write about the GPTs that a draft may ask, which of them may be added, and how the list reads to its owner.

A delegate may be withdrawn at any time. Its entry then stays, says so, and is not asked; whether a person who chats
may reach it is looked at when it is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from gpts.spec.gpt import MAX_DELEGATES, GptSpec
from web.accounts.models import User
from web.builder.models import DelegateRow, Gpt, Sharing
from web.builder.search import find, index_over, rank

N_CHOICES: Final = 20
# One sentence for what does not exist and what is somebody else's: nobody learns here which GPTs there are.
UNKNOWN: Final = "GPT not found, or you don’t have access to it."
GONE: Final = "Not used: it was deleted or is no longer shared with you."
UNPUBLISHED: Final = "Not used: it isn’t published yet."
OWN_ONLY: Final = "Only works for you. Other people don’t have access to it."
BY_LINK: Final = "Only works for people who have its link."


@dataclass(frozen=True, slots=True)
class DelegateEntry:
    """A line of the list, for the owner of the draft. `gpt` is None where they may not see it any more."""

    slug: str
    name: str
    when: str
    trouble: str
    gpt: Gpt | None

    @property
    def field(self) -> str:
        """The name of its field in the form."""
        return field_name(self.slug)


def field_name(slug: str) -> str:
    """The name of the form's field for when to ask the GPT `slug`."""
    return f"when-{slug}"


def shown_name(user: User, gpt: Gpt) -> str:
    """What `gpt` is called before `user`: its owner reads the draft's name, others the published one."""
    return gpt.name if gpt.owner_id == user.pk or not gpt.published else str(gpt.published.data["name"])


def choices(user: User, gpt: Gpt, query: str = "") -> list[Gpt]:
    """The first GPTs that `user` may let their `gpt` ask and does not yet, their own before others.

    With a `query` those that fit it, best first; typos and unfinished words are forgiven.
    """
    open_to = _permitted(user, gpt).exclude(id__in=gpt.delegates.values("delegate"))
    others = open_to.exclude(owner=user)
    if not query.strip():
        return [*open_to.filter(owner=user)[:N_CHOICES], *others[:N_CHOICES]][:N_CHOICES]
    near = [*open_to.filter(owner=user), *others.exclude(sharing=Sharing.STORE)]
    found = dict.fromkeys([*rank(index_over(near), query), *find(query)])  # each once, in this order
    ids = list(found)[: N_CHOICES + MAX_DELEGATES + 1]  # of those, only this GPT and those in the list are left out
    fitting = open_to.in_bulk(ids)
    return [fitting[gpt_id] for gpt_id in ids if gpt_id in fitting][:N_CHOICES]


def _permitted(user: User, gpt: Gpt) -> QuerySet[Gpt]:
    return Gpt.objects.chattable_by(user).exclude(id=gpt.id).select_related("owner", "published")


def entries(gpt: Gpt) -> list[DelegateEntry]:
    """The list as the owner of the draft sees it, in the order in which it grew."""
    rows = list(gpt.delegates.select_related("delegate"))
    seen = _permitted(gpt.owner, gpt).in_bulk([row.delegate_id for row in rows])
    return [_entry(gpt, row, seen.get(row.delegate_id)) for row in rows]


def entry(row: DelegateRow) -> DelegateEntry:
    """One line of the list."""
    return _entry(row.gpt, row, _permitted(row.gpt.owner, row.gpt).filter(id=row.delegate_id).first())


def _entry(gpt: Gpt, row: DelegateRow, seen: Gpt | None) -> DelegateEntry:
    """The line of `row`, whose GPT is `seen` by the owner of the draft, or None."""
    slug = row.delegate.slug
    return DelegateEntry(slug, shown_name(gpt.owner, seen) if seen else slug, row.when, _trouble(gpt, seen), seen)


def _trouble(gpt: Gpt, delegate: Gpt | None) -> str:
    """Why `delegate` is not asked, or not for everyone, at present; None where the owner may not see it."""
    if delegate is None:
        return GONE
    if delegate.published_id is None:
        return UNPUBLISHED
    if gpt.sharing == Sharing.ME or delegate.sharing == Sharing.STORE:
        return ""
    return OWN_ONLY if delegate.sharing == Sharing.ME else BY_LINK


def access_delegate(gpt: Gpt, slug: str) -> DelegateRow:
    """The entry for the GPT `slug` in the draft of one's own `gpt`. Raises Http404."""
    row = gpt.delegates.select_related("gpt__owner", "delegate").filter(delegate__slug=slug).first()
    if row is None:
        raise Http404(f"{gpt.name} doesn’t have this GPT in its list.")
    return row


def add(gpt: Gpt, slug: str, when: str = "") -> DelegateRow:
    """A new entry of the draft. Raises ValidationError by field."""
    slug = slug.replace("\x00", "").strip()
    if slug == gpt.slug:
        raise ValidationError({"gpt": "A GPT can’t ask itself."})
    delegate = _permitted(gpt.owner, gpt).filter(slug=slug).first()
    if delegate is None:
        raise ValidationError({"gpt": UNKNOWN})
    with transaction.atomic():
        Gpt.objects.select_for_update().get(id=gpt.id)  # two requests at once cannot both find the last place
        if gpt.delegates.count() >= MAX_DELEGATES:
            raise ValidationError({"gpt": f"A GPT can ask {MAX_DELEGATES} others. Remove one first."})
        return _saved(DelegateRow(gpt=gpt, delegate=delegate, when=when))


def change(row: DelegateRow, when: str) -> DelegateRow:
    """The entry with another line on when to ask. Raises ValidationError by field."""
    if _one_line(when) == row.when:
        return row
    row.when = when
    return _saved(row)


def _saved(row: DelegateRow) -> DelegateRow:
    row.when = _one_line(row.when)
    row.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise ValidationError({"gpt": "This GPT is already in the list."}) from None
    _draft_changed(row.gpt)
    return row


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _draft_changed(gpt: Gpt) -> None:
    Gpt.objects.filter(id=gpt.id).update(changed=timezone.now())


def change_lines(gpt: Gpt, lines: dict[str, str]) -> None:
    """Change when to ask the GPTs in `lines` (by slug); those that are not in the list any more do not count."""
    for row in gpt.delegates.select_related("gpt", "delegate").filter(delegate__slug__in=lines):
        change(row, lines[row.delegate.slug])


def remove(row: DelegateRow) -> None:
    """Take a GPT off the draft's list. The published version keeps it until the next publication."""
    row.delete()
    _draft_changed(row.gpt)


def replace(gpt: Gpt, listed: Sequence[tuple[str, str]]) -> None:
    """Make the list that of `listed` (slug, when). Raises ValidationError by field; nothing is changed then.

    Entries that stay keep their place. What was withdrawn meanwhile may stay, but not come anew.
    """
    lines = dict(listed)
    if len(lines) < len(listed):
        raise ValidationError({"gpt": "A GPT can be in the list only once."})
    with transaction.atomic():
        gpt.delegates.exclude(delegate__slug__in=lines).delete()
        there = set(gpt.delegates.values_list("delegate__slug", flat=True))
        change_lines(gpt, {slug: when for slug, when in lines.items() if slug in there})
        for slug, when in lines.items():
            if slug not in there:
                add(gpt, slug, when)
        _draft_changed(gpt)


def bring_back(gpt: Gpt, spec: GptSpec) -> None:
    """Make the draft's list that of `spec`, without what is erased by now."""
    ids = [UUID(each.gpt_id) for each in spec.delegates]
    known = set(Gpt.objects.filter(id__in=ids).values_list("id", flat=True))
    gpt.delegates.all().delete()
    for gpt_id, each in zip(ids, spec.delegates, strict=True):
        if gpt_id in known:
            DelegateRow.objects.create(gpt=gpt, delegate_id=gpt_id, when=each.when)


def visible_delegates(spec: GptSpec, reader: Any) -> list[Gpt]:
    """The GPTs that `spec` may ask and `reader` may chat with; nobody learns of others here."""
    ids = [UUID(each.gpt_id) for each in spec.delegates]
    seen = Gpt.objects.chattable_by(reader).filter(published__isnull=False).select_related("published").in_bulk(ids)
    return [seen[gpt_id] for gpt_id in ids if gpt_id in seen]
