"""The rows of HTML tables, with spanning cells, multi-row headers and nested tables; and layout tables."""

from itertools import islice, takewhile
from typing import Final

from bs4.element import NavigableString, Tag

from workers.knowledge.parsers.cells import merged_header, with_one_header
from workers.knowledge.parsers.html.sifting import strings, visible_text

# A longer cell is an article in a table, not a value.
_ARTICLE_CHARS: Final = 1_500
_MAX_SPAN: Final = 100
_MAX_CELLS: Final = 500_000


def is_layout(table: Tag) -> bool:
    """Whether `table` is for layout: its cells hold headings, articles or only tables."""
    if str(table.get("role")) in ("presentation", "none"):
        return True
    rows = _own_rows(table)
    cells = [cell for row in rows for cell in _cells(row)]
    if len(cells) <= 1 or all(len(_cells(row)) <= 1 for row in rows):
        return True
    if table.find(["h1", "h2", "h3", "pre", "form"]):
        return True
    longest = max((sum(map(len, islice(strings(cell), 10_000))) for cell in cells), default=0)
    filled = [cell for cell in cells if cell.get_text(strip=True)]
    n_own = sum(any(each.strip() and each.find_parent("table") is table for each in strings(cell)) for cell in filled)
    return longest > _ARTICLE_CHARS or 2 * n_own < len(filled)


def table_rows(table: Tag) -> list[list[str]]:
    """The rows of `table`, those of the header as one; spanning cells are repeated in each place."""
    grid: dict[tuple[int, int], str] = {}
    rows = _own_rows(table)
    for y, row in enumerate(rows):
        x = 0
        for cell in _cells(row):
            while (y, x) in grid:
                x += 1
            width, height = _span(cell, "colspan"), min(_span(cell, "rowspan"), len(rows) - y)
            text = " ".join(_cell_text(cell).split())
            if len(grid) + width * height > _MAX_CELLS:
                break
            grid.update({(y + dy, x + dx): text for dy in range(height) for dx in range(width)})
            x += width
    width = max((x for _, x in grid), default=-1) + 1
    lines = [[grid.get((y, x), "") for x in range(width)] for y in range(len(rows))]
    # The first rows in a `thead` or with header cells only, if other rows follow.
    n_header = sum(1 for _ in takewhile(_is_header, rows))
    is_header = 1 < n_header <= 4 and n_header < len(rows)
    return (
        [merged_header(lines[:n_header]), *lines[n_header:]] if is_header else with_one_header(lines) if lines else []
    )


def _own_rows(table: Tag) -> list[Tag]:
    """The rows of `table` without those of nested tables; header first, footer last."""
    parts = [table, *table.find_all(["thead", "tbody", "tfoot"], recursive=False)]
    parts.sort(key=lambda part: {"thead": 0, "tfoot": 2}.get(part.name, 1))
    return [row for part in parts for row in part.find_all("tr", recursive=False)]


def _cells(row: Tag) -> list[Tag]:
    return list(row.find_all(["td", "th"], recursive=False))


def _is_header(row: Tag) -> bool:
    cells = _cells(row)
    in_head = row.parent is not None and row.parent.name == "thead"
    return in_head or (bool(cells) and all(cell.name == "th" for cell in cells))


def _cell_text(cell: Tag) -> str:
    """The text of a cell; a nested table becomes "a, b; c, d"."""
    for each in reversed(cell.find_all("table")):
        rows = [[" ".join(visible_text(inner).split()) for inner in _cells(row)] for row in _own_rows(each)]
        each.replace_with(NavigableString(f" {'; '.join(', '.join(filter(None, row)) for row in rows)} "))
    return visible_text(cell)


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1")
    return min(int(value), _MAX_SPAN) if value.isdigit() and len(value) < 9 and value != "0" else 1
