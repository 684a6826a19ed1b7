"""The lists of the store: which GPTs, in which order, and what their cards tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.core.cache import cache
from django.db.models import F, QuerySet
from django.utils.text import get_text_list
from django.utils.translation import gettext, gettext_lazy

from gpts.spec.actions import host_name
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.search import find, find_among
from web.builder.set_up import SET_UP, missing_here
from web.languages import titled
from web.store.models import Profile, Standing

# The orders of a list, besides how well a GPT matches what was searched for.
SORTS: Final = {
    "used": gettext_lazy("Most used"),
    "rated": gettext_lazy("Best rated"),
    "trending": gettext_lazy("Trending"),
    "newest": gettext_lazy("Newest"),
}
MATCH: Final = "match"
_ORDER: Final = {
    "used": F("standing__n_people").desc(nulls_last=True),
    "rated": F("standing__score").desc(nulls_last=True),
    "trending": F("standing__trend").desc(nulls_last=True),
    "newest": F("published_id").desc(),
}
# What lists can be filtered by: the facets of search entries.
HAS: Final = {
    **{key: gettext_lazy(each.title) for key, each in CAPABILITIES.items()},
    "files": gettext_lazy("Files"),
    "actions": gettext_lazy("Other services"),
}
# GPTs that are shared with the person who searches, above those of the store.
N_SHARED: Final = 12
# Hosts on a card.
N_HOSTS: Final = 2
# How long the store's languages are kept: 20 ms of each page with 10,000 GPTs (SQLite, 2026-11).
KEPT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person or program wants to see: `sort` is one of SORTS, or MATCH with a query; `has` one of HAS.

    `works`: only what works on this site as it is set up. `language` is an ISO 639-1 code.
    """

    query: str = ""
    category: str = ""
    sort: str = ""
    has: str = ""
    works: bool = False
    language: str = ""

    @property
    def order(self) -> str:
        """The order that applies: the chosen one, or else the usual one."""
        if self.sort in SORTS:
            return self.sort
        return MATCH if self.query else "used"

    @property
    def is_filtered(self) -> bool:
        """Whether only some of those that match the query are wanted."""
        return any((self.category, self.has, self.works, self.language))

    @property
    def is_narrowed(self) -> bool:
        """Whether it is not simply all, in the usual order."""
        return bool(self.query) or self.is_filtered or self.order != "used"

    def link(self, **changes: Any) -> str:
        """The query string of the same list with `changes`."""
        names = {"q": self.query, "category": self.category, "sort": self.sort, "has": self.has}
        given = {**names, "language": self.language, "works": "1" if self.works else "", **changes}
        return "?" + urlencode({name: value for name, value in given.items() if value or name == "page"})


def listed(wanted: Wanted) -> "Listing":
    """The GPTs of the store that are wanted, in order, with what their cards need."""
    found = find(wanted.query) if wanted.query else []
    gpts = fitting(wanted, found)
    if wanted.order != MATCH:
        return in_order(gpts, wanted.order)
    if wanted.is_filtered:
        there = set(gpts.values_list("id", flat=True).order_by())
        found = [gpt_id for gpt_id in found if gpt_id in there]
    return Listing(gpts, found)


def shared_with(person: Any, query: str) -> "list[StoreCard]":
    """Cards of the GPTs outside the store that are shared with `person` and match the query."""
    if not (query and person.is_authenticated):
        return []
    shared = Gpt.objects.shared_with(person).filter(published__isnull=False).exclude(sharing=Sharing.STORE)
    gpts = shared.select_related("published", "owner__profile", "standing")
    return cards(Listing(gpts, find_among(shared, query))[:N_SHARED])


def fitting(wanted: Wanted, found: Sequence[UUID]) -> QuerySet[Gpt]:
    """The GPTs of the store that are wanted; with a query those of `found`, which its search has found."""
    gpts = store_gpts().filter(id__in=found) if wanted.query else store_gpts()
    gpts = gpts.filter(category=wanted.category) if wanted.category else gpts
    gpts = gpts.filter(search_entry__facets__contains=f" {wanted.has} ") if wanted.has else gpts
    gpts = gpts.filter(search_entry__language=wanted.language) if wanted.language else gpts
    for missing in missing_here() if wanted.works else ():
        gpts = gpts.exclude(search_entry__facets__contains=f" {missing} ")
    return gpts


def languages() -> list[tuple[str, str]]:
    """The languages of GPTs in the store with their names, by these; as they were up to KEPT_S ago."""
    found: Any = cache.get_or_set("store-languages", _languages, KEPT_S)
    return titled(found)


def _languages() -> list[str]:
    there = Gpt.objects.in_store().exclude(search_entry__language="").exclude(search_entry=None).order_by()
    return list(there.values_list("search_entry__language", flat=True).distinct())


def in_order(gpts: QuerySet[Gpt], sort: str) -> "Listing":
    """The GPTs in the order of one of SORTS; those that are alike, newest first."""
    return Listing(gpts.order_by(_ORDER[sort], _ORDER["newest"]))


class Listing(Sequence[Gpt]):
    """GPTs in the order of `gpts`, or else of `ids`, theirs.

    A slice takes two queries, the first of ids alone: databases sort whole rows, and some versions are long.
    """

    def __init__(self, gpts: QuerySet[Gpt], ids: Sequence[UUID] | None = None) -> None:
        self._gpts = gpts
        self._ids: Any = gpts.values_list("id", flat=True) if ids is None else ids

    def __len__(self) -> int:
        return self._ids.count() if isinstance(self._ids, QuerySet) else len(self._ids)

    def __getitem__(self, place: Any) -> Any:
        ids = list(self._ids[place]) if isinstance(place, slice) else [self._ids[place]]
        rows = {gpt.id: gpt for gpt in self._gpts.order_by().filter(id__in=ids)}
        found = [rows[gpt_id] for gpt_id in ids if gpt_id in rows]
        return found if isinstance(place, slice) else found[0]


def not_set_up(spec: GptSpec) -> list[str]:
    """The capabilities of a GPT that the operator has not set up, by name."""
    return [name for key, name in missing_here().items() if key in spec.capabilities]


def hosts_of(spec: GptSpec) -> tuple[str, ...]:
    """The hosts of actions, MCP servers and remote agents of a version, each once."""
    urls = [action.base_url for action in spec.actions] + [server.url for server in spec.mcp_servers]
    urls += [agent.url for agent in spec.remote_agents]
    return tuple(dict.fromkeys(filter(None, map(host_name, urls))))


def standing_of(gpt: Gpt) -> Standing:
    """How a GPT stands in the store; all 0 while nobody has counted."""
    return getattr(gpt, "standing", None) or Standing(gpt=gpt)


@dataclass(frozen=True)
class StoreCard:
    """A GPT as the store shows it: published, not the draft."""

    gpt: Gpt
    spec: GptSpec = field(repr=False)

    @cached_property
    def standing(self) -> Standing:
        """How it stands."""
        return standing_of(self.gpt)

    @property
    def not_set_up(self) -> str:
        """What this GPT needs and the site lacks, such as "Image generation"; empty if nothing."""
        return get_text_list(not_set_up(self.spec), gettext("and"))

    @property
    def to_set_up(self) -> list[str]:
        """What an operator can do about that."""
        return [str(SET_UP[key]) for key in missing_here() if key in self.spec.capabilities]

    @property
    def reaches(self) -> list[str]:
        """What it can access besides its files and the chat, in a few words each."""
        hosts = hosts_of(self.spec)
        more = [gettext("{n} more services").format(n=len(hosts) - N_HOSTS)] * (len(hosts) > N_HOSTS)
        titles = [gettext(each.title) for key, each in CAPABILITIES.items() if key in self.spec.capabilities]
        # Those that it names may be private.
        asks = [gettext("Any GPT in the store")] * self.spec.delegates_to_store
        return [*titles, *hosts[:N_HOSTS], *more, *asks]

    @property
    def creator(self) -> Profile | None:
        """The public profile of its creator."""
        profile: Profile | None = getattr(self.gpt.owner, "profile", None)
        return profile if profile and profile.public else None


def store_gpts() -> QuerySet[Gpt]:
    """All GPTs of the store, with what their cards need."""
    return Gpt.objects.in_store().select_related("published", "owner__profile", "standing")


def cards(gpts: Iterable[Gpt]) -> list[StoreCard]:
    """Cards of published GPTs."""
    return [StoreCard(gpt, gpt.published.spec()) for gpt in gpts if gpt.published]
