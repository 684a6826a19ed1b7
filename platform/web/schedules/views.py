"""The pages of schedules: the list, and each with its form and what became of its runs."""

from collections.abc import Callable
from datetime import time
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from web.accounts.requests import PersonRequest
from web.builder.services import access_published
from web.runs.errors import Refused
from web.runs.views import attempt
from web.schedules import services, when
from web.schedules.forms import NewScheduleForm, ScheduleForm, initial
from web.schedules.models import Schedule, ScheduledRun
from web.schedules.services import access_schedule

PER_PAGE: Final = 30
N_RESULTS: Final = 20
# What people read for each status of ScheduledRun, and the kind of its tag.
STATUSES: Final = {
    "queued": ("Queued", ""),
    "in_progress": ("Working", ""),
    "requires_action": ("Needs your approval", "warn"),
    "completed": ("Done", "good"),
    "incomplete": ("Cut off", "warn"),
    "cancelled": ("Stopped", ""),
    "failed": ("Failed", "danger"),
    "waiting": ("Waiting", ""),
    "skipped": ("Skipped", ""),
}


def _result(scheduled: ScheduledRun) -> dict[str, Any]:
    label, kind = STATUSES[scheduled.status]
    return {"label": label, "kind": kind, "of": scheduled}


@never_cache
@login_required
@require_safe
def schedules(request: PersonRequest) -> HttpResponse:
    """One's schedules, each with its last result."""
    own = Schedule.objects.visible_to(request.user).select_related("gpt__published", "gpt__owner")
    page = Paginator(own, PER_PAGE).get_page(request.GET.get("page"))
    last = _last_results([each.id for each in page])
    rows = [{"schedule": each, "when": _when(each), "result": last.get(each.id)} for each in page]
    return render(request, "schedules/schedules.html", {"rows": rows, "page": page})


def _last_results(ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """The newest result of each of these schedules that has one."""
    newest = ScheduledRun.objects.filter(schedule=OuterRef("schedule")).order_by("-created", "-id").values("id")[:1]
    found = ScheduledRun.objects.filter(schedule__in=ids, id=Subquery(newest)).select_related("run")
    return {each.schedule_id: _result(each) for each in found}


def _when(schedule: Schedule) -> str:
    return when.in_words(schedule.cron) if schedule.cron else "When its webhook is called"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """The form of a new schedule. What is secret of it is only shown in the response to the POST that creates it."""
    slug = request.POST.get("gpt") or request.GET.get("gpt")
    gpt = access_published(request.user, slug) if slug else None
    start = {"gpt": slug, "name": gpt.live.name if gpt else "", "repeat": "day", "at": time(8)}
    form = NewScheduleForm(request.user, gpt, request.POST or None, initial=start)
    if gpt and form.is_valid():
        try:
            schedule, given = services.create(request.user, gpt, form.fields_of_schedule())
        except (ValidationError, Refused) as error:
            _add_errors(form, error)
        else:
            messages.success(request, "Schedule created.")
            return _after(request, schedule, given)
    return render(request, "schedules/new.html", {"form": form, **_facts(request)})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """The page of a schedule: what became of its runs, and its form."""
    schedule = access_schedule(request.user, schedule_id)
    form = ScheduleForm(request.POST or None, initial=initial(schedule))
    if request.method == "POST" and form.is_valid():
        try:
            given = services.change(schedule, form.fields_of_schedule(), form.cleaned_data["revision"])
        except (ValidationError, Refused) as error:
            _add_errors(form, error)
            schedule.refresh_from_db()
        else:
            messages.success(request, "Saved.")
            return _after(request, schedule, given)
    return _page(request, schedule, form, services.Secrets())


def _after(request: PersonRequest, schedule: Schedule, given: services.Secrets) -> HttpResponse:
    if given == services.Secrets():
        return redirect("schedule", schedule.id)
    return _page(request, schedule, ScheduleForm(initial=initial(schedule)), given)


def _page(request: PersonRequest, schedule: Schedule, form: ScheduleForm, given: services.Secrets) -> HttpResponse:
    results = schedule.runs.select_related("run").prefetch_related("deliveries")[:N_RESULTS]
    context = {
        "schedule": schedule,
        "when": _when(schedule),
        "form": form,
        "given": given,
        "results": [_result(each) for each in results],
        **_facts(request),
    }
    return render(request, "schedules/schedule.html", context)


def _facts(request: PersonRequest) -> dict[str, Any]:
    """What the form says besides its fields."""
    return {
        "why_no_mail": services.why_no_mail(request.user),
        "site_zone": settings.TIME_ZONE,
        "most_chars": settings.MAX_MESSAGE_CHARS,
        "least_minutes": settings.SCHEDULE_MIN_MINUTES,
    }


def _add_errors(form: ScheduleForm, error: ValidationError | Refused) -> None:
    if isinstance(error, Refused):
        form.add_error(None, str(error))
    else:
        form.add_error(None, error)


def _does(action: Callable[[Schedule], Any], done: str) -> Callable[..., HttpResponse]:
    """The view that does something to one's own schedule and returns to its page."""

    @login_required
    @require_POST
    def view(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
        own = access_schedule(request.user, schedule_id)
        attempt(request, lambda: action(own), done)
        return redirect("schedule", schedule_id)

    return view


pause = _does(services.pause, "Paused.")
resume = _does(services.resume, "Resumed.")


@login_required
@require_POST
def run_now(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """Run it once, and go to the chat if it could be started."""
    schedule = access_schedule(request.user, schedule_id)
    try:
        scheduled = services.run_now(schedule)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("schedule", schedule_id)
    if scheduled.run is None:
        messages.error(request, scheduled.note)
        return redirect("schedule", schedule_id)
    return redirect("chat", scheduled.run.message.conversation_id)


@never_cache
@login_required
@require_POST
def new_secret(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """A new URL or signing key, shown only in this response."""
    schedule = access_schedule(request.user, schedule_id)
    return _after(request, schedule, services.new_secret(schedule))


@login_required
@require_POST
def delete(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """Delete it. The chat with its results stays."""
    schedule = access_schedule(request.user, schedule_id)
    services.delete(schedule)
    messages.success(request, f"“{schedule.name}” deleted.")
    return redirect("schedules")
