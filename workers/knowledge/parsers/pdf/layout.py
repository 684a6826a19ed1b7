"""What stands on a page in reading order: lines of text, tables, and hidden passages in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from workers.knowledge.parsers.pdf.aligned import aligned_tables
from workers.knowledge.parsers.pdf.columns import in_reading_order, regions
from workers.knowledge.parsers.pdf.lines import Line, lines_of
from workers.knowledge.parsers.pdf.ruled import ruled_table
from workers.knowledge.parsers.pdf.rules import Grid
from workers.knowledge.parsers.pdf.tables import Table
from workers.knowledge.parsers.words import Piece, Word, pieces_of


@dataclass(frozen=True, slots=True)
class Placed:
    """A line or table with the number of its first word in the file's order."""

    item: Line | Table
    order: float


def layout(words: Sequence[Word], order: Mapping[int, float], grids: Sequence[Grid]) -> list[Placed]:
    """The lines and tables that `words` make, in reading order. `order` gives each word's number by its id."""
    pieces = pieces_of(words)
    tables: dict[float, Table] = {}
    for grid in grids:
        taken = {id(piece) for table in tables.values() for piece in table.pieces}
        table = ruled_table(grid, [piece for piece in pieces if id(piece) not in taken])
        if table:
            tables[_first_word(table, order)] = table
    groups = []
    for region in regions(_with_stand_ins(pieces, tables, order)):
        aligned = {_first_word(table, order): table for table in aligned_tables(_loose(region, tables, order))}
        tables |= aligned
        groups.append(_with_stand_ins(region, aligned, order))
    return _in_order([piece for group in groups for piece in group], groups, tables, order)


def _first_word(table: Table, order: Mapping[int, float]) -> float:
    return min(order[id(piece.words[0])] for piece in table.pieces)


def _loose(region: Sequence[Piece], tables: Mapping[float, Table], order: Mapping[int, float]) -> list[Piece]:
    """The pieces of `region` that are not a table's stand-in."""
    return [piece for piece in region if order[id(piece.words[0])] not in tables]


def _with_stand_ins(
    pieces: Sequence[Piece], tables: Mapping[float, Table], order: Mapping[int, float]
) -> list[Piece]:
    """`pieces` with one piece without text in the place of each table."""
    taken = {id(piece) for table in tables.values() for piece in table.pieces}
    kept = [piece for piece in pieces if id(piece) not in taken]
    for table in tables.values():
        first = min(table.pieces, key=lambda piece: order[id(piece.words[0])])
        kept.append(
            replace(
                first,
                text="",
                x0=min(piece.x0 for piece in table.pieces),
                y0=min(piece.y0 for piece in table.pieces),
                x1=max(piece.x1 for piece in table.pieces),
                y1=max(piece.y1 for piece in table.pieces),
                baseline=min(piece.baseline for piece in table.pieces),
            )
        )
    return kept


def _in_order(
    pieces: Sequence[Piece],
    groups: Sequence[Sequence[Piece]],
    tables: Mapping[float, Table],
    order: Mapping[int, float],
) -> list[Placed]:
    placed: list[Placed] = []
    run: list[Piece] = []

    def end_run() -> None:
        if run:
            placed.extend(Placed(line, order[id(first.words[0])]) for line, first in lines_of(run))
            run.clear()

    for piece in in_reading_order(pieces, groups, order):
        number = order[id(piece.words[0])]
        if number in tables and not piece.text:
            end_run()
            placed.append(Placed(tables[number], number))
        else:
            run.append(piece)
    end_run()
    return placed
