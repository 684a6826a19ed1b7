"""Long tables are given by their columns, their number of rows and some of the rows."""

import pytest

from gpts.knowledge.cut_tables import is_table, part_of_table, rows_of
from gpts.knowledge.documents import Passage

HEADER = "| part | left | since |"
ROWS = [f"| ZP-{n} | {n} | 2026-01-{n % 28 + 1:02} |" for n in range(1, 41)]
GROUPS = ["\n".join([HEADER, *ROWS[at : at + 10]]) for at in range(0, 40, 10)]
TEXT = "\n\n".join(["Stock", *GROUPS])
WHOLE = Passage(file_id="f", file_name="stock.csv", segment="s", chunk=0, text=TEXT, start=0, end=len(TEXT))


def test_rows_are_counted_without_the_headers_that_their_groups_repeat():
    assert is_table(TEXT)
    assert [TEXT[row.start : row.end] for row in rows_of(TEXT)] == ROWS
    assert not is_table("Stock is low. Order more.")


def test_a_part_says_what_the_columns_are_and_where_it_is_cut():
    head = part_of_table(WHOLE, 400, described=True)
    assert TEXT.startswith(head.text)
    first, _, title, _, header, rule, *rows, _, cut = head.for_model().split("\n")
    assert first == "40 rows; columns: part (text), left (number), since (date)"
    assert (title, header, rule) == ("Stock", HEADER, "| --- | --- | --- |")
    assert rows == ROWS[: len(rows)]
    assert cut == (
        f"… cut here: {len(head.text)} of {len(TEXT):,} characters, rows 1-{len(rows)} of 40 shown; "
        "the whole is in the file stock.csv: read_more gives other rows, and code can open it."
    )


@pytest.mark.parametrize("offset", [11, 15, 40])
def test_other_rows_come_under_their_header(offset):
    part = part_of_table(WHOLE, 300, offset)
    assert TEXT[part.start : part.end] == part.text
    header, rule, first, *_ = part.for_model().split("\n")
    assert (header, rule, first) == (HEADER, "| --- | --- | --- |", ROWS[offset - 1])


def test_a_row_that_is_not_there_is_refused():
    with pytest.raises(IndexError, match="no row 41: the file has 40"):
        part_of_table(WHOLE, 300, 41)


def test_each_of_several_tables_is_described():
    other = "\n".join(["| city | open |", "| Bern | yes |", "| Ulm | no |"])
    whole = WHOLE.model_copy(update={"text": f"{TEXT}\n\n{other}"})
    head = part_of_table(whole, 100, described=True).for_model()
    assert head.startswith(
        "42 rows\nrows 1-40: columns: part (text), left (number), since (date)\nrows 41-42: columns: city"
    )
    assert "open (yes or no)" in head
