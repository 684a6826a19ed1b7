"""The pages of schedules: the list, and each with its form and what became of its runs."""

from collections.abc import Callable, Mapping
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
from django.utils.formats import time_format
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gpts.spec.gpt import GptSpec
from web.accounts.requests import PersonRequest
from web.attempts import attempt
from web.builder.access import access_published
from web.runs import inputs_of
from web.runs.errors import Refused
from web.schedules import services, starting, when
from web.schedules.forms import REPEATS, NewScheduleForm, ScheduleForm, initial
from web.schedules.models import Schedule, ScheduledRun
from web.schedules.services import access_schedule

PER_PAGE: Final = 30
N_RESULTS: Final = 20
# What people read for each status of ScheduledRun, and the kind of its tag.
STATUSES: Final = {
    "queued": (gettext_noop("Queued"), ""),
    "in_progress": (gettext_noop("Working"), ""),
    "requires_action": (gettext_noop("Needs your approval"), "warn"),
    "completed": (gettext_noop("Done"), "good"),
    "incomplete": (gettext_noop("Cut off"), "warn"),
    "cancelled": (gettext_noop("Stopped"), ""),
    "failed": (gettext_noop("Failed"), "danger"),
    "waiting": (gettext_noop("Waiting"), ""),
    "skipped": (gettext_noop("Skipped"), ""),
}


def _result(scheduled: ScheduledRun) -> dict[str, Any]:
    label, kind = STATUSES[scheduled.status]
    return {"label": gettext(label), "kind": kind, "of": scheduled}


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
    if not schedule.cron:
        return gettext("When its webhook is called")
    simple = when.simple_choice(schedule.cron)
    if simple is None:
        return when.in_words(schedule.cron)
    name, at, day = simple
    label = gettext("Every month, on day {day}").format(day=day) if name == "month" else dict(REPEATS)[name]
    return gettext("{repeat}, {time}").format(repeat=label, time=time_format(at))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """The form of a new schedule. What is secret of it is only shown in the response to the POST that creates it."""
    slug = request.POST.get("gpt") or request.GET.get("gpt")
    gpt = access_published(request.user, slug) if slug else None
    spec = gpt.published.spec() if gpt and gpt.published else None
    start = {"gpt": slug, "name": gpt.live.name if gpt else "", "repeat": "day", "at": time(8)}
    form = NewScheduleForm(request.user, gpt, request.POST or None, initial=start)
    if gpt and form.is_valid():
        try:
            schedule, given = services.create(request.user, gpt, form.fields_of_schedule() | _inputs(request, spec))
        except (ValidationError, Refused) as error:
            _add_errors(form, error)
        else:
            messages.success(request, gettext("Schedule created."))
            return _after(request, schedule, given)
    return render(request, "schedules/new.html", {"form": form, **_facts(request, spec)})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """The page of a schedule: what became of its runs, and its form."""
    schedule = access_schedule(request.user, schedule_id)
    form = ScheduleForm(request.POST or None, initial=initial(schedule))
    if request.method == "POST" and form.is_valid():
        try:
            fields = form.fields_of_schedule() | _inputs(request, starting.spec_for(schedule))
            given = services.change(schedule, fields, form.cleaned_data["revision"])
        except (ValidationError, Refused) as error:
            _add_errors(form, error)
            schedule.refresh_from_db()
        else:
            messages.success(request, gettext("Saved."))
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
        **_facts(request, starting.spec_for(schedule), schedule.inputs),
    }
    return render(request, "schedules/schedule.html", context)


def _inputs(request: PersonRequest, spec: GptSpec | None) -> dict[str, Any]:
    """The sent values of the GPT's inputs, as a field of the schedule; nothing if the page did not ask for them."""
    is_asked = spec is not None and request.POST.get("inputs-of") == spec.slug
    return {"inputs": inputs_of.sent_inputs(spec, request.POST)} if spec and is_asked else {}


def _facts(request: PersonRequest, spec: GptSpec | None, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the form says besides its fields. `inputs` are the values so far of what the GPT asks for."""
    return {
        "spec": spec,
        "inputs": _inputs(request, spec).get("inputs", inputs),
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
        attempt(request, lambda: action(own), done, Refused)
        return redirect("schedule", schedule_id)

    return view


pause = _does(services.pause, gettext_noop("Paused."))
resume = _does(services.resume, gettext_noop("Resumed."))


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
    messages.success(request, gettext("“{name}” deleted.").format(name=schedule.name))
    return redirect("schedules")
