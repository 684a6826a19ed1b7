"""Scores charsets by how plausible the letters are that they give for some bytes."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

_TABLE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_LATIN: Final = frozenset(["western", "central", "turkish"])
_ASCII_LETTER: Final = re.compile("[A-Za-z]")
_WORD_CASE: Final = re.compile(r"[^\W\d_]+")


def likelihood(sample: bytes) -> tuple[float, str]:
    """The highest score, about 1 for clean text in a known language, and its charset."""
    letters = _TABLE["letters"]
    scores = [
        (_score(sample, name, letters[each["script"]]) + each["favour"], name)
        for name, each in _TABLE["charsets"].items()
    ]
    scores += [(_east_score(sample, name), name) for name in _TABLE["east"]]
    return max(scores)


def _score(sample: bytes, charset: str, alphabets: Sequence[str]) -> float:
    text = sample.decode(charset, errors="replace")
    marks = _TABLE["marks"]
    foreign = [character for character in text if character > "\x7f"]
    letters = [character for character in foreign if character not in marks]
    n_marks = len(foreign) - len(letters)
    lower = "".join(letters).lower()
    known = max(_n_in(lower, alphabet) for alphabet in alphabets)
    mixed = 0.0 if _TABLE["charsets"][charset]["script"] in _LATIN else _share_of_mixed(text)
    return (known + n_marks) / max(1, len(foreign)) - _share_of_odd_case(text) - mixed


def _n_in(text: str, alphabet: str) -> float:
    """The number of letters of `text` in the alphabet; rare ones count half."""
    common, _, rare = alphabet.partition("|")
    return sum(text.count(letter) for letter in common) + 0.5 * sum(text.count(letter) for letter in rare)


def _share_of_mixed(text: str) -> float:
    """The share of words with letters of another script that have Latin ones too, as in a misread "Josй"."""
    words = [word for word in _WORD_CASE.findall(text) if not word.isascii()]
    return sum(bool(_ASCII_LETTER.search(word)) for word in words) / max(1, len(words))


def _share_of_odd_case(text: str) -> float:
    """The share of words with non-ASCII letters that have capitals in implausible places."""
    words = [word for word in _WORD_CASE.findall(text) if not word.isascii()]
    odd = sum(
        not (word.islower() or word.isupper() or word[1:].islower()) and word.upper() != word.lower()
        for word in words
    )
    return odd / max(1, len(words))


def _east_score(sample: bytes, charset: str) -> float:
    try:
        text = sample[:20_000].rsplit(b"\n", 1)[0].decode(charset) if len(sample) > 20_000 else sample.decode(charset)
    except UnicodeDecodeError:
        return 0.0
    wide = [character for character in text if character >= "\u1100"]
    if not wide:
        return 0.0
    kana = sum("\u3041" <= character <= "\u30ff" for character in wide) / len(wide)
    hangul = sum("\uac00" <= character <= "\ud7a3" for character in wide) / len(wide)
    han = frozenset(_TABLE["han"])
    common = sum(character in han or character in "、。，：；（）「」！？" for character in wide) / len(wide)
    half_width = sum("\uff61" <= character <= "\uff9f" for character in wide) / len(wide)
    if charset == "euc_kr":
        return hangul
    if charset in ("shift_jis", "euc_jp"):
        return min(1.0, 0.55 + kana) - half_width if kana > 0.1 else common - half_width
    return min(1.0, 0.6 + common) - 3 * kana if common > 0.08 else 0.0
