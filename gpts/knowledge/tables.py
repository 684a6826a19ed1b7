"""Table rows in a passage: lines of cells between bars, under a first line that names the columns."""

import re
from collections.abc import Sequence
from typing import Final

from gpts.knowledge.sentences import Span

_RULE: Final = re.compile(r"(?=[^-]*-)[\s:|-]+")
_CELL_BREAK: Final = re.compile(r"(?:(?<!\s)\s++)?\|\s*")
# Years name columns.
_NUMERIC: Final = re.compile(r"(?!(?:19|20)\d\d$)[\d.,%()$€£+−–-]+(?: ?(?:[^\W\d]{1,5}|[€$£₽%]))?")


def headers(text: str, spans: Sequence[Span]) -> dict[int, str]:
    """The header line for each table row, by the row's start; empty for the header itself.

    `spans` are the sentences of `text`. If the first line has as many numbers as the next, the passage begins inside
    a table and its rows have no header.
    """
    found: dict[int, str] = {}
    header, end = "", -1
    for span, following in zip(spans, [*spans[1:], Span(0, 0)], strict=False):
        line = text[span.start : span.end]
        if not is_row(line):
            continue
        if text[end : span.start] != "\n" or end < 0:
            header = line if is_header(line, text[following.start : following.end]) else ""
            if header:
                found[span.start] = ""
        elif header:
            found[span.start] = header
        end = span.end
    return found


def is_row(line: str) -> bool:
    """Whether `line` is written as a table row."""
    return line.startswith("|") and line.endswith("|") and len(line) > 2


def is_rule(line: str) -> bool:
    """Whether `line` is the one below a Markdown table's header: dashes, colons and bars."""
    return _RULE.fullmatch(line) is not None


def rule_below(header: str) -> str:
    """The line of Markdown below the header of a table."""
    return "|" + " --- |" * len(cells(header))


def without_rows(text: str) -> str:
    """The lines of `text` that are no rows."""
    return "\n".join(line for line in text.splitlines() if not is_row(line))


def labelled(header: str, row: str) -> str:
    """`row` made readable without its table: each cell after its column name, if any, empty cells left out."""
    names, values = cells(header), cells(row)
    if not header and len(values) == 2:
        return ": ".join(filter(None, values))
    names += [""] * (len(values) - len(names))
    pairs = [(name, value) for name, value in zip(names, values, strict=False) if value]
    return "; ".join(f"{name}: {value}" if name not in ("", value) else value for name, value in pairs)


def sentence(header: str, row: str) -> str:
    """`row` as people would write it: “May 1: closed”, or “Flyer – Size: A5, Price: 0.12” with more columns."""
    names, values = cells(header), cells(row)
    names += [""] * (len(values) - len(names))
    pairs = [(name, value) for name, value in zip(names, values, strict=False) if value]
    texts = [f"{name}: {value}" if name not in ("", value) else value for name, value in pairs]
    (name, value), others = pairs[0], [value for _, value in pairs[1:]]
    first = f"{name} {value}".strip() if _NUMERIC.fullmatch(value) else value
    return f"{first} – {', '.join(texts[1:])}" if len(others) > 1 else ": ".join([first, *others])


def cells(line: str) -> list[str]:
    """The cells of a row."""
    return _CELL_BREAK.split(line.strip().strip("|").strip())


def is_header(line: str, below: str) -> bool:
    """Whether `line` names the columns of the row `below`."""
    found = [cell for cell in cells(line) if cell]
    n_numbers = _n_numbers(found)
    is_row_alike = is_row(below) and 0 < n_numbers >= _n_numbers(cells(below))
    return len(found) > 1 and n_numbers <= len(found) // 2 and not is_row_alike


def _n_numbers(row: Sequence[str]) -> int:
    return sum(bool(_NUMERIC.fullmatch(cell)) for cell in row)
