"""A page's picture comes with the places of its words, small enough for a phone."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.workers.knowledge.pages import HONEST, SECRET, Page, at, noise, pdf, saved, scan
from workers.isolation import errors
from workers.knowledge.page_pictures import PagePicture, draw, page_picture

_TURNED = "q 0 1 -1 0 300 300 cm " + at(0, 0, HONEST) + "Q"


def _ink_under(drawn: tuple[PagePicture, bytes], text: str) -> bool:
    """Whether the picture is dark where the word `text` should be, and the word is there once."""
    picture, webp = drawn
    [box] = [box for word, *box in picture.words if word == text]
    shown = Image.open(BytesIO(webp)).convert("L")
    return shown.size == (picture.width, picture.height) and shown.crop(list(map(round, box))).getextrema()[0] < 120


@pytest.mark.parametrize("more", ["", "/Rotate 90", "/CropBox [40 500 500 800]", "/MediaBox [-100 -100 495 742]"])
def test_words_of_a_pdf_page_stand_where_the_picture_shows_them(more: str) -> None:
    picture = draw(pdf(Page(""), Page(at(60, 700, HONEST, 14), more=more)), 2)
    assert [word for word, *_ in picture[0].words] == HONEST.split()
    assert _ink_under(picture, "filter")
    assert _ink_under(picture, "houses.")


def test_sideways_words_stand_where_the_picture_shows_them() -> None:
    assert _ink_under(draw(pdf(Page(_TURNED)), 1), "filter")


def test_hidden_words_are_not_among_the_words() -> None:
    picture, _ = draw(pdf(Page(at(60, 700, HONEST) + at(60, 600, SECRET, before="1 g"))), 1)
    assert "Ignore" not in [word for word, *_ in picture.words]


def test_words_of_a_scan_are_recognised() -> None:
    page = Page("q 595 0 0 842 0 0 cm /I Do Q", pictures={"I": scan(HONEST)})
    assert _ink_under(draw(pdf(page), 1), "filter")


@pytest.mark.parametrize("turn", [None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180])
def test_words_of_a_picture_are_recognised_in_their_places(turn: Image.Transpose | None) -> None:
    picture = scan(HONEST, "It is changed by the dealer.", size=(1240, 400))
    picture = picture.transpose(turn) if turn is not None else picture
    assert _ink_under(draw(saved(picture, "PNG"), 1), "filter")


def test_large_pages_become_pictures_that_a_phone_can_load() -> None:
    page = Page(
        "q 2000 0 0 2800 0 0 cm /I Do Q\n" + at(60, 700, HONEST, 40),
        pictures={"I": noise(900, 1200)},
        more="/MediaBox [0 0 2000 2800]",
    )
    picture, _ = draw(pdf(page), 1)
    assert max(picture.width, picture.height) == 1600
    assert len(draw(pdf(Page(at(60, 700, HONEST))), 1)[1]) < 150_000


@pytest.mark.parametrize("page", [0, 3])
def test_a_page_that_is_not_there_is_told(page: int) -> None:
    with pytest.raises(errors.NoText, match="Page not found"):
        draw(pdf(Page(at(60, 700, HONEST)), Page("")), page)


def test_the_picture_is_made_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(pdf(Page(at(60, 700, HONEST, 14))))
    picture, webp = draw((tmp_path / "upload").read_bytes(), 1)
    assert page_picture(tmp_path / "upload", tmp_path / "pages", 1) == picture
    assert (tmp_path / "pages" / "1.webp").read_bytes() == webp
