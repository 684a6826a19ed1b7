"""Reviews, pages of creators, and collections."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.attempts import attempt
from web.builder.access import access_gpt
from web.store import collections, profiles, reviews
from web.store.listing import cards, in_order, store_gpts
from web.store.models import ABOUT_CHARS, COLLECTION_NAME_CHARS, REVIEW_CHARS, Review

PER_PAGE: Final = 20
REVIEWED: Final = "#reviews"


def _to_review(review: Review) -> HttpResponse:
    return redirect(f"{reverse('gpt_reviews', args=[review.gpt.slug])}#review-{review.id}")


@require_safe
def gpt_reviews(request: HttpRequest, slug: str) -> HttpResponse:
    """All reviews of a GPT, newest first."""
    gpt = access_gpt(request.user, slug)
    page = Paginator(reviews.shown(gpt, request.user), PER_PAGE).get_page(request.GET.get("page"))
    owns = gpt.owner_id == request.user.pk
    if owns:
        reviews.mark_seen(gpt)
    context = {"gpt": gpt, "page": page, "owns": owns, "review_chars": REVIEW_CHARS}
    return render(request, "store/reviews.html", context)


@login_required
@require_POST
def give_review(request: PersonRequest, slug: str) -> HttpResponse:
    """Rate a GPT, change one's review, or delete it."""
    gpt = access_gpt(request.user, slug)
    if request.POST.get("action") == "delete":
        reviews.take_back(gpt, request.user)
        messages.success(request, gettext("Review deleted."))
    else:
        stars = request.POST.get("stars", "")
        number = int(stars) if stars in {"1", "2", "3", "4", "5"} else 0
        text = request.POST.get("text", "")
        attempt(
            request,
            lambda: reviews.give(gpt, request.user, number, text),
            gettext("Thank you. Your review is saved."),
        )
    return redirect(reverse("gpt", args=[slug]) + REVIEWED)


@login_required
@require_POST
def answer_review(request: PersonRequest, review_id: UUID) -> HttpResponse:
    """The creator's public answer to a review."""
    review = reviews.access_review(request.user, review_id)
    text = request.POST.get("answer", "")
    attempt(request, lambda: reviews.answer(request.user, review_id, text), gettext("Answer saved."))
    return _to_review(review)


@login_required
@require_POST
def hide_review(request: PersonRequest, review_id: UUID) -> HttpResponse:
    """An operator hides a review, or shows it again."""
    if not request.user.moderates:
        raise Http404
    review = reviews.access_any(review_id)
    reviews.hide(review, review.hidden is None)
    messages.success(request, gettext("Review hidden.") if review.hidden else gettext("Review shown again."))
    return _to_review(review)


@require_safe
def creator(request: HttpRequest, creator: str) -> HttpResponse:
    """A creator's page: who they are, and their GPTs in the store."""
    profile = profiles.access_profile(creator, request.user)
    gpts = in_order(store_gpts().filter(owner=profile.user), "used")
    page = Paginator(gpts, PER_PAGE).get_page(request.GET.get("page"))
    context = {"profile": profile, "page": page, "cards": cards(page.object_list)}
    return render(request, "store/creator.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def edit_profile(request: PersonRequest) -> HttpResponse:
    """Whether one has a page of one's own, and what it says."""
    if request.method == "POST":
        public, about = request.POST.get("public") == "on", request.POST.get("about", "")
        attempt(request, lambda: profiles.change(request.user, public=public, about=about), gettext("Saved."))
        return redirect("profile")
    context = {"profile": profiles.profile_of(request.user), "about_chars": ABOUT_CHARS}
    return render(request, "store/profile.html", context)


LIMITS: Final = {"name_chars": COLLECTION_NAME_CHARS, "about_chars": ABOUT_CHARS}


@login_required
@require_http_methods(["GET", "POST"])
def own_collections(request: PersonRequest) -> HttpResponse:
    """One's collections; POST makes one, with the GPT `gpt` in it if one is given."""
    if request.method == "POST":
        fields = _fields(request)

        def create() -> None:
            made = collections.create(request.user, **fields)
            if slug := request.POST.get("gpt", ""):
                collections.add(made, slug)

        attempt(request, create, gettext("Collection created."))
        return _back(request)
    context = {"collections": collections.own(request.user), **LIMITS}
    return render(request, "store/collections.html", context)


def _fields(request: PersonRequest) -> dict[str, Any]:
    given = {name: request.POST.get(name, "") for name in ("name", "about")}
    switches = {name: request.POST.get(name) == "on" for name in ("public", "featured")}
    return {**given, **switches, "featured": switches["featured"] and request.user.is_staff}


def _back(request: HttpRequest, to: str = "collections") -> HttpResponse:
    """To the page of the GPT from which a collection was changed, or else to the collections."""
    slug = request.POST.get("gpt", "")
    is_there = bool(slug) and request.POST.get("from") == "gpt"
    return redirect("gpt", access_gpt(request.user, slug).slug) if is_there else redirect(to)


@require_safe
def collection(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """A collection, with what its owner can change of it."""
    shown = collections.access(request.user, collection_id)
    gpts = [item.gpt for item in collections.items_of(shown, request.user)]
    owns = shown.owner_id == request.user.pk
    profile = getattr(shown.owner, "profile", None)
    context = {"collection": shown, "cards": cards(gpts), "owns": owns, **LIMITS}
    context["profile"] = profile if profile and profile.public else None
    return render(request, "store/collection.html", context)


@login_required
@require_POST
def change_collection(request: PersonRequest, collection_id: UUID) -> HttpResponse:
    """Rename or delete a collection, make it public, or add or remove the GPT `gpt`."""
    own = collections.access_own(request.user, collection_id)
    slug = request.POST.get("gpt", "").replace("\x00", "")
    match request.POST.get("action"):
        case "delete":
            own.delete()
            messages.success(request, gettext("Collection deleted."))
            return redirect("collections")
        case "add":
            attempt(request, lambda: collections.add(own, slug), gettext("Added to {name}.").format(name=own.name))
            return _back(request)
        case "remove":
            attempt(
                request, lambda: collections.remove(own, slug), gettext("Removed from {name}.").format(name=own.name)
            )
        case _:
            attempt(request, lambda: collections.change(own, **_fields(request)), gettext("Saved."))
    return redirect("collection", own.id)
