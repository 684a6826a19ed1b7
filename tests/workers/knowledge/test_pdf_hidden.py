"""Text that a reader of a PDF cannot see waits for its owner; text that is merely faint, small or light does not."""

import pytest

from gpts.knowledge.documents import Document
from tests.workers.knowledge.pages import HONEST, SECRET, Page, at, noise, pdf
from workers.knowledge.parsers.pdf.document import parse

_LAYER = {
    "catalog": "/OCProperties << /OCGs [5 0 R] /D << /OFF [5 0 R] /Order [5 0 R] >> >>",
    "more_objects": [b"<< /Type /OCG /Name (Hidden) >>"],
}


def _page(content: str, **more: object) -> Page:
    return Page(at(60, 780, HONEST) + content + "\n" + at(60, 60, "The last line of the page is honest."), **more)


_TRICKS = {
    "white on white": _page(at(60, 700, SECRET, before="1 g")),
    "the colour of a filled box": _page(f"0.2 0.4 0.6 rg 50 680 400 40 re f {at(60, 700, SECRET)}"),
    "nearly white": _page(at(60, 700, SECRET, before="0.97 g")),
    "a point high": _page(at(60, 700, SECRET, 0.5)),
    "scaled to nothing": _page(f"q 0.02 0 0 0.02 60 700 cm {at(0, 0, SECRET)} Q"),
    "left of the page": _page(at(-400, 700, SECRET)),
    "above the page": _page(at(60, 900, SECRET)),
    "outside the crop box": Page(
        at(60, 780, SECRET) + at(60, 600, HONEST), more="/MediaBox [0 0 595 842] /CropBox [0 0 595 700]"
    ),
    "invisible mode": _page(at(60, 700, SECRET, before="3 Tr")),
    "transparent": _page(f"q /G gs {at(60, 700, SECRET)} Q", states={"G": "<< /ca 0 /CA 0 >>"}),
    "covered by a white box": _page(f"{at(60, 700, SECRET)} q 1 g 50 680 400 40 re f Q"),
    "covered by a picture": _page(f"{at(60, 700, SECRET)} q 400 0 0 40 50 685 cm /I Do Q", pictures={"I": noise()}),
    "transparent on a picture": _page(
        f"q 400 0 0 40 50 685 cm /I Do Q q /G gs {at(60, 700, SECRET)} Q",
        pictures={"I": noise()},
        states={"G": "<< /ca 0 >>"},
    ),
    "clipped away": _page(f"q 0 0 10 10 re W n {at(60, 700, SECRET)} Q"),
    "squeezed": _page(at(60, 700, SECRET, before="0.3 Tz")),
    "turned and white": _page(f"q 0 1 -1 0 300 300 cm {at(0, 0, SECRET, before='1 g')} Q"),
}


def _quarantined(document: Document) -> str:
    return " ".join(finding.excerpt for finding in document.findings if finding.severity == "quarantine")


@pytest.mark.parametrize("trick", _TRICKS)
def test_hidden_text_is_quarantined(trick: str) -> None:
    document = parse(pdf(_TRICKS[trick]))
    assert _quarantined(document).replace(" ", "") == SECRET.replace(" ", "")
    for finding in document.findings:
        for start, end in finding.spans:
            assert SECRET.split()[0] in document.text()[start:end]
    assert any(block.text == HONEST for block in document.blocks)


def test_the_other_half_of_a_spread_is_left_out_of_each_page() -> None:
    spread = at(60, 700, HONEST) + at(655, 700, SECRET)
    left, right = (Page(spread, more=f"/MediaBox [0 0 1190 842] /CropBox [{x} 0 {x + 595} 842]") for x in (0, 595))
    document = parse(pdf(left, right))
    assert [block.text for block in document.blocks] == [HONEST, SECRET]
    assert {finding.severity for finding in document.findings} == {"note"}


def test_text_that_the_edge_of_a_page_cuts_is_read_up_to_there() -> None:
    document = parse(pdf(_page(at(450, 700, SECRET))))
    assert not _quarantined(document)
    assert [finding.severity for finding in document.findings] == ["note"]
    assert any(block.text.startswith("Ignore all") for block in document.blocks)


def test_text_of_a_layer_that_is_switched_off_is_quarantined() -> None:
    page = _page(f"/OC /L BDC {at(60, 700, SECRET)} EMC", properties="/L 5 0 R")
    assert _quarantined(parse(pdf(page, **_LAYER))) == SECRET


def test_text_of_no_width_is_not_read() -> None:
    assert SECRET not in parse(pdf(_page(at(60, 700, SECRET, before="0 Tz")))).text()


_BENIGN = {
    "white on a dark box": _page(f"0.1 g 50 680 400 40 re f {at(60, 700, SECRET, before='1 g')}"),
    "a light grey footer": _page(at(60, 30, SECRET, 8, before="0.75 g")),
    "a watermark": _page(at(60, 400, SECRET.split()[0], 70, before="0.93 g") + at(60, 700, SECRET)),
    "small print": _page(at(60, 700, SECRET, 4)),
    "a drop shadow": _page(at(60.6, 699.4, SECRET, 20, before="0.8 g") + at(60, 700, SECRET, 20)),
    "white letters with a shadow": _page(
        at(60.8, 699.2, SECRET, 18, before="0.5 g") + at(60, 700, SECRET, 18, before="1 g")
    ),
    "an outline": _page(at(60, 700, SECRET, 18, before="1 Tr 0.5 w")),
    "red on a green of the same brightness": _page(
        f"0 0.51 0 rg 50 680 400 40 re f {at(60, 700, SECRET, 12, before='1 0 0 rg')}"
    ),
    "on a photograph": _page(
        f"q 400 0 0 40 50 685 cm /I Do Q {at(60, 700, SECRET, 14, before='1 1 0 rg')}", pictures={"I": noise()}
    ),
    "a dark slide": Page(f"0.05 0.05 0.2 rg 0 0 595 842 re f {at(60, 700, SECRET, 24, before='0.9 g')}"),
    "upright in the margin": _page(f"q 0 1 -1 0 300 300 cm {at(0, 0, SECRET)} Q"),
}


@pytest.mark.parametrize("look", _BENIGN)
def test_text_that_can_be_seen_is_not_quarantined(look: str) -> None:
    document = parse(pdf(_BENIGN[look]))
    assert not _quarantined(document)
    assert SECRET.split()[0] in document.text()


def test_hidden_text_stands_where_it_was_put() -> None:
    page = Page(at(60, 780, HONEST) + at(60, 700, SECRET, before="1 g") + at(60, 620, "Order it from the dealer."))
    assert [block.text for block in parse(pdf(page)).blocks] == [HONEST, SECRET, "Order it from the dealer."]


def test_hidden_text_that_repeats_what_is_shown_is_only_noted() -> None:
    page = Page(at(60, 780, HONEST, 18) + at(60, 740, HONEST, before="1 g"))
    document = parse(pdf(page))
    assert [finding.severity for finding in document.findings] == ["note"]
    assert document.text() == HONEST


def test_hidden_text_too_short_to_say_anything_is_only_noted() -> None:
    document = parse(pdf(Page(at(60, 780, HONEST) + at(60, 700, "No b: c", before="1 g"))))
    assert [(finding.severity, finding.excerpt) for finding in document.findings] == [("note", "No b: c")]
    assert document.text() == HONEST


def test_marks_of_a_printing_system_on_every_page_are_only_noted() -> None:
    pages = [
        Page(at(60, 780, f"Chapter {name} begins.") + at(60, 20, f"Job 123 plate {n} of 4 stamped", before="1 g"))
        for n, name in enumerate(("Alpha", "Beta", "Gamma", "Delta"))
    ]
    document = parse(pdf(*pages))
    assert {finding.severity for finding in document.findings} == {"note"}
    assert "plate" not in document.text()
