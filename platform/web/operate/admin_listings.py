"""The console's queue of GPTs to be looked at before they appear in the store."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.builder import listing, stewardship
from web.builder.changes import differences
from web.builder.models_listing import ListingReview
from web.builder.reach import hosts_of
from web.operate.site import OperatorAdmin, operators, person_of


class StateFilter(admin.SimpleListFilter):
    """What waits, or what was decided."""

    title, parameter_name = "state", "state"
    STATES: ClassVar[dict[str, Q]] = {
        "waiting": Q(decided=None, withdrawn=None),
        "decided": Q(decided__isnull=False),
        "withdrawn": Q(withdrawn__isnull=False),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [(key, key.capitalize()) for key in self.STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ListingReview]) -> QuerySet[ListingReview]:
        """The chosen ones."""
        wanted = self.STATES.get(self.value() or "")
        return queryset.filter(wanted) if wanted else queryset


@admin.register(ListingReview, site=operators)
class ListingReviewAdmin(OperatorAdmin):
    """Versions that creators want in the store, with what differs from the listed one."""

    section, icon = "GPTs", "rate_review"
    list_display = ("what", "state", "creator", "created")
    list_filter = (StateFilter,)
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

    def get_urls(self) -> list[URLPattern]:
        """Those of the list, and one to decide."""
        view = self.admin_site.admin_view(require_POST(self.decide_view))
        return [path("<uuid:listing_id>/decide/", view, name="listing_decide"), *super().get_urls()]

    def decide_view(self, request: HttpRequest, listing_id: Any) -> HttpResponse:
        """Approve, or send back."""
        review = get_object_or_404(ListingReview, id=listing_id)
        approved = request.POST.get("decision") == "approve"
        try:
            stewardship.decide_listing(review, approved, request.POST.get("note", ""), person_of(request))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, f"{review}: {'listed' if approved else 'sent back'}.")
        return redirect(reverse("admin:builder_listingreview_change", args=[listing_id]))
