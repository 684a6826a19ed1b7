"""A reader sees a quote in its section: whole blocks, as many as there is room for, none of the next section."""

import pytest

from gpts.knowledge.documents import Block, Document
from gpts.knowledge.sections import Borders, Section, parts_of, section_around

DOCUMENT = Document(
    title="Care",
    blocks=(
        Block(text="Care", heading="Care"),
        Block(text="Plants need care.", heading="Care"),
        Block(text="Watering", heading="Care > Watering"),
        Block(text="Water it on Mondays.", heading="Care > Watering"),
        Block(text="Never in the sun.", heading="Care > Watering"),
        Block(text="Light", heading="Care > Light"),
        Block(text="Half shade.", heading="Care > Light"),
    ),
)


def around(words: str, room: int = 1_000, document: Document = DOCUMENT) -> Section:
    start = document.text().index(words)
    return section_around(document, start, start + len(words), room)


def texts(section: Section) -> list[str]:
    return [part.text for part in section.parts]


def test_it_is_the_section_from_its_heading_to_the_next():
    section = around("on Mondays")
    assert texts(section) == ["Watering", "Water it on Mondays.", "Never in the sun."]
    assert (section.cut_before, section.cut_after) == (False, False)
    assert [part.is_heading for part in section.parts] == [True, False, False]


def test_a_section_holds_those_below_it():
    assert texts(around("Plants need care."))[-1] == "Half shade."


@pytest.mark.parametrize("words", ["on Mondays", "Light", "Half shade."])
def test_each_part_says_where_it_stands_in_the_text(words):
    text = DOCUMENT.text()
    assert all(text[part.start : part.end] == part.text for part in around(words).parts)


def test_what_has_no_room_is_left_out_and_said_to_be():
    section = around("on Mondays", room=17)
    assert texts(section) == ["Watering", "Water it on Mondays.", "Never in the sun."]
    section = around("on Mondays", room=16)
    assert texts(section) == ["Watering", "Water it on Mondays."]
    assert (section.cut_before, section.cut_after) == (False, True)


def test_a_quote_over_two_blocks_has_both():
    assert texts(around("Mondays.\n\nNever", room=0)) == ["Water it on Mondays.", "Never in the sun."]


def test_without_headings_the_neighbours_are_the_surroundings():
    plain = Document(title="", blocks=tuple(Block(text=f"Sentence {n}.") for n in range(9)))
    section = around("Sentence 4.", room=22, document=plain)
    assert texts(section) == [f"Sentence {n}." for n in (2, 3, 4, 5, 6)]
    assert (section.cut_before, section.cut_after) == (True, True)


def test_a_place_outside_of_the_text_has_no_section():
    assert section_around(DOCUMENT, 10_000, 10_005).parts == ()


@pytest.mark.parametrize(
    ("borders", "cuts"),
    [
        (Borders([0, 30, 70, 170], [0, 80, 99], [0, 90]), [70, 170]),  # between two sections
        (Borders([0, 30], [0, 80, 160, 199], [0, 90]), [80, 160]),  # the sections are too long
        (Borders([0], [0], [0, 40, 90, 120, 175]), [90, 175]),  # a block is too long
        (Borders([], [], []), [100, 200]),
    ],
)
def test_a_file_is_cut_where_something_new_begins(borders, cuts):
    parts = parts_of(borders, n_chars=250, n_tokens=50, part_tokens=20)
    assert [part.end for part in parts][:2] == cuts
    assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
    assert parts[-1].end == 250
    assert all(part.n_tokens <= 20 for part in parts)
