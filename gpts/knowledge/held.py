"""What the files of an answer hold that figures of it may stand in or follow from: their amounts, days and lists."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.amounts import Amount, amounts, kinds_after, noun_after
from gpts.knowledge.days import Day, days, weekdays, weekdays_in
from gpts.knowledge.remembering import remembered
from gpts.knowledge.sentences import sentence_spans
from gpts.knowledge.terms import stem, terms

# Amounts of one sentence beyond which nothing is calculated with it.
_MOST_IN_PART: Final = 12
_MOST_ROWS: Final = 30
_MOST_COLUMNS: Final = 3
_ITEM_BREAK: Final = re.compile(r", (?:and |or )?|、| (?:and|or|und|oder|et|ou|y|o|e) |和|；|; ")
_BREAK: Final = re.compile(r"[,;，；]")
_MOST_LETTERS: Final = 600


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence, row or column, with its terms and what is calculated with."""

    text: str
    terms: frozenset[str]
    amounts: tuple[Amount, ...]
    days: tuple[Day, ...]
    is_column: bool = False
    following: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The parts of a text, the rarity of their terms, what its amounts measure, by value, and how many
    there are of what a noun names, and its days: also how many of the week its clauses name."""

    parts: tuple[Part, ...]
    rarity: Mapping[str, float]
    kinds: Mapping[float, frozenset[tuple[str, float, str]]]
    nouns: Mapping[str, frozenset[float]]
    days: frozenset[tuple[int, int, int]]
    weekdays: frozenset[int]
    weeks: Mapping[int, str]

    def near(self, text: str, n: int) -> list[Part]:
        """The `n` parts with amounts or dates that share most with `text`."""
        own = frozenset(terms(text))
        ranks = [(self._weight(own & each.terms), each) for each in self.parts]
        return [each for _, each in sorted((rank for rank in ranks if rank[0] > 0), key=lambda rank: -rank[0])[:n]]

    def columns_near(self, text: str) -> list[Part]:
        """The columns that share a term with `text`."""
        own = frozenset(terms(text))
        return [each for each in self.parts if each.is_column and not own.isdisjoint(each.terms)][:_MOST_COLUMNS]

    def _weight(self, shared: frozenset[str]) -> float:
        return sum(self.rarity[term] for term in shared)


@remembered
def held_in(text: str) -> Held:
    """What `text` holds."""
    spans = sentence_spans(text)
    columns = tables.headers(text, spans)
    parts, series = list[Part](), defaultdict[str, list[Part]](list)
    kinds: dict[float, set[tuple[str, float, str]]] = defaultdict(set)
    nouns: dict[str, set[float]] = defaultdict(set)
    counts = Counter[str]()
    for span in spans:
        sentence = text[span.start : span.end]
        if tables.is_row(sentence):
            sentence = tables.labelled(columns.get(span.start, ""), sentence) if columns.get(span.start) else sentence
            for cell in sentence.split("; "):
                series[cell.partition(":")[0]].append(_part(cell))
        part = _part(sentence)
        parts.append(part)
        counts.update(part.terms)
        for each in amounts(sentence):
            if each.is_count:
                nouns[stem(noun_after(each, sentence))].update(each.values)
            for value in each.values:
                kinds[value].update((*kind, each.code) for kind in kinds_after(each, sentence) or {("any", 1.0)})
    parts += (_column(name, cells) for name, cells in series.items() if 2 <= len(cells) <= _MOST_ROWS)
    named = [sentence for span in spans if weekdays(sentence := text[span.start : span.end])]
    rarity = {term: math.log(1 + len(spans) / n) for term, n in counts.items()}
    parts = [
        replace(each, following=after.amounts)
        for each, after in zip(parts, [*parts[1:], _part("")], strict=bool(parts))
    ]
    return Held(
        tuple(each for each in parts if each.days or any(amount.figure.ways for amount in each.amounts)),
        defaultdict(float, rarity),
        {value: frozenset(found) for value, found in kinds.items()},
        {noun: frozenset(found) for noun, found in nouns.items()},
        frozenset((day.year, day.month, day.day) for day in days(text)),
        weekdays_in(text),
        {n: clause for sentence in named for clause in _BREAK.split(sentence) if (n := len(weekdays_in(clause))) > 1},
    )


def _part(text: str) -> Part:
    found = amounts(text)
    return Part(text, frozenset(terms(text)), found if len(found) <= _MOST_IN_PART else (), days(text))


def _column(name: str, cells: list[Part]) -> Part:
    own = tuple(amount for cell in cells for amount in cell.amounts[-1:])
    return Part(name, frozenset(terms(name)).union(*(cell.terms for cell in cells)), own, (), is_column=True)


def items_in(text: str) -> list[str]:
    """The items of a list that `text` gives after a colon, or of a sentence; empty if there are fewer than two."""
    listed = text.partition(":")[2] or text.partition("：")[2] or text
    items = [item.strip(" .") for item in _ITEM_BREAK.split(listed[:_MOST_LETTERS])]
    return items if len(items) > 1 else []
