"""Which of several equally good sources a sentence cites: those of its own edition, chapter or product."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.places import Place, edition_terms, has_digit, is_distinct, naming_terms
from gpts.knowledge.support import HEADING, Source
from gpts.knowledge.terms import stem

# A sentence that names its source. After it, any word may name a file or chapter; without it, only years, versions
# and names with a number do.
_CITES: Final = re.compile(
    r"\b(?:according to|as per|per the|says?|states?|in|laut|gemäß|gemäss|nach|selon|d['’]après|según)\b"
    r"|根据|按照|依据|\w\.[a-z]{2,4}\b",
    re.IGNORECASE,
)
# "Both desks", "in beiden Ausgaben", with the noun.
_BOTH: Final = re.compile(
    r"\b(?:both|beiden?|beider|(?:les|tous les|toutes les) deux|ambos|ambas) (\w+)", re.IGNORECASE
)
_EDITIONS: Final = frozenset(
    map(stem, "years editions versions files handbooks jahre jahren ausgaben années éditions años ediciones".split())
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, or a part of one, with its equally good sources; `number` is that of the sentence."""

    number: int
    text: str
    tied: tuple[Source, ...] = ()


def names_source(text: str, places: Sequence[Place]) -> list[int]:
    """The numbers of the places that `text` names as its source, of several; empty if it names none or all."""
    named = naming_terms(text) if _CITES.search(text) else edition_terms(text)
    return _most(_named(named, places))


def own_editions(claims: Sequence[Claim], sentences: Sequence[str], question: str) -> list[tuple[Source, ...]]:
    """The sources of each claim of an answer with these sentences: one, or one for each place that it names.

    A claim is of the edition that it names itself, or else the sentences before it up to a heading, or the question;
    or of that which the sentences around it are from. If nothing tells, it is of the newest.
    """
    decided = {n: each.tied[0].place for n, each in enumerate(claims) if len({one.place for one in each.tied}) == 1}
    chosen: list[tuple[Source, ...]] = []
    for n, claim in enumerate(claims):
        tied = _first_of_each_place(claim.tied)
        tied = [each for each in tied if each.place.file] or tied  # rather than the answer of another GPT
        if len(tied) > 1 and not _is_of_all(claim.text, tied):
            tied = [_own(n, tied, claims, sentences, question, decided)]
        if len(tied) == 1:
            decided[n] = tied[0].place
        chosen.append(tuple(tied))
    return chosen


def _first_of_each_place(tied: Sequence[Source]) -> list[Source]:
    by_place: dict[Place, Source] = {}
    for each in tied:
        by_place.setdefault(each.place, each)
    return list(by_place.values())


def _is_of_all(text: str, tied: Sequence[Source]) -> bool:
    """Whether `text` says something of all places: "both desks", "in both years"."""
    shared = frozenset.intersection(*(each.place.terms for each in tied))
    return any(stem(noun.casefold()) in _EDITIONS | shared for noun in _BOTH.findall(text))


def _own(
    n: int,
    tied: Sequence[Source],
    claims: Sequence[Claim],
    sentences: Sequence[str],
    question: str,
    decided: Mapping[int, Place],
) -> Source:
    for hint in _hints(n, claims, sentences, question, decided):
        places = [each.place for each in tied]
        if isinstance(hint, Place):
            kept = _most([place.nearness(hint) for place in places])
        else:
            named = naming_terms(hint)
            kept = _most(_named(named, places))
        tied = [tied[at] for at in kept] or tied
        if len(tied) == 1:
            break
    return _newest(tied)


def _hints(
    n: int, claims: Sequence[Claim], sentences: Sequence[str], question: str, decided: Mapping[int, Place]
) -> Iterator[str | Place]:
    """What tells of which edition claim `n` is, the nearest first: texts that may name it, and places around it."""
    yield claims[n].text
    number = claims[n].number
    yield sentences[number]
    places: dict[int, set[Place]] = {}
    for each, place in decided.items():
        places.setdefault(claims[each].number, set()).add(place)
    at = {each: next(iter(found)) for each, found in places.items() if len(found) == 1}
    before = range(number - 1, -1, -1)
    for each in before:
        yield sentences[each]
        if HEADING.match(sentences[each]):
            break
        if each in at:
            yield at[each]
    yield question
    for each in range(number + 1, len(sentences)):
        if HEADING.match(sentences[each]):
            break
        if each in at:
            yield at[each]
    yield from (at[each] for each in before if each in at)


def _named(named: frozenset[str], places: Sequence[Place]) -> list[int]:
    """For each place 2 if a year, version or numbered name that only some have is `named`, 1 if another term is."""
    shared = frozenset.intersection(*(each.terms for each in places)) if places else frozenset()
    distinct = ([term for term in named & each.terms - shared if is_distinct(term)] for each in places)
    return [2 if any(map(has_digit, terms)) else int(bool(terms)) for terms in distinct]


def _most(scores: Sequence[int]) -> list[int]:
    """The numbers of the highest scores; empty if all are equal."""
    best = max(scores, default=0)
    return [n for n, score in enumerate(scores) if score == best] if best > min(scores, default=0) else []


def _newest(tied: Sequence[Source]) -> Source:
    """The source of the newest place, if all say when they are from; else the first."""
    for values in ([(*each.place.date, 0.0) for each in tied], [(0, 0, each.place.version) for each in tied]):
        if all(map(any, values)) and len(set(values)) > 1:
            return tied[max(range(len(tied)), key=values.__getitem__)]
    return tied[0]
