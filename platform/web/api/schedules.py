"""`/api/schedules`: messages that are sent to GPTs at certain times, or whenever a webhook is called."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.values import Text
from web.accounts.models import User
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, OWN_LISTED, ProblemDetails
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.api.repeats import HEADER
from web.builder.access import access_published
from web.schedules import services
from web.schedules.models import NAME_CHARS, Schedule, ScheduledRun
from web.schedules.services import access_schedule

router = Router(tags=["Schedules"])
SCHEDULE = "/schedules/{uuid:schedule_id}"
CRON = "Five fields as in a crontab, such as `0 8 * * 1`: minute, hour, day of the month, month, day of the week."
LIMITED = {429: ProblemDetails, 409: ProblemDetails}


class ScheduleChange(RequestBody):
    """Fields of a schedule to change; omitted fields stay as they are."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)] | None = None
    text: Annotated[Text, Field(min_length=1)] | None = Field(None, description="The message to send.")
    inputs: dict[str, Any] | None = Field(None, description="Values of the GPT’s inputs, by name.")
    trigger: Literal["time", "webhook"] | None = None
    cron: Annotated[Text, Field(max_length=100)] | None = Field(None, description=CRON)
    time_zone: Annotated[Text, Field(max_length=64)] | None = Field(None, description="Such as `Europe/Paris`.")
    mails: bool | None = Field(None, description="Whether results are also sent to your email address.")
    callback_url: Annotated[Text, Field(max_length=1000)] | None = Field(
        None, description="A URL that gets each result in a signed POST request; empty: none."
    )
    paused: bool | None = None

    def fields(self, *left_out: str) -> dict[str, Any]:
        """The given fields, by the model's field names."""
        return self.model_dump(exclude_none=True, exclude={"paused", *left_out})


class NewSchedule(ScheduleChange):
    """A schedule to create."""

    gpt: Annotated[Text, Field(max_length=200)] = Field(description="The GPT's slug.")
    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)]
    text: Annotated[Text, Field(min_length=1)] = Field(description="The message to send.")


class SchedulePatch(ScheduleChange):
    """Changes to a schedule."""

    revision: int | None = Field(None, description="Change it only if this is still its `revision`.")


class ScheduleShape(Schema):
    """One of your schedules."""

    id: UUID
    gpt: str = Field(validation_alias="gpt.slug")
    name: str
    text: str
    inputs: dict[str, Any]
    trigger: Literal["time", "webhook"]
    cron: str
    time_zone: str
    next_at: datetime | None = Field(description="When it runs next; null while it is paused, and for a webhook.")
    paused: datetime | None
    paused_why: str = Field(description="Why it paused itself; else empty.")
    mails: bool
    callback_url: str
    conversation: UUID | None = Field(validation_alias="conversation_id", description="The chat with its results.")
    revision: int
    created: datetime


class ScheduleWithSecrets(ScheduleShape):
    """A schedule, and what is shown only once."""

    trigger_url: str = Field(description="The URL that runs it, with a secret; empty if it is not new.")
    signing_key: str = Field(description="The key that signs what `callback_url` gets; empty if it is not new.")


class ScheduledRunShape(Schema):
    """What became of one time at which a schedule was to run."""

    id: UUID
    by: Literal["time", "webhook", "person"]
    status: str = Field(description="That of its run; or `waiting`, `skipped` or `failed`, if there is none.")
    note: str = Field(description="Why there is no run; else empty.")
    run: UUID | None = Field(validation_alias="run_id")
    created: datetime


def _shown(schedule: Schedule, given: services.Secrets) -> Schedule:
    schedule.trigger_url, schedule.signing_key = given.trigger_url, given.signing_key  # type: ignore[attr-defined]
    return schedule


def _paused(schedule: Schedule, paused: bool | None) -> None:
    if paused is not None and paused != bool(schedule.paused):
        (services.pause if paused else services.resume)(schedule)


@router.get("/schedules", response={200: list[ScheduleShape], **OWN_LISTED})
@paginate(Pages)
def list_schedules(request: HttpRequest) -> QuerySet[Schedule]:
    """Your schedules, newest first."""
    return Schedule.objects.visible_to(caller(request)).select_related("gpt")


@router.post("/schedules", response={201: ScheduleWithSecrets, **INVALID, **LIMITED})
def create_schedule(request: HttpRequest, new: NewSchedule) -> Status[Schedule]:
    """Schedule a message to a GPT with which you can chat."""
    person: User = caller(request)
    schedule, given = services.create(person, access_published(person, new.gpt), new.fields("gpt"))
    _paused(schedule, new.paused)
    return Status(201, _shown(schedule, given))


@router.get(SCHEDULE, response={200: ScheduleShape, **DENIED})
def read_schedule(request: HttpRequest, schedule_id: UUID) -> Schedule:
    """One of your schedules."""
    return access_schedule(caller(request), schedule_id)


@router.patch(SCHEDULE, response={200: ScheduleWithSecrets, **INVALID, **LIMITED})
def change_schedule(request: HttpRequest, schedule_id: UUID, change: SchedulePatch) -> Schedule:
    """Change a schedule, pause it or resume it."""
    schedule = access_schedule(caller(request), schedule_id)
    fields = change.fields("revision")
    given = services.change(schedule, fields, change.revision) if fields else services.Secrets()
    _paused(schedule, change.paused)
    return _shown(schedule, given)


@router.delete(SCHEDULE, response={204: None, **DENIED})
def delete_schedule(request: HttpRequest, schedule_id: UUID) -> Status[None]:
    """Delete a schedule. The chat with its results stays."""
    services.delete(access_schedule(caller(request), schedule_id))
    return Status(204, None)


@router.post(f"{SCHEDULE}/secret", response={200: ScheduleWithSecrets, **DENIED})
def new_schedule_secret(request: HttpRequest, schedule_id: UUID) -> Schedule:
    """Make a new URL for the webhook, or a new signing key; the old ones end at once."""
    schedule = access_schedule(caller(request), schedule_id)
    return _shown(schedule, services.new_secret(schedule))


@router.get(f"{SCHEDULE}/runs", response={200: list[ScheduledRunShape], **LISTED})
@paginate(Pages)
def list_scheduled_runs(request: HttpRequest, schedule_id: UUID) -> QuerySet[ScheduledRun]:
    """What became of its times in the last three months, newest first."""
    return access_schedule(caller(request), schedule_id).runs.select_related("run")


@router.post(f"{SCHEDULE}/runs", response={201: ScheduledRunShape, **DENIED, **LIMITED})
def run_schedule(request: HttpRequest, schedule_id: UUID) -> Status[ScheduledRun]:
    """Run a schedule now, also while it is paused. If it can't, `note` says why."""
    return Status(201, services.run_now(access_schedule(caller(request), schedule_id)))


# In OpenAPI's words: without any scheme, as the secret is part of the path.
OPEN: dict[str, Any] = {"security": [{}]}


@router.post(
    f"{SCHEDULE}/trigger/{{secret}}", response={202: None, **INVALID, **LIMITED}, auth=None, openapi_extra=OPEN
)
def trigger_schedule(request: HttpRequest, schedule_id: UUID, secret: str) -> Status[None]:
    """Run a schedule by its webhook. The body, of any type, is given to the GPT as untrusted text.

    It needs no key but the URL's secret. A call with an `Idempotency-Key` (or `webhook-id`) that came before is not
    repeated. If a run is in progress, the call waits for it.
    """
    key = request.headers.get(HEADER) or request.headers.get("webhook-id") or ""
    services.trigger(schedule_id, secret, request.body, key)
    return Status(202, None)
