"""Formulas are kept from Markdown's own marks, in time that grows as their text does."""

import time
from html.parser import HTMLParser

import pytest

from tests.web.chat.formula_cases import CASES
from web.chat.rendering import _markdown, render_answer


class Code(HTMLParser):
    """Collects the class and the text of each element of code."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self.is_inside = False
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "code":
            self.is_inside = True
            self.found.append([dict(attrs).get("class") or "", ""])

    def handle_endtag(self, tag: str) -> None:
        self.is_inside &= tag != "code"

    def handle_data(self, data: str) -> None:
        if self.is_inside:
            self.found[-1][1] += data


@pytest.mark.parametrize(("markdown", "code"), CASES)
def test_a_formula_becomes_code_and_a_price_does_not(markdown, code):
    assert Code(str(render_answer(markdown))).found == [list(each) for each in code]


def test_what_is_in_a_formula_is_escaped():
    html = str(render_answer("$x<img src=x onerror=alert(1)>$"))
    assert html == '<p><code class="language-math">x&lt;img src=x onerror=alert(1)&gt;</code></p>\n'


HOSTILE = [r"\(", "$a ", "$", "$$", "\\[\n", "$$\na\n", "\\[ a\n", r"\(a", r"$a\\", "$ a", r"\[\(", "$$a", "> $$\n"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_formulas_that_are_not_closed_take_time_that_grows_as_they_do(piece):
    begun = time.process_time()
    _markdown(piece * (60_000 // len(piece)))
    assert time.process_time() - begun < 5  # about one second; with the square of it, minutes
