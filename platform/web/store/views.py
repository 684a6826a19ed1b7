"""The store: browse, search, and the page of one GPT."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gpts.spec.actions import host_name
from gpts.spec.capabilities import CAPABILITIES, Capability
from gpts.spec.gpt import GptSpec
from web.builder.delegates import visible_delegates
from web.builder.models import Category, Gpt, KnowledgeFile, Sharing
from web.builder.search import find
from web.builder.services import access_gpt
from web.store.code import snippets

PER_PAGE = 24
N_FEATURED = 6
# The newest GPTs get a section of their own once the store is this long.
N_NEW, LONG_STORE = 3, 12

# People who chatted with a GPT, each counted once.
N_PEOPLE = Count("conversations__owner", filter=Q(conversations__origin="chat"), distinct=True)


@dataclass(frozen=True, slots=True)
class StoreCard:
    """A GPT as the store shows it: published, not the draft."""

    gpt: Gpt
    spec: GptSpec
    n_people: int

    @property
    def not_set_up(self) -> str:
        """What this GPT needs and the site lacks, such as "Image generation"; empty if nothing."""
        return " and ".join(not_set_up(self.spec))


def not_set_up(spec: GptSpec) -> list[str]:
    """The capabilities of a GPT that the operator has not set up, by name."""
    missing = {
        "image_generation": ("Image generation", not (settings.IMAGE_MODEL or settings.IMAGE_URL)),
        "web_browsing": ("Web search", not settings.SEARCH_PROVIDER),
        "code_interpreter": ("Code interpreter", settings.SANDBOX == "off"),
    }
    return [name for key, (name, is_missing) in missing.items() if is_missing and key in spec.capabilities]


def cards(gpts: Any) -> list[StoreCard]:
    """Cards of published GPTs with `published` and `n_people`."""
    return [StoreCard(gpt, gpt.published.spec(), gpt.n_people) for gpt in gpts]


def in_category(category: str) -> QuerySet[Gpt]:
    """The store's GPTs of a category, or all, most used first."""
    gpts = Gpt.objects.in_store().select_related("published", "owner").annotate(n_people=N_PEOPLE)
    gpts = gpts.filter(category=category) if category in Category.values else gpts
    return gpts.order_by("-n_people", "-published__created", "id")


@require_safe
def store(request: HttpRequest) -> HttpResponse:
    """The front page: featured GPTs, new ones, and all by usage; or the results of a search."""
    query = request.GET.get("q", "").strip()[:200]
    category = request.GET.get("category", "")
    gpts = in_category(category)
    filled = {category, *Gpt.objects.in_store().order_by().values_list("category", flat=True).distinct()}
    categories = [choice for choice in Category.choices if choice[0] in filled]
    context: dict[str, Any] = {"query": query, "category": category, "categories": categories}
    if query:
        page = found_page(request, gpts, query)
    else:
        picked = [] if category else cards(gpts.filter(featured=True))
        featured = [card for card in picked if not card.not_set_up][:N_FEATURED]
        rest = gpts.exclude(id__in=[card.gpt.id for card in featured])
        new = [] if category else newest(rest)
        listed = rest.exclude(id__in=[card.gpt.id for card in new])
        page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
        if page.number == 1:
            context |= {"featured": featured, "newest": new}
    context |= {"page": page, "cards": cards(page.object_list), "more": more_link(query, category)}
    return render(request, "store/store.html", context)


def found_page(request: HttpRequest, gpts: QuerySet[Gpt], query: str) -> Page[Any]:
    """One page of the GPTs among `gpts` that match `query`, best first."""
    allowed = set(gpts.values_list("id", flat=True))
    found: list[Any] = [gpt_id for gpt_id in find(query) if gpt_id in allowed]
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    rows = {gpt.id: gpt for gpt in gpts.filter(id__in=page.object_list)}
    page.object_list = [rows[gpt_id] for gpt_id in page.object_list]
    return page


def newest(gpts: QuerySet[Gpt]) -> list[StoreCard]:
    """The last published ones; none in a short store."""
    return cards(gpts.order_by("-published__created")[:N_NEW]) if gpts.count() > LONG_STORE else []


def more_link(query: str, category: str) -> str:
    """The query string for another page of this list, without the page's number."""
    chosen = {"q": query, "category": category}
    return "?" + urlencode({key: value for key, value in chosen.items() if value} | {"page": ""})


@dataclass(frozen=True, slots=True)
class GptAccess:
    """Capabilities, hosts of actions, MCP servers and remote agents (each once), and GPTs that it can ask.

    `delegates` are only those that the reader may chat with. `leaves_site`: something of all this runs elsewhere.
    """

    capabilities: tuple[Capability, ...]
    hosts: tuple[str, ...]
    delegates: tuple[Gpt, ...]
    leaves_site: bool


def access_of(spec: GptSpec, reader: Any) -> GptAccess:
    """What this version can access, as far as `reader` may know."""
    capabilities = tuple(capability for key, capability in CAPABILITIES.items() if key in spec.capabilities)
    urls = [action.base_url for action in spec.actions] + [server.url for server in spec.mcp_servers]
    urls += [agent.url for agent in spec.remote_agents]
    hosts = tuple(dict.fromkeys(filter(None, map(host_name, urls))))
    delegates = tuple(visible_delegates(spec, reader))
    asks = bool(delegates) or spec.delegates_to_store  # and they may have access to other services
    leaves_site = asks or bool(hosts) or any(capability.leaves_site for capability in capabilities)
    return GptAccess(capabilities, hosts, delegates, leaves_site)


@require_safe
def gpt_page(request: HttpRequest, slug: str) -> HttpResponse:
    """What a GPT does and can access, with ways to start a chat. 404 without access."""
    gpt = access_gpt(request.user, slug)
    spec = gpt.published.spec() if gpt.published else gpt.draft_spec()
    owns = gpt.owner_id == request.user.pk
    counts = gpt.conversations.filter(origin="chat").aggregate(
        n_chats=Count("id"), n_people=Count("owner", distinct=True)
    )
    files = KnowledgeFile.objects.filter(id__in=[ref.file_id for ref in spec.knowledge])
    context = {
        "gpt": gpt,
        "spec": spec,
        "owns": owns,
        "counts": counts,
        "n_pages": files.filter(unit="page").aggregate(n=Sum("n_pages"))["n"],
        "link": share_link(gpt, owns),
        "access": access_of(spec, request.user),
        "snippets": snippets(settings.SITE_URL, gpt.slug, next(iter(spec.starters), "Hello")),
    }
    return render(request, "store/gpt.html", context)


def share_link(gpt: Gpt, owns: bool) -> str:
    """The absolute URL to share, or empty. Only the owner gets the secret link."""
    if gpt.published and gpt.sharing == Sharing.STORE:
        return settings.SITE_URL + reverse("gpt", args=[gpt.slug])
    if gpt.published and gpt.sharing == Sharing.LINK and owns:
        return settings.SITE_URL + reverse("gpt_link", args=[gpt.link_secret])
    return ""
