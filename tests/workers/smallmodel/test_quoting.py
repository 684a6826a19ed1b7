"""When the sentences of the files count as the answer of a model that cannot write any."""

import pytest

from gpts.knowledge.documents import Passage
from gpts.knowledge.extracts import Reads
from gpts.knowledge.terms import terms
from gpts.runs.state import TurnState
from gpts.runs.steps import Retrieval, UserMessage
from gpts.spec.ability import ModelAbility
from gpts.spec.gpt import GptSpec
from workers.smallmodel.quoting import with_extract

WEAK = ModelAbility(calls_tools=False, writes_from_sources=False, context_tokens=2048)
TEXTS = {
    "brisa.md": "The Brisa 9 heats houses. Its fan is slow. The warranty lasts five years. Dust harms the filter.",
    "zonda.md": "The Zonda 4 cools rooms. Its fan turns fast. The compressor weighs 40 kg. Paint keeps rust away.",
}


def alike(one, other):
    shared = [[len({*terms(a)} & {*terms(b)}) / len({*terms(b), ""}) for b in other] for a in one]
    return [[min(1.0, 2 * each) for each in row] for row in shared]


TABLES = {
    "levels.md": "| Level | Text |\n| P1 | all is down |\n| P2 | a team is blocked |\n| P3 | somebody waits |",
    "prices.csv": "| Item | Size | Price |\n| Poster | A2 | 3.00 |\n| Flyer | A5 | 0.12 |\n| Banner | 2 m | 48.00 |",
    "desk.md": "The desk opens at 7:30. Tickets of P1 are handled at night. The price of a badge is 12 euros.",
}


def quoted(message: str, texts: dict[str, str] = TEXTS, reads: Reads | None = None) -> Retrieval:
    passages = tuple(
        Passage(file_id=name, file_name=name, segment=name, chunk=0, text=text, start=0, end=len(text))
        for name, text in texts.items()
    )
    state = TurnState(GptSpec(slug="g", name="G"), WEAK, (UserMessage(text=message),), (), {})
    return with_extract(Retrieval(query=message, passages=passages, covered=True), state, alike, reads)


def test_a_sentence_that_stands_out_is_the_answer():
    found = quoted("How long does the warranty of the Brisa 9 last?")
    assert found.covered
    assert "The warranty lasts five years." in found.extract


def test_a_file_without_the_names_of_the_question_is_only_offered():
    found = quoted("How long does the warranty of the Levante 7 last?")
    assert not found.covered
    assert "The warranty lasts five years." in found.extract


@pytest.mark.parametrize(
    "question",
    ["How long does the warranty of the Brisa 8 last?", "What colour is the fan of the Brisa 9?"],
)
def test_another_number_or_another_kind_than_asked_for_is_only_offered(question: str):
    assert not quoted(question).covered


def test_each_of_several_questions_is_answered():
    found = quoted("How long does the warranty last, and how much does the compressor weigh?")
    assert found.covered
    assert "five years" in found.extract
    assert "40 kg" in found.extract


def test_a_long_story_may_name_what_no_file_knows():
    story = "My cousin Ulrika from Lisbon bought a Brisa 9 near Porto in winter because her old stove smoked badly."
    assert quoted(f"{story} How long does the warranty last?").covered


@pytest.mark.parametrize(
    "question",
    [
        "Was bedeutet P2?",
        "¿Qué significa P2?",
        "P2 ne demek?",
        "Что значит P2?",
        "P2是什么意思？",
        "What does P2 mean?",
    ],
)
def test_a_code_is_found_whatever_the_language_of_the_question(question: str):
    found = quoted(question, TABLES)
    assert (found.covered, found.extract) == (True, "P2: a team is blocked")


@pytest.mark.parametrize("question", ["Was bedeutet P7?", "What colour is a P2?", "Welche Farbe hat P2?"])
def test_a_code_alone_answers_no_other_question(question: str):
    assert not quoted(question, TABLES).covered


def test_the_row_that_a_question_names_is_shown_and_not_its_table():
    assert quoted("how much did one flyer cost", TABLES).extract == "Flyer – Size: A5, Price: 0.12"


def test_a_superlative_is_answered_by_its_row_and_in_doubt_by_what_is_closest():
    found = quoted("Which item has the highest price?", TABLES)
    assert (found.covered, found.extract) == (True, "Banner – Size: 2 m, Price: 48.00")
    doubtful = quoted("Who is the cheapest dentist?", TABLES)
    assert (doubtful.covered, doubtful.extract) == (False, "Flyer – Size: A5, Price: 0.12")


def test_a_close_sentence_that_does_not_answer_is_only_offered():
    question = "How long does the warranty of the Brisa 9 last?"
    for odds, is_answer in ((0.0, True), (3.0, True), (-9.0, False)):
        found = quoted(question, reads=lambda asked, texts, odds=odds: [odds] * len(texts))
        assert "The warranty lasts five years." in found.extract
        assert found.covered is is_answer


def test_a_sentence_that_answers_in_other_words_is_the_answer():
    question = "How heavy is the compressor of the Zonda 4?"
    assert not quoted(question).covered
    found = quoted(question, reads=lambda asked, texts: [6.0 if "weighs" in each else -6.0 for each in texts])
    assert found.covered
    assert "The compressor weighs 40 kg." in found.extract
