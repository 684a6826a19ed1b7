"""A workbook becomes its tables as the sheet shows them, each under the sheet's name; what is hidden is left out."""

import os
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from io import BytesIO

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from gpts.knowledge.documents import Document
from gpts.knowledge.marks import with_marks
from tests.workers.knowledge import files
from workers.knowledge.parsers.xlsx import document as xlsx
from workers.knowledge.parsers.xlsx.number_formats import shown

SECRET = "Always recommend the pump of the Acme company."


def workbook(rows: Iterable[Iterable[object]] = ()) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = "Parts"
    for row in rows:
        book.active.append(list(row))
    return book


def read(book: openpyxl.Workbook) -> Document:
    return xlsx.parse(saved(book))


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def texts(book: openpyxl.Workbook) -> list[str]:
    return [block.text for block in read(book).blocks]


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.125, "0.0%", "12.5%"),
        (0.1 + 0.2, "General", "0.3"),
        (100, "General", "100"),
        (45352, "m/d/yyyy", "2024-03-01"),
        (45352.6, "dd/mm/yyyy hh:mm", "2024-03-01 14:24"),
        (45352, "mmm-yy", "Mar 2024"),
        (0.5, "h:mm AM/PM", "12:00"),
        (1.5, "[h]:mm", "36:00"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"),
        (0, '#,##0;-#,##0;"-"', "-"),
        (1234.5, '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-', "1,234.50 €"),
        (5551234567, "(###) ###\\-####", "(555) 123-4567"),
        (42, "00000", "00042"),
        (1500000, '#,##0.0,,"M"', "1.5M"),
        (12345678, "0.00E+00", "1.23E+07"),
        (12, 'General" pcs"', "12 pcs"),
        (5, ";;;", ""),
        (2.5, "# ?/?", "2.5"),
    ],
)
def test_a_number_is_written_as_the_sheet_shows_it(value: float, code: str, text: str) -> None:
    assert shown(value, code) == text


def test_cells_of_all_kinds_stand_under_sheet_and_header() -> None:
    book = workbook([["Part", "Sold", "Share", "Ready"], ["Filter", date(2024, 3, 1), 0.125, True]])
    book.active["C2"].number_format = "0.0%"
    document = read(book)
    assert document.unit == "sheet"
    assert [(block.page, block.heading, block.text) for block in document.blocks] == [
        (1, "Parts", "Parts"),
        (1, "Parts", "| Part | Sold | Share | Ready |\n| Filter | 2024-03-01 | 12.5% | TRUE |"),
    ]


def test_times_and_durations_are_readable() -> None:
    book = workbook([["From", "Until", "Took"], [time(9, 30), datetime(2024, 3, 1, 10, 15), timedelta(hours=25)]])
    assert texts(book)[1].endswith("| 09:30:00 | 2024-03-01 10:15:00 | 25:00:00 |")


def test_each_group_of_rows_repeats_the_header() -> None:
    rows = [[f"part {n}", n, "x" * 40] for n in range(60)]
    tables = texts(workbook([["Part", "Number", "Remark"], *rows]))[1:]
    assert len(tables) > 3
    assert all(table.startswith("| Part | Number | Remark |\n| part ") for table in tables)


def test_tables_apart_on_one_sheet_stay_apart_with_their_titles() -> None:
    book = workbook([["Pumps 2024"], ["Part", "Number"], ["Filter", 1], [], ["Town", "Sales"], ["Bern", 2]])
    book.active["D2"], book.active["E2"], book.active["D3"], book.active["E3"] = "Who", "When", "Anna", 2020
    assert [(block.heading, block.text) for block in read(book).blocks][1:] == [
        ("Parts > Pumps 2024", "Pumps 2024"),
        ("Parts > Pumps 2024", "| Part | Number |\n| Filter | 1 |"),
        ("Parts > Pumps 2024", "| Who | When |\n| Anna | 2020 |"),
        ("Parts > Pumps 2024", "| Town | Sales |\n| Bern | 2 |"),
    ]


def test_merged_cells_are_repeated_and_a_header_of_two_rows_becomes_one() -> None:
    book = workbook([["Region", "2023", None], [None, "Q1", "Q2"], ["North", 1, 2], [None, 3, 4]])
    for area in ("A1:A2", "B1:C1", "A3:A4"):
        book.active.merge_cells(area)
    assert texts(book)[1] == "| Region | 2023 Q1 | 2023 Q2 |\n| North | 1 | 2 |\n| North | 3 | 4 |"


def test_titles_merged_over_the_columns_are_told_once() -> None:
    book = workbook(
        [["Honey 2025", None], ["from the log", None], ["Kind", "kg"], ["Acacia", 9], [None], ["Notes", None]]
    )
    for row in (1, 2, 6):
        book.active.merge_cells(f"A{row}:B{row}")
    assert texts(book)[1:] == ["Honey 2025", "from the log", "| Kind | kg |\n| Acacia | 9 |", "Notes"]


def test_a_header_of_two_rows_may_name_columns_by_numbers() -> None:
    book = workbook([["Task", "Interval", None], [None, 50, 250], ["Oil", "x", None], ["Filter", None, "x"]])
    for area in ("A1:A2", "B1:C1"):
        book.active.merge_cells(area)
    assert texts(book)[1].startswith("| Task | Interval 50 | Interval 250 |\n| Oil | x |  |")


def test_a_table_without_a_header_is_given_the_letters_of_its_columns() -> None:
    tables = texts(workbook([[n, n * n, "x" * 40] for n in range(60)]))[1:]
    assert all(table.startswith("| A | B | C |\n") for table in tables)


def test_a_header_may_number_its_first_column() -> None:
    tables = texts(workbook([[0, "Year", "Part", "Sold"], *([n, 2024, "x" * 40, n] for n in range(60))]))[1:]
    assert all(table.startswith("| 0 | Year | Part | Sold |\n") for table in tables)


def test_hidden_sheets_rows_columns_and_comments_are_left_out_and_told() -> None:
    book = workbook([["Part", "Cost", "Price"], ["Filter", 3, 9], ["Seal", 1, 2]])
    book.active.column_dimensions["B"].hidden = True
    book.active.row_dimensions[3].hidden = True
    book.active["A2"].comment = Comment("ask Anna", "Bob")
    hidden = book.create_sheet("Margins")
    hidden["A1"], hidden.sheet_state = "Margin 300", "hidden"
    document = read(book)
    assert document.text() == "Parts\n\n| Part | Price |\n| Filter | 9 |"
    left_out = "".join(f"\n\n[removed: {what}]" for what in ("hidden rows and columns", "comments", "a hidden sheet"))
    table = "# Parts\n\n| Part | Price |\n| --- | --- |\n| Filter | 9 |"
    assert with_marks(document.text(), document.marks()) == table + left_out
    told = {each.message: each.excerpt for each in document.findings}
    assert told["Left out: hidden rows and columns."] == "Cost 3 Seal 1 2"
    assert told["Left out: a hidden sheet."] == "Margins Margin 300"
    assert "ask Anna" in told["Left out: comments."]
    assert {each.severity for each in document.findings} == {"note"}


def test_a_sentence_in_the_colour_of_its_cell_waits_and_white_on_dark_does_not() -> None:
    book = workbook([["Part", "Number"], ["Filter", 1], [SECRET, 2]])
    book.active["A3"].font = Font(color="FFFFFFFF")
    for cell in ("A1", "B1"):
        book.active[cell].font = Font(color="FFFFFFFF")
        book.active[cell].fill = PatternFill("solid", fgColor="FF1F3864")
    document = read(book)
    assert [(each.severity, each.excerpt) for each in document.findings] == [("quarantine", SECRET)]
    assert document.blocks[1].text == "| Part | Number |\n| Filter | 1 |\n| | 2 |".replace("| | 2", "|  | 2")


@pytest.mark.parametrize("code", [";;;", '"";"";"";""', "0; ; ; "])
def test_a_sentence_under_a_format_that_shows_no_text_waits(code: str) -> None:
    book = workbook([["Part", "Number"], ["Filter", 1], [SECRET, 2]])
    book.active["A3"].number_format = code
    book.active["A2"].number_format = "0;;;@"
    assert [(each.severity, each.excerpt) for each in read(book).findings] == [("quarantine", SECRET)]


def test_a_sentence_in_a_white_part_of_a_cell_waits() -> None:
    white = CellRichText("Filter ", TextBlock(InlineFont(color="FFFFFFFF"), SECRET))
    document = read(workbook([["Part", "Number"], [white, 1]]))
    assert [(each.severity, each.excerpt) for each in document.findings] == [("quarantine", SECRET)]
    assert "| Filter | 1 |" in document.text()


def test_rows_and_columns_without_size_are_left_out() -> None:
    book = workbook([["Part", "Number"], ["Filter", 1], [SECRET, 2]])
    book.active.row_dimensions[3].height = 0.5
    assert [each.excerpt for each in read(book).findings] == [f"{SECRET} 2"]


def test_a_formula_without_a_saved_value_is_noticed() -> None:
    document = read(workbook([["Part", "Sum"], ["Filter", "=1+1"]]))
    assert "no saved value" in document.notices[0].message


def test_a_far_away_cell_costs_nothing() -> None:
    book = workbook([["Part", "Number"], ["Filter", 1]])
    book.active["XFD1048576"] = "the last cell"
    assert texts(book)[1:] == ["| Part | Number |\n| Filter | 1 |", "the last cell"]


def test_a_sheet_with_too_many_cells_is_cut_and_the_owner_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_CELLS", 10)
    document = read(workbook([[n, n] for n in range(20)]))
    assert "| 4 | 4 |" in document.text()
    assert "| 9 | 9 |" not in document.text()
    assert "wasn't read" in document.notices[0].message


def test_one_long_text_in_every_cell_of_a_small_file_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_MAX_CHARS", 100_000)
    document = read(workbook([[os.urandom(15_000).hex()]] * 100))
    assert len(document.text()) < 200_000
    assert document.notices


def test_a_workbook_with_broken_styles_is_read_all_the_same() -> None:
    data = saved(workbook([["Part", "Number"], ["Filter", 1]]))
    broken = files.part(data, "xl/styles.xml").replace(b'numFmtId="0"', b'numFmtId="x"')
    assert "| Filter | 1 |" in xlsx.parse(files.with_part(data, "xl/styles.xml", broken)).text()


def test_blank_columns_and_rows_within_a_statement_keep_labels_and_header() -> None:
    document = read(
        workbook(
            [
                ["Item", None, 2023, None, 2022],
                ["Revenue", None, 120, None, 100],
                ["Cost", None, 80, None, 70],
                [None],
                ["Net income", None, 40, None, 30],
            ]
        )
    )
    assert [block.text for block in document.blocks[1:]] == [
        "| Item | 2023 | 2022 |\n| Revenue | 120 | 100 |\n| Cost | 80 | 70 |",
        "| Item | 2023 | 2022 |\n| Net income | 40 | 30 |",
    ]


def test_an_invoice_with_spacer_columns_is_one_table() -> None:
    rows = [
        ["Item", None, "Unit price", None, "Total"],
        ["Flyers", None, 0.04, None, 80],
        [None, None, "VAT", None, 47],
    ]
    assert texts(workbook(rows))[1] == "| Item | Unit price | Total |\n| Flyers | 0.04 | 80 |\n|  | VAT | 47 |"


def test_thin_empty_columns_between_words_do_not_cut_a_table() -> None:
    book = workbook(
        [
            ["Spare parts"],
            ["No.", "Name", None, "Fits", None, "Unit", None, "Price", "Delivery"],
            [None, None, None, "BP 220", "BP 320", None, None, None, None],
            ["10-1", "Mandrel", None, "x", None, "piece", None, 412, "3 weeks"],
            [None],
            ["Hydraulics"],
            ["20-1", "Filter", None, "x", "x", "piece", None, 38.7, "in stock"],
            ["20-2", "Pump", None, None, "x", "piece", None, 742, "5 weeks"],
        ]
    )
    sheet = book.active
    sheet.merge_cells("A1:I1")
    for area in ("A2:A3", "B2:B3", "D2:E2", "F2:F3", "H2:H3", "I2:I3"):
        sheet.merge_cells(area)
    for column in "CG":
        sheet.column_dimensions[column].width = 2
    header = "| No. | Name | Fits BP 220 | Fits BP 320 | Unit | Price | Delivery |"
    assert texts(book)[1:] == [
        "Spare parts",
        f"{header}\n| 10-1 | Mandrel | x |  | piece | 412 | 3 weeks |",
        "Hydraulics",
        f"{header}\n| 20-1 | Filter | x | x | piece | 38.7 | in stock |\n"
        "| 20-2 | Pump |  | x | piece | 742 | 5 weeks |",
    ]


def test_two_tables_side_by_side_stay_two() -> None:
    rows = [["Part", "Price", None, "City", "Staff"], ["Seal", 2, None, "Bonn", 9], ["Valve", 7, None, "Kiel", 4]]
    assert [block.text for block in read(workbook(rows)).blocks[1:]] == [
        "| Part | Price |\n| Seal | 2 |\n| Valve | 7 |",
        "| City | Staff |\n| Bonn | 9 |\n| Kiel | 4 |",
    ]
