"""Whether passages support a sentence, and whether its figures and names are known, whatever a model writes."""

from typing import Any

import pytest

from gpts.knowledge.documents import Passage
from gpts.knowledge.judging import COMPARED, Gloss, Judge, Known
from gpts.knowledge.support import is_claim
from tests.gpts.knowledge.test_citations import Means

TEXT = (
    "2.2 Shaft seal\n\nService the shaft seal every 450 hours of operation, or at the first sign of leakage. "
    "Fault code E4 means low flow: the flow stayed below 20 percent of the set value for 60 seconds. "
    "The seal kit of the Zephyr-9 is ZP-771."
)
PASSAGE = Passage(file_id="f", file_name="manual.md", segment="s", chunk=0, text=TEXT, start=0, end=len(TEXT))


ROWS = (
    "| Level | Meaning | Reply within | Fee (EUR) |\n| P1 | All is down | 15 minutes | 0.90 |\n"
    "| P2 | A team cannot work | 1 hour | 0.40 |"
)
TABLE = Passage(file_id="t", file_name="levels.csv", segment="t", chunk=0, text=ROWS, start=0, end=len(ROWS))


def level(question: str, answer: str, meaning: Means | None = None, passage: Passage = PASSAGE, **fields: Any) -> str:
    """The level of the only sentence of `answer`."""
    (verdict,) = Judge([passage], question, meaning, **fields).judge([answer], answer)
    return verdict.level


@pytest.mark.parametrize(
    ("answer", "is_said"),
    [
        ("Service the shaft seal every 450 hours of operation.", True),
        ("You need to use the ZP-771 seal kit.", True),
        ("Fault code E4: Low flow: the flow stayed below 20 percent of the set value.", True),
        # What the bundled model really wrote on 2026-11-24, given the right passage.
        ("The shaft seal must be serviced every 150 operating hours.", False),
        ("Fault code E4 means that the discharge pressure is too high.", False),
        ("Fault code E4 is a type of code that indicates a failure in a device.", False),
    ],
)
def test_a_sentence_is_supported_by_what_says_all_of_it(answer, is_said):
    assert (level("How often must it be serviced, and what does E4 mean?", answer) == "supported") is is_said


@pytest.mark.parametrize(
    ("answer", "is_said"),
    [
        ("P2: reply within 1 hour.", True),
        ("A P2 costs 0.40 EUR.", True),
        ("€0.40", True),
        ("15 minutes", False),
        ("0.90", False),
        ("0.40 dollars", False),
    ],
)
def test_a_cell_is_from_the_row_that_is_asked_for(answer, is_said):
    assert (level("How much is a P2 and what is its reply time?", answer, passage=TABLE) != "unsupported") is is_said


@pytest.mark.parametrize(
    ("answer", "is_said"), [("P1", True), ("P2", False), ("The fee of a P2 is 0.40 EUR.", False)]
)
def test_a_superlative_means_one_row(answer, is_said):
    assert (level("Which level has the highest fee?", answer, passage=TABLE) != "unsupported") is is_said


WORDS = {"die": "the", "wellendichtung": "shaft seal", "alle": "every", "stunden": "hours", "warten": "service"}


def in_english(text: str) -> str:
    return " ".join(WORDS.get(word, word) for word in text.casefold().strip(".").split())


@pytest.mark.parametrize(
    ("answer", "is_said"),
    [
        ("Die Wellendichtung alle 450 Stunden warten.", True),
        ("Die Wellendichtung alle 150 Stunden warten.", False),
        ("Die Katze alle 450 Tage baden.", False),
    ],
)
def test_an_answer_in_another_language_is_compared_word_by_word(answer, is_said):
    gloss = Gloss(in_english, str)
    assert (level("Wie oft?", answer, Means(0.4), gloss=lambda answer: gloss) != "unsupported") is is_said


@pytest.mark.parametrize(
    ("answer", "compared", "expected"),
    [
        ("After 450 operating hours the gasket wants attention.", "meaning", "partly"),
        ("After 150 operating hours the gasket wants attention.", "meaning", "unsupported"),
        ("Nach 450 Betriebsstunden ist die Dichtung zu warten.", "translation", "partly"),
        ("Nach 450 Betriebsstunden ist die Dichtung zu warten.", "nothing", "not_checked"),
        ("Nach 150 Betriebsstunden ist die Dichtung zu warten.", "nothing", "unsupported"),
    ],
)
def test_other_words_and_other_languages_are_supported_if_their_figures_are_the_same(answer, compared, expected):
    assert level("How often?", answer, Means(0.7, compared)) == expected


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("Dear Mrs. Doyle,", False),
        ("Best regards,", False),
        ("Subject: Your return", False),
        ("[Your name]", False),
        ("Ich bin der Helfer für die Wärmepumpe.", False),
        ("I’m an assistant for the shop.", False),
        ("I am sure that it lasts for a year.", True),
        ("I am the manual, and it lasts 12 months.", True),
        ("Dear customers, returns are free.", True),
        ("The seal lasts for a year.", True),
    ],
)
def test_the_frame_of_a_letter_and_what_is_said_of_the_gpt_claim_nothing(sentence, claims):
    assert is_claim(sentence) == claims


def follows(passage: Passage, sentence: str, around: str = "") -> bool:
    return Known([passage]).names_and_figures(sentence, around or sentence) is not None


@pytest.mark.parametrize(
    ("sentence", "passes"),
    [
        ("In short, look after the seal regularly, about every 450 hours.", True),
        ("A leak is a good reason to look at it sooner.", True),
        ("¡Claro! It is 450.", True),
        ("- ZP-B7-01: every 450 hours.", False),
        ("For that I'd look at the seal every 450 hours, and then I'll see what they've done.", True),
        ("In short, look after the seal every 150 hours.", False),
        ("Order the seal from Grundfos.", False),
    ],
)
def test_a_text_made_from_the_files_may_use_other_words_but_no_other_figures_and_names(sentence, passes):
    assert follows(PASSAGE, sentence) is passes


@pytest.mark.parametrize(
    ("answer", "follows_from"),
    [
        ("That is **900** hours:\n\n2 × 450 h = **900**.", True),
        ("It takes 900 hours. So:\n\n| 2 * 450 = 900 |\n\nGood luck!", True),
        ("900 hours in all:\n- 450 now\n- 450 later\n\n450 + 450 = 900.", True),
        ("950 hours in all.\n- 450 now\n- 450 later", False),
        ("That is 950 hours: 2 × 450. Service it every 450 hours.", False),
    ],
)
def test_a_total_may_stand_before_the_sum_that_gives_it(answer, follows_from):
    assert follows(PASSAGE, answer.partition("\n")[0].partition(". ")[0], answer) is follows_from


GERMAN = "Die Dichtung hält 450 Stunden. Frau Özdemir prüft sie im Lager, wenn Sie das wünschen."


@pytest.mark.parametrize(
    ("sentence", "passes"),
    [
        ("Kleine Erinnerung: Die Dichtung braucht nach 450 Stunden etwas Pflege, am besten mit einem Lappen.", True),
        ("Bei Fragen hilft Ihnen gern Frau Özdemir weiter.", True),
        ("In Notfällen hilft Frau Özdemir.", True),
        ("Bei Fragen hilft Ihnen gern Frau Kowalski weiter.", False),
        ("Petra Sommerlad prüft die Dichtung.", False),
        ("Die Unterlagen liegen auf der Plattform StudyNest.", False),
        ("Die Dichtung braucht alle 150 Stunden etwas Pflege.", False),
    ],
)
@pytest.mark.parametrize("table", ["", "\n" + "\n".join(f"| Dichtung D{n} | Lager | {n} |" for n in range(60))])
def test_german_nouns_are_no_names(sentence, passes, table):
    source = PASSAGE.model_copy(update={"text": GERMAN + table, "end": len(GERMAN + table)})
    assert follows(source, sentence) is passes


class Counting(Means):
    """Counts the texts that are compared."""

    n_texts = 0

    def similarity(self, one, other):
        self.n_texts += len(other)
        return super().similarity(one, other)


def test_of_long_files_only_the_sentences_that_share_words_are_compared_by_meaning():
    meaning = Counting()
    text = " ".join(f"Pump {n} is oiled in week {n}." for n in range(2_000)) + " The valve is of brass."
    file = Passage(file_id="f", file_name="f.txt", segment="s", chunk=0, text=text, start=0, end=len(text))
    judged = Judge((file,), "", meaning).judge(["The valve is of brass.", "All pumps are oiled and greased."], "")
    assert judged[0].level == "supported"
    assert 0 < meaning.n_texts <= COMPARED + 10
