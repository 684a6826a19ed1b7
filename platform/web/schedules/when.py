"""When a schedule runs: a line as in a crontab, in a time zone, and the simple choices that stand for such lines.

The line is read by cronsim, which follows Debian's cron through changes to and from daylight saving time: a time that
a day skips runs right after the gap, and one that a day has twice runs once.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from itertools import groupby, islice, pairwise, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import time_format
from django.utils.translation import get_language, gettext, gettext_noop

DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
# What a person can choose instead of a line; the days of the week follow.
REPEATS: Final = {"day": "* * *", "weekdays": "* * 1-5", **{day: f"* * {n}" for n, day in enumerate(DAYS)}}
_SIMPLE: Final = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|1-5|[0-6])")
# Enough to see the shortest interval of any line, as days repeat: at most so many times, within so long.
_N_CHECKED: Final = 300
_CHECKED: Final = timedelta(days=800)
# Times of a day that are told one by one.
_N_TIMES: Final = 6


# What cronsim says of a line, for translation.
_FAULTS: Final = {
    "Bad minute": gettext_noop("Bad minute"),
    "Bad hour": gettext_noop("Bad hour"),
    "Bad day-of-month": gettext_noop("Bad day of the month"),
    "Bad month": gettext_noop("Bad month"),
    "Bad day-of-week": gettext_noop("Bad day of the week"),
}


def cron_line(repeat: str, at: time, day: int = 1) -> str:
    """The line of a simple choice: "month" (on `day`), or a key of REPEATS."""
    return f"{at.minute} {at.hour} " + (f"{day} * *" if repeat == "month" else REPEATS[repeat])


def simple_choice(cron: str) -> tuple[str, time, int] | None:
    """The choice, time and day of which `cron` is the line; None if only a line can say it."""
    found = _SIMPLE.fullmatch(cron)
    if not found or (found[3] != "*" and found[4] != "*"):
        return None
    at = time(int(found[2]), int(found[1]))
    if found[3] != "*":
        return "month", at, int(found[3])
    return next(name for name, rest in REPEATS.items() if rest.endswith(f" {found[4]}")), at, 1


def in_words(cron: str) -> str:
    """The line as people say it: “At 08:00 on Monday”. In other languages than English: “lundi–mercredi · 08:00”.

    What neither can say, such as the last Friday of a month, is told there by the line itself.
    """
    line = CronSim(cron, datetime(2000, 1, 1))
    if get_language() == "en":
        return str(line.explain())
    if min(line.days) < 0 or not all(isinstance(day, int) for day in line.weekdays):
        return gettext("Cron line {cron}").format(cron=cron)
    parts = [_days(line), "" if len(line.months) == 12 else _listed(line.months, lambda n: str(MONTHS[n]))]
    return " · ".join([each for each in parts if each] + [_times_of_day(line)])


def _days(line: CronSim) -> str:
    weekdays = {(int(day) - 1) % 7 for day in line.weekdays if isinstance(day, int)}
    by_week = "" if len(weekdays) == 7 else _listed(weekdays, lambda n: str(WEEKDAYS[n]))
    by_month = "" if len(line.days) == 31 else gettext("Day {days}").format(days=_listed(line.days))
    if by_week and by_month and not line.day_and:
        return gettext("{days} or {weekdays}").format(days=by_month, weekdays=by_week)
    return " · ".join(filter(None, (by_month, by_week)))


def _times_of_day(line: CronSim) -> str:
    if len(line.hours) * len(line.minutes) <= _N_TIMES:
        return ", ".join(
            time_format(time(hour, minute)) for hour in sorted(line.hours) for minute in sorted(line.minutes)
        )
    said = gettext("Hour {hours}, minute {minutes}")
    return said.format(hours=_listed(line.hours), minutes=_listed(line.minutes))


def _listed(numbers: Iterable[int], name: Callable[[int], str] = str) -> str:
    """The names of numbers in their order: “1–3, 6”."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(sorted(numbers)), lambda each: each[1] - each[0])]
    return ", ".join(name(run[0]) if len(run) == 1 else f"{name(run[0])}–{name(run[-1])}" for run in runs)


def next_after(cron: str, time_zone: str, after: datetime) -> datetime | None:
    """The first time after `after`; None if there is none in the next decades."""
    return next(_times(cron, time_zone, after), None)


def _times(cron: str, time_zone: str, after: datetime) -> CronSim:
    return CronSim(cron, after.astimezone(ZoneInfo(time_zone)))


def check(cron: str, time_zone: str, now: datetime) -> None:
    """Raises ValidationError for a line or time zone that cannot be read, never comes or comes too often."""
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise ValidationError({"time_zone": gettext("Choose a time zone, such as Europe/Paris.")}) from None
    if len(cron.split()) != 5:
        raise ValidationError(
            {"cron": gettext("Enter five fields: minute, hour, day of the month, month, day of the week.")}
        )
    try:
        # In UTC, because no shift to or from daylight saving time shortens an interval there.
        near = takewhile(lambda each: each < now + _CHECKED, _times(cron, "UTC", now))
        times = list(islice(near, _N_CHECKED))
    except CronSimError as error:
        said = gettext("This isn’t a valid cron line: {error}.")
        raise ValidationError({"cron": said.format(error=gettext(_FAULTS.get(str(error), str(error))))}) from None
    if not times and next_after(cron, time_zone, now) is None:
        raise ValidationError({"cron": gettext("This time never comes.")})
    least = timedelta(minutes=settings.SCHEDULE_MIN_MINUTES)
    if any(later - earlier < least for earlier, later in pairwise(times)):
        raise ValidationError(
            {
                "cron": gettext("Too often: leave at least {schedule_min_minutes} minutes between.").format(
                    schedule_min_minutes=settings.SCHEDULE_MIN_MINUTES
                )
            }
        )
