"""The console's queue of GPTs to be looked at before they appear in the store."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from unfold.decorators import display

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.attempts import attempt
from web.builder import listing, stewardship
from web.builder.changes import differences
from web.builder.models_listing import ListingReview
from web.builder.reach import hosts_of
from web.operate.site import OperatorAdmin, StateFilter, operators, person_of


class ReviewStates(StateFilter):
    """What waits, or what was decided."""

    STATES: ClassVar = {
        "waiting": Q(decided=None, withdrawn=None),
        "decided": Q(decided__isnull=False),
        "withdrawn": Q(withdrawn__isnull=False),
    }


@admin.register(ListingReview, site=operators)
class ListingReviewAdmin(OperatorAdmin):
    """Versions that creators want in the store, with what differs from the listed one."""

    section, icon, rows_name = "GPTs", "rate_review", "GPTs to review"
    list_display = ("what", "state", "creator", "created")
    list_filter = (ReviewStates,)
    list_select_related = ("gpt__owner", "version")
    ordering = ("-created",)
    fields = readonly_fields = ("what", "state", "creator", "capabilities", "hosts", "note")
    may_change = False
    change_form_outer_before_template = "operate/listing_acts.html"

    @display(description="GPT")
    def what(self, review: ListingReview) -> str:
        """Name and version."""
        return str(review)

    @display(
        description="State",
        label={"waiting": "warning", "approved": "success", "sent back": "danger", "withdrawn": "info"},
    )
    def state(self, review: ListingReview) -> str:
        """One word for it."""
        return review.state

    @display(description="Creator")
    def creator(self, review: ListingReview) -> str:
        """The email address."""
        return review.gpt.owner.email

    @display(description="Capabilities")
    def capabilities(self, review: ListingReview) -> str:
        """What it can do."""
        return ", ".join(CAPABILITIES[key].title for key in review.version.spec().capabilities if key in CAPABILITIES)

    @display(description="Hosts it can reach")
    def hosts(self, review: ListingReview) -> str:
        """Those of its actions, servers and agents."""
        return ", ".join(hosts_of(review.version.spec()))

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """With what differs from the listed version, or from nothing."""
        review = self.get_object(request, object_id)
        is_news = review and listing.is_listed(review.gpt) and review.gpt.published_id != review.version_id
        before = review.gpt.published if review and is_news else None
        changes: Any = ()
        if review:
            spec = review.version.spec()
            changes = differences(before.spec() if before else GptSpec(slug=spec.slug, name=spec.name), spec)
        context = {**(extra_context or {}), "review": review, "before": before, "changes": changes}
        return super().change_view(request, object_id, form_url, context)

    def own_urls(self) -> list[URLPattern]:
        """One to decide."""
        return [self.posted("<uuid:listing_id>/decide/", self.decide_view, "listing_decide")]

    def decide_view(self, request: HttpRequest, listing_id: Any) -> HttpResponse:
        """Approve, or send back."""
        review = get_object_or_404(ListingReview, id=listing_id)
        approved, note = request.POST.get("decision") == "approve", request.POST.get("note", "")
        attempt(
            request,
            lambda: stewardship.decide_listing(review, approved, note, person_of(request)),
            f"{review}: {'listed' if approved else 'sent back'}.",
        )
        return redirect("admin:builder_listingreview_change", listing_id)
