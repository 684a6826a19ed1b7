"""What a message shows by its words alone: figures, addresses, verbs, politeness, trouble, small dialogue.

The signs are patterns in data/cues.toml. Most are read on the English words of the message, in which foreign grammar
stays ("who have invented", "can I my"); the others on what was typed.
"""

import re
import tomllib
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.arguments.arithmetic import code_for
from workers.smallmodel.arguments.web import url_in
from workers.smallmodel.routing.words import DATA

Vector = npt.NDArray[np.float32]

_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
LENGTHS: Final = (2, 4, 8, 15, 40)
SHORT_WORDS: Final = 9
_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_ENDINGS: Final = ("ings", "ing", "ies", "ied", "es", "ed", "s", "e", "y")
STOP: Final = frozenset(
    """a an the and or of in on at to for with from by about is are was were be am do does did have has had i
    you he she it we they me my your his her its our their this that these those what who how why when where
    which can could would should will please not no yes if as but so up out hey hi ok pls plz their into one
    them there than then""".split()
)


@cache
def table(name: str) -> dict[str, Any]:
    """A table of data/cues.toml."""
    found: dict[str, Any] = tomllib.loads((DATA / "cues.toml").read_text("utf-8"))[name]
    return found


@cache
def signs(kind: str) -> dict[str, re.Pattern[str]]:
    """The patterns of "signs" or of "typed_signs" by name."""
    return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in table(kind).items()}


@cache
def stem(word: str) -> str:
    """`word` without its common English endings; at least three letters stay."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def words(text: str) -> list[str]:
    """The words of `text` in lower case."""
    return _WORD.findall(text.lower())


def stems(text: str) -> frozenset[str]:
    """The stems of `text`'s words that carry meaning."""
    return frozenset(stem(word) for word in words(text) if word not in STOP)


@cache
def _act_stems() -> tuple[frozenset[str], ...]:
    return tuple(
        frozenset(stem(word) for word in line.split()) for line in table("acts")["groups"].strip().splitlines()
    )


def acts(text: str) -> Vector:
    """Which groups of verbs that do the same the words of `text` name, `(n_acts,)` float32 of 0 and 1."""
    found = frozenset(stem(word) for word in words(text))
    return np.array([not found.isdisjoint(act) for act in _act_stems()], np.float32)


def sure_kinds(raw: str) -> frozenset[str]:
    """The platform's own tools of which `raw` has a sign that hardly deceives: an address, counting, a date."""
    typed = signs("typed_signs")
    found = {kind for kind, names in table("sure").items() if any(typed[name].search(raw) for name in names)}
    return frozenset(found | ({"code_interpreter"} if code_for(raw) else set()))


def goes_on(raw: str) -> bool:
    """Whether `raw` is so short, or begins so, that it hardly stands alone: "and in Oslo?"."""
    return len(raw.split()) <= SHORT_WORDS and signs("typed_signs")["goes_on"].search(raw) is not None


def cues(message: str, raw: str, last: str, foreign: bool, had_earlier: bool) -> Vector:
    """`(n_cues,)` float32 in 0..1; `raw` is the message before it was put into English, `last` its last sentence."""
    message, known = message.strip(), signs("signs")
    n_numbers, n_words = len(_NUMBER.findall(message)), len(message.split())
    n_ends = len(re.findall(r"[.!?]+(?:\s|$)", message))
    found: list[float] = [pattern.search(message) is not None for pattern in known.values()]
    found += [pattern.search(raw) is not None for pattern in signs("typed_signs").values()]
    found += [known[name].search(last) is not None for name in table("last")["signs"]]
    found += [n_numbers >= 1, n_numbers >= 2, *(n_words <= n for n in LENGTHS), foreign, had_earlier]
    found += [code_for(raw) is not None or code_for(message) is not None, url_in(raw) is not None]
    found += ["?" not in raw and "？" not in raw, min(n_words, 30) / 30, min(n_ends, 4) / 4]
    return np.array(found, np.float32)
