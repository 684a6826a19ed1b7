"""The row with the most or the least of a column answers a superlative, in four languages; in doubt none does."""

import pytest

from gpts.knowledge.documents import Passage
from gpts.knowledge.quantities import read_column
from gpts.knowledge.superlatives import extreme
from gpts.knowledge.support import sources_of
from gpts.knowledge.terms import terms

STOVES = (
    "| Stove | Heat output (kW) | Weight | Price | Year | Burns for | Colour |\n"
    "| Alma | 5.5 | 900 g | € 1.190,00 | 2019 | 90 min | red |\n"
    "| Birk | 8 | 1.2 kg | € 980,50 | 2024 | 6 h | black |\n"
    "| Cora | 3.2 | 1,050 g | € 45,00 | 1998 | 2 h 30 min | red |"
)
ROOMS = (
    "| Zimmer | Fläche | Preis | Betten |\n| Ahorn | 18 m² | 74 € | 2 |\n| Buche | 31 m² | 128 € | 4 |\n"
    "| Cham | 12 m² | gratis | 1 |"
)


def answer(question: str, *texts: str, context: str = "") -> str:
    passages = [
        Passage(file_id="f", file_name="list.md", segment="s", chunk=n, text=text, start=0, end=len(text))
        for n, text in enumerate(texts or [STOVES, ROOMS])
    ]
    found = extreme(question, "", context, sources_of(passages, pairs=False))
    return " ".join(row.text.split(" | ")[0].strip("| ") for row in found.rows) if found else ""


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("Which stove has the highest heat output?", "Birk"),
        ("which stove is the cheapest", "Cora"),
        ("What's the most expensive stove?", "Alma"),
        ("the lightest stove?", "Alma"),
        ("Which stove burns the longest?", "Birk"),
        ("the oldest red stove", "Cora"),
        ("which red stove is the newest?", "Alma"),
        ("Welches Zimmer ist am teuersten?", "Buche"),
        ("Welches Zimmer hat die wenigsten Betten?", "Cham"),
        ("Welches Zimmer ist das größte?", "Buche"),
        ("Das billigste Zimmer mit Betten?", "Cham"),
    ],
)
def test_it_is_the_row_with_the_extreme(question: str, row: str):
    assert answer(question) == row


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("Quelle est la chambre la plus chère ?", "B"),
        ("la chambre la moins chère ?", "A"),
        ("¿Cuál es la habitación más grande?", "B"),
        ("¿cuál tiene menos camas?", "A"),
    ],
)
def test_french_and_spanish(question: str, row: str):
    table = "| Sala | Precio / prix | Superficie | Camas |\n| A | 50 € | 12 m² | 1 |\n| B | 70 € | 20 m² | 3 |"
    assert answer(question, table) == row


@pytest.mark.parametrize(
    "question",
    [
        "How much does a stove weigh at most?",
        "Do most of the stoves burn wood?",
        "¿Hay más habitaciones con camas?",
        "Is there a stove with more than 5 kW?",
        "Which stove is the most popular?",  # no column says
        "Which is the biggest?",  # nor is there one of its size
        "What is the heaviest Alma?",  # there is one
    ],
)
def test_it_is_none_without_a_superlative_or_a_column_of_it(question: str):
    assert answer(question, STOVES) == ""


def test_a_row_is_meant_by_its_own_words_before_those_of_its_title():
    table = "Tent hire\n\n| Item | Price |\n| Canoe | 30 € |\n| Tent small | 9 € |\n| Tent large | 14 € |"
    assert answer("the most expensive tent?", table) == "Tent large"


def test_what_was_asked_before_names_the_column_only_if_nothing_else_does():
    assert answer("and the lowest?", STOVES, context="heat output") == "Cora"
    assert answer("and the cheapest?", STOVES, context="heat output") == "Cora"


def test_what_the_table_does_not_know_is_named():
    passages = [Passage(file_id="f", file_name="a.md", segment="s", chunk=0, text=STOVES, start=0, end=len(STOVES))]
    found = extreme("Who is the oldest member?", "", "", sources_of(passages, pairs=False))
    assert found is not None
    assert found.unknown == {*terms("member")}


def test_parts_of_a_table_are_one_and_its_rows_are_no_headers():
    head, *rows = STOVES.splitlines()
    assert answer("which stove is the cheapest", *(f"{head}\n{row}" for row in rows)) == "Cora"
    assert answer("which stove is the cheapest", "\n".join(rows)) == ""


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["free", "€5", "1.250,50 EUR"], "price"),
        (["2.5.2024", "14.03.2025", "1 June 2025"], "date"),
        (["9:30", "14:05", "18:00"], "clock"),
        (["45 s", "2 min", "1 h"], "time"),
        (["0.750", "1.250", "12"], ""),
        (["1.250", "12.500", "980.000"], ""),
        (["4", "none", "11", "-"], ""),
    ],
)
def test_amounts_are_in_order(cells: list[str], kind: str):
    column = read_column("Anything", cells)
    assert column is not None
    values = [value for value in column.values if value is not None]
    assert (sorted(values), column.kind) == (values, kind)


@pytest.mark.parametrize(
    "cells", [["P1", "P2"], ["good", "fair"], ["5 kg", "3 l"], ["call 0171 2256 at night or so", "x"]]
)
def test_other_columns_have_no_amounts(cells: list[str]):
    assert read_column("Anything", cells) is None


@pytest.mark.parametrize("question", ["Who is the oldest member?", "Where is the nearest bus stop?", "the cheapest?"])
def test_what_a_text_or_another_table_is_about_is_no_row_of_this_one(question: str):
    walks = "| Walk | Distance | Opened | Fee |\n| Mill | 3 km | 1899 | 2 € |\n| Lake | 9 km | 1987 | 5 € |"
    prose = "The bus stop nearest to us is at the church. Of all members Greta is the oldest."
    assert answer("the cheapest?", walks, prose) == "Mill"
    assert answer(question, walks, prose, STOVES) == ""
