"""Formats the numbers of a spreadsheet by their format codes ("0.0%", "dd/mm/yyyy", "#,##0 €").

Dates are always written as 2024-03-01.
"""

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

# Literals, colours and conditions, padding, and then placeholders.
_TOKEN: Final = re.compile(r'"([^"]*)"|\\(.)|\[([^\]]*)\]|_.|\*.|(General)|(.)', re.I | re.S)
_DATE_LETTERS: Final = re.compile(r"[ymdhs]", re.I)
_ELAPSED: Final = re.compile(r"\[(h+|m+|s+)\]", re.I)
_LAST_DAY: Final = 2_958_466
_MAX_DECIMALS: Final = 15


def hides_text(code: str) -> bool:
    """Whether texts are not shown under the format `code`: its fourth part is for them."""
    sections = re.sub(r'"([^"]*)"|\\(.)', lambda literal: (literal[1] or literal[2] or "").replace(";", ","), code)
    return sections.count(";") > 2 and not sections.split(";")[3].strip()


def shown(value: float, code: str, since_1904: bool = False) -> str:
    """`value` as a sheet shows it under the format `code`; "" if the format shows nothing."""
    # The parts of a code are for positive, negative and zero numbers.
    sections, wanted = _sections(code), 1 if value < 0 else 2 if value == 0 else 0
    section = sections[wanted if wanted < len(sections) else 0]
    if is_date(code):
        return _date(value, section, since_1904)
    tokens = _tokens(section)
    if any(kind == "general" for kind, _ in tokens) or not section.strip():
        texts = (plain(value) if kind == "general" else text for kind, text in tokens if kind != "place")
        return "".join(texts).strip()
    if not any(kind == "place" and text in "0#?" for kind, text in tokens):
        return "".join(text for kind, text in tokens if kind == "literal").strip()
    has_own_sign = value < 0 and len(sections) > 1
    return _number(abs(value) if has_own_sign else value, tokens)


def plain(value: float) -> str:
    """`value` as under the format "General", in ten digits at most: 0.3 for 0.1 + 0.2."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.10g}"
    return format(Decimal(text), "f") if "e-" in text and abs(value) > 1e-10 else text


@lru_cache(maxsize=4_096)
def is_date(code: str) -> bool:
    """Whether a format shows dates or times."""
    first = _sections(code)[0]
    if _ELAPSED.search(first):
        return True
    places = "".join(text for kind, text in _tokens(first) if kind == "place")
    return bool(_DATE_LETTERS.search(places)) and not re.search(r"[0#?]", places.replace(".0", ""))


@lru_cache(maxsize=4_096)
def _sections(code: str) -> tuple[str, ...]:
    return tuple(re.findall(r'(?:"[^"]*"|\\.|[^;"\\])+|(?<=;)(?=;|$)', code, re.S)) or ("General",)


@lru_cache(maxsize=4_096)
def _tokens(section: str) -> tuple[tuple[str, str], ...]:
    """The section as (kind, text): literal, place or general, without colours, conditions and padding."""
    tokens = []
    for quoted, escaped, bracket, general, character in _TOKEN.findall(section):
        currency = re.match(r"\$([^-]*)", bracket)
        if quoted or escaped or currency:
            tokens.append(("literal", quoted or escaped or (currency.group(1) if currency else "")))
        elif general:
            tokens.append(("general", ""))
        elif character:
            is_literal = character in " $€£¥+-():'!^&<>={}~" or not character.isascii()
            tokens.append(("literal" if is_literal else "place", character))
    return tuple(tokens)


def _number(value: float, tokens: tuple[tuple[str, str], ...]) -> str:
    places = "".join(text for kind, text in tokens if kind == "place")
    if "/" in places:
        return plain(value)
    if re.search("[eE]", places):
        return f"{value:.{min(_MAX_DECIMALS, len(re.findall('[0#]', places.partition('.')[2].partition('E')[0])))}E}"
    whole, _, fraction = places.partition(".")
    scaled = Decimal(repr(value)) * 100 ** places.count("%")
    # Commas after the last digit divide by a thousand each; commas between digits only group them.
    trailing = re.search(r"[0#?](,+)[^0#?,]*$", places)
    scaled /= 1000 ** len(trailing.group(1)) if trailing else 1
    required, allowed = fraction.count("0"), min(_MAX_DECIMALS, len(re.findall("[0#?]", fraction)))
    rounded = scaled.quantize(Decimal(1).scaleb(-allowed), ROUND_HALF_UP)
    digits, _, decimals = f"{abs(rounded):f}".partition(".")
    decimals = decimals[:required] + decimals[required:].rstrip("0")
    is_grouped = bool(re.search(r"[0#?],+[0#?]", whole))
    digits = digits.lstrip("0").rjust(whole.count("0"), "0")
    sign = "-" if rounded < 0 else ""
    return sign + _filled(tokens, digits, decimals, is_grouped)


def _filled(tokens: tuple[tuple[str, str], ...], digits: str, decimals: str, is_grouped: bool) -> str:
    """The digits in place of the code's placeholders, with the literals between them (phone numbers)."""
    point = next((at for at, token in enumerate(tokens) if token == ("place", ".")), len(tokens))
    slots = [at for at, (kind, text) in enumerate(tokens[:point]) if kind == "place" and text in "0#?"]
    texts = dict.fromkeys(slots, "")
    for at in reversed(slots):
        texts[at], digits = digits[-1:], digits[:-1]
    if slots:
        texts[slots[0]] = digits + texts[slots[0]]
    if is_grouped and slots:
        whole = "".join(texts.values())
        texts = dict.fromkeys(texts, "") | {slots[-1]: f"{int(whole):,}" if whole else ""}
    parts = []
    for at, (kind, text) in enumerate(tokens):
        if at in texts:
            parts.append(texts[at])
        elif at == point:
            parts.append(f".{decimals}" if decimals else "")
        elif kind == "literal" or text == "%":
            parts.append(text)
    return "".join(parts).strip()


def _date(value: float, section: str, since_1904: bool) -> str:
    elapsed = _ELAPSED.search(section)
    if elapsed:
        return _duration(value, elapsed.group(1)[0].lower(), section)
    if not 0 <= value < _LAST_DAY:
        return plain(value)
    # Rounded to seconds, as days in binary fractions aren't exact.
    moment: datetime = (MAC_EPOCH if since_1904 else WINDOWS_EPOCH) + timedelta(seconds=round(value * 86_400))
    # Excel counts one day too many before March 1900.
    if 1 <= value < 60 and not since_1904:
        moment += timedelta(days=1)
    letters = "".join(text for kind, text in _tokens(section) if kind == "place").lower()
    letters = re.sub("am/pm|a/p", "", letters)
    return " ".join(part for part in (_day(moment, letters), _clock(moment, letters)) if part)


def _day(moment: datetime, letters: str) -> str:
    has_time = "h" in letters or "s" in letters
    # Next to hours or seconds, m means minutes.
    rest = re.sub(r"h+[^a-z]*m+|m+[^a-z]*s+", "", letters) if has_time else letters
    has_year, has_month, has_day = (letter in rest for letter in "ymd")
    if has_year and not has_month and not has_day:
        return f"{moment:%Y}"
    if has_month and not has_day:
        return f"{moment:%b %Y}" if has_year else f"{moment:%b}"
    return f"{moment:%Y-%m-%d}" if has_year or has_month or has_day else ""


def _clock(moment: datetime, letters: str) -> str:
    if "h" not in letters and "s" not in letters:
        return ""
    return f"{moment:%H:%M:%S}" if "s" in letters else f"{moment:%H:%M}"


def _duration(value: float, largest: str, section: str) -> str:
    seconds = round(abs(value) * 86_400)
    sign = "-" if value < 0 else ""
    if largest == "s":
        return f"{sign}{seconds}"
    minutes, rest = divmod(seconds, 60)
    if largest == "m":
        return f"{sign}{minutes}:{rest:02}"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}" + (f":{rest:02}" if "s" in section.lower() else "")
