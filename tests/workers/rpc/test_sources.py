"""A worker finds a quote in its file: the section around it, its pages drawn, its words on them."""

import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image

from gpts.knowledge.sections import Section, SectionBlock
from tests.workers.knowledge.conftest import WordEmbedder
from tests.workers.knowledge.files import pdf
from web.runs.citations import PICTURES, pictures_of
from workers.knowledge import page_pictures
from workers.knowledge.pipeline import build_segment, read_file
from workers.rpc import sources

QUOTE = "Service the shaft seal every 450 hours."
PAGES = [
    [(20, "*Manual"), (11, "Read this manual before you open the pump.")],
    [(16, "*Seals"), (11, f"The lip seal wears. {QUOTE} Drain it first.")],
]


@pytest.fixture(autouse=True)
def fresh(home: Path) -> None:
    """No index of another test's home."""
    sources._sections.cache_clear()


def stored(home: Path, data: bytes) -> tuple[str, str, str]:
    """The segment, source hash and text of a file that was made knowledge."""
    sha256 = hashlib.sha256(data).hexdigest()
    source = home / "files" / sha256
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(data)
    info = build_segment(home, source, WordEmbedder(), lambda progress: None)
    return info.address, sha256, read_file(home, source, lambda progress: None).text()


def place(text: str, quote: str = QUOTE) -> tuple[int, int]:
    start = text.index(quote)
    return start, start + len(quote)


def test_a_quote_of_a_pdf_has_its_page_with_its_words(home):
    segment, sha256, text = stored(home, pdf(PAGES))
    view = sources.source_view(segment, sha256, *place(text))
    assert view.trouble == ""
    assert view.section.parts[0].text == "Seals"
    [page] = view.pages
    assert page.page == 2
    [box] = page.boxes  # one line: the boxes of its words are joined
    x, y, width, height = box
    assert 0 < x < x + width < page.width
    assert 0 < y < y + height < page.height / 4
    with Image.open(pictures_of(sha256) / "2.webp") as picture:
        assert picture.size == (page.width, page.height)


def test_a_page_is_drawn_once(home, monkeypatch):
    _, sha256, _ = stored(home, pdf(PAGES))
    first = sources.page_view(sha256, 1)
    monkeypatch.setattr(page_pictures, "run_isolated", None)
    assert sources.page_view(sha256, 1) == first


def test_a_quote_of_a_text_has_no_pages(home):
    segment, sha256, text = stored(home, f"# Seals\n\nThe lip seal wears. {QUOTE}\n".encode())
    view = sources.source_view(segment, sha256, *place(text))
    assert (view.pages, view.trouble) == ((), "")
    assert any(QUOTE in part.text for part in view.section.parts)
    assert sources.page_view(sha256, 1).pages == ()


def test_a_file_that_is_gone_leaves_the_section(home):
    segment, sha256, text = stored(home, pdf(PAGES))
    (home / "files" / sha256).unlink()
    view = sources.source_view(segment, sha256, *place(text))
    assert view.trouble == sources.FILE_GONE
    assert any(QUOTE in part.text for part in view.section.parts)


def test_a_segment_that_is_gone_is_said_to_be(home):
    view = sources.source_view("0" * 32, "", 0, 5)
    assert (view.section.parts, view.trouble) == ((), sources.TEXT_GONE)


@pytest.mark.parametrize("page", [0, 3, 10**9])
def test_a_page_that_is_not_there_is_trouble(home, page):
    _, sha256, _ = stored(home, pdf(PAGES))
    assert sources.page_view(sha256, page).trouble == sources.NOT_DRAWN
    assert not pictures_of(sha256).exists()


def test_a_quote_over_two_pages_is_looked_for_on_each():
    parts = (
        SectionBlock(text="It ends here.", start=0, page=4),
        SectionBlock(text="And begins here.", start=15, page=5),
    )
    assert sources.quotes_by_page(Section(parts=parts), 3, 25) == {4: "ends here.", 5: "And begins"}


def test_old_pictures_are_forgotten_and_new_ones_kept(home):
    folder = pictures_of("ab" * 32)
    folder.mkdir(parents=True)
    for name, age in (("1.webp", page_pictures.KEEP_S + 60), ("2.webp", 60)):
        (folder / name).write_bytes(b"picture")
        then = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (then, then))
    page_pictures.remove_old_pictures(home / PICTURES)
    assert [path.name for path in folder.iterdir()] == ["2.webp"]
