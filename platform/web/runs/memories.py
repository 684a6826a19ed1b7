"""What GPTs remember of people: sentences that the person wrote, or that they let the GPT keep in a chat."""

from itertools import islice
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet
from django.http import Http404
from django.utils.translation import gettext

from gpts.runs.background import Background
from gpts.safety.invisible_characters import visible
from web import erasures
from web.accounts import quotas
from web.accounts.models import User
from web.builder.access import access_gpt
from web.builder.models import Gpt
from web.languages import too_long
from web.runs.errors import Refused
from web.runs.models import Conversation, Run
from web.runs.models_chats import Memory

CAPABILITY: Final = "memory"
TEXT_CHARS: Final = 300
# Of all sentences on one person in one GPT, which come with each of their messages.
ALL_CHARS: Final = 4_000
# GPTs that the page offers to remember something, beside those that do.
N_TALKED_TO: Final = 20


def background_of(conversation: Conversation, gpt: Gpt, capabilities: tuple[str, ...]) -> Background:
    """What `gpt` knows of the person when it answers here: nothing in temporary chats, previews and API calls."""
    if CAPABILITY not in capabilities or conversation.origin != Conversation.Origin.CHAT:
        return Background()
    texts = of(conversation.owner, gpt).values_list("text", flat=True)
    return Background(remembered=tuple(texts), may_remember=True)


def remembers(gpt: Gpt) -> bool:
    """Whether the published version of `gpt` has a memory."""
    return gpt.published is not None and CAPABILITY in gpt.published.spec().capabilities


def access_remembering(user: User, slug: str) -> Gpt:
    """A GPT with a memory that `user` may chat with. Raises Http404."""
    gpt = access_gpt(user, slug)
    if not remembers(gpt):
        raise Http404(gettext("This GPT has no memory."))
    return gpt


def of(user: User, gpt: Gpt) -> "QuerySet[Memory]":
    """What `gpt` remembers of `user`, oldest first."""
    return Memory.objects.filter(owner=user, gpt=gpt)


def gpts_of(user: User) -> "QuerySet[Gpt]":
    """The GPTs that remember something of `user`, the last to do so first."""
    known = Gpt.objects.filter(deleted=None, memories__owner=user).select_related("published")
    return known.annotate(latest=Max("memories__changed")).order_by("-latest")


def talked_to_by(user: User) -> list[Gpt]:
    """The GPTs with a memory that `user` lately chatted with and still may."""
    chats = Conversation.objects.visible_to(user).filter(origin=Conversation.Origin.CHAT)
    latest = dict(chats.order_by().values_list("gpt").annotate(Max("changed")))
    open_to_them = Gpt.objects.chattable_by(user).filter(id__in=latest).select_related("published")
    found = filter(remembers, sorted(open_to_them, key=lambda gpt: latest[gpt.id], reverse=True))
    return list(islice(found, N_TALKED_TO))


def access(user: User, memory_id: UUID) -> Memory:
    """A memory of `user`'s own. Raises Http404."""
    memory = Memory.objects.filter(owner=user, id=memory_id, gpt__deleted=None).select_related("gpt").first()
    if memory is None:
        raise Http404(gettext("Memory not found."))
    return memory


def add(user: User, gpt: Gpt, text: str, run: Run | None = None) -> Memory:
    """Remember `text`; once, however often it is said. `run`: the answer that did. Raises Refused.

    `gpt` must come from `access_gpt`.
    """
    with transaction.atomic():
        text = _checked(user, gpt, text)
        memory, _ = Memory.objects.get_or_create(owner=user, gpt=gpt, text=text, defaults={"run": run})
    return memory


def change(memory: Memory, text: str) -> Memory:
    """Replace its text. Raises Refused."""
    with transaction.atomic():
        memory.text = _checked(memory.owner, memory.gpt, text, memory)
        of(memory.owner, memory.gpt).filter(text=memory.text).exclude(id=memory.id).delete()
        memory.save(update_fields=["text", "changed"])
    return memory


def forget(memory: Memory) -> None:
    """Delete it."""
    erasures.note("memory", memory.pk)
    memory.delete()


def _checked(user: User, gpt: Gpt, text: str, instead_of: Memory | None = None) -> str:
    text = " ".join(visible(text).split())
    if not text:
        raise Refused(gettext("Enter what to remember."))
    if len(text) > TEXT_CHARS:
        raise Refused(too_long(text, TEXT_CHARS))
    quotas.lock(user.id)
    others = of(user, gpt).exclude(text=text)
    others = others.exclude(id=instead_of.id) if instead_of else others
    if sum(map(len, others.values_list("text", flat=True))) + len(text) > ALL_CHARS:
        raise Refused(gettext("No room: delete something that is remembered first."))
    return text
