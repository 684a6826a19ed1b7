"""The console's GPTs: feature, withdraw, restore, transfer."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from unfold.decorators import display

from web.accounts.models import User
from web.attempts import attempt
from web.builder import stewardship
from web.builder.categories import DEFAULTS, categories
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.models_store import StoreCategory
from web.operate.people import person_with_address
from web.operate.site import OperatorAdmin, StateFilter, operators, person_of


class GptStates(StateFilter):
    """By what operators and creators did with them."""

    STATES: ClassVar = {
        "live": Q(deleted=None, withdrawn=None, published__isnull=False),
        "draft": Q(deleted=None, published=None),
        "withdrawn": Q(deleted=None, withdrawn__isnull=False),
        "deleted": Q(deleted__isnull=False),
    }


class CategoryFilter(admin.SimpleListFilter):
    """By category, as the store has them now."""

    title, parameter_name = "category", "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        """The choices."""
        yield from categories().items()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Gpt]) -> QuerySet[Gpt]:
        """Those in it."""
        return queryset.filter(category=self.value()) if self.value() else queryset


@admin.register(Gpt, site=operators)
class GptAdmin(OperatorAdmin):
    """All GPTs, private and deleted ones too: operators see what they are called and whose, not what they say."""

    section, icon = "GPTs", "smart_toy"
    list_display = ("gpt", "state", "who", "creator", "in_category", "changed")
    list_filter = (GptStates, "sharing", "featured", CategoryFilter)
    list_select_related = ("owner",)
    search_fields = ("name", "slug", "owner__email")
    search_help_text = "Name, address, or the creator’s email address"
    ordering = ("-changed",)
    actions = ("feature", "unfeature", "withdraw", "restore")
    fields = readonly_fields = ("name", "creator", "state", "who", "in_category", "created", "changed")
    may_change = False
    change_form_outer_before_template = "operate/gpt_acts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gpt]:
        """Without the columns that hold whole texts and drawings."""
        own = StoreCategory.objects.filter(key=OuterRef("category")).values("title")
        return Gpt.objects.annotate(own_category=Subquery(own)).defer(
            "description", "instructions", "starters", "inputs", "imported", "capabilities"
        )

    @display(description="GPT", header=True, ordering="name")
    def gpt(self, gpt: Gpt) -> tuple[str, str]:
        """Its name and address."""
        return gpt.name, f"/g/{gpt.slug}/"

    @display(
        description="State",
        label={"Featured": "info", "Live": "success", "Withdrawn": "warning", "Deleted": "danger"},
    )
    def state(self, gpt: Gpt) -> str:
        """One word for it."""
        if gpt.deleted:
            return "Deleted"
        if gpt.withdrawn:
            return "Withdrawn"
        return "Featured" if gpt.featured else "Live" if gpt.published_id else "Draft"

    @display(description="Who can use it", ordering="sharing")
    def who(self, gpt: Gpt) -> str:
        """Its sharing; a draft is its creator's alone."""
        return str(Sharing(gpt.sharing).label if gpt.published_id else Sharing.ME.label)

    @display(description="Category", ordering="category")
    def in_category(self, gpt: Any) -> str:
        """Its title, as in the store."""
        return str(gpt.own_category or DEFAULTS.get(gpt.category, gpt.category))

    @display(description="Creator", ordering="owner")
    def creator(self, gpt: Gpt) -> str:
        """The email address."""
        return gpt.owner.email

    def own_urls(self) -> list[URLPattern]:
        """One for each act."""
        return [self.posted("<uuid:gpt_id>/act/<slug:act>/", self.act_view, "gpt_act")]

    def act_view(self, request: HttpRequest, gpt_id: Any, act: str) -> HttpResponse:
        """Feature, withdraw, restore or transfer the GPT."""
        if act not in (*ACTS, "transfer"):
            raise Http404
        gpt = get_object_or_404(Gpt.objects.select_related("owner"), id=gpt_id)
        self._do(request, gpt, act)
        return redirect("admin:builder_gpt_change", gpt_id)

    @staticmethod
    def _do(request: HttpRequest, gpt: Gpt, act: str) -> None:
        def do() -> None:
            if act == "transfer":
                stewardship.transfer(gpt, person_with_address(request.POST.get("email", "")), person_of(request))
            else:
                ACTS[act](gpt, person_of(request))

        attempt(request, do, f"{gpt.name}: {DONE[act]}.")

    def _each(self, request: HttpRequest, queryset: QuerySet[Gpt], act: str) -> None:
        for gpt in queryset.select_related("owner"):
            self._do(request, gpt, act)

    @admin.action(description="Feature in the store")
    def feature(self, request: HttpRequest, queryset: QuerySet[Gpt]) -> None:
        """Show them at the top of the store."""
        self._each(request, queryset, "feature")

    @admin.action(description="Feature no longer")
    def unfeature(self, request: HttpRequest, queryset: QuerySet[Gpt]) -> None:
        """Show them as all others."""
        self._each(request, queryset, "unfeature")

    @admin.action(description="Withdraw")
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Gpt]) -> None:
        """Keep them to their creators."""
        self._each(request, queryset, "withdraw")

    @admin.action(description="Restore")
    def restore(self, request: HttpRequest, queryset: QuerySet[Gpt]) -> None:
        """Give them back to their creators."""
        self._each(request, queryset, "restore")


ACTS: dict[str, Callable[[Gpt, User], None]] = {
    "feature": lambda gpt, by: stewardship.feature(gpt, True, by),
    "unfeature": lambda gpt, by: stewardship.feature(gpt, False, by),
    "withdraw": stewardship.withdraw,
    "restore": lambda gpt, by: (
        stewardship.list_again(gpt, by)
        if gpt.unlisted and not (gpt.deleted or gpt.withdrawn)
        else stewardship.restore(gpt, by)
    ),
}
DONE = {
    "feature": "featured",
    "unfeature": "no longer featured",
    "withdraw": "withdrawn; only its creator can use it",
    "restore": "given back to its creator",
    "transfer": "transferred, without the secrets of its actions and sources",
}
