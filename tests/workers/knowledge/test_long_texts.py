"""The patterns of parsers take time that grows as a file does, not as its square: a file may be 2 MB of text."""

import time

import pytest

from workers.knowledge import decoding
from workers.knowledge.parsers import grids
from workers.knowledge.parsers.docx import document as docx
from workers.knowledge.parsers.docx import paragraphs
from workers.knowledge.parsers.html import hiding, styles
from workers.knowledge.parsers.html.document import parse
from workers.knowledge.parsers.odf import styles as odf_styles

DIGITS, BLANKS = "1" * 32_000, " " * 32_000


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (decoding._non_ascii_lines, b"a" * 1_000_000),
        (grids._NUMBER.fullmatch, f"1{BLANKS}x"),
        (docx._PAGE_NUMBER.fullmatch, f"{DIGITS[:4_000]}:x"),
        (lambda text: list(paragraphs._FIELD_WORD.finditer(text)), "a" * 32_000 + "1"),
        (hiding._number, f"{DIGITS}x"),
        (hiding._rgba, f"rgba({BLANKS}"),
        (hiding._LENGTH.match, f"{DIGITS}x"),
        (hiding._LENGTH.match, f"1{BLANKS}x"),
        (hiding._CLIPPED_AWAY.search, "polygon(" + "0 0  " * 5_000 + "x"),
        (hiding._SHRUNK.search, f"scale({BLANKS}"),
        (hiding._MOVED_AWAY.search, "translate(" * 50 + DIGITS),
        (styles._VARIABLE.findall, f"var(--a,{BLANKS}("),
        (styles._key, "a" * 32_000 + ">"),
        (odf_styles.centimetres, f"{DIGITS}x"),
        (lambda text: odf_styles._points(text, 1.0), f"{DIGITS}x"),
    ],
)
def test_a_long_text_is_read_at_once(read, text):
    begun = time.process_time()
    read(text)
    assert time.process_time() - begun < 0.5


def test_variables_of_a_style_sheet_that_name_each_other_do_not_fill_the_memory():
    """Three rounds of 300 names each made 100 MB."""
    rules = "".join(f"--{name}:{f'var(--{next_one}) ' * 300};" for name, next_one in ("ab", "bc", "cd"))
    begun = time.process_time()
    page = f"<style>:root{{{rules}--d:red}} p{{color:var(--a)}}</style><p>A paragraph that everybody can read.</p>"
    assert "everybody can read" in parse(page.encode()).text()
    assert time.process_time() - begun < 2
