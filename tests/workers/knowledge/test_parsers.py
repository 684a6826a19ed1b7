"""Every format becomes the text that its reader sees, under the right headings."""

import pytest

from gpts.knowledge.documents import Document
from tests.workers.knowledge import files
from workers.knowledge.parsers import parse


def outline(document: Document) -> list[tuple[str, str]]:
    return [(block.heading, block.text) for block in document.blocks]


def test_text_is_reflowed_but_its_lists_keep_their_lines() -> None:
    wrapped = (
        "The pump needs a new filter every six months, as\nthe old one clogs. Order it in good time from the\ndealer."
    )
    document = parse(f"{wrapped}\n\n- one\n- two\n  of them\n\nAnna\nBerlin\n".encode())
    assert outline(document) == [
        ("", wrapped.replace("\n", " ")),
        ("", "- one\n- two of them"),
        ("", "Anna\nBerlin"),
    ]


def test_columns_of_a_text_keep_their_lines() -> None:
    codes = (
        "TB-301  the limit of invoices a month is reached   see handbook 2\n"
        "TB-302  the customer has no address                see handbook 3\n"
        "TB-303  the file that was attached is too large    ask support"
    )
    two_spaces = "0041  paid in full, nothing is left to be done\n0042  sent, and to be paid until the end of May"
    justified = (
        "This is  a text that has been  justified to a width of  some\nseventy  characters by  a program such  as the"
        " old  ones did\nand puts the  spaces where  it likes until  the end of it."
    )
    assert outline(parse(f"{codes}\n\n{two_spaces}\n\n{justified}\n".encode())) == [
        ("", codes),
        ("", two_spaces),
        ("", " ".join(justified.split())),
    ]


def test_a_numbered_title_stands_over_its_wrapped_text():
    section = "3. Water\nThe tank by the lower gate leaks, and two quotes were compared: 540 pounds\nfor a repair.\n"
    items = "1. Press the green button and hold it down until the display shows two dots\n2. Let go of the button.\n"
    document = parse(f"{section}\n{items}".encode())
    assert [(block.heading, block.text) for block in document.blocks][:2] == [
        ("3. Water", "3. Water"),
        ("3. Water", " ".join(section.splitlines()[1:])),
    ]
    assert document.blocks[2].text.startswith("1. Press")


def test_titles_in_text_become_headings() -> None:
    rules = "Two players\nRemove two harbours before you begin.\nThe game ends at 25."
    source = f"RULINGS\n\n{rules}\n\nTrading\n\nPlayers may not trade."
    assert outline(parse(source.encode())) == [
        ("RULINGS", "RULINGS"),
        ("RULINGS > Two players", "Two players"),
        ("RULINGS > Two players", "Remove two harbours before you begin.\nThe game ends at 25."),
        ("RULINGS > Trading", "Trading"),
        ("RULINGS > Trading", "Players may not trade."),
    ]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
def test_the_charset_is_found(charset: str) -> None:
    text = "Die Wärmepumpe läuft über Nacht. Für größere Häuser genügt sie nicht, natürlich."
    assert parse(text.encode(charset)).text() == text


def test_markdown_gives_what_is_seen() -> None:
    source = (
        '---\ntitle: Pump manual\n---\n# Care\n\nClose the **inlet** [valve](http://x.test "t").\n<!-- secret -->\n'
        "## Tools\n\n1. A spanner\n2. A bucket\n   - with a lid\n\n```\na  = 1\nb = 2\n```\n\n"
        "| Part | Number |\n|---|---|\n| Filter | ZP-771 |\n"
    )
    document = parse(source.encode())
    assert document.title == "Pump manual"
    assert outline(document) == [
        ("Care", "Care"),
        ("Care", "Close the inlet valve."),
        ("Care > Tools", "Tools"),
        ("Care > Tools", "1. A spanner\n2. A bucket\n  - with a lid"),
        ("Care > Tools", "a  = 1\nb = 2"),
        ("Care > Tools", "| Part | Number |\n| Filter | ZP-771 |"),
    ]


def test_html_gives_what_is_seen() -> None:
    source = (
        "<!doctype html><html><head><title>Pump</title><style>p{}</style></head><body><nav>Home</nav><h1>Care</h1>"
        "<p>Close the <b>inlet</b><br>valve.<script>x()</script></p><p hidden>no</p>"
        "<div style='display: none'>no</div>"
        "<span style='font-size:0'>no</span><!-- no --><ul><li>One<ul><li>Inner</li></ul></li><li>Two</li></ul>"
        "<table><tr><th>Part</th><th>Number</th></tr>"
        "<tr><td rowspan=2>Filter</td><td>1</td></tr><tr><td>2</td></tr></table>"
        "</body></html>"
    )
    document = parse(source.encode())
    assert document.title == "Pump"
    assert outline(document) == [
        ("Care", "Care"),
        ("Care", "Close the inlet valve."),
        ("Care", "- One\n  - Inner\n- Two"),
        ("Care", "| Part | Number |\n| Filter | 1 |\n| Filter | 2 |"),
    ]


def test_docx_is_read_in_order_without_hidden_text() -> None:
    document = parse(files.word_file())
    assert document.title == "Pump manual"
    assert outline(document) == [
        ("Care", "Care"),
        ("Care", files.PARAGRAPH),
        ("Care > Tools", "Tools"),
        ("Care > Tools", "- A spanner\n- A bucket"),
        ("Care > Tools", "| Part | Number |\n| Filter | ZP-771 |\n| Seal | ZP-12 |"),
        ("Care > Tools", "The end."),
    ]


def test_pdf_lines_become_paragraphs_with_pages_and_headings() -> None:
    first = [
        (20, "Care"),
        (10, "Close the inlet valve before you open the hous-"),
        (10, "ing of the pump, and wait."),
    ]
    second = [(10, "The filter part number is ZP-771 and it lasts six"), (10, "months in most houses.")]
    document = parse(files.pdf([first, second]))
    assert [(block.page, block.heading, block.text) for block in document.blocks] == [
        (1, "Care", "Care"),
        (1, "Care", "Close the inlet valve before you open the housing of the pump, and wait."),
        (2, "Care", "The filter part number is ZP-771 and it lasts six months in most houses."),
    ]


def test_a_bold_line_of_a_pdf_is_a_heading() -> None:
    body = [(10, "Clean the filter every 200 hours of operation."), (10, "Replace it every 1,000 hours.")]
    document = parse(files.pdf([[(20, "Care"), (10, "*Filter"), *body, (10, "*Seal"), *body]]))
    assert [block.heading for block in document.blocks] == ["Care", *["Care > Filter"] * 2, *["Care > Seal"] * 2]


def test_running_headers_and_page_numbers_of_a_pdf_are_dropped() -> None:
    pages = [
        [
            (10, "Pump manual"),
            (10, f"Text of the page with the letter {letter}."),
            (10, "and more"),
            (10, f"Page {n}"),
        ]
        for n, letter in enumerate("abcd", 1)
    ]
    text = parse(files.pdf(pages)).text()
    assert "Pump manual" not in text
    assert "Page" not in text
    assert text.count("Text of the page") == 4


def test_a_long_table_repeats_its_header_in_each_group_of_rows() -> None:
    rows = "".join(f"| part number {n} | {'x' * 80} |\n" for n in range(20))
    document = parse(f"# Parts\n\n| Part | Note |\n|---|---|\n{rows}".encode())
    tables = [block.text for block in document.blocks[1:]]
    assert len(tables) > 2
    assert all(table.startswith("| Part | Note |\n") for table in tables)


def test_lines_of_code_in_a_text_are_not_joined() -> None:
    code = 'handle = open("the/path/of/a/rather/long/file.txt")\ncontents = handle.read_everything_that_is_in_it()\n'
    code += "handle.close_with_care_and_then_forget_it(now=True)"
    source = f"How a file is read is shown in the lines below.\n\n{code}\n".encode()
    assert code in parse(source, "text/plain").text()
