"""What an answer must have by its question: its names and numbers, a weight, a time, the thing that is counted."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gpts.knowledge.figures import figures_agree, with_codes
from gpts.knowledge.support import named_terms
from gpts.knowledge.terms import terms

# Of a message with more terms, only those count that the passages have: it tells of much that they need not know.
MANY_TERMS: Final = 14

_KINDS: Final = [
    (re.compile(kind["asks"], re.IGNORECASE), re.compile(kind["has"]))
    for kind in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["kinds"]
]
# What ends the name of what is counted. In German it may be a part of another: "Urlaubstage" are "27 Tage Urlaub".
_VERBS: Final = "do|does|did|is|are|was|were|can|will|would|has|have|in|of|per|the|at|on|for"
_COUNTED: Final = re.compile(rf"\bhow many((?: (?!(?:{_VERBS})\b)[\w-]+){{1,3}})", re.IGNORECASE)
_WHO: Final = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_NAME: Final = re.compile(r"\b[^\W\d_a-z][\w'’-]+")
_FIGURE: Final = re.compile(r"(?<![\w.,])\d+(?![\w.,])")
# "week 7", "invoice 2208": of what has numbers, the question wants one.
_NUMBERED: Final = re.compile(r"\b([^\W\d_]{3,})s?\.? (\d{1,6})\b")


def lacks_kind(question: str, texts: Sequence[str]) -> bool:
    """Whether none of `texts`, sentences with the titles above them, has what `question` asks for."""
    return not any(_has_kind(question, text) for text in texts)


def _has_kind(question: str, text: str) -> bool:
    """Whether `text` has something of the kind that `question` asks for, if it asks for a kind."""
    own = frozenset(_FIGURE.findall(question))
    rest = with_codes(_FIGURE.sub(lambda figure: "" if figure.group() in own else figure.group(), text))
    if any(asks.search(question) and not has.search(rest) for asks, has in _KINDS):
        return False
    counted = _COUNTED.search(question)
    if counted and (wanted := terms(counted.group(1))) and frozenset(terms(text)).isdisjoint(wanted):
        return False
    return not _WHO.search(question) or not frozenset(_NAME.findall(text)).issubset(_NAME.findall(question))


def names_and_missing(question: str, held: str, whole: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names, numbers and codes of `question`, and those that `held` lacks, the text of the file that answers it.

    `whole` is the text of all files: of a long message only what they have counts.
    """
    named = _named_in(question, whole) if len(set(terms(question))) > MANY_TERMS else named_terms(question, held)
    return named, (named - _named_in(question, held)) | (numbered_otherwise(question, held) & named)


def _named_in(question: str, text: str) -> frozenset[str]:
    held = frozenset(terms(text))
    return frozenset(
        term for term in named_terms(question, text) if term in held or (term.isdigit() and figures_agree(term, text))
    )


def numbered_otherwise(question: str, text: str) -> frozenset[str]:
    """The numbers of `question` that `text` does not give to what it numbers: 7 of "week 7" if weeks end at 5."""
    found = set()
    for name, number in _NUMBERED.findall(question):
        held = re.findall(rf"\b{re.escape(name)}s?[.:]? (\d{{1,6}})\b", text, re.IGNORECASE)
        if held and number not in held:
            found.add(number)
    return frozenset(found)
