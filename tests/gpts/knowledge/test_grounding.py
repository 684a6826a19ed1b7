"""Only what the passages say gets through, whatever a model writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.documents import Passage
from gpts.knowledge.grounding import Gate
from gpts.knowledge.judging import Gloss
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


def shown(question: str, answer: str, *rest: object, passage: Passage = PASSAGE) -> str:
    gate = Gate(question, [passage], *rest)
    return "".join(gate.feed(char) for char in answer) + gate.finish()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How often must the seal be serviced?", "Service the shaft seal every 450 hours of operation."),
        ("Which seal kit do I need?", "You need to use the ZP-771 seal kit."),
        ("Which seal kit?", "The Zephyr-9's seal kit is ZP-771."),
        ("What does E4 mean?", "Fault code E4: Low flow: the flow stayed below 20 percent of the set value."),
    ],
)
def test_what_the_passage_says_is_shown(question, answer):
    assert shown(question, answer) == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [  # each is what the bundled model really wrote on 2026-11-24, given the right passage
        ("How often must the shaft seal be serviced?", "The shaft seal must be serviced every 150 operating hours."),
        ("What does fault code E4 mean?", "Fault code E4 means that the discharge pressure is too high."),
        ("What does fault code E4 mean?", "Fault code E4 is a type of code that indicates a failure in a device."),
    ],
)
def test_what_it_does_not_say_is_held_back(question, answer):
    assert shown(question, answer) == ""


@pytest.mark.parametrize(
    "answer", ["1 hour", "P2: reply within 1 hour.", "A P2 costs 0.40 EUR.", "0.40 euros", "€0.40"]
)
def test_a_cell_is_shown_whatever_another_cell_of_its_row_denies(answer):
    assert shown("How much is a P2 and what is its reply time?", answer, passage=TABLE) == answer


@pytest.mark.parametrize(
    ("answer", "is_shown"), [("P1", True), ("P2", False), ("The fee of a P2 is 0.40 EUR.", False)]
)
def test_a_superlative_means_one_row(answer: str, is_shown: bool):
    assert bool(shown("Which level has the highest fee?", answer, passage=TABLE)) == is_shown


WORDS = {"die": "the", "wellendichtung": "shaft seal", "alle": "every", "stunden": "hours", "warten": "service"}


def in_english(text: str) -> str:
    return " ".join(WORDS.get(word, word) for word in text.casefold().strip(".").split())


@pytest.mark.parametrize(
    ("answer", "is_shown"),
    [
        ("Die Wellendichtung alle 450 Stunden warten.", True),
        ("Die Wellendichtung alle 150 Stunden warten.", False),
        ("Die Katze alle 450 Tage baden.", False),
    ],
)
def test_an_answer_in_another_language_is_compared_word_by_word(answer: str, is_shown: bool):
    gate = Gate("Wie oft?", [PASSAGE], Means(0.4), gloss=lambda answer: Gloss(in_english, str))
    assert bool(gate.feed(answer) + gate.finish()) == is_shown


ROOMS = (
    "Rooms 5-10 are on the first floor, 6 and 9 are the sea view rooms.\nBreakfast is included in all room rates.\n"
    "A room to the sea is 20 more.\nBikes stand in the yard.\nThe yard closes at ten."
)


@pytest.mark.parametrize(
    ("question", "answer", "is_shown"),
    [  # the first is what Qwen2.5-Coder-1.5B really wrote on 2026-11-29
        ("does the sea view room have a balcony", "Yes, the sea view room has a balcony.", False),
        ("is breakfast included", "Yes, breakfast is included.", True),
        ("are 6 and 9 sea view rooms", "Yes, 6 and 9 are sea view rooms.", True),
    ],
)
def test_a_yes_needs_a_source_for_all_that_was_asked(question, answer, is_shown):
    passage = PASSAGE.model_copy(update={"text": ROOMS, "end": len(ROOMS)})
    assert bool(shown(question, answer, passage=passage)) is is_shown


@pytest.mark.parametrize("answer", ["15 minutes", "0.90", "0.40 dollars", "P2 means a team can work."])
def test_the_cell_of_another_row_is_held_back(answer):
    assert shown("How much is a P2 and what is its reply time?", answer, passage=TABLE) == ""


def test_an_unsupported_sentence_is_left_out_and_several_in_a_row_end_the_answer():
    answer = "The seal kit is ZP-771. It costs 40 euros. Service the shaft seal every 450 hours of operation."
    gate = Gate("Which kit?", [PASSAGE])
    assert gate.feed(answer) + gate.finish() == answer.replace(" It costs 40 euros.", "")
    assert not gate.is_shut
    gate.feed("It flies. It swims. It sings. It sells. It is red. ")
    assert gate.is_shut


UNREAD = PASSAGE.model_copy(update={"file_id": "g", "text": "Die Taste F7 setzt den Zähler auf 40 zurück."})


class UnreadGerman(Means):
    """Compares anything but a German file."""

    def comparison(self, text, passage):
        return "nothing" if passage == UNREAD.text else "meaning"


@pytest.mark.parametrize(
    ("answer", "is_shown"),
    [("Key F7 resets the counter to 40.", True), ("Key AX resets it.", False), ("Lift the wheel out.", False)],
)
def test_what_may_be_from_an_unread_file_needs_a_figure_or_code_of_it(answer, is_shown):
    def shown_of(*passages: Passage) -> str:
        gate = Gate("What now?", passages, UnreadGerman())
        return gate.feed(answer) + gate.finish()

    assert (shown_of(PASSAGE, UNREAD) == answer) is is_shown
    # Without any other file nothing says more.
    assert shown_of(UNREAD) == answer
    # Where nobody asked in another language than the files', nothing is shown unchecked.
    gate = Gate("What now?", [UNREAD], UnreadGerman(), language="en")
    assert gate.feed(answer) + gate.finish() == ""


KIT, HOURS = "The seal kit of the Zephyr-9 is ZP-771.", "Service the shaft seal every 450 hours of operation."


@pytest.mark.parametrize(
    ("answer", "shown", "repeats"),
    [
        (f"{KIT} {HOURS}", "", True),
        (f"Hello! {KIT.upper()}", "", True),
        (f"{HOURS} {KIT}", f"{HOURS} {KIT}", False),  # what was said first, but not first here
        ("The seal kit is ZP-771.", "The seal kit is ZP-771.", False),
    ],
)
def test_an_answer_that_begins_like_an_earlier_one_is_stopped(answer, shown, repeats):
    gate = Gate("How often is it serviced?", [PASSAGE], earlier=["Hello!", f"Hello! {KIT} Take two."])
    assert (gate.feed(answer) + gate.finish()).removeprefix("Hello!").strip() == shown
    assert (gate.repeats, gate.is_shut) == (repeats, repeats)


REPORT = (
    "# Aldane: annual report\n\n| USD million | 2024 | 2023 |\n|---|---|---|\n| Net income | 64 | 51 |\n\n"
    "The effective tax rate was 22.4 percent in 2024, and 23.1 percent in 2023.\n\n"
    "The chief executive, Owen Tarrant, joined in 2019."
)
ANNUAL = Passage(file_id="r", file_name="aldane.md", segment="r", chunk=0, text=REPORT, start=0, end=len(REPORT))


def of_report(question: str, answer: str, asked_in: str = "en") -> str:
    gate = Gate(question, [ANNUAL], asked_in=asked_in)
    return gate.feed(answer) + gate.finish()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What was Aldane's net income in 2024?", "64"),
        ("What was the effective tax rate in 2024?", "22.4 percent"),
        ("Who is the chief executive?", "Owen Tarrant"),
        ("Who is the chief executive of Aldane?", "The chief executive is Owen Tarrant."),
    ],
)
def test_a_bare_answer_is_shown_if_its_source_is_about_the_question(question, answer):
    assert of_report(question, answer) == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [  # what a model of 1.5 billion parameters really wrote on 2026-11-28
        ("What is Boeing's effective tax rate?", "23.1%"),
        ("What was Aldane's effective tax rate in 2021?", "23.1%"),
        ("How many employees does Aldane have?", "64"),
        ("Who is the treasurer of Aldane?", "Owen Tarrant"),
        ("What dividend did Aldane pay in 2024?", "64"),
    ],
)
def test_a_bare_answer_to_what_its_source_is_not_about_is_held_back(question, answer):
    assert of_report(question, answer) == ""
    # What depends on the messages before, or is in another language, cannot be compared.
    assert of_report(question, answer, asked_in="") == answer


def test_what_follows_a_shown_sentence_need_not_say_its_subject():
    answer = "The effective tax rate was 22.4 percent in 2024. Owen Tarrant joined in 2019."
    assert of_report("What was the effective tax rate in 2024?", answer) == answer


def test_lines_that_repeat_are_kept():
    manifest = "```yaml\n" + "imagePullPolicy: IfNotPresent\n" * 4 + "```\n"
    answer = f"Service the shaft seal every 450 hours of operation.\n\n{manifest}| a | 1 |\n| a | 1 |"
    assert shown("How often?", answer) == answer


def test_what_claims_nothing_is_shown_with_what_is_supported():
    footer = "Ask the Rotterdam workshop before you open anything."
    answer = f"Hello! Happy to help.\n\n## Shaft seal\n\nThe seal kit is ZP-771.\n\nAnything else?\n\n{footer}"
    assert shown("Which kit?", answer, None, f"End every answer with: {footer}") == answer


def test_a_greeting_alone_is_not_shown_when_all_that_it_leads_to_is_refused():
    assert shown("What does it cost?", "Hello! Happy to help.\n\nIt costs 40 euros.") == ""
    assert shown("Hi", "Hello! How can I help?") == "Hello! How can I help?"


@pytest.mark.parametrize(
    ("answer", "compared", "passes"),
    [
        ("After 450 operating hours the gasket wants attention.", "meaning", True),
        ("After 150 operating hours the gasket wants attention.", "meaning", False),
        ("Nach 450 Betriebsstunden ist die Dichtung zu warten.", "translation", True),
        ("Nach 450 Betriebsstunden ist die Dichtung zu warten.", "nothing", True),
        ("Nach 150 Betriebsstunden ist die Dichtung zu warten.", "nothing", False),
    ],
)
def test_other_words_and_other_languages_pass_if_their_figures_do(answer, compared, passes):
    assert shown("How often?", answer, Means(0.7, compared)) == (answer if passes else "")


def test_breaks_between_shown_sentences_are_kept():
    answer = "The seal kit of the Zephyr-9 is ZP-771.\n\nService the shaft seal every 450 hours of operation."
    assert shown("Tell me about the pump.", answer) == answer


@given(
    st.lists(
        st.sampled_from(["Every 450 hours of operation. ", "It flies. ", "\n\n", "ZP-771", "。", "a"]), max_size=12
    )
)
def test_it_shows_only_pieces_of_the_answer_in_order(pieces):
    answer = "".join(pieces)
    gate = Gate("How often?", [PASSAGE])
    shown = "".join([gate.feed(piece) for piece in pieces] + [gate.finish()])
    position = 0
    for character in "".join(shown.split()):
        position = answer.index(character, position) + 1
    assert "It flies" not in shown


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
    gate = Gate("Summarise the manual", [PASSAGE], by_figures=True)
    assert (gate.feed(sentence) + gate.finish()) == (sentence if passes else "")


ALL = ""


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("That is **900** hours:\n\n2 × 450 h = **900**.", ALL),
        ("It takes 900 hours. So:\n\n| 2 * 450 = 900 |\n\nGood luck!", ALL),
        ("900 hours in all:\n- 450 now\n- 450 later\n\n450 + 450 = 900.", ALL),
        ("In all 900 hours. The seal is looked at twice. It lasts 450. So 2 × 450 = 900.", ALL),
        ("Every 450 hours. At 30 % it is 450 × 30 % = 135.", "Every 450 hours."),
        ("950 hours in all.\n- 450 now\n- 450 later", "- 450 now\n- 450 later"),
        ("That is 950 hours: 2 × 450. Service it every 450 hours.", "Service it every 450 hours."),
        ("That is 950 hours. That is 970. Every 450 hours.", "Every 450 hours."),
        ("Every 450 hours. That is 950 in all.", "Every 450 hours."),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_total_may_stand_before_the_sum_that_gives_it(answer, shown, size):
    gate = Gate("Summarise the manual", [PASSAGE], by_figures=True)
    fed = "".join(gate.feed(answer[at : at + size]) for at in range(0, len(answer), size)) + gate.finish()
    assert (fed.strip(), gate.n_withheld > 0) == (shown or answer, shown != ALL)


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
    gate = Gate("Schreib eine kurze Notiz", [source], by_figures=True)
    assert bool(gate.feed(sentence) + gate.finish()) == passes
