"""Whether a text says the opposite of a source: that dogs are welcome where they are not allowed, open where closed.

Clauses about the same are compared by words of opposite meaning, by negation, and by the days of the week that they
name. What is not certain to be opposite is not: a clause must share the subject, or nearly all of its words.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from gpts.knowledge.amounts import amounts
from gpts.knowledge.days import days, weekdays, weekdays_in
from gpts.knowledge.remembering import remembered
from gpts.knowledge.sentences import sentence_spans
from gpts.knowledge.terms import HAN, STOP_WORDS, stem, words

_POLES: Final = {
    about: tuple(frozenset(sides[side].split()) for side in ("one", "other"))
    for about, sides in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
}
_HAN_POLES: Final = [
    (word, about, is_one)
    for about, sides in _POLES.items()
    for listed, is_one in zip(sides, (True, False), strict=True)
    for word in sorted(listed)
    if re.match(f"[{HAN}]", word)
]
_CLAUSE: Final = re.compile(
    r"[,;，；]\s|[，；：]|\s[–—]\s|\b(?:but|aber|mais|pero|however|jedoch|sondern|which|although|while|whereas)\b",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"\b(free) of charge\b")
_NOT: Final = frozenset(
    (
        "not never none nothing nobody neither nor cannot nicht nichts niemand kein keine keinen keinem keiner "
        "keines nie niemals pas jamais rien aucun aucune non "
        "nunca ningún ninguna no except außer excepté sauf excepto salvo"
    ).split()
)
# Negated, these forbid.
_MUST: Final = frozenset("must should debe deben doit doivent soll sollen sollte darf dürfen".split())
_ENDS_SHUT: Final = re.compile(r"\bzu\W*$")
_WITHOUT: Final = frozenset("without ohne sans sin".split())
_HAN_NOT: Final = re.compile("[不没无非]")
# The share of a clause's words that another must have to say its opposite by negation alone.
_SAME: Final = 0.65
_LEAST_SAME: Final = 2


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence with its stems in order, without words of opposites, and what it says of each of these."""

    terms: tuple[str, ...]
    poles: frozenset[tuple[str, bool]]
    is_negated: bool
    has_without: bool
    days: frozenset[int]
    is_shut: bool


def contradicts(claim: str, source: str) -> bool:
    """Whether a clause of `claim` says the opposite of the clauses of `source` about the same."""
    held = clauses(source)
    return any(_is_opposed(own, held) for own in clauses(claim) if own.terms)


def days_agree(claim: str, source: str) -> bool:
    """Whether the clauses of `source` that are closest to each clause of `claim` name the days that it names.

    Beside a date they are those of the date. Or that they are shut on others, or the other way round: "closed on
    Mondays" says that Sunday is no such day.
    """
    if days(claim):
        return True
    held = [each for each in clauses(source) if each.days]
    return all(_days_fit(own, held) for own in clauses(claim) if own.days and weekdays(claim))


@remembered
def clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of `text`."""
    sentences = (text[span.start : span.end] for span in sentence_spans(text))
    return tuple(_clause(part) for sentence in sentences for part in _CLAUSE.split(sentence) if part.strip())


def _clause(text: str) -> Clause:
    lowered = _PLAIN.sub(r"\1 ", text.casefold().replace("cannot", "can not"))
    all_words = list(words(lowered))
    is_negated = not _NOT.isdisjoint(all_words) or "n't" in lowered or "n’t" in lowered
    is_negated = is_negated or bool(_HAN_NOT.search(text))
    found = list(_poles(all_words, lowered))
    # "Not included and costs": of two words only the first is negated.
    first = {about: is_one for about, is_one, _ in reversed(found)}
    poles = {(about, is_one != (is_negated and is_one == first[about])) for about, is_one, _ in found}
    if is_negated and not _MUST.isdisjoint(all_words):
        poles.add(("permission", False))
    if any(each.kind == "price" for each in amounts(text)):
        poles.add(("cost", False))
    unsaid = {word for _, _, word in found} | STOP_WORDS | _NOT
    terms = tuple(dict.fromkeys(stem(each) for each in all_words if each not in unsaid))
    is_shut = bool(_ENDS_SHUT.search(text[-12:])) or is_negated != any(
        about == "opening" and not is_one for about, is_one, _ in found
    )
    return Clause(terms, frozenset(poles), is_negated, not _WITHOUT.isdisjoint(all_words), weekdays_in(text), is_shut)


def _poles(all_words: Iterable[str], lowered: str) -> Iterator[tuple[str, bool, str]]:
    """What words of a clause are about, whether they are of the first side, and the word."""
    for word in all_words:
        for about, is_one in _sides(word):
            yield about, is_one, word
    for word, about, is_one in _HAN_POLES:
        if word in lowered:
            yield about, is_one, ""


@lru_cache(maxsize=8_192)
def _sides(word: str) -> tuple[tuple[str, bool], ...]:
    """What a word is about, and whether it is of the first side."""
    return tuple(
        (about, is_one)
        for about, sides in _POLES.items()
        for listed, is_one in zip(sides, (True, False), strict=True)
        if f"{word}=" in listed or any(word.startswith(each) for each in listed if each[-1] != "=")
    )


def _is_opposed(own: Clause, held: Iterable[Clause]) -> bool:
    if own.days:
        return False  # what is said of days is compared by day
    subject, all_terms = own.terms[0], set(own.terms)
    same = [each for each in held if _share(all_terms, each) >= _SAME]
    about_it = [each for each in held if subject in each.terms] or same
    is_said = False
    for about, is_one in own.poles:
        if (about, not is_one) in own.poles:
            continue
        said = [is_other for each in about_it for name, is_other in each.poles if name == about]
        if said and is_one not in said:
            return True
        is_said |= bool(said)
    # What a word of opposites is negated for is not the rest.
    topics = {about for about, _ in own.poles}
    same = [each for each in same if topics.issuperset(about for about, _ in each.poles)]
    if is_said or len(all_terms) < _LEAST_SAME or not same:
        return False
    return all(_is_denied(each) != _is_denied(own) for each in same)


def _is_denied(clause: Clause) -> bool:
    return clause.is_negated != clause.has_without


def _share(own: set[str], clause: Clause) -> float:
    return len(own.intersection(clause.terms)) / len(own)


def _days_fit(own: Clause, held: Iterable[Clause]) -> bool:
    ranks = [(len(set(own.terms).intersection(each.terms)), each) for each in held]
    most = max((rank for rank, _ in ranks), default=0)
    nearest = [each for rank, each in ranks if rank == most > 0]
    if not nearest:
        return own.is_shut or own.days <= frozenset().union(*(each.days for each in held)) if held else True
    return any((own.days <= each.days) == (own.is_shut == each.is_shut) for each in nearest)
