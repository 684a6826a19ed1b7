"""Numbers that are spelled in words: "twenty-eight", "dreiundzwanzig", "quatre-vingt-dix", "二十三"."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_WORDS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def _by_word(kind: str) -> dict[str, int]:
    return {word: int(value) for value, words in _WORDS[kind].items() for word in words.split()}


_VALUES: Final = _by_word("numerals")
_HELD: Final = _by_word("ordinals") | _by_word("held_only")
SCALES: Final = _by_word("scales")
_AND: Final = frozenset("and und et y e".split())
_RUN: Final = re.compile(r"[^\W\d_]+(?:[\s-][^\W\d_]+)*")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LONGEST: Final = 40
# "two and a half", "deux et demi".
_HALF_AFTER: Final = re.compile(r"(?: and a half| et demie?| y medi[oa])\b", re.IGNORECASE)
_HAN_DIGITS: Final = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_TENS: Final = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
# What is counted in Chinese, after a number of one character.
_HAN: Final = re.compile(
    r"[零一二两三四五六七八九十百千万]{2,12}|[二两三四五六七八九十](?=[个件晚天年月周人种次条项点位名倍间台辆份])"
)


def is_number(word: str) -> bool:
    """Whether a case-folded word spells a number."""
    return _value(word)[0] > 0


@dataclass(frozen=True, slots=True)
class Spelled:
    """A number in words; `is_claim` unless its words often mean something else."""

    value: float
    start: int
    end: int
    is_claim: bool


def spelled(text: str) -> Iterator[Spelled]:
    """The numbers in words of `text`, which has no digits."""
    for run in _RUN.finditer(text):
        words = [
            (found.group().casefold(), found.start(), found.end())
            for found in _WORD.finditer(text, run.start(), run.end())
        ]
        yield from _in_run(text, words)
    for found in _HAN.finditer(text):
        if value := _han(found.group()):
            yield Spelled(value, found.start(), found.end(), is_claim=True)


def _in_run(text: str, words: list[tuple[str, int, int]]) -> Iterator[Spelled]:
    at = 0
    while at < len(words):
        value, end, is_claim = _number_at([word for word, _, _ in words[at : at + 12]])
        if value:
            half = _HALF_AFTER.match(text, words[at + end - 1][2])
            whole = Spelled(value, words[at][1], words[at + end - 1][2], is_claim)
            yield Spelled(value + 0.5, whole.start, half.end(), is_claim=True) if half else whole
        at += max(1, end)


def _number_at(words: list[str]) -> tuple[float, int, bool]:
    """The number that the first of `words` spell, how many they are, and whether they mean nothing else."""
    whole, part, at = 0.0, 0.0, 0
    is_claim = False
    while at < len(words):
        word = words[at]
        if not at and word in ("cent", "ciento") and len(words) > 1 and 0 < _value(words[1])[0] < 100:
            part, at = 100, 1  # elsewhere a coin
            continue
        skip = int(word in _AND and at > 0 and at + 1 < len(words) and part >= 20 and _joins(part, words[at + 1]))
        value, is_sure = _value(words[at + skip])
        scale = SCALES.get(words[at + skip], 0)
        if scale and not skip and (at > 0 or is_sure):
            whole, part = (whole, part * scale) if scale == 100 and part else (whole + (part or 1) * scale, 0)
        elif value and (not part or _joins(part, words[at + skip])):
            part = 80 if (part, value) == (4, 20) else part + value
        else:
            break
        is_claim |= is_sure
        at += skip + 1
        if words[at - 1] in _HELD:
            break
    return whole + part, at, is_claim


def _joins(part: float, word: str) -> bool:
    """Whether the number `word` may follow `part` in one: "dix" after 60 and 80, "vingt" after 4."""
    value = _value(word)[0]
    if word in _AND or not value or word in SCALES:
        return False
    tens = part % 100
    return (
        (tens in (20, 30, 40, 50, 60, 70, 80, 90) and value < 10)
        or (tens in (60, 80) and 10 <= value < 20)
        or (part >= 100 and not tens and value < 100)
        or (part == 4 and word in ("vingt", "vingts"))
    )


def _value(word: str) -> tuple[float, bool]:
    """The number that `word` spells, 0 if none, and whether the word is unambiguous."""
    if word in _HELD:
        return _HELD[word], False
    if word in ("anderthalb", "eineinhalb"):
        return 1.5, True
    if word.endswith("einhalb") and (whole := _VALUES.get(word.removesuffix("einhalb"))):
        return whole + 0.5, True
    value = _VALUES.get(word) or SCALES.get(word) or (_german(word) if len(word) <= _LONGEST else 0)
    return value, True


def _german(word: str) -> int:
    """The number that a German compound spells: "zweihundertdreiundzwanzig"; 0 if none."""
    for scale, name in ((1_000, "tausend"), (100, "hundert")):
        before, found, after = word.partition(name)
        if found:
            times, rest = _german(before) if before else 1, _german(after) if after else 0
            return times * scale + rest if times and (rest or not after) else 0
    if word in ("ein", "eins"):
        return 1
    unit, _, tens = word.partition("und")
    if not tens or not unit:
        return _VALUES.get(word, 0)
    first, second = 1 if unit == "ein" else _VALUES.get(unit, 0), _VALUES.get(tens, 0)
    return first + second if first and second else 0


def _han(text: str) -> int:
    whole = part = digit = 0
    for char in text:
        if char in _HAN_DIGITS:
            digit = _HAN_DIGITS[char]
        elif char == "万":
            whole, part, digit = (whole + part + digit) * 10_000, 0, 0
        else:
            part, digit = part + (digit or 1) * _HAN_TENS[char], 0
    return whole + part + digit
