"""Signs in the words of a message: numbers, addresses, verbs, politeness, complaints, small talk.

The signs are patterns in data/cues.toml. Most are matched with the English words of the message, in which foreign
grammar stays ("who have invented", "can I my"); the others with the text as typed.
"""

import re
from functools import cache
from typing import Any, Final

import numpy as np

from workers.knowledge.embed import Vectors
from workers.smallmodel.arguments.arithmetic import code_for
from workers.smallmodel.arguments.web import url_in
from workers.smallmodel.routing.words import read_data

_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
LENGTHS: Final = (2, 4, 8, 15, 40)
SHORT_WORDS: Final = 9
# Of a message that is looked at for signs: some patterns take the square of its length.
MOST_CHARS: Final = 2_000
_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_ENDINGS: Final = ("ings", "ing", "ies", "ied", "es", "ed", "s", "e", "y")


@cache
def table(name: str) -> dict[str, Any]:
    """A table of data/cues.toml."""
    found: dict[str, Any] = read_data("cues")[name]
    return found


@cache
def signs(kind: str) -> dict[str, re.Pattern[str]]:
    """The patterns of "signs" or of "typed_signs" by name."""
    return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in table(kind).items()}


STOP: Final = frozenset(table("stop")["words"].split())


@cache
def stem(word: str) -> str:
    """`word` without its common English ending; at least three letters stay."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def stems(text: str) -> frozenset[str]:
    """The stems of the words of `text`, without stop words."""
    return frozenset(stem(word) for word in words(text) if word not in STOP)


@cache
def _act_stems() -> tuple[frozenset[str], ...]:
    return tuple(
        frozenset(stem(word) for word in line.split()) for line in table("acts")["groups"].strip().splitlines()
    )


def acts(text: str) -> Vectors:
    """Which groups of similar verbs occur in `text`, `(n_acts,)` float32 of 0 and 1."""
    found = frozenset(stem(word) for word in words(text))
    return np.array([not found.isdisjoint(act) for act in _act_stems()], np.float32)


def sure_kinds(raw: str) -> frozenset[str]:
    """The built-in tools of which `raw` has a reliable sign: an address, counting, a date."""
    typed, raw = signs("typed_signs"), raw[:MOST_CHARS]
    found = {kind for kind, names in table("sure").items() if any(typed[name].search(raw) for name in names)}
    return frozenset(found | ({"code_interpreter"} if code_for(raw) else set()))


def is_continuation(raw: str) -> bool:
    """Whether `raw` is short and refers to the message before: "and in Oslo?"."""
    return len(raw.split()) <= SHORT_WORDS and signs("typed_signs")["goes_on"].search(raw) is not None


def cues(message: str, raw: str, last: str, foreign: bool, had_earlier: bool) -> Vectors:
    """`(n_cues,)` float32 in 0..1; `raw` is the message as typed, `last` its last sentence in English words."""
    message, raw, last, known = message.strip()[:MOST_CHARS], raw[:MOST_CHARS], last[:MOST_CHARS], signs("signs")
    n_numbers, n_words = len(_NUMBER.findall(message)), len(message.split())
    n_ends = len(re.findall(r"(?<![.!?])[.!?]++(?:\s|$)", message))
    found: list[float] = [pattern.search(message) is not None for pattern in known.values()]
    found += [pattern.search(raw) is not None for pattern in signs("typed_signs").values()]
    found += [known[name].search(last) is not None for name in table("last")["signs"]]
    found += [n_numbers >= 1, n_numbers >= 2, *(n_words <= n for n in LENGTHS), foreign, had_earlier]
    found += [code_for(raw) is not None or code_for(message) is not None, url_in(raw) is not None]
    found += ["?" not in raw and "？" not in raw, min(n_words, 30) / 30, min(n_ends, 4) / 4]
    return np.array(found, np.float32)
