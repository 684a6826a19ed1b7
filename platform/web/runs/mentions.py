"""Which GPT answers a message: the conversation's own, one that the message names, or a guest.

The person's permissions count at the time of sending. A GPT that they may not use gets the same reply as one that
does not exist, and text that only looks like a mention stays text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.http import Http404

from web.accounts.models import User
from web.builder.models import Gpt, GptVersion
from web.builder.services import access_published
from web.runs.errors import EmptyMessage, GuestGone, Refused
from web.runs.models import Conversation

# What may stand between a name and the message, besides spaces.
_AFTER_NAME: Final = ",:"
# How many addresses are offered where several GPTs have the same name.
_OFFERED: Final = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """What answers: a version, and its GPT where that is not the conversation's own. `text` is the question."""

    version: GptVersion
    gpt: Gpt | None
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A mention at the start of a text: the GPTs with that name, and the text after it."""

    name: str
    slugs: tuple[str, ...]
    rest: str


def choose(conversation: Conversation, text: str, mention: str = "") -> Chosen:
    """The GPT that answers `text` in the conversation. Raises GuestGone, EmptyMessage, Refused."""
    if mention:
        return _answering(conversation, mention, text)
    called = None if conversation.origin == Conversation.Origin.DELEGATION else _called(conversation, text)
    if called:
        return _answering(conversation, _one_of(called, conversation.gpt.slug), called.rest)
    if conversation.guest:
        check_still_open(conversation, conversation.guest)
        return _answering(conversation, conversation.guest.slug, text)
    return _answering(conversation, conversation.gpt.slug, text)


def _answering(conversation: Conversation, slug: str, text: str) -> Chosen:
    is_own = slug == conversation.gpt.slug
    gpt = conversation.gpt if is_own else mentioned(conversation.owner, slug)
    version = conversation.version if is_own else gpt.published
    assert version
    version.gpt = gpt  # cached here: those who follow the run read it where no query may be made
    return Chosen(version, None if is_own else gpt, text)


def mentioned(user: User, slug: str) -> Gpt:
    """The published GPT that `user` may chat with. Raises Refused, in the same words where they may not."""
    try:
        return access_published(user, slug)
    except Http404:
        raise Refused(f"GPT “{slug[:80]}” not found, or you don’t have access to it.") from None


def check_still_open(conversation: Conversation, gpt: Gpt) -> None:
    """Raises GuestGone, with what to do, when the person may no longer use a mentioned GPT."""
    if gpt.id == conversation.gpt_id:
        return
    if Gpt.objects.chattable_by(conversation.owner).filter(id=gpt.id, published__isnull=False).exists():
        return
    why = "was deleted by its creator" if gpt.deleted else "is no longer shared with you"
    raise GuestGone(f"{name_of(gpt)} {why}. Send again to ask {name_of(conversation.gpt)}.")


def name_of(gpt: Gpt) -> str:
    """The published name of `gpt`, which may differ from the draft's."""
    return str(gpt.published.data["name"]) if gpt.published else gpt.name


def _one_of(called: Called, own: str) -> str:
    if len(called.slugs) == 1:
        return called.slugs[0]
    if own in called.slugs:
        return own
    choice = " or ".join(f"@{slug}" for slug in called.slugs[:_OFFERED])
    raise Refused(f"Several GPTs are called “{called.name}”. Choose one: {choice}.")


def _called(conversation: Conversation, text: str) -> Called | None:
    """The GPT that `text` starts with; None if the person may chat with none. Raises EmptyMessage."""
    if not text.startswith("@"):
        return None
    # Compares all names here, a few milliseconds for thousands: how databases compare letters of different case
    # depends on the database.
    gpts = Gpt.objects.chattable_by(conversation.owner).filter(published__isnull=False).order_by("created")
    names = list(gpts.values_list("slug", "published__data__name"))
    own = (conversation.gpt.slug, conversation.version.spec().name)
    called = called_in(text, names if own in names else [*names, own])
    if called and not called.rest:
        raise EmptyMessage(f"Add a message for {called.name} after its name.")
    return called


def called_in(text: str, names: Iterable[tuple[str, str]]) -> Called | None:
    """The longest of `names` (slug, name) after the “@” at the start of `text`; a slug before an equal name."""
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
    return Called(best, tuple(dict.fromkeys(slugs)), rest)


def _begins(text: str, word: str) -> bool:
    after = text[len(word) : len(word) + 1]
    ends = not after or after.isspace() or after in _AFTER_NAME
    return bool(word) and ends and text[: len(word)].casefold() == word.casefold()
