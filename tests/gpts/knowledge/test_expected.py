"""An answer must have what its question asks for: a weight, a time, the thing that is counted, the right number."""

import pytest

from gpts.knowledge.expected import lacks_kind, numbered_otherwise


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        ("How heavy is the Brisa 9?", "The Brisa 9 weighs 80kg.", "The Brisa 9 heats 180 square metres."),
        ("What colour is the frame?", "The frame is dark blue.", "The frame is guaranteed for 2 years."),
        ("What is Tom's email address?", "Tom: tom@example.org", "Assistant: Tom Verheyen, room 7"),
        ("When was it founded?", "Founded in 1911 in Kiel.", "Nordmark makes bread and biscuits."),
        ("Wann ist der Abschluss?", "Jeden Tag nach Feierabend.", "Drücken Sie die Taste BAR."),
        ("How many employees are there?", "We have 40 employees.", "Sales grew by 5 percent."),
        ("How many employees has Aldane?", "There are forty employees.", "Aldane expects growth of 3 to 5 percent."),
        ("When is the exam?", "The exam is on 4 June.", "Exam: 45 %, homework: 20 %"),
        ("What does the rain hood cost?", "Rain hood: 24 EUR", "The rain hood is sold separately."),
        ("price of the tour?", "The tour is free.", "The tour begins at 9."),
        ("Was kostet das Fahrrad?", "Kosten des Rades: 310,50", "Das Fahrrad hat 7 Gänge."),
        ("How often is it cleaned?", "Twice, by Anna.", "Use the brush that comes with it."),
        ("Who runs Aldane?", "Aldane is run by Owen Tarrant.", "Aldane is run from abroad."),
    ],
)
def test_only_a_text_with_what_is_asked_for_may_answer(question: str, answer: str, other: str) -> None:
    assert not lacks_kind(question, [answer])
    assert lacks_kind(question, [other])


def test_one_sentence_must_have_all_that_is_asked_for() -> None:
    assert lacks_kind("How many rooms are there?", ["Rooms have a view.", "Breakfast ends at 10."])


def test_questions_of_no_kind_and_with_another_question_word_ask_for_nothing() -> None:
    assert not lacks_kind("How do I clean it?", ["Use the brush."])
    assert not lacks_kind("Why did the fees rise?", ["Repairs are needed."])
    assert not lacks_kind("What is included in the price?", ["Breakfast and bedding."])
    assert not lacks_kind("When a cell is eaten, what is it in?", ["It is in a vesicle."])


def test_the_number_of_a_question_must_number_the_same() -> None:
    weeks = "Week 1: water. Week 2: light, from 7 to 9."
    assert numbered_otherwise("What is week 7 about?", weeks) == {"7"}
    assert not numbered_otherwise("What is week 2 about?", weeks)
    assert not numbered_otherwise("What costs less than 7 euros?", weeks)
