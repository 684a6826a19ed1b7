"""Mentions: which GPT answers a message (the conversation's own, one that it names, or a guest), and suggestions.

The person's permissions are checked when they send. A GPT that they may not use gets the same reply as one that does
not exist, and text that only looks like a mention stays text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Max, Q
from django.http import Http404
from django.utils.translation import gettext

from web.accounts.models import User
from web.builder.access import access_published
from web.builder.models import Gpt, GptVersion, version_text
from web.builder.models_access import GptQuerySet, Sharing
from web.builder.search import find, find_among
from web.runs.errors import GuestGone, Refused
from web.runs.models import Conversation, Run

# Characters allowed between a name and the message, besides spaces.
_AFTER_NAME: Final = ",:"
# Conversations that no other GPT can join.
_ALONE: Final = (Conversation.Origin.DELEGATION, Conversation.Origin.WIDGET, Conversation.Origin.BUILDER)
# Slugs listed in the error if several GPTs have the same name.
_OFFERED: Final = 5
# Suggestions, and characters of a query that count.
N_LISTED: Final = 8
QUERY_CHARS: Final = 80
# Recently used GPTs that are listed first.
N_RECENT: Final = 50
# GPTs with a matching name that are considered, newest first.
N_NAMED: Final = 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version that answers, and its GPT if that is not the conversation's own. `text` is the question."""

    version: GptVersion
    gpt: Gpt | None
    text: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention at the start of a text: the GPTs with that name, and the text after it."""

    name: str
    slugs: tuple[str, ...]
    rest: str


def choose(conversation: Conversation, text: str, mention: str = "") -> Chosen:
    """The GPT that answers `text` in the conversation. Raises GuestGone, Refused."""
    if conversation.origin in _ALONE:
        return _answering(conversation, conversation.gpt.slug, text)
    if mention:
        return _answering(conversation, mention, text)
    called = _mention_in(conversation, text)
    if called:
        return _answering(conversation, _one_of(called, conversation), called.rest)
    if conversation.guest:
        check_available(conversation, conversation.guest)
        return _answering(conversation, conversation.guest.slug, text)
    return _answering(conversation, conversation.gpt.slug, text)


def _answering(conversation: Conversation, slug: str, text: str) -> Chosen:
    is_own = slug == conversation.gpt.slug
    gpt = conversation.gpt if is_own else mentioned(conversation.owner, slug)
    version = conversation.version if is_own else gpt.published
    assert version
    version.gpt = gpt  # cached, because followers of the run read it where no query is allowed
    return Chosen(version, None if is_own else gpt, text)


def mentioned(user: User, slug: str) -> Gpt:
    """The published GPT that `user` may chat with. Raises Refused, with the same message if they may not."""
    try:
        return access_published(user, slug)
    except Http404:
        raise Refused(
            gettext("GPT “{slug}” not found, or you don’t have access to it.").format(slug=slug[:80])
        ) from None


def check_available(conversation: Conversation, gpt: Gpt) -> None:
    """Raises GuestGone if the person may no longer use a mentioned GPT."""
    if gpt.id == conversation.gpt_id:
        return
    if Gpt.objects.chattable_by(conversation.owner).filter(id=gpt.id, published__isnull=False).exists():
        return
    gone = gettext("{name} was deleted by its creator. Send again to ask {other}.")
    unshared = gettext("{name} is no longer shared with you. Send again to ask {other}.")
    text = gone if gpt.deleted else unshared
    raise GuestGone(text.format(name=gpt.live.name, other=conversation.gpt.live.name))


def _one_of(called: Mention, conversation: Conversation) -> str:
    """The slug that is meant: the conversation's own, or the only one that the person has used. Raises Refused.

    So nobody takes over a name that people use by giving it to a GPT of their own.
    """
    if len(called.slugs) == 1:
        return called.slugs[0]
    if conversation.gpt.slug in called.slugs:
        return conversation.gpt.slug
    gpts = Gpt.objects.filter(slug__in=called.slugs).select_related("owner").order_by("created")
    used = set(
        Run.objects.filter(owner=conversation.owner, version__gpt__in=gpts).values_list("version__gpt", flat=True)
    )
    if len(used) == 1:
        return next(gpt.slug for gpt in gpts if gpt.id in used)
    choice = " or ".join(f"@{gpt.slug} ({gpt.owner.shown_name})" for gpt in gpts[:_OFFERED])
    raise Refused(
        gettext("Several GPTs are called “{name}”. Choose one: {choice}.").format(name=called.name, choice=choice)
    )


def _mention_in(conversation: Conversation, text: str) -> Mention | None:
    """The GPT that `text` starts with; None if the person may chat with none."""
    if not text.startswith("@"):
        return None
    # Names are compared here, a few milliseconds for thousands: databases differ in how they ignore case.
    gpts = Gpt.objects.chattable_by(conversation.owner).filter(published__isnull=False).order_by("created")
    names = list(gpts.values_list("slug", version_text("published__data__name")))
    own = (conversation.gpt.slug, conversation.version.spec().name)
    return find_mention(text, names if own in names else [*names, own])


def find_mention(text: str, names: Iterable[tuple[str, str]]) -> Mention | None:
    """The longest of `names` (slug, name) after the “@” at the start of `text`; a slug precedes an equal name."""
    best, owners = "", list[tuple[bool, str]]()
    for slug, name in names:
        for word in (slug, name):
            if len(word) < len(best) or not _begins(text[1:], word):
                continue
            owners = [] if len(word) > len(best) else owners
            best = word
            owners.append((word == slug, slug))
    if not owners:
        return None
    slugs = [slug for is_slug, slug in owners if is_slug] or [slug for _, slug in owners]
    rest = text[1 + len(best) :].lstrip(_AFTER_NAME).strip()
    return Mention(best, tuple(dict.fromkeys(slugs)), rest)


def _begins(text: str, word: str) -> bool:
    after = text[len(word) : len(word) + 1]
    ends = not after or after.isspace() or after in _AFTER_NAME
    return bool(word) and ends and text[: len(word)].casefold() == word.casefold()


def mentionable(user: User, query: str = "", n: int = N_LISTED) -> list[Gpt]:
    """The first `n` published GPTs that `user` may chat with and that match `query`, recently used ones first."""
    query = " ".join(query.replace("\x00", "").split())[:QUERY_CHARS]
    allowed = Gpt.objects.chattable_by(user).filter(published__isnull=False)
    recent = _recently_used(user)
    ids = _matching(allowed, query, recent) if query else _suggested(allowed, user, recent, n)
    rows = allowed.select_related("published", "owner").in_bulk(ids[: n + len(recent)])
    return [rows[id] for id in ids if id in rows][:n]


def _recently_used(user: User) -> list[UUID]:
    """The GPTs that answered `user` in chats, newest first."""
    runs = Run.objects.filter(owner=user, message__conversation__origin=Conversation.Origin.CHAT)
    last = runs.values("version__gpt").annotate(last=Max("created")).order_by("-last")
    return list(last.values_list("version__gpt", flat=True)[:N_RECENT])


def _suggested(allowed: GptQuerySet, user: User, recent: list[UUID], n: int) -> list[UUID]:
    """Suggestions without a query: recently used GPTs, then the person's own, then the newest."""
    own = allowed.filter(owner=user).order_by("-changed").values_list("id", flat=True)[:n]
    newest = allowed.order_by("-published_id").values_list("id", flat=True)[:n]
    return list(dict.fromkeys([*recent, *own, *newest]))


def _matching(allowed: GptQuerySet, query: str, recent: list[UUID]) -> list[UUID]:
    """GPTs with a word that starts with the query, then those that contain it, then fuzzy matches."""
    named = Q(published__data__name__icontains=query) | Q(slug__icontains=query)
    called = allowed.filter(named).order_by("-published_id")
    names = dict(called.values_list("id", version_text("published__data__name"))[:N_NAMED])
    begin = [id for id, name in names.items() if f" {query}".casefold() in f" {name}".casefold()]
    tiers = (begin, list(names), _searched(allowed, query))
    return list(dict.fromkeys(id for tier in tiers for id in _sorted(tier, recent)))


def _searched(allowed: GptQuerySet, query: str) -> list[UUID]:
    personal = allowed.exclude(sharing=Sharing.STORE)  # the store has no unpublished ones either
    return [*find_among(personal, query), *find(query, by_meaning=False)]


def _sorted(ids: list[UUID], recent: list[UUID]) -> list[UUID]:
    return [*(id for id in recent if id in ids), *(id for id in ids if id not in recent)]
