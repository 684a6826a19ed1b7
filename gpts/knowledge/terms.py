"""The terms used by lexical search and citations: folded, split, stemmed, without stop words."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from Stemmer import Stemmer

# Part of a segment's address: increment it whenever `terms` returns other terms for the same text.
TERMS_VERSION: Final = 3

# Han and kana have no spaces, so each character and each adjacent pair are terms: 24 -> 89 nDCG@10 on Chinese with
# characters alone, and 96.1 -> 97.8 on Chinese XQuAD with both (measured 2026-11).
HAN: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Thai, Lao, Burmese and Khmer have no spaces either, and fewer letters: trigrams, 85.5 -> 98.0.
RUNS: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
# The vowel signs of Indian scripts, part of a word but no letters to `re`: 76.9 -> 95.4 on Hindi.
_SIGNS: Final = "".join(chr(n) for n in range(0x0900, 0x0E00) if unicodedata.category(chr(n)) in ("Mn", "Mc"))
_LETTERS: Final = rf"[^\W_{HAN}{RUNS}]+(?:[{_SIGNS}]+[^\W_{HAN}{RUNS}]*)*"
_TERM: Final = re.compile(
    rf"[{HAN}]+|[{RUNS}]+|\d+(?:[.,]\d+)+(?![^\W_])|{_LETTERS}(?:[-_./'’]{_LETTERS})*(?:(?<=[a-zA-Z])[+#]+)?"
)
_UNSPACED: Final = re.compile(rf"[{HAN}{RUNS}]")
_PART: Final = re.compile(rf"{_LETTERS}[+#]*")
# Longest first.
_INFLECTIONS: Final = (
    *("enden", "ungen", "ende", "ern", "en", "er", "es", "em", "os", "as", "is", "us", "ux"),
    *("e", "s", "n", "a", "o", "i"),
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_WORDS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
STOP_WORDS: Final = frozenset(_WORDS["stop_words"].split())


def terms(text: str) -> list[str]:
    """The terms of `text` in order, stemmed and without stop words; a compound yields itself and its parts."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def words(text: str) -> Iterator[str]:
    """The words of `text`, case-folded: "ZP-771" yields zp771, zp, 771; "maxRetries" maxretries, max, retries."""
    for found in _TERM.finditer(unicodedata.normalize("NFKC", text)):
        raw = found.group()
        if _UNSPACED.match(raw):
            yield from _unspaced(raw)
            continue
        if raw[0].isdigit() and raw[-1].isdigit() and ("." in raw or "," in raw) and "-" not in raw:
            yield number(raw)
            continue
        parts = [piece for part in _PART.findall(raw) for piece in _CAMEL.split(part)]
        if len(parts) > 1 and not _is_contraction(raw):
            yield "".join(parts).casefold()
        yield from (part.casefold() for part in parts)


def is_code(word: str) -> bool:
    """Whether letters and digits are mixed, as in a part number."""
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))


def _unspaced(run: str) -> Iterator[str]:
    """Terms of a run without spaces, chosen so that a question and a text with the same word share some."""
    size = 2 if re.match(f"[{HAN}]", run) else 3
    if size == 2:
        yield from run
    yield from (run[i : i + size] for i in range(len(run) - size + 1))
    if size == 3 and len(run) < size:
        yield run


def _is_contraction(raw: str) -> bool:
    """Whether an apostrophe only attaches an ending ("don't", "Guildhall's"), which is not a word."""
    return "'" in raw or "’" in raw


def number(raw: str) -> str:
    """`raw` without thousands separators: "1,190" is 1190, "3.5" stays. Other commas are decimal."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", raw):
        return raw.replace(",", "")
    return raw.replace(",", ".") if re.fullmatch(r"\d+,\d+", raw) else raw


# Scripts that tell the language of a word well enough for Snowball, without a cache, which threads would share. First
# right passage of 24 XQuAD articles by BM25: Russian 80.7 -> 91.3, Arabic 84.9 -> 89.0 (measured 2026-11).
_BY_SCRIPT: Final = tuple(
    (first, last, Stemmer(language, 0))
    for first, last, language in (
        ("\u0370", "\u03ff", "greek"),
        ("\u0400", "\u04ff", "russian"),
        ("\u0530", "\u058f", "armenian"),
        ("\u0600", "\u06ff", "arabic"),
        ("\u0b80", "\u0bff", "tamil"),
    )
)


# Harman's S-stemmer (JASIS 42(1), 1991) and the two commonest verb endings for English, then the inflections of
# German and the Romance languages. Applied to every language, as that of a single word is unknown: +1.9 nDCG@10 of
# BM25 in German, +0.5 in Spanish, +0.3 on four English collections; Snowball, given the language, +2.2, +1.4 and +0.5
# (measured 2026-11).
@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """`word` without accents and without a plural, case or verb ending; short words and those with digits stay."""
    if len(word) < 4 or not word.isalpha():
        return word
    for first, last, stemmer in _BY_SCRIPT:
        if first <= word[0] <= last:
            return str(stemmer.stemWord(word))
    if word.isascii():
        word = _without_english_ending(word)
    else:
        word = "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
    return _without_inflection(word)


def _without_inflection(word: str) -> str:
    for ending in _INFLECTIONS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def _without_english_ending(word: str) -> str:
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith("s") and word[-2] not in "aus" and not word.endswith("ies"):
        word = word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes")) else word[:-1]
    return _without_verb_ending(word)


def _without_verb_ending(word: str) -> str:
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and re.search("[aeiouy]", base):
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
                return base[:-1]
            return base.removesuffix("e")
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
