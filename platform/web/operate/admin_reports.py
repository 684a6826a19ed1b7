"""The console's queue of reports: decide with a note, and answer appeals."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from web.attempts import attempt
from web.moderation import cases
from web.moderation.models import Case, Report
from web.operate.site import OperatorAdmin, StateFilter, operators, person_of

KINDS: Final = {"gpt": "GPT", "review": "Review", "chat": "Chat", "account": "Account"}


class CaseStates(StateFilter):
    """What waits, or all."""

    STATES: ClassVar = {"waiting": cases.OPEN, "decided": ~cases.OPEN}


@admin.register(Case, site=operators)
class CaseAdmin(OperatorAdmin):
    """Everything that was reported. What a chat says is only shown by its link, as the reporter saw it."""

    section, icon = "GPTs", "flag"
    list_display = ("what", "state", "owner", "n_reports", "age")
    list_filter = (CaseStates,)
    list_select_related = ("owner", "gpt__published", "review__gpt__published", "share__conversation")
    ordering = ("-created",)
    fields = readonly_fields = (
        "what",
        "owner",
        "state",
        "reports",
        "shown",
        "decision",
        "note",
        "appeal",
        "outcome",
        "answer",
    )
    may_change = False
    change_form_outer_before_template = "operate/case_acts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """With the number of reports."""
        own = Report.objects.filter(case=OuterRef("pk")).order_by().values("case").annotate(n=Count("pk")).values("n")
        return super().get_queryset(request).annotate(n=Subquery(own))

    @display(description="What")
    def what(self, case: Case) -> str:
        """Kind and name."""
        return f"{KINDS[case.kind]}: {case.title}"

    @display(
        description="State", label={"open": "danger", "appealed": "warning", "decided": "info", "closed": "success"}
    )
    def state(self, case: Case) -> str:
        """One word for it."""
        return case.state

    @display(description="Reports")
    def n_reports(self, case: Any) -> int:
        """How many people reported it."""
        return int(case.n or 0)

    @display(description="Since", ordering="created")
    def age(self, case: Case) -> str:
        """In days."""
        days = (timezone.now() - case.created).days
        return "today" if not days else f"{days} days"

    @display(description="Reports")
    def reports(self, case: Case) -> str:
        """Who reported it, why."""
        shown = case.reports.select_related("owner")
        return "\n".join(f"{each.get_reason_display()} · {each.owner.email}: {each.text}" for each in shown)

    @display(description="Appeal answered")
    def outcome(self, case: Case) -> str:
        """Whether the appeal was granted."""
        return "–" if not case.answered else "Decision taken back" if case.reversed else "Decision stays"

    @display(description="Content")
    def shown(self, case: Case) -> str:
        """What people read: the text of a review, a GPT's own texts, or the link of a chat.

        A reported GPT is often one that whoever decides may not open: it is by link, or for a group.
        """
        if case.review:
            return f"{case.review.stars} stars: {case.review.text}"
        if case.gpt:
            spec = case.gpt.published.spec() if case.gpt.published else case.gpt.draft_spec()
            return "\n\n".join(filter(None, (spec.description, spec.instructions, "\n".join(spec.starters))))
        return format_html('<a href="{0}">{0}</a>', case.share.url) if case.share else "–"

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """With what can be decided."""
        case = self.get_object(request, object_id)
        labels = dict(Case.Decision.choices)
        choices = [(each, labels[each]) for each in cases.choices_for(case, person_of(request))] if case else []
        context = {**(extra_context or {}), "case": case, "choices": choices}
        return super().change_view(request, object_id, form_url, context)

    def own_urls(self) -> list[URLPattern]:
        """Those to decide and to answer an appeal."""
        return [self.posted("<uuid:case_id>/act/<slug:act>/", self.act_view, "case_act")]

    def act_view(self, request: HttpRequest, case_id: Any, act: str) -> HttpResponse:
        """Decide, or answer the appeal."""
        case, posted, by = cases.access_case(case_id), request.POST, person_of(request)
        note = posted.get("note", "")

        def decide() -> None:
            if act == "appeal":
                cases.answer_appeal(case, grants=posted.get("granted") == "yes", note=note, by=by)
            else:
                cases.decide(case, posted.get("decision", ""), note, by)

        attempt(request, decide, f"{case.title}: saved.")
        return redirect("admin:moderation_case_change", case_id)
