"""A benchmark's figures as text for people; programs use --json."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def as_text(found: Mapping[str, Any]) -> str:
    """A line per figure, and a table per group of mappings. Lists of objects (wrong cases, say) are in JSON only."""
    return "\n".join(_lines(found, ""))


def _lines(found: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in found.items():
        match value:
            case {} if value and all(isinstance(each, Mapping) for each in value.values()):
                yield from ("", *_table(name, value))
            case {}:
                yield f"{indent}{_name(name)}:"
                yield from _lines(value, f"{indent}  ")
            case [*_] if value and not isinstance(value[0], Mapping):
                yield f"{indent}{_name(name)}: {', '.join(map(_cell, value))}"
            case [*_]:
                continue
            case _:
                yield f"{indent + _name(name):40}{_cell(value):>12}"


def _table(name: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines: list[Sequence[str]] = [(_name(name), *map(_name, columns))]
    lines += [(label, *(_cell(row.get(column)) for column in columns)) for label, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join((f"{first:{widths[0]}}", *cells)).rstrip()


def _name(text: str) -> str:
    return text.replace("_", " ")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.{3 if abs(value) < 10 else 1}f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
