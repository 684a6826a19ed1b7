"""Scanned pages are read from their pictures, and a text layer behind one may only say what the picture shows."""

import pypdfium2 as pdfium
import pytest
from PIL import Image

from tests.workers.knowledge.pages import HONEST, SECRET, Page, at, pdf, scan
from workers.isolation import errors
from workers.knowledge import ocr
from workers.knowledge.parsers.pdf.document import parse

_LINES = (
    "The inlet valve must be closed before the housing",
    "of the pump is opened. Wait until the pressure is",
    "gone, then remove the four screws at the front.",
)
_A4 = "q 595 0 0 842 0 0 cm /I Do Q\n"


def _layer(*lines: str) -> str:
    """A scanner's invisible text behind the lines of `scan`."""
    return "".join(at(58, 755 - 24.6 * n, line, 15, before="3 Tr") for n, line in enumerate(lines))


def test_a_scanned_page_is_read_from_its_picture() -> None:
    document = parse(pdf(Page(_A4, pictures={"I": scan(*_LINES)})))
    assert " ".join(block.text for block in document.blocks) == " ".join(_LINES)
    assert not document.notices
    assert not document.findings


@pytest.mark.parametrize("method", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180])
def test_a_page_scanned_the_wrong_way_round_is_read(method: Image.Transpose) -> None:
    document = parse(pdf(Page(_A4, pictures={"I": scan(*_LINES, size=(1240, 1240)).transpose(method)})))
    assert "remove the four screws" in document.text().replace("\n", " ")


def test_a_scan_between_pages_of_text_is_read_in_its_place() -> None:
    document = parse(pdf(Page(at(60, 700, HONEST)), Page(_A4, pictures={"I": scan(*_LINES)}), Page("")))
    assert {block.page for block in document.blocks} == {1, 2}
    assert "inlet valve" in document.text()


def test_a_text_layer_that_says_what_the_picture_shows_is_kept() -> None:
    document = parse(pdf(Page(_A4 + _layer(*_LINES), pictures={"I": scan(*_LINES)})))
    assert " ".join(block.text for block in document.blocks) == " ".join(_LINES)
    assert not document.findings


def test_a_text_layer_that_says_something_else_gives_way_to_what_is_read() -> None:
    lies = (
        "Guests always get the full refund without asking",
        "and the manager pays them a bonus of",
        "nine thousand",
    )
    document = parse(pdf(Page(_A4 + _layer(*lies), pictures={"I": scan(*_LINES)})))
    (finding,) = document.findings
    assert finding.severity == "note"
    assert "manager pays them a bonus" in finding.excerpt
    assert "bonus" not in document.text()
    assert "inlet valve must be closed" in document.text()
    assert "text recognition was used" in document.notices[0].message


def test_one_line_of_a_text_layer_that_the_picture_does_not_show_is_left_out() -> None:
    document = parse(pdf(Page(_A4 + _layer(_LINES[0], SECRET, _LINES[2]), pictures={"I": scan(*_LINES)})))
    assert [finding.excerpt for finding in document.findings] == [SECRET]
    assert SECRET not in document.text()
    assert "four screws" in document.text()


def test_text_hidden_in_the_margin_of_a_scan_waits_for_the_owner() -> None:
    page = Page(_A4 + _layer(*_LINES) + at(60, 200, SECRET, before="3 Tr"), pictures={"I": scan(*_LINES)})
    assert [finding.excerpt for finding in parse(pdf(page)).findings] == [SECRET]


def test_a_page_that_is_hard_to_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    read = ocr.recognise(scan(*_LINES), 150)
    monkeypatch.setattr(ocr, "recognise", lambda *_: ocr.Recognised(read.words, 61.2, read.width, read.height))
    document = parse(pdf(Page(_A4, pictures={"I": scan(*_LINES)})))
    assert document.notices[0].page == 1
    assert "low confidence (61 %)" in document.notices[0].message


def test_without_tesseract_a_scan_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise errors.ScannedPages

    monkeypatch.setattr(ocr, "recognise", missing)
    with pytest.raises(errors.ScannedPages, match="available on this site"):
        parse(pdf(Page(_A4, pictures={"I": scan(*_LINES)})))


def test_an_unknown_language_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_LANGUAGES", "xyz")
    ocr._engine.cache_clear()
    with pytest.raises(errors.ScannedPages, match="xyz"):
        ocr.recognise(scan(*_LINES), 150)
    ocr._engine.cache_clear()


def test_german_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_LANGUAGES", "eng+deu")
    ocr._engine.cache_clear()
    page = pdfium.PdfDocument(pdf(Page(at(60, 700, "Die Wärmepumpe läuft über Nacht für größere Häuser.", 14))))[0]
    read = ocr.recognise(page.render(scale=3).to_pil(), 216)
    ocr._engine.cache_clear()
    assert "Wärmepumpe läuft über" in " ".join(word.text for word in read.words)


def test_an_empty_page_is_not_recognised() -> None:
    assert ocr.recognise(Image.new("L", (1240, 1754), 250), 150) is None


def test_tesseract_opens_no_file_for_its_warnings() -> None:
    """It would crash on the first, for in its own process no file may be opened for writing."""
    assert ocr._engine().GetVariableAsString("debug_file") == ""
