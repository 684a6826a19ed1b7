"""Questions and texts meet in the same terms, whatever their spelling."""

import pytest

from gpts.knowledge.terms import terms


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which filters fit?", "the filter fits"),
        ("ZP-771", "part number zp771"),
        ("maxRetries", "set max_retries to 3"),
        ("HTTPServer", "the http server"),
        ("watering", "it was watered"),
        ("boxes", "one box"),
        ("batteries", "battery"),
        ("stopped", "stopping"),
        ("Straße", "STRASSE"),
        ("ﬁlter", "filter"),
        ("1,190 people", "1190"),
        ("C++", "about c++"),
        ("世界", "世"),
        ("北京大学", "他在北京读书"),
        ("Filterwechsel der Pumpen", "die Pumpe"),
        ("Wie viele Häuser?", "die Hauser"),
        ("vacaciones", "la vacación"),
        ("passwort", "Passwörter"),
        ("การท่องเที่ยว", "นักท่องเที่ยว"),
        ("मशीन की क़ीमत", "यह मशीन"),
    ],
)
def test_a_question_finds_the_other_spelling(question: str, text: str) -> None:
    assert set(terms(question)) & set(terms(text))


def test_question_words_and_articles_are_dropped() -> None:
    assert terms("What is the part that you would tell me about?") == ["part"]


def test_a_compound_gives_itself_and_its_parts() -> None:
    assert terms("ZP-771") == ["zp771", "zp", "771"]


def test_decimals_stay_whole() -> None:
    assert terms("3.5 and 2,5") == ["3.5", "2.5"]


def test_different_numbers_never_meet() -> None:
    assert not set(terms("ZP-771")) & set(terms("QX-772"))


@pytest.mark.parametrize(
    "question",
    ["Was ist das?", "Qu'est-ce que c'est ?", "¿Qué es esto?", "Che cosa è?", "O que é isso?", "Wat is het?"],
)
def test_a_question_of_question_words_alone_asks_for_hardly_anything(question: str) -> None:
    assert len(terms(question)) <= 2


def test_a_word_of_an_indian_script_is_one_term() -> None:
    assert len(terms("मशीन")) == 1


def test_russian_and_arabic_words_lose_their_inflection() -> None:
    assert terms("книга") == terms("книгами")
    assert terms("المدرسة") == terms("للمدرسة")
