"""When schedules run: lines, choices, time zones and their shifts."""

from datetime import UTC, datetime, time

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override

from web.schedules.when import check, cron_line, in_words, next_after, simple_choice

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "comes"),
    [
        ("2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 is skipped on that day: right after the gap, at 03:00
        ("2026-03-29T12:00", "2026-03-30T00:30"),
        ("2026-10-24T12:00", "2026-10-25T00:30"),  # 02:30 comes twice: the first counts
        ("2026-10-25T00:31", "2026-10-26T01:30"),
    ],
)
def test_a_time_survives_daylight_saving(after, comes):
    at = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_after("30 2 * * *", "Europe/Berlin", at).astimezone(UTC).isoformat()[:16] == comes


@pytest.mark.parametrize("repeat", ["day", "weekdays", "monday", "sunday", "month"])
def test_a_choice_is_read_back_from_its_line(repeat):
    day = 15 if repeat == "month" else 1
    line = cron_line(repeat, time(8, 5), day)
    check(line, "Asia/Tokyo", NOW)
    assert simple_choice(line) == (repeat, time(8, 5), day)


@pytest.mark.parametrize("line", ["*/30 * * * *", "0 8 1 * 1", "0 8 * 1 *", "0 8 L * *"])
def test_other_lines_are_no_choice(line):
    check(line, "UTC", NOW)
    assert simple_choice(line) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("* * * * *", "Too often"),
        ("*/10 * * * *", "Too often"),
        ("0,5 8 * * 1", "Too often"),
        ("59 23 * * *,0 0 * * *", "five fields"),
        ("0 0 31 2 *", "valid"),
        ("61 8 * * *", "valid"),
        ("0 0 8 * * *", "five fields"),
        ("", "five fields"),
    ],
)
def test_lines_that_come_too_often_or_never_are_refused(line, why):
    with pytest.raises(ValidationError, match=why):
        check(line, "UTC", NOW)


def test_a_rare_time_is_allowed_and_found():
    check("0 0 29 2 *", "UTC", NOW)
    assert next_after("0 0 29 2 *", "UTC", NOW).year == 2028


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "Europe"])
def test_only_time_zones_are_time_zones(zone):
    with pytest.raises(ValidationError, match="time zone"):
        check("0 8 * * *", zone, NOW)


def test_a_line_is_told_in_words():
    assert in_words("30 8 * * 1") == "At 08:30 on Monday"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 8,12 * * 1-5", "Montag–Freitag · 08:00, 12:00"),
        ("*/15 9-17 * JAN,JUN 7", "Sonntag · Januar, Juni · Stunde 9–17, Minute 0, 15, 30, 45"),
        ("0 8 1,15 * MON", "Tag 1, 15 oder Montag · 08:00"),
        ("0 8 */2 * SUN", f"Tag {', '.join(map(str, range(1, 32, 2)))} · Sonntag · 08:00"),
        ("0 8 * * 5L", "Cron-Zeile 0 8 * * 5L"),
    ],
)
def test_a_line_is_told_in_the_language_of_the_page(line, words):
    with override("de"):
        assert in_words(line) == words
