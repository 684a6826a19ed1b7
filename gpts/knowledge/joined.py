"""Sentences that join facts of several places: their parts, each of which may have a source of its own."""

import re
from collections.abc import Sequence
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.sentences import Span
from gpts.knowledge.support import claims

# Sources that one sentence cites at most.
MAX_SOURCES: Final = 3
_LEAST_TERMS: Final = 2
# A longer sentence has more facts than can be told apart.
_MOST_CHARS: Final = 1_000
_JOINT: Final = re.compile(
    r"[,;，；、]\s*|\s(?:and|but|while|whereas|instead of|to|und|aber|während|statt|auf|et|mais|tandis que|à|y|pero"
    r"|mientras que|a)\s",
    re.IGNORECASE,
)


def parts_of(sentence: str, header: str = "") -> tuple[str, ...]:
    """The parts of `sentence` that may be facts of their own; of a table row, each cell with its names.

    Empty if it has one part, or so many that it could be put together from anything.
    """
    parts = _cells(sentence, header) if tables.is_row(sentence) else _clauses(sentence)
    return tuple(parts) if 1 < len(parts) <= 2 * MAX_SOURCES else ()


def _clauses(sentence: str) -> list[str]:
    joints = list(_JOINT.finditer(sentence)) if len(sentence) <= _MOST_CHARS else []
    begins = [0, *(joint.end() for joint in joints)]
    ends = [*(joint.start() for joint in joints), len(sentence)]
    n_terms = [len(claims(sentence[begin:end])) for begin, end in zip(begins, ends, strict=True)]
    parts, start, n_before, n_after = list[str](), 0, 0, sum(n_terms)
    for joint, n in zip(joints, n_terms, strict=False):
        n_before, n_after = n_before + n, n_after - n
        if min(n_before, n_after) >= _LEAST_TERMS:
            parts.append(sentence[start : joint.start()])
            start, n_before = joint.end(), 0
    return [*parts, sentence[start:]]


def _cells(row: str, header: str) -> list[str]:
    label, *values = tables.cells(row)
    names = [*tables.cells(header)[1:], *([""] * len(values))] if header else [""] * len(values)
    return [f"{label} {name}: {value}" for name, value in zip(names, values, strict=False) if value]


def table_headers(text: str, spans: Sequence[Span]) -> dict[int, str]:
    """The header line over each table row of an answer, by the row's start; "" for headers and the rules below."""
    found: dict[int, str] = {}
    lines = [text[span.start : span.end] for span in spans]
    rules = [tables.is_row(line) and tables.is_rule(line) for line in lines]
    header = ""
    for span, line, is_rule, is_above_one in zip(spans, lines, rules, [*rules[1:], False], strict=bool(spans)):
        if not tables.is_row(line):
            header = ""
        elif is_rule or is_above_one:
            header = header if is_rule else line
            found[span.start] = ""
        else:
            found[span.start] = header or "|"
    return found
