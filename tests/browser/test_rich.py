"""Formulas, diagrams, tables and code of answers in a real browser, written and finished."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ANSWER, CITATIONS, Worker
from tests.browser.test_accessibility import LOOKS, SIZES, serious
from tests.web.chat.formula_cases import CASES
from web.runs.models import Run
from web.runs.services import start_conversation, start_run

pytestmark = pytest.mark.browser

MOST_BYTES = 350_000  # of the first load of a chat
HEAVY = ("katex", "mermaid", "highlight")
WIDE = " + ".join(f"a_{{{number}}}" for number in range(60))
FORMULAS = rf"""
It costs $5 and $10, and $\frac{{a}}{{b}}$ is a fraction. So is $\frac{{1}}{{$, and $\boxed{{\text{{this}}}}$.

\[
{WIDE} = \begin{{pmatrix}} 1 & 2 \\ 3 & 4 \end{{pmatrix}}
\]
"""
CODE = "```py\ndef flow(rpm: int) -> float:\n    return rpm / 2  # litres\n```\n\n```nosuch\nplain <b>\n```\n"
DIAGRAMS = (
    "```mermaid\nflowchart LR\n  A[Leak] --> B[Kit ZP-771]\n```\n\n```mermaid\nflowchart LR\n  A[open -->\n```\n"
)
TABLE = """
| Part | Price | Note |
|---|---|---|
| "Seal", kit | $x^2$ | =HYPERLINK("https://evil.example") |
| Filter | -3.5 | @SUM(A1) |
"""
EVERYTHING = f"{FORMULAS}\n{TABLE}\n{CODE}\n{DIAGRAMS}\n```html\n<p>Hello</p>\n```\n"


def ask(page: Page, slug: str) -> None:
    page.goto(f"/g/{slug}/chat")
    page.get_by_role("button", name="Which filter fits the Z-7?").click()
    page.wait_for_url("**/c/**")


def begin(page: Page, slug: str, take, text: str) -> Worker:
    """Ask, and let the answer be written as far as `text`."""
    ask(page, slug)
    worker: Worker = take()
    worker.retrieve(())
    worker.begin()
    worker.write(text)
    return worker


def answer(page: Page, slug: str, take, text: str) -> None:
    begin(page, slug, take, text).finish(text, ())
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()


def sources(page: Page) -> list[str]:
    """The addresses of what the page has loaded."""
    loaded: list[str] = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    return loaded


def test_formulas_are_found_as_on_the_server(bob_page, gpt):
    bob_page.goto(f"/g/{gpt.slug}/chat")
    render = """async (text) => {
      const { rendered } = await import("/static/chat/markdown.js");
      return [...rendered(text).querySelectorAll("code")].map((code) => [code.className, code.textContent]);
    }"""
    shown = [bob_page.evaluate(render, markdown) for markdown, _ in CASES]
    assert shown == [[list(each) for each in code] for _, code in CASES]


@pytest.mark.parametrize("when", ["written", "finished"])
def test_formulas_are_drawn_and_prices_and_mistakes_stay_as_they_are(bob_page, gpt, take, when):
    worker = begin(bob_page, gpt.slug, take, FORMULAS)
    if when == "finished":
        worker.finish(FORMULAS, ())
        expect(bob_page.get_by_role("button", name="Regenerate")).to_be_visible()
    words = bob_page.locator(".answer > p").first
    expect(words.locator(".katex")).to_have_count(2)
    expect(words).to_contain_text("It costs $5 and $10, and")
    expect(words.locator("code")).to_have_text(r"\frac{1}{")
    expect(words.locator("math mfrac")).to_have_count(1)
    expect(bob_page.locator(".answer > .formula-box .katex-display")).to_have_count(1)


def test_a_formula_can_neither_link_nor_load(bob_page, gpt, take):
    tricks = (
        r"$\href{https://evil.example}{x}$ $\includegraphics{https://evil.example/p.png}$ $\htmlStyle{color:red}{x}$"
    )
    answer(bob_page, gpt.slug, take, f"$x$ {tricks}")
    expect(bob_page.locator(".answer .katex")).to_have_count(4)
    assert bob_page.locator(".answer a, .answer img").count() == 0
    assert not any("evil.example" in source for source in sources(bob_page))


def test_code_is_coloured_and_named_and_copied_as_written(visitor, bob, gpt, take):
    page = visitor.page(bob, permissions=["clipboard-read", "clipboard-write"])
    answer(page, gpt.slug, take, CODE)
    known, unknown = page.locator(".code").all()
    expect(known.locator(".code-head > span")).to_have_text("Python")
    expect(known.locator(".hljs-keyword").first).to_have_text("def")
    known.get_by_role("button", name="Copy").click()
    expect(known.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == CODE[6 : CODE.index("\n```")] + "\n"
    expect(unknown.locator(".code-head > span")).to_have_text("nosuch")
    expect(unknown.locator("pre")).to_have_text("plain <b>")


def test_diagrams_are_drawn_as_pictures_and_a_broken_one_shows_its_code(bob_page, gpt, take):
    worker = begin(bob_page, gpt.slug, take, f"{DIAGRAMS}\nThe end.")
    expect(bob_page.locator(".answer > .code")).to_have_count(2)
    good, broken = bob_page.locator(".answer > .code").all()
    expect(good.locator(".diagram img")).to_be_visible()
    expect(broken).to_contain_text("This diagram can’t be drawn, so you see its code.")
    worker.finish(DIAGRAMS, ())
    expect(bob_page.get_by_role("button", name="Regenerate")).to_be_visible()
    picture = bob_page.get_by_role("img", name="A diagram. Its text is in the code.")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100
    expect(bob_page.locator(".answer pre").first).to_be_hidden()
    light = picture.get_attribute("src") or ""
    assert "ZP-771" in light
    bob_page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(picture).not_to_have_attribute("src", light)
    bob_page.get_by_role("group", name="View").get_by_role("button", name="Code").press("Enter")
    expect(bob_page.locator(".answer pre").first).to_contain_text("flowchart LR")
    expect(picture).to_be_hidden()


def test_what_a_diagram_links_to_and_runs_is_not_there(bob_page, visitor, gpt, take):
    source = (
        'flowchart LR\n  A["<img src=x onerror=parent.alert(1)>"] --> B\n  click A "https://evil.example"\n'
        "  click B call alert()\n"
    )
    answer(bob_page, gpt.slug, take, f"```mermaid\n{source}```\n")
    expect(bob_page.locator(".diagram img")).to_be_visible()
    assert bob_page.locator(".answer svg, .answer a").count() == 0
    assert not any("evil.example" in source for source in sources(bob_page))
    # On a busy machine the handler is there for long enough to be refused.
    visitor.complaints[:] = [words for words in visitor.complaints if "inline event handler" not in words]


def test_a_table_is_copied_and_saved_with_the_keyboard_without_formulas_for_spreadsheets(visitor, bob, gpt, take):
    page = visitor.page(bob, permissions=["clipboard-read", "clipboard-write"])
    answer(page, gpt.slug, take, TABLE)
    expect(page.locator(".answer .katex")).to_be_visible()
    expect(page.get_by_role("group", name="Table")).to_be_visible()
    page.get_by_role("button", name="Copy table").press("Enter")
    expect(page.get_by_role("button", name="Copy table")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == [
        "Part\tPrice\tNote",
        '"Seal", kit\tx^2\t\'=HYPERLINK("https://evil.example")',
        "Filter\t-3.5\t'@SUM(A1)",
    ]
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download table as CSV").press("Enter")
    assert saving.value.suggested_filename == "table.csv"
    assert Path(saving.value.path()).read_bytes().decode("utf-8-sig").split("\r\n") == [
        "Part,Price,Note",
        '"""Seal"", kit",x^2,"\'=HYPERLINK(""https://evil.example"")"',
        "Filter,-3.5,'@SUM(A1)",
        "",
    ]


def test_a_plain_chat_is_light_and_loads_no_renderer(visitor, bob, bob_page, gpt, take):
    ask(bob_page, gpt.slug)
    take().answer()
    expect(bob_page.locator("a.cite")).to_have_count(3)
    fresh = visitor.page(bob)
    fresh.goto(bob_page.url, wait_until="networkidle")
    sizes = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .map((entry) => entry.transferSize)"""
    assert 100_000 < sum(fresh.evaluate(sizes)) <= MOST_BYTES
    assert not [source for source in sources(fresh) if any(name in source for name in HEAVY)]


def test_what_is_off_the_screen_waits_until_it_is_near(bob_page, bob, gpt, take):
    chat = start_conversation(bob, gpt)
    for number in range(30):
        start_run(chat, f"Question {number}?")
        take().finish(f"{ANSWER}\n\n$x_{{{number}}}$", CITATIONS)
    assert Run.objects.count() == 30
    bob_page.goto(f"/c/{chat.id}/")
    expect(bob_page.locator(".turn").last.locator(".katex")).to_be_visible()
    assert bob_page.locator(".katex").count() < 15
    bob_page.locator("[data-scroll]").evaluate("(part) => { part.scrollTop = 0; }")
    expect(bob_page.locator(".turn").first.locator(".katex")).to_be_visible()


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_rich_answers_are_accessible_and_scroll_in_themselves(visitor, bob, gpt, take, theme, size):
    page = visitor.page(bob, color_scheme=theme, viewport=SIZES[size])
    answer(page, gpt.slug, take, EVERYTHING)
    page.locator(".answer .formula-box").scroll_into_view_if_needed()
    wide = page.get_by_role("group", name="Formula")
    expect(wide).to_be_visible()
    wide.evaluate("(part) => part.addEventListener('scroll', () => part.classList.add('scrolled'))")
    wide.press("ArrowRight")
    expect(wide).to_contain_class("scrolled")
    for part in (".hljs-keyword", ".table-tools", ".diagram img", ".code-note"):
        page.locator(part).first.scroll_into_view_if_needed()
    page.get_by_role("button", name="Preview").click()
    expect(page.frame_locator(".artifact").get_by_text("Hello")).to_be_visible()
    assert serious(page) == []
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) == 0
    assert page.locator("[data-scroll]").evaluate("(part) => part.scrollWidth - part.clientWidth") == 0
    # Chromium says so of a font that an earlier page of its process has left in memory, after some seconds.
    visitor.complaints[:] = [words for words in visitor.complaints if "preloaded using link preload" not in words]
