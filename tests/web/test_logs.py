"""Log lines that hold text from outside."""

import logging

from django.conf import settings

from web.logs import LineFormatter


def test_no_text_can_begin_a_record_or_hide_one() -> None:
    forged = "x\n2026-12-02 ERROR web: all is lost\r\x1b[2K\u2028y"
    try:
        raise ValueError(forged)
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("web", logging.INFO, "", 0, "The address sent %s", (forged,), exc_info)
    first, *more = LineFormatter("%(levelname)s %(message)s").format(record).split("\n")
    assert first == "INFO The address sent x"
    assert all(line.startswith("  ") for line in more)
    assert not {"\r", "\x1b", "\u2028"} & set("".join(more))


def test_all_records_are_written_so() -> None:
    used = {handler["formatter"] for handler in settings.LOGGING["handlers"].values()}
    assert {settings.LOGGING["formatters"][name]["()"] for name in used} == {"web.logs.LineFormatter"}
