"""The store: browse, search, and the page of one GPT."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Page, Paginator
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from gpts.knowledge.languages import LANGUAGES
from gpts.spec.capabilities import CAPABILITIES, Capability
from gpts.spec.gpt import GptSpec
from web.accounts.models import User
from web.builder.access import access_gpt, link_of, open_link
from web.builder.categories import categories
from web.builder.delegates import visible_delegates
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_files import KnowledgeFile
from web.builder.set_up import missing_here
from web.store import collections, reviews
from web.store.code import snippets
from web.store.listing import (
    HAS,
    MATCH,
    SORTS,
    StoreCard,
    Wanted,
    cards,
    hosts_of,
    in_order,
    languages,
    listed,
    shared_with,
    store_gpts,
)
from web.store.models import REVIEW_CHARS

PER_PAGE: Final = 24
N_FEATURED: Final = 6
# The newest GPTs get a section of their own once the store is this long, and so do those that are in fashion.
N_NEW, LONG_STORE = 3, 12
N_REVIEWS: Final = 3


def wanted_of(request: HttpRequest) -> Wanted:
    """What the query string wants; what it has no idea of is left out."""
    given = {
        name: request.GET.get(name, "").replace("\x00", "") for name in ("q", "category", "sort", "has", "language")
    }
    return Wanted(
        query=given["q"].strip()[:200],
        category=given["category"][:20],
        sort=given["sort"] if given["sort"] in SORTS else "",
        has=given["has"] if given["has"] in HAS else "",
        works=request.GET.get("works") == "1",
        language=given["language"] if given["language"] in LANGUAGES else "",
    )


@require_safe
def store(request: HttpRequest) -> HttpResponse:
    """The front page: featured GPTs, new ones, and all by usage; or what was searched for, sorted and filtered."""
    wanted = wanted_of(request)
    known = categories()
    filled = {wanted.category, *Gpt.objects.in_store().order_by().values_list("category", flat=True).distinct()}
    context: dict[str, Any] = {
        "wanted": wanted,
        "query": wanted.query,
        "category": wanted.category if wanted.category in known else "",
        "categories": [(wanted.link(category=key), title, key) for key, title in known.items() if key in filled],
        "all_categories": wanted.link(category=""),
        "sorts": {**({MATCH: gettext("Best match")} if wanted.query else {}), **SORTS},
        "has": HAS,
        "languages": languages(),
        "title": known.get(wanted.category, ""),
    }
    if wanted.is_narrowed:
        page = Paginator(listed(wanted), PER_PAGE).get_page(request.GET.get("page"))
        context["shared"] = shared_with(request.user, wanted.query) if page.number == 1 else []
    else:
        page, picked = _front(request)
        context |= picked
    context |= {"page": page, "cards": cards(page.object_list), "more": wanted.link(page="")}
    return render(request, "store/store.html", context)


def _front(request: HttpRequest) -> tuple[Page[Any], dict[str, Any]]:
    """The page of the list that stands below the sections of the front page, and what they show on the first."""
    gpts = store_gpts()
    picked = cards(in_order(gpts.filter(featured=True), "used")[:])
    featured = [card for card in picked if not card.not_set_up][:N_FEATURED]
    gpts = gpts.exclude(id__in=[card.gpt.id for card in featured])
    newest = cards(in_order(gpts, "newest")[:N_NEW]) if gpts.order_by()[LONG_STORE:].exists() else []
    rest = in_order(gpts.exclude(id__in=[card.gpt.id for card in newest]), "used")
    page = Paginator(rest, PER_PAGE).get_page(request.GET.get("page"))
    if page.number > 1:
        return page, {}
    waiting = cards(Gpt.objects.samples_to_set_up()) if request.user.is_staff else []
    return page, {
        "featured": featured,
        "newest": newest,
        "waiting": waiting,
        "collections": collections.featured(),
    }


@dataclass(frozen=True, slots=True)
class GptAccess:
    """Capabilities, hosts of actions, MCP servers and remote agents (each once), and GPTs that it can ask.

    `missing` are the keys of capabilities that the operator has not set up.
    `delegates` are only those that the reader may chat with. `leaves_site`: something of all this runs elsewhere.
    """

    capabilities: tuple[tuple[str, Capability], ...]
    missing: Collection[str]
    hosts: tuple[str, ...]
    delegates: tuple[Gpt, ...]
    leaves_site: bool


def access_of(spec: GptSpec, reader: Any) -> GptAccess:
    """What this version can access, as far as `reader` may know."""
    capabilities = tuple(each for each in CAPABILITIES.items() if each[0] in spec.capabilities)
    hosts = hosts_of(spec)
    delegates = tuple(visible_delegates(spec, reader))
    asks = bool(delegates) or spec.delegates_to_store  # and they may have access to other services
    leaves_site = asks or bool(hosts) or any(capability.leaves_site for _, capability in capabilities)
    return GptAccess(capabilities, missing_here(), hosts, delegates, leaves_site)


@require_safe
def gpt_page(request: HttpRequest, slug: str) -> HttpResponse:
    """What a GPT does and can access, with ways to start a chat. 404 without access, which a `link` may give."""
    if "link" in request.GET and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    gpt = _opened(request, slug) or access_gpt(request.user, slug)
    spec = gpt.published.spec() if gpt.published else gpt.draft_spec()
    owns = gpt.owner_id == request.user.pk
    counts = gpt.conversations.filter(origin="chat").aggregate(
        n_chats=Count("id"), n_people=Count("owner", distinct=True)
    )
    files = KnowledgeFile.objects.filter(id__in=[ref.file_id for ref in spec.knowledge])
    said = reviews.shown(gpt, request.user)
    if owns:
        reviews.mark_seen(gpt)
    context = {
        "gpt": gpt,
        "card": StoreCard(gpt, spec),
        "reviews": said[:N_REVIEWS],
        "n_reviews": said.count(),
        "own_review": reviews.review_of(gpt, request.user),
        "why_not": reviews.why_not(gpt, request.user),
        "review_chars": REVIEW_CHARS,
        "collections": collections.own(request.user) if gpt.published else (),
        "spec": spec,
        "owns": owns,
        "edits": owns or Gpt.objects.editable_by(request.user).filter(id=gpt.id).exists(),
        "views": Gpt.objects.settings_visible_to(request.user).filter(id=gpt.id).exists(),
        "counts": counts,
        "n_pages": files.filter(unit="page").aggregate(n=Sum("n_pages"))["n"],
        "link": share_link(gpt, owns),
        "access": access_of(spec, request.user),
        "snippets": snippets(settings.SITE_URL, gpt.slug, next(iter(spec.starters), "Hello")),
    }
    return render(request, "store/gpt.html", context)


def _opened(request: HttpRequest, slug: str) -> Gpt | None:
    """The GPT whose secret link the person opened; None if they need none. Raises Http404 if it no longer works."""
    secret = request.GET.get("link", "")
    if not secret or Gpt.objects.chattable_by(request.user).filter(slug=slug).exists():
        return None
    return open_link(cast(User, request.user), secret, slug)


def share_link(gpt: Gpt, owns: bool) -> str:
    """The absolute URL to share, or empty. Only the owner gets the secret link."""
    is_shared = gpt.published and (gpt.sharing == Sharing.STORE or (gpt.sharing == Sharing.LINK and owns))
    return link_of(gpt) if is_shared else ""
