"""An extract is made of the sentences and rows that are closest to a question, and of nothing else."""

from collections.abc import Sequence
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.citations import ground
from gpts.knowledge.extracts import READ_SENTENCES, Closeness
from tests.gpts.knowledge.test_citations import PASSAGES, PRICES, passage, texts

STEPS = "1. Sign the form.\n2. Try on the vest.\n3. Check the tide board.\n4. Take a whistle.\n5. Tell the desk."


def test_an_extract_answers_with_the_nearest_sentence_and_cites_it() -> None:
    extract = Closeness("What is the filter's part number?", PASSAGES).extract()
    assert extract.text == "The filter part number is ZP-771."
    (citation,) = extract.citations
    assert extract.text[citation.answer_start : citation.answer_end] == citation.quote


def test_an_extract_answers_from_under_the_title_that_asks_the_same() -> None:
    text = "How do I reset the pump?\n\nHold the red button for ten seconds.\n\nStorage\n\nKeep it dry in winter."
    extract = Closeness("How do I reset my pump?", (passage(text),)).extract()
    assert extract.text == "Hold the red button for ten seconds."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How do I check the tide before kayaking?", STEPS),
        ("Where is the tide checked?", "3. Check the tide board."),
    ],
)
def test_steps_are_given_whole_if_the_question_asks_how(question: str, answer: str) -> None:
    extract = Closeness(question, (passage(f"Before you set out\n\n{STEPS}\n\nWe close at six."),)).extract()
    assert extract.text == answer
    assert [citation.quote for citation in extract.citations] == [answer]


def test_steps_are_given_whole_if_two_of_them_answer() -> None:
    extract = Closeness("Vest or whistle?", (passage(f"Aboard\n\n{STEPS}"),)).extract(least_share=0.3)
    assert extract.text == STEPS


def test_a_list_comes_with_the_sentence_that_introduces_it():
    text = "Dust harms the fan.\n\nReplace the wax filter monthly:\n\n1. Pull the dome off.\n2. Push the stick in."
    extract = Closeness("When to replace the wax filter?", (passage(text),)).extract(least_share=0.9)
    assert extract.text.endswith("monthly:\n\n1. Pull the dome off.\n2. Push the stick in.")


def test_a_command_of_several_lines_is_given_whole() -> None:
    code = "curl -O peregrine.tar.gz\ntar xf peregrine.tar.gz\nsudo ./install.sh --prefix /opt/peregrine"
    extract = Closeness("How do I install peregrine?", (passage(f"Installing\n\n{code}\n\nThat is all."),)).extract()
    assert extract.text == code


def test_what_cannot_be_read_is_compared_by_its_words() -> None:
    unread = Closeness("ZP-771 filter?", PASSAGES, lambda one, other: [[nan] * len(other)] * len(one)).extract()
    assert unread == Closeness("ZP-771 filter?", PASSAGES).extract()


def test_where_nothing_is_close_the_closest_sentence_is_still_one() -> None:
    close = Closeness("Zebra?", PASSAGES, lambda one, other: [[-0.1] * len(other)] * len(one))
    assert close.extract(max_sentences=1).citations


def test_an_extract_of_nothing_is_empty() -> None:
    assert Closeness("Anything?", ()).extract().text == ""


@given(st.lists(texts, max_size=3), texts)
def test_an_extract_is_made_of_literal_sentences(parts: Sequence[str], question: str) -> None:
    extract = Closeness(question, [passage(text, f"{n}.md") for n, text in enumerate(parts)]).extract()
    assert len(extract.citations) <= 3
    assert all(extract.text[c.answer_start : c.answer_end] == c.quote for c in extract.citations)
    assert extract.text.split() == " ".join(c.quote for c in extract.citations).split()


def test_a_row_reads_as_a_sentence_with_the_names_of_its_columns_and_cites_the_row() -> None:
    extract = Closeness("What is the price of the seal kit?", (passage(PRICES),)).extract()
    assert extract.text == "Seal kit ZP-771 – Price in 2023: 11 EUR, Price: 12 EUR"
    grounding = ground(extract.text, (passage(PRICES),))
    assert [citation.quote for citation in grounding.citations] == ["| Seal kit ZP-771 | 11 EUR | 12 EUR |"]
    assert [each.level for each in grounding.support] == ["supported"]


def test_years_name_columns() -> None:
    rows = passage("|  | 2024 | 2023 |\n| Profit before tax | 1307 | 1141 |\n| Net debt | 1751 | 1513 |")
    assert (
        Closeness("What was the profit before tax?", [rows]).extract().text
        == "Profit before tax – 2024: 1307, 2023: 1141"
    )


def test_the_row_with_the_number_of_the_question_answers_alone() -> None:
    rows = passage(
        "| Week | Topic | Due |\n| 4 | Outlines | Summary |\n| 6 | Draft | Draft |\n| 10 | Review | Reviews |"
    )
    asked = Closeness("What is due in week 4?", [rows]).extract(least_share=0.1)
    assert asked.text == "Week 4 – Topic: Outlines, Due: Summary"


def test_a_row_that_names_less_of_the_question_than_another_is_left_out() -> None:
    rows = passage(
        "| Customer | Item |\n| School | poster |\n| School | banner |\n| Choir | flyer |\n| Cafe | banner |"
    )
    asked = Closeness("What about the banner of the school?", [rows]).extract(least_share=0.1)
    assert asked.text == "School: banner"


def test_a_heading_with_a_year_is_no_answer() -> None:
    report = passage(
        "Aldane Chemicals: annual report 2024\n\nSales grew.", heading="Aldane Chemicals: annual report 2024"
    )
    assert Closeness("What did Aldane pay in 2024?", [report]).extract().text == "Sales grew."


def test_an_empty_cell_is_not_told() -> None:
    assert Closeness("What does the filter cost?", (passage(PRICES),)).extract().text == "Filter: 8 EUR"


def test_the_first_row_of_prices_without_column_names_is_no_header() -> None:
    menu = "| Apple tart | 9 € |\n| Chocolate cake | 10 € |\n| Cheese | 11 € |"
    assert Closeness("Have you cake?", (passage(menu),)).extract().text == "Chocolate cake: 10 €"


def test_a_passage_that_begins_within_a_table_has_rows_without_names() -> None:
    text = "| 2019 | 5.3 | 7 |\n| 2020 | 5.9 | 8 |"
    assert Closeness("What was it in 2020?", (passage(text),)).extract().text == "2020 – 5.9, 8"


def test_an_extract_of_rows_and_sentences_rests_on_each_of_them() -> None:
    rows = "| Item | Hours | Price |\n| Garden work | 28 Std. | 3,360 EUR |"
    text = f"{rows}\n\nPlease pay for the garden work within 30 days."
    extract = Closeness("What is the price of the garden work?", (passage(text),)).extract()
    assert "Garden work – Hours: 28 Std., Price: 3,360 EUR" in extract.text
    grounding = ground(extract.text, (passage(text),))
    assert {each.level for each in grounding.support} == {"supported"}
    assert grounding.citations[0].quote == "| Garden work | 28 Std. | 3,360 EUR |"


def test_a_row_whose_column_has_the_number_of_the_question_stays_beside_one_that_names_more() -> None:
    parts = "| Part | Fits 600 | Fits 900 |\n| Dry run guard | | x |"
    lights = "| Light | Meaning | Remedy |\n| green | it is running | nothing |"
    close = Closeness("The 900 is running but nothing comes out", (passage(parts), passage(lights)))
    assert "Dry run guard" in close.extract(0.0).text


def test_what_reads_both_together_decides_between_close_sentences() -> None:
    text = (
        "Loans\n\nMembers may borrow books. A loan of books lasts three weeks. The loans desk has books in braille."
    )
    question = "How long may I borrow books?"

    def reads(asked: str, texts: Sequence[str]) -> list[float]:
        assert asked == question
        assert "manual, Loans: Members may borrow books. A loan of books lasts three weeks." in texts
        return [4.0 if each.endswith("weeks.") else -4.0 for each in texts]

    assert Closeness(question, (passage(text),)).extract(max_sentences=1).text == "Members may borrow books."
    found = Closeness(question, (passage(text),), reads=reads).extract(max_sentences=1)
    assert found.text == "A loan of books lasts three weeks."
    assert found.odds == 4.0


def test_only_the_closest_sentences_are_read() -> None:
    text = "\n\n".join(f"Shelf {n} holds {'maps' if n % 2 else 'globes'} of region {n}." for n in range(60))
    read: list[str] = []

    def reads(asked: str, texts: Sequence[str]) -> list[float]:
        read.extend(texts)
        return [-1.0] * len(texts)

    close = Closeness("Which shelf holds maps of region 7?", (passage(text),), reads=reads)
    assert close.extract().text.startswith("Shelf 7 holds maps")
    assert len(read) == READ_SENTENCES
    assert any("region 7." in each for each in read)
    assert Closeness("?", (), reads=reads).extract().odds == 0.0
