"""A citation opens the passage itself: a real worker finds and draws it, a real browser shows it."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Locator, Page, expect

from gpts.knowledge.documents import Citation, Document, Passage, SentenceSupport
from tests.browser.conftest import REPOSITORY, Site, Visitor
from tests.browser.test_accessibility import LOOKS, SIZES, serious
from tests.publishing import let
from tests.workers.knowledge.conftest import WordEmbedder
from tests.workers.knowledge.files import pdf
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.runs.citations import QUEUE
from web.runs.services import start_conversation, start_run
from workers.knowledge.pipeline import build_segment, read_file

pytestmark = pytest.mark.browser
QUOTE = "Service the shaft seal every 450 hours of operation, or at the first sign of leakage."
PAGES = [
    [(20, "*Zephyr manual"), (11, "Read this manual before you open the pump.")],
    [
        (16, "*Seals"),
        (11, "The lip seal is a wearing part and has to be looked at often."),
        (11, "Service the shaft seal every 450 hours of operation, or at the"),
        (11, "first sign of leakage. Drain the housing before removing the cover."),
    ],
    [(16, "*Filters"), (11, "The filter is cleaned once a month and changed once a year.")],
]
NOTES = """# Prices

Prices hold for one year.

## Parts

| Part | Number | Price |
|---|---|---|
| Seal | ZP-771 | 12 |
| Filter | ZF-70 | 30 |

All prices are without tax. Ask for a discount from ten pieces on.

## Freight

Freight is paid by the buyer.
"""
ANSWER = "Service it every 450 hours. It is a good pump."


@pytest.fixture(scope="module")
def real_worker(served: Site) -> Iterator[None]:
    """A real worker on the tests' database, broker and files; it waits for calls, and has no model to load."""
    environment = {
        **os.environ,
        "GUILDHALL_HOME": str(served.home),
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "REDIS_URL": served.redis_url,
        "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'platform'}",
        "ENGINE": "scripted",
        "LOG_LEVEL": "WARNING",
    }
    options = ["-Q", QUEUE, "--pool=threads", "--concurrency=2", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "-A", "web.celery:app", "worker", *options, "--loglevel=WARNING"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment)
    yield
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def answer_from(site: Site, gpt: Gpt, bob, take, real_worker) -> Callable[..., str]:
    """Stores a file, answers a question of Bob's with `quote` of it, and gives the address of the chat."""

    def answer(name: str, data: bytes, quote: str, **fields: Any) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        source = site.home / "files" / sha256
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(data)
        document = read_file(site.home, source, lambda progress: None)
        info = build_segment(site.home, source, WordEmbedder(), lambda progress: None)
        facts = {"name": name, "sha256": sha256, "size": len(data), "n_pages": info.n_pages}
        file = KnowledgeFile.objects.create(gpt=gpt, status="ready", **facts)
        place = {"file_id": str(file.id), "file_name": name, "segment": info.address, "chunk": 0}
        passage, citation = quoted(document, quote, place)
        run = start_run(start_conversation(bob, gpt), "How often?")
        worker = take()
        worker.retrieve([passage])
        worker.finish(fields.pop("text", ANSWER), [citation], **fields)
        return f"/c/{run.message.conversation_id}/"

    return answer


def quoted(document: Document, quote: str, place: dict[str, Any]) -> tuple[Passage, Citation]:
    """The paragraph of `document` that holds `quote` as a passage, and its citation by the first sentence."""
    start = 0
    for block in document.blocks:
        if quote in block.text:
            break
        start += len(block.text) + 2
    place |= {"heading": block.heading, "page": block.page, "unit": document.unit}
    passage = Passage(text=block.text, start=start, end=start + len(block.text), cosine=0.8, **place)
    at = start + block.text.index(quote)
    answer = {"answer_start": 0, "answer_end": ANSWER.index(" It is")}
    return passage, Citation(tag=1, quote=quote, start=at, end=at + len(quote), **answer, **place)


@pytest.fixture
def manual(answer_from) -> str:
    """The address of Bob's chat, whose answer cites page 2 of a PDF."""
    return answer_from("zephyr-manual.pdf", pdf(PAGES), QUOTE)


def opened(page: Page, chat: str) -> Locator:
    """The panel of the answer's only citation."""
    page.goto(chat)
    page.locator("a.cite").first.click()
    return page.get_by_role("dialog", name="Sources")


def name_of(panel: Locator, words: str) -> Locator:
    """What the shown page is called, if it is called `words`."""
    return panel.locator("[data-page-name]", has_text=words)


def in_view(page: Page, inner: Locator) -> bool:
    box, size = inner.bounding_box(), page.viewport_size
    return bool(box and size and box["y"] >= 0 and box["y"] + box["height"] <= size["height"])


def test_a_citation_shows_its_page_with_the_quoted_words_marked(bob_page, manual):
    panel = opened(bob_page, manual)
    picture = panel.get_by_role("img", name=re.compile("Service the shaft seal every 450 hours"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 600
    expect(name_of(panel, "Page 2 of 3")).to_be_visible()
    marks = panel.locator(".page-figure rect")
    expect(marks).to_have_count(2)  # the quote runs over two lines
    frame, first, second = (part.bounding_box() for part in (picture, marks.first, marks.last))
    assert frame["x"] < first["x"] < second["x"] + second["width"] < frame["x"] + frame["width"]
    assert frame["y"] < first["y"] < first["y"] + first["height"] <= second["y"] + 2
    assert in_view(bob_page, marks.first)


def test_the_passage_is_there_before_the_page_is(bob_page, manual):
    held: list[Any] = []
    bob_page.route("**/sources/0", lambda route: held.append(route))
    panel = opened(bob_page, manual)
    expect(panel.locator(".passage mark")).to_have_text(QUOTE)
    top = panel.locator(".source > summary").bounding_box()
    held[0].continue_()
    expect(panel.locator(".page-figure img")).to_be_visible()
    assert panel.locator(".source > summary").bounding_box() == top
    expect(panel.locator(".passage")).to_be_hidden()
    panel.get_by_text("Surrounding text").click()
    expect(panel.locator(".file-section mark")).to_have_text(QUOTE)


def test_other_pages_are_closed_unless_the_creator_gives_the_file_out(bob_page, manual, gpt):
    panel = opened(bob_page, manual)
    expect(panel.locator(".page-figure img")).to_be_visible()
    expect(panel.get_by_role("button", name=re.compile("^Page "))).to_have_count(0)
    expect(panel.get_by_text("Download file")).to_have_count(0)
    let(gpt, files_downloadable=True)
    panel = opened(bob_page, manual)
    expect(panel.get_by_role("button", name="Page 1")).to_be_visible()
    with bob_page.expect_download() as download:
        panel.get_by_text("Download file").click()
    assert download.value.suggested_filename == "zephyr-manual.pdf"


def test_pages_turn_by_button_and_key_and_the_focus_stays(bob_page, manual, gpt):
    let(gpt, files_downloadable=True)
    panel = opened(bob_page, manual)
    panel.get_by_role("button", name="Page 3").click()
    expect(name_of(panel, "Page 3 of 3")).to_be_visible()
    expect(panel.locator("[data-panel-status]")).to_have_text("Page 3 of 3")
    expect(panel.get_by_role("img", name="Page 3 of zephyr-manual.pdf")).to_be_visible()
    frame = panel.get_by_role("region", name="Page 3 as a picture")
    expect(frame).to_be_focused()
    bob_page.keyboard.press("ArrowLeft")
    expect(name_of(panel, "Page 2 of 3")).to_be_visible()
    expect(panel.locator(".page-figure rect")).to_have_count(2)
    expect(panel.get_by_role("button", name="Page 1")).to_be_focused()
    bob_page.keyboard.press("ArrowRight")
    expect(name_of(panel, "Page 3 of 3")).to_be_visible()
    panel.get_by_role("button", name="Back to the cited page").click()
    expect(name_of(panel, "Page 2 of 3")).to_be_visible()
    bob_page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(bob_page.locator("a.cite").first).to_be_focused()


def test_zooming_in_shows_the_marked_words_at_twice_the_size(bob_page, manual):
    panel = opened(bob_page, manual)
    mark = panel.locator(".page-figure rect").first
    expect(mark).to_be_visible()
    before = mark.bounding_box()
    panel.get_by_role("button", name="Zoom in").click()
    after = mark.bounding_box()
    assert after["width"] == pytest.approx(2 * before["width"], rel=0.1)
    frame = panel.locator("[data-page-scroll]").bounding_box()
    assert frame["y"] <= after["y"] <= frame["y"] + frame["height"]
    panel.get_by_role("button", name="Fit width").click()
    assert mark.bounding_box()["width"] == pytest.approx(before["width"], rel=0.1)


def test_a_file_without_pages_opens_in_its_section_with_its_table(bob_page, answer_from):
    chat = answer_from("prices.md", NOTES.encode(), "All prices are without tax.")
    panel = opened(bob_page, chat)
    expect(panel.locator(".file-section mark")).to_have_text("All prices are without tax.")
    expect(panel.locator(".file-section h3")).to_have_text("Parts")
    expect(panel.locator(".file-section th")).to_have_text(["Part", "Number", "Price"])
    expect(panel.get_by_text("Freight is paid")).to_have_count(0)
    expect(panel.locator(".passage")).to_be_hidden()
    assert in_view(bob_page, panel.locator(".file-section mark"))


def test_a_file_that_is_gone_leaves_the_passage_and_a_sentence(bob_page, manual, site):
    for path in [*(site.home / "files").iterdir(), *(site.home / "pages").glob("*/*")]:
        path.unlink()
    panel = opened(bob_page, manual)
    expect(panel.get_by_text("The file is no longer available, so the page can't be shown.")).to_be_visible()
    expect(panel.locator(".file-section mark")).to_have_text(QUOTE)


def test_without_the_site_the_passage_stays_with_a_sentence(bob_page, visitor, manual):
    bob_page.goto(manual)
    bob_page.route("**/sources/0", lambda route: route.abort())
    bob_page.locator("a.cite").first.click()
    panel = bob_page.get_by_role("dialog", name="Sources")
    expect(panel.get_by_text("Can’t reach the site.")).to_be_visible()
    expect(panel.locator(".passage mark")).to_be_visible()
    visitor.forgive("ERR_FAILED")


def test_sentences_tell_where_they_come_from(bob_page, answer_from):
    said = (
        ("Service it every 450 hours.", "partly", ()),
        ("That is 10 times in 4,500 hours.", "calculated", ("4,500 ÷ 450 = 10",)),
        ("Yours is two years old.", "conversation", ()),
        ("It is a good pump.", "unsupported", ()),
    )
    text = " ".join(sentence for sentence, *_ in said)
    support = [
        SentenceSupport(answer_start=at, answer_end=at + len(sentence), level=level, formulas=formulas)
        for sentence, level, formulas in said
        if (at := text.index(sentence)) >= 0
    ]
    left_out = {"n_withheld": 1, "withheld": ("It never breaks.",)}
    bob_page.goto(answer_from("zephyr-manual.pdf", pdf(PAGES), QUOTE, text=text, support=support, **left_out))
    link = bob_page.get_by_role("link", name=re.compile("Source 1, partly: zephyr-manual.pdf"))
    link.hover()
    expect(bob_page.get_by_role("tooltip")).to_contain_text("This passage only partly supports the sentence.")
    bob_page.mouse.move(0, 0)
    bob_page.set_viewport_size(SIZES["phone"])
    link.focus()
    for key in ("Tab", "Shift+Tab"):
        bob_page.keyboard.press(key)
    expect(link).to_be_focused()
    tip = bob_page.get_by_role("tooltip")
    expect(tip).to_contain_text(re.compile("zephyr-manual.pdf, page [0-9]+"))
    box = tip.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SIZES["phone"]["width"]
    bob_page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(link).to_be_focused()
    for name in ("Calculated: 4,500 ÷ 450 = 10", "From this conversation", "Not found in the files"):
        expect(bob_page.get_by_role("img", name=name)).to_be_visible()
    expect(bob_page.get_by_text("1 sentence was not found in the files.")).to_be_visible()
    expect(bob_page.get_by_text("It never breaks.")).to_be_hidden()
    bob_page.get_by_text("1 sentence is not shown, as it was not found in the files.").press("Enter")
    expect(bob_page.get_by_text("It never breaks.")).to_be_visible()
    assert not serious(bob_page)


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_source_is_accessible_and_fits(visitor: Visitor, bob, gpt, manual, theme, size):
    let(gpt, files_downloadable=True)
    page = visitor.page(bob, color_scheme=theme, viewport=SIZES[size])
    panel = opened(page, manual)
    expect(panel.locator(".page-figure img")).to_be_visible()
    panel.get_by_text("Surrounding text").click()
    assert serious(page) == []
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    body = panel.locator("[data-panel-body]")
    assert body.evaluate("body => body.scrollWidth <= body.clientWidth")
