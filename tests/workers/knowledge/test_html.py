"""HTML pages keep their tables, lists and order, and lose their menus."""

import pytest

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.html.document import parse

ARTICLE = "<p>" + "The pump needs a new filter every six months, as the old one clogs. " * 4 + "</p>"


def read(body: str) -> Document:
    return parse(f"<!doctype html><html><body>{body}</body></html>".encode())


def texts(body: str) -> list[str]:
    return [block.text for block in read(body).blocks]


def test_menus_footers_and_cookie_banners_are_no_content_beside_an_article() -> None:
    page = (
        f"<nav>Home Shop</nav><div class='cookie-banner'>We use cookies</div>{ARTICLE}"
        "<article><footer>By Anna</footer></article><footer>Imprint</footer>"
    )
    text = read(page).text()
    assert "six months" in text
    assert "By Anna" in text
    assert not any(word in text for word in ("Shop", "cookies", "Imprint"))


def test_a_page_of_menus_keeps_them() -> None:
    assert "Shop" in read("<nav><ul><li>Home</li><li>Shop</li></ul></nav>").text()


def test_a_filing_has_its_signs_beside_their_figures_under_one_header() -> None:
    def row(label: str, *cells: str) -> str:
        return f"<tr><td>{label}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"

    over = "<tr><td></td><td colspan=7>Year ended</td></tr>"
    years = "<tr><td></td><td colspan=3>2024</td><td></td><td colspan=3>2023</td></tr>"
    sales, loss = row("Sales", "$", "8,120", "", "", "$", "7", ""), row("Loss", "", "(51", ")", "", "", "(12", ")")
    table = f"<table>{over}{years}{sales}{loss}</table>"
    expected = "|  | Year ended 2024 | Year ended 2023 |\n| Sales | $8,120 | $7 |\n| Loss | (51) | (12) |"
    assert texts(ARTICLE + table)[-1] == expected


def test_a_table_in_a_cell_keeps_the_outer_grid() -> None:
    inner = "<table><tr><td>I</td><td>II</td></tr><tr><td>III</td><td>IV</td></tr></table>"
    assert texts(f"<table><tr><td>A</td><td>B</td></tr><tr><td>{inner}</td><td>2</td></tr></table>") == [
        "| A | B |\n| I, II; III, IV | 2 |"
    ]


def test_tables_inside_a_table_for_layout_keep_their_own_grids() -> None:
    first, second = (f"<table><tr><th>Part</th><th>No</th></tr><tr><td>{n}</td><td>1</td></tr></table>" for n in "ab")
    assert texts(f"<table role=presentation><tr><td>{first}</td><td>{second}</td></tr></table>") == [
        "| Part | No |\n| a | 1 |",
        "| Part | No |\n| b | 1 |",
    ]
    assert texts(f"<table><tr><td>{first}</td><td>{second}</td></tr></table>")[0] == "| Part | No |\n| a | 1 |"


def test_a_header_of_two_rows_becomes_one() -> None:
    table = (
        "<table><thead><tr><th rowspan=2>Part</th><th colspan=2>Price</th></tr><tr><th>2023</th><th>2024</th></tr>"
        "</thead><tr><td>Seal</td><td>3</td><td>4</td></tr></table>"
    )
    assert texts(table) == ["| Part | Price 2023 | Price 2024 |\n| Seal | 3 | 4 |"]


def test_lists_nest_as_deep_as_they_are_and_definitions_keep_their_terms() -> None:
    nested = "<ul><li>One<ul><li>Two<ol start=4><li>Three</li></ol></li></ul></li></ul>"
    assert texts(nested) == ["- One\n  - Two\n    4. Three"]
    assert texts("<dl><dt>Seal</dt><dd>A ring.</dd><dt>Rotor</dt><dd>It turns.</dd></dl>") == [
        "Seal: A ring.\nRotor: It turns."
    ]


def test_a_page_inside_a_form_is_read() -> None:
    assert texts("<form><p>Close the valve.</p><select><option>x</option></select></form>") == ["Close the valve."]


def test_code_keeps_its_lines() -> None:
    assert texts("<pre>a = 1\n  b = 2<br>c</pre>") == ["a = 1\n  b = 2\nc"]


@pytest.mark.parametrize("tag", ["div", "span", "table><tr><td", "ul><li", "blockquote", "b"])
def test_endless_nesting_costs_no_more_than_its_length(tag: str) -> None:
    document = read(f"<p>first</p>{f'<{tag}>' * 20_000}needle")
    assert "first" in document.text()


def test_an_empty_line_ends_a_paragraph() -> None:
    assert texts("<blockquote>Sent:<br>Monday<br> <br>Dear Ines,<br>yes.</blockquote>") == [
        "Sent: Monday",
        "Dear Ines, yes.",
    ]
