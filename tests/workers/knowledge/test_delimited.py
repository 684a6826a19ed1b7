"""CSV and TSV files become tables whose values stand under the names of their columns."""

from workers.knowledge.parsers.delimited import parse


def texts(data: str) -> list[str]:
    return [block.text for block in parse(data.encode()).blocks]


def test_rows_stand_under_their_header() -> None:
    assert texts('name;price\nSeal;3,50\n"Filter; big";4\n') == [
        "| name | price |\n| Seal | 3,50 |\n| Filter; big | 4 |"
    ]


def test_each_group_of_rows_repeats_the_header() -> None:
    blocks = texts("name,number\n" + "".join(f"part with a long name {n},{n}\n" for n in range(100)))
    assert len(blocks) > 3
    assert all(block.startswith("| name | number |\n") for block in blocks)
    assert "| part with a long name 99 | 99 |" in blocks[-1]


def test_a_table_without_header_gets_numbered_columns() -> None:
    document = parse(b"Seal,3,1\nFilter,4,2\nRing,5,2\n")
    assert document.text().startswith("| Column 1 | Column 2 | Column 3 |\n| Seal | 3 | 1 |")
    assert "no header" in document.notices[0].message


def test_a_title_above_the_header_is_kept_as_text() -> None:
    blocks = texts("Parts of the pump\n\nname,price,stock\nSeal,3,1\nFilter,4,2\n")
    assert blocks == ["Parts of the pump", "| name | price | stock |\n| Seal | 3 | 1 |\n| Filter | 4 | 2 |"]


def test_titles_in_rows_of_empty_cells_are_kept_as_text() -> None:
    blocks = texts("Timetable, autumn;;\n;;\nFees for guests;;\nday;activity;fee\nMon;Yoga;5\nTue;Spin;7\n")
    assert blocks == [
        "Timetable, autumn",
        "Fees for guests",
        "| day | activity | fee |\n| Mon | Yoga | 5 |\n| Tue | Spin | 7 |",
    ]


def test_wide_rows_become_records_that_name_each_value() -> None:
    header = ",".join(f"a long column name {n}" for n in range(30))
    row = ",".join(f"value {n}" for n in range(30))
    blocks = texts(f"{header}\n{row}\n{row}\n")
    assert "a long column name 29: value 29" in blocks[-1]
    assert all(block.startswith("a long column name 0: value 0") for block in blocks)


def test_line_breaks_inside_quotes_stay_in_their_cell() -> None:
    assert texts('name,note\nSeal,"two\nlines"\nRing,one\n') == [
        "| name | note |\n| Seal | two lines |\n| Ring | one |"
    ]


def test_a_quote_that_never_closes_loses_no_rows() -> None:
    document = parse(("a,b\n1,2\n3," + '"4\n' + "5,6\n" * 1_000 + "7,needle\n").encode())
    assert "| 7 | needle |" in document.text()
    assert "never closed" in document.notices[0].message


def test_a_million_columns_are_cut_and_told() -> None:
    document = parse(b"x," * 300_000 + b"y\n" + b"1," * 300_000 + b"2\n")
    assert len(document.text()) < 200_000
    assert any("columns" in notice.message for notice in document.notices)
