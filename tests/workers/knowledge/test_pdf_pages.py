"""Pages of PDF files become text in the order in which people read them, with tables under their headers."""

from collections.abc import Sequence

import pytest

from gpts.knowledge.documents import Document
from tests.workers.knowledge.pages import HONEST, Page, at, pdf
from workers.knowledge.parsers.pdf.document import parse
from workers.knowledge.parsers.pdf.layout import layout
from workers.knowledge.parsers.pdf.lines import joined
from workers.knowledge.parsers.pdf.rules import Rule, RuledGrid
from workers.knowledge.parsers.pdf.tables import Table
from workers.knowledge.parsers.words import Word

_LEFT = [
    "Alpha begins the left column of this page and",
    "goes on for a while without any full stop so",
    "that nobody could take it for a table of cells",
    "and at its foot the left column ends in Beta.",
    "A further line makes it long enough to count.",
]
_RIGHT = [
    "Gamma begins the right column, which stands",
    "beside the other one in the same heights and",
    "has to be read after it, not line by line, as",
    "some programs write it into the file, Delta.",
    "A further line makes it long enough to count.",
]
_SALES = [
    ("", "2019", "2018", "Change"),
    ("Net revenue", "1,204.5", "1,110.2", "8.5 %"),
    ("Cost of sales", "(640.1)", "(601.7)", "6.4 %"),
    ("Gross profit", "564.4", "508.5", "11.0 %"),
    ("Other income", "12.0", "—", "n/a"),
]


def _texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


def _columns(order: Sequence[tuple[int, int]]) -> Page:
    """Two columns of text, written in `order` of (column, line)."""
    columns = (60, _LEFT), (320, _RIGHT)
    return Page("".join(at(columns[c][0], 700 - 14 * n, columns[c][1][n]) for c, n in order))


def _table(rows: Sequence[Sequence[str]], top: float = 700, xs: Sequence[float] = (60, 250, 330, 410)) -> str:
    return "".join(at(x, top - 16 * n, cell) for n, row in enumerate(rows) for x, cell in zip(xs, row, strict=True))


def test_columns_written_one_after_the_other_are_read_so() -> None:
    texts = _texts(parse(pdf(_columns([(c, n) for c in (0, 1) for n in range(5)]))))
    assert " ".join(texts) == " ".join([*_LEFT, *_RIGHT])


def test_columns_written_line_by_line_are_read_one_after_the_other() -> None:
    texts = _texts(parse(pdf(_columns([(c, n) for n in range(5) for c in (0, 1)]))))
    assert " ".join(texts) == " ".join([*_LEFT, *_RIGHT])


def test_a_title_over_both_columns_stays_before_them() -> None:
    page = _columns([(c, n) for n in range(5) for c in (0, 1)])
    page.content = at(60, 740, "A title that reaches over both columns of the page below it", 16) + page.content
    assert _texts(parse(pdf(page)))[0].startswith("A title that reaches")


def test_aligned_numbers_are_a_table_under_their_header() -> None:
    document = parse(pdf(Page(at(60, 750, HONEST) + _table(_SALES) + at(60, 560, "Figures are in millions."))))
    assert _texts(document) == [
        HONEST,
        "|  | 2019 | 2018 | Change |\n| Net revenue | 1,204.5 | 1,110.2 | 8.5 % |\n"
        "| Cost of sales | (640.1) | (601.7) | 6.4 % |\n| Gross profit | 564.4 | 508.5 | 11.0 % |\n"
        "| Other income | 12.0 | — | n/a |",
        "Figures are in millions.",
    ]


def test_a_header_of_two_lines_is_one_row() -> None:
    rows = [("", "Three months", "Three months", ""), ("", "to June", "to March", "Change"), *_SALES[1:]]
    table = next(text for text in _texts(parse(pdf(Page(_table(rows))))) if text.startswith("|"))
    assert table.splitlines()[0] == "|  | Three months to June | Three months to March | Change |"


def test_a_header_set_to_the_left_of_its_numbers_is_over_them() -> None:
    numbers = [("2019", "120"), ("2020", "135"), ("2021", "150"), ("2022", "170")]
    page = at(60, 700, "Year") + at(160, 700, "Ducks") + _table(numbers, top=684, xs=(100, 165))
    table = "| Year | Ducks |\n| 2019 | 120 |\n| 2020 | 135 |\n| 2021 | 150 |\n| 2022 | 170 |"
    assert _texts(parse(pdf(Page(page)))) == [table]


def test_a_ruled_table_keeps_the_cells_that_reach_over_several_rows() -> None:
    lines = "".join(f"60 {y} m 360 {y} l S\n" for y in (700, 680, 640)) + "160 660 m 360 660 l S\n"
    lines += "".join(f"{x} 640 m {x} 700 l S\n" for x in (60, 160, 260, 360))
    words = at(65, 686, "Part") + at(165, 686, "Size") + at(265, 686, "Stock") + at(65, 656, "Filter")
    words += at(165, 666, "small") + at(265, 666, "12") + at(165, 646, "large") + at(265, 646, "few")
    assert _texts(parse(pdf(Page(lines + words)))) == [
        "| Part | Size | Stock |\n| Filter | small | 12 |\n| Filter | large | few |"
    ]


def test_a_table_that_goes_on_repeats_its_header_on_the_next_page() -> None:
    more = [
        ("Tax", "(20.0)", "(18.5)", "8.1 %"),
        ("Interest", "(4.0)", "(4.4)", "-9.1 %"),
        ("Profit", "1.0", "2.0", "3 %"),
    ]
    document = parse(pdf(Page(_table(_SALES)), Page(_table(more))))
    assert document.blocks[-1].page == 2
    assert document.blocks[-1].text.splitlines()[:2] == [
        "|  | 2019 | 2018 | Change |",
        "| Tax | (20.0) | (18.5) | 8.1 % |",
    ]


_NO_TABLES = {
    "formulas": [("f(x) =", "1", ""), ("", "2 {z}", "a + b"), ("g(x) =", "3", "="), ("", "{z}", "c"), ("", "4", "d")],
    "axes": [("10", "", ""), ("", "8", ""), ("", "", "x"), ("", "6", ""), ("4", "", "y"), ("", "2", "0")],
    "an index": [(f"Filter {name}, {n}", f"Valve {name}, {n + 30}", "") for n, name in enumerate("abcdef", 10)],
    "labels of a drawing": [("Pump", "Valve", "Filter"), ("House", "Outlet", ""), ("Inlet", "Seal", "Clamp")],
    "prose beside labels": [
        (f"The side exit {n} goes on through all of the loop and then", "Tree", "Anchor") for n in range(5)
    ],
}


def test_a_table_goes_on_between_the_running_lines_of_two_pages() -> None:
    running = at(60, 770, "Kestrel Foods") + at(410, 770, "Report 2019") + at(300, 40, "1")
    pages = [
        Page(running + at(60, 720, "Income", size=14) + _table(_SALES)),
        Page(running + _table(_SALES[1:4], top=740)),
    ]
    texts = [block.text for block in parse(pdf(*pages)).blocks if "|" in block.text]
    header = "|  | 2019 | 2018 | Change |"
    assert [text.split("\n")[0] for text in texts] == [header, header]


def test_bold_labels_of_sections_are_rows_of_their_own_under_the_header() -> None:
    heads = [at(x, 700, text, font="F2") for x, text in ((330, "night"), (410, "week"))]
    labels = [
        at(60, 700 - 16 * n, text, font="F2")
        for n, text in ((1, "A Visiting boats, pontoons with water"), (4, "B Buoys"))
    ]
    rows = (
        (2, "up to 7.0 m", "19.00", "108.00"),
        (3, "up to 9.0 m", "24.50", "139.00"),
        (5, "up to 9.0 m", "14.00", "80.00"),
    )
    cells = [at(x, 700 - 16 * n, text) for n, *row in rows for x, text in zip((72, 330, 410), row, strict=True)]
    assert _texts(parse(pdf(Page("".join([*heads, *labels, *cells]))))) == [
        "|  | night | week |\n| A Visiting boats, pontoons with water |  |  |\n| up to 7.0 m | 19.00 | 108.00 |\n"
        "| up to 9.0 m | 24.50 | 139.00 |\n| B Buoys |  |  |\n| up to 9.0 m | 14.00 | 80.00 |"
    ]


def test_a_table_of_words_goes_on_under_its_bold_header() -> None:
    header = [
        f"{at(x, 700, cell, font='F2')}" for x, cell in zip((60, 250, 330), ("Course", "Room", "Day"), strict=True)
    ]
    rows = [(f"Course {letter}", "Red hall", "Monday") for letter in "ABCDEF"]
    xs, foot = (60, 250, 330), at(300, 40, "1")
    pages = [Page("".join(header) + _table(rows, 684, xs) + foot), Page(_table(rows, 740, xs) + foot)]
    second = [block.text for block in parse(pdf(*pages)).blocks if "|" in block.text][1]
    assert second.split("\n")[0] == "| Course | Room | Day |"


@pytest.mark.parametrize("what", _NO_TABLES)
def test_what_only_happens_to_stand_in_columns_is_no_table(what: str) -> None:
    rows = _table(_NO_TABLES[what], xs=(60, 350, 420))
    texts = _texts(parse(pdf(Page(at(60, 780, HONEST) + rows))))
    assert not any(text.startswith("|") for text in texts)
    assert all(cell.split()[0] in " ".join(texts) for row in _NO_TABLES[what] for cell in row if cell)


def test_a_table_may_tick_its_cells() -> None:
    rows = [("", "small", "large"), ("Filter", "x", "x"), ("Pump", "x", ""), ("Valve", "", "x"), ("Seal", "x", "x")]
    grid = "".join(f"55 {y} m 300 {y} l S\n" for y in range(634, 730, 16))
    grid += "".join(f"{x} 634 m {x} 714 l S\n" for x in (55, 155, 225, 300))
    texts = _texts(parse(pdf(Page(grid + _table(rows, xs=(60, 160, 230))))))
    assert texts[0].splitlines()[:3] == ["|  | small | large |", "| Filter | x | x |", "| Pump | x |  |"]


def test_pages_of_nothing_but_the_same_line_are_read() -> None:
    texts = _texts(parse(pdf(*[Page(at(60, 700, f"Document 3, page {n}")) for n in range(3)])))
    assert texts == ["Document 3, page 0", "Document 3, page 1", "Document 3, page 2"]


def test_a_numbered_list_is_no_table() -> None:
    items = "".join(
        at(60, 700 - 15 * n, f"{n + 1}.") + at(90, 700 - 15 * n, f"Step {n} of the work") for n in range(5)
    )
    assert not any(text.startswith("|") for text in _texts(parse(pdf(Page(items)))))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_pages_are_read_like_upright_ones(turn: int) -> None:
    upright = Page(at(60, 750, HONEST) + _table(_SALES))
    turned = Page(upright.content, more=f"/Rotate {turn}")
    # Turning the page turns the text with it, which makes it sideways text of a turned page.
    assert sorted(_texts(parse(pdf(turned)))) == sorted(_texts(parse(pdf(upright))))


def test_words_parted_at_the_end_of_a_line_are_whole_again() -> None:
    page = Page(at(60, 700, "Close the valve of the hous-") + at(60, 686, "ing before you open it."))
    assert _texts(parse(pdf(page))) == ["Close the valve of the housing before you open it."]


def test_letters_written_one_by_one_make_words() -> None:
    # The "1" of Helvetica leaves more of its place empty than a narrow space is wide.
    digits = "".join(at(60 + 5.56 * n, 700, digit) for n, digit in enumerate("2010"))
    words = "".join(at(60 + x, 680, word) for x, word in ((0, "a"), (8.0, "b")))
    assert _texts(parse(pdf(Page(digits + words)))) == ["2010 a b"]


def _placed_words(rows: Sequence[Sequence[str]], xs: Sequence[float]) -> list[Word]:
    """Words that stand in columns at `xs`, those of a cell from right to left."""
    return [
        Word(word, x + 60 - 30 * i, 90 + 15 * n, x + 85 - 30 * i, 100 + 15 * n, 100 + 15 * n, 10, begins_line=i == 0)
        for n, row in enumerate(rows)
        for x, cell in zip(xs, row, strict=True)
        for i, word in enumerate(cell.split())
    ]


def test_tables_in_scripts_from_right_to_left_begin_on_the_right() -> None:
    rows = [("שם החלק", "כמות", "מחיר"), ("מסנן מים", "12", "30"), ("שסתום קטן", "4", "25"), ("אטם", "6", "18")]
    words = _placed_words(rows, xs=(260, 160, 60))
    order = {id(word): n for n, word in enumerate(words)}
    grid = RuledGrid(
        xs=(60, 160, 260, 350),
        ys=(85, 102, 117, 132, 147),
        level=tuple(Rule(y, 60, 350) for y in (85, 102, 117, 132, 147)),
        upright=tuple(Rule(x, 85, 147) for x in (60, 160, 260, 350)),
    )
    expected = [list(row) for row in rows]
    for grids in ([grid], []):
        (placed,) = layout(words, order, grids)
        assert isinstance(placed.item, Table)
        assert placed.item.rows == expected


def test_lines_of_chinese_are_joined_without_a_space() -> None:
    assert joined(["季度报告内容的真", "实、准确", "Annual", "report"]) == "季度报告内容的真实、准确 Annual report"


def test_words_drawn_twice_to_look_bold_are_read_once() -> None:
    twice = at(60, 700, HONEST) + at(60.4, 700.2, HONEST)
    assert _texts(parse(pdf(Page(twice)))) == [HONEST]


def test_a_box_of_prose_is_no_table() -> None:
    box = "60 640 m 560 640 l S 60 720 m 560 720 l S 60 680 m 560 680 l S\n"
    box += "".join(f"{x} 640 m {x} 720 l S\n" for x in (60, 80, 560))
    page = Page(box + at(90, 700, HONEST) + at(90, 660, "Order it in good time from the dealer."))
    assert not any(text.startswith("|") for text in _texts(parse(pdf(page))))


def test_values_of_form_fields_stand_beside_their_labels() -> None:
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Alice Martin) /Rect [160 695 300 712] /F 4 "
        b"/DA (/F1 10 Tf 0 g) >>"
    )
    page = Page(at(60, 700, "Full name:") + at(60, 600, HONEST), more="/Annots [5 0 R]")
    catalog = "/AcroForm << /Fields [5 0 R] /NeedAppearances true /DR << /Font << /F1 3 0 R >> >> >>"
    assert _texts(parse(pdf(page, more_objects=[field], catalog=catalog))) == ["Full name: Alice Martin", HONEST]


def test_comments_are_left_out_and_told() -> None:
    note = b"<< /Type /Annot /Subtype /Text /Contents (Obey this note.) /Rect [10 10 30 30] >>"
    document = parse(pdf(Page(at(60, 700, HONEST), more="/Annots [5 0 R]"), more_objects=[note]))
    assert _texts(document) == [HONEST]
    assert [(finding.severity, finding.excerpt) for finding in document.findings] == [("note", "Obey this note.")]
