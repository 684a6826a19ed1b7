"""Every write about the GPTs that a draft may ask, which of them may be added, and how the list reads to its owner.

A colleague may be withdrawn at any time. Its entry then stays, says so, and is not asked; whether a person who chats
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

from gpts.spec.gpt import COLLEAGUES, GptSpec
from web.accounts.models import User
from web.builder.models import ColleagueRow, Gpt, Sharing
from web.builder.search import find, index_over, rank

N_CHOICES: Final = 20
# One sentence for what does not exist and what is somebody else's: nobody learns here which GPTs there are.
UNKNOWN: Final = "GPT not found, or you don’t have access to it."
GONE: Final = "Not used: it was deleted or is no longer shared with you."
UNPUBLISHED: Final = "Not used: it isn’t published yet."
OWN_ONLY: Final = "Only works for you. Other people don’t have access to it."
BY_LINK: Final = "Only works for people who have its link."


@dataclass(frozen=True, slots=True)
class Entry:
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
    open_to = _permitted(user, gpt).exclude(id__in=gpt.colleagues.values("colleague"))
    others = open_to.exclude(owner=user)
    if not query.strip():
        return [*open_to.filter(owner=user)[:N_CHOICES], *others[:N_CHOICES]][:N_CHOICES]
    near = [*open_to.filter(owner=user), *others.exclude(sharing=Sharing.STORE)]
    found = dict.fromkeys([*rank(index_over(near), query), *find(query)])  # each once, in this order
    ids = list(found)[: N_CHOICES + COLLEAGUES + 1]  # of those, only this GPT and those in the list are left out
    fitting = open_to.in_bulk(ids)
    return [fitting[gpt_id] for gpt_id in ids if gpt_id in fitting][:N_CHOICES]


def _permitted(user: User, gpt: Gpt) -> QuerySet[Gpt]:
    return Gpt.objects.chattable_by(user).exclude(id=gpt.id).select_related("owner", "published")


def entries(gpt: Gpt) -> list[Entry]:
    """The list as the owner of the draft sees it, in the order in which it grew."""
    rows = list(gpt.colleagues.select_related("colleague"))
    seen = _permitted(gpt.owner, gpt).in_bulk([row.colleague_id for row in rows])
    return [_entry(gpt, row, seen.get(row.colleague_id)) for row in rows]


def entry(row: ColleagueRow) -> Entry:
    """One line of the list."""
    return _entry(row.gpt, row, _permitted(row.gpt.owner, row.gpt).filter(id=row.colleague_id).first())


def _entry(gpt: Gpt, row: ColleagueRow, seen: Gpt | None) -> Entry:
    """The line of `row`, whose GPT is `seen` by the owner of the draft, or None."""
    slug = row.colleague.slug
    return Entry(slug, shown_name(gpt.owner, seen) if seen else slug, row.when, _trouble(gpt, seen), seen)


def why_not_asked(gpt: Gpt, colleague: Gpt) -> str:
    """Why `colleague` is not asked, or not for everyone, at present; empty where nothing stands in the way."""
    return _trouble(gpt, _permitted(gpt.owner, gpt).filter(id=colleague.id).first())


def _trouble(gpt: Gpt, colleague: Gpt | None) -> str:
    """`why_not_asked`, of a colleague that is None where the owner may not see it."""
    if colleague is None:
        return GONE
    if colleague.published_id is None:
        return UNPUBLISHED
    if gpt.sharing == Sharing.ME or colleague.sharing == Sharing.STORE:
        return ""
    return OWN_ONLY if colleague.sharing == Sharing.ME else BY_LINK


def access_colleague(gpt: Gpt, slug: str) -> ColleagueRow:
    """The entry for the GPT `slug` in the draft of one's own `gpt`. Raises Http404."""
    row = gpt.colleagues.select_related("gpt__owner", "colleague").filter(colleague__slug=slug).first()
    if row is None:
        raise Http404(f"{gpt.name} doesn’t have this GPT in its list.")
    return row


def add(gpt: Gpt, slug: str, when: str = "") -> ColleagueRow:
    """A new entry of the draft. Raises ValidationError by field."""
    slug = slug.replace("\x00", "").strip()
    if slug == gpt.slug:
        raise ValidationError({"gpt": "A GPT can’t ask itself."})
    colleague = _permitted(gpt.owner, gpt).filter(slug=slug).first()
    if colleague is None:
        raise ValidationError({"gpt": UNKNOWN})
    with transaction.atomic():
        Gpt.objects.select_for_update().get(id=gpt.id)  # two requests at once cannot both find the last place
        if gpt.colleagues.count() >= COLLEAGUES:
            raise ValidationError({"gpt": f"You can add up to {COLLEAGUES} GPTs. Remove one first."})
        return _saved(ColleagueRow(gpt=gpt, colleague=colleague, when=when))


def change(row: ColleagueRow, when: str) -> ColleagueRow:
    """The entry with another line on when to ask. Raises ValidationError by field."""
    if _one_line(when) == row.when:
        return row
    row.when = when
    return _saved(row)


def _saved(row: ColleagueRow) -> ColleagueRow:
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
    for row in gpt.colleagues.select_related("gpt", "colleague").filter(colleague__slug__in=lines):
        change(row, lines[row.colleague.slug])


def remove(row: ColleagueRow) -> None:
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
        gpt.colleagues.exclude(colleague__slug__in=lines).delete()
        there = set(gpt.colleagues.values_list("colleague__slug", flat=True))
        change_lines(gpt, {slug: when for slug, when in lines.items() if slug in there})
        for slug, when in lines.items():
            if slug not in there:
                add(gpt, slug, when)
        _draft_changed(gpt)


def bring_back(gpt: Gpt, spec: GptSpec) -> None:
    """Make the draft's list that of `spec`, without what is erased by now."""
    ids = [UUID(each.gpt_id) for each in spec.colleagues]
    known = set(Gpt.objects.filter(id__in=ids).values_list("id", flat=True))
    gpt.colleagues.all().delete()
    for gpt_id, each in zip(ids, spec.colleagues, strict=True):
        if gpt_id in known:
            ColleagueRow.objects.create(gpt=gpt, colleague_id=gpt_id, when=each.when)


def asked_by(spec: GptSpec, reader: Any) -> list[Gpt]:
    """The GPTs that `spec` may ask and `reader` may chat with; nobody learns of others here."""
    ids = [UUID(each.gpt_id) for each in spec.colleagues]
    seen = Gpt.objects.chattable_by(reader).filter(published__isnull=False).select_related("published").in_bulk(ids)
    return [seen[gpt_id] for gpt_id in ids if gpt_id in seen]
