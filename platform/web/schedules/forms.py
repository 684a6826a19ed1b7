"""The form of a schedule: simple choices of when it runs, which become lines as in a crontab."""

from datetime import time
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils.translation import gettext, gettext_lazy

from web.accounts.models import User
from web.builder.models import Gpt
from web.runs.mentions import mentionable
from web.schedules import when
from web.schedules.models import NAME_CHARS, Schedule

WEBHOOK: Final = "webhook"
CRON: Final = "cron"
REPEATS: Final = (
    ("day", gettext_lazy("Every day")),
    ("weekdays", gettext_lazy("Every weekday")),
    ("monday", gettext_lazy("Every Monday")),
    ("tuesday", gettext_lazy("Every Tuesday")),
    ("wednesday", gettext_lazy("Every Wednesday")),
    ("thursday", gettext_lazy("Every Thursday")),
    ("friday", gettext_lazy("Every Friday")),
    ("saturday", gettext_lazy("Every Saturday")),
    ("sunday", gettext_lazy("Every Sunday")),
    ("month", gettext_lazy("Every month")),
    (CRON, gettext_lazy("Custom (cron)")),
    (WEBHOOK, gettext_lazy("When a webhook is called")),
)


class ScheduleForm(forms.Form):
    """A schedule as its owner edits it. `fields_of_schedule` are what it says, by the model's names."""

    name = forms.CharField(max_length=NAME_CHARS)
    text = forms.CharField(max_length=settings.MAX_MESSAGE_CHARS)
    repeat = forms.ChoiceField(choices=REPEATS)
    at = forms.TimeField(required=False)
    day = forms.IntegerField(min_value=1, max_value=31, required=False)
    cron = forms.CharField(max_length=100, required=False)
    time_zone = forms.CharField(max_length=64, required=False)
    mails = forms.BooleanField(required=False)
    callback_url = forms.CharField(max_length=1000, required=False)
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """The fields; what the choice needs must be there."""
        given = super().clean() or {}
        repeat = given.get("repeat")
        if repeat not in (CRON, WEBHOOK) and given.get("at") is None and "at" not in self.errors:
            self.add_error("at", gettext("Enter a time."))
        if repeat == "month" and not given.get("day") and "day" not in self.errors:
            self.add_error("day", gettext("Enter a day from 1 to 31."))
        return given

    def fields_of_schedule(self) -> dict[str, Any]:
        """The fields of the Schedule that the valid form stands for."""
        given = self.cleaned_data
        fields = {name: given[name] for name in ("name", "text", "time_zone", "mails", "callback_url")}
        repeat = given["repeat"]
        if repeat == WEBHOOK:
            return {**fields, "trigger": Schedule.Trigger.WEBHOOK, "cron": ""}
        cron = given["cron"] if repeat == CRON else when.cron_line(repeat, given["at"], given["day"] or 1)
        return {**fields, "trigger": Schedule.Trigger.TIME, "cron": cron}


class NewScheduleForm(ScheduleForm):
    """A schedule that is not there yet, with one of the person's GPTs."""

    gpt = forms.ChoiceField()

    def __init__(self, user: User, wanted: Gpt | None, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        gpts = {gpt.slug: gpt.live.name for gpt in ([wanted] if wanted else []) + mentionable(user)}
        self.fields["gpt"].choices = list(gpts.items())  # type: ignore[attr-defined]


def initial(schedule: Schedule) -> dict[str, Any]:
    """What the form shows of a schedule."""
    names = ("name", "text", "cron", "time_zone", "mails", "callback_url", "revision")
    shown = {name: getattr(schedule, name) for name in names}
    simple = when.simple_choice(schedule.cron)
    repeat, at, day = simple or (CRON, time(8), 1)
    if schedule.trigger == Schedule.Trigger.WEBHOOK:
        repeat = WEBHOOK
    return {**shown, "repeat": repeat, "at": at, "day": day, "cron": "" if simple else schedule.cron}
