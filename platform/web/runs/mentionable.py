"""GPTs that a person may mention in a conversation, as suggestions while they type."""

from uuid import UUID

from django.db.models import Max, Q

from web.accounts.models import User
from web.builder.models import Gpt, GptQuerySet
from web.builder.search import find, index_over, rank
from web.runs.models import Conversation, Run

N_LISTED = 8
QUERY_CHARS = 80
# How many of the person's last used GPTs affect the order.
N_RECENT = 50
# How many GPTs with a matching name are considered, the newest.
N_NAMED = 500


def mentionable(user: User, query: str = "") -> list[Gpt]:
    """The first published GPTs that `user` may chat with and that match `query`, those used last first."""
    query = " ".join(query.replace("\x00", "").split())[:QUERY_CHARS]
    open_to = Gpt.objects.chattable_by(user).filter(published__isnull=False)
    recent = _used_last(user)
    ids = _found(open_to, query, recent) if query else _at_hand(open_to, user, recent)
    rows = open_to.select_related("published", "owner").in_bulk(ids[: N_LISTED + len(recent)])
    return [rows[id] for id in ids if id in rows][:N_LISTED]


def _used_last(user: User) -> list[UUID]:
    """The GPTs that answered `user` in chats, newest first."""
    runs = Run.objects.filter(owner=user, message__conversation__origin=Conversation.Origin.CHAT)
    last = runs.values("version__gpt").annotate(last=Max("created")).order_by("-last")
    return list(last.values_list("version__gpt", flat=True)[:N_RECENT])


def _at_hand(open_to: GptQuerySet, user: User, recent: list[UUID]) -> list[UUID]:
    """Suggestions without a query: the GPTs used, then the person's own, then the store's newest."""
    own = open_to.filter(owner=user).order_by("-changed").values_list("id", flat=True)[:N_LISTED]
    newest = open_to.order_by("-published__created").values_list("id", flat=True)[:N_LISTED]
    return list(dict.fromkeys([*recent, *own, *newest]))


def _found(open_to: GptQuerySet, query: str, recent: list[UUID]) -> list[UUID]:
    """GPTs whose name starts with the query, then contains it, then fuzzy matches; in each, those used last first."""
    named = Q(published__data__name__icontains=query) | Q(slug__icontains=query)
    called = open_to.filter(named).order_by("-published__created")
    names = dict(called.values_list("id", "published__data__name")[:N_NAMED])
    begin = [id for id, name in names.items() if f" {query}".casefold() in f" {name}".casefold()]
    tiers = (begin, list(names), _searched(open_to, query))
    return list(dict.fromkeys(id for tier in tiers for id in _sorted(tier, recent)))


def _searched(open_to: GptQuerySet, query: str) -> list[UUID]:
    personal = open_to.exclude(id__in=Gpt.objects.in_store().values("id")).select_related("published", "owner")
    return [*rank(index_over(personal), query), *find(query)]


def _sorted(ids: list[UUID], recent: list[UUID]) -> list[UUID]:
    return [*(id for id in recent if id in ids), *(id for id in ids if id not in recent)]
