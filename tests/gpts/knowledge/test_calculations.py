"""What follows from stated figures by arithmetic agrees with them; what does not, and what is made up, does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.calculations import derivations

SOURCE = (
    "A double is 185 EUR a night, a dog 15. The mileage is 0.45 a mile, and 0.05 for a passenger. Siblings pay "
    "10 % less than 12.80. The ferry leaves at 12.40 and takes 50 minutes. Rehearsals are from 19:30 to 21:45. "
    "Students pay 4 euros a month. A stamp costs 85 ct."
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("for two nights?", "Two nights at 185 EUR are 370 EUR."),
        ("and with the dog", "That is 185 + 15 = 200 EUR a night."),
        ("i drove 112 miles", "112 miles at 0.45 are 50.40."),
        ("and with a passenger, 112 miles", "With one it is 112 × (0.45 + 0.05) = 56.00."),
        ("two kids?", "The first pays 12.80, the second 10 % less, 11.52: 24.32 together."),
        ("when does the 12.40 get in", "It takes 50 minutes, so at 13.30."),
        ("when does the 12.40 get in", "It takes 50 minutes, so at 1:30 pm."),
        ("Wie lange?", "Von 19:30 bis 21:45, also 2 Stunden und 15 Minuten."),
        ("How long?", "2 hours and 15 minutes: from 19.30 to 21.45."),
        ("two and a dog for 3 nights", "3 × (2 × 185.00 + 15.00) = 3 × 385.00 = 1,155.00 EUR."),
        ("zwei und ein Hund?", "2 × 185,00 € + 15,00 € = 385,00 €"),
        ("zwei und ein Hund?", "Für zwei:\n- 2 × 185,00 € Zimmer + 15,00 € = 385,00 € (ohne Frühstück)"),
        ("two rooms?", "2 × 185,00 EUR (Sa, So) + 15,00 EUR Hund (je Nacht) = 385,00 EUR"),
        ("ein Jahr?", "(4 EUR Beitrag + 15,00 EUR Hund) × 12 = 228,00 EUR"),
        ("two rooms?", "2 × 185.00 + dog 15.00 = 385.00"),
        ("in instalments", "2 × 185.00 + 15.00 = 385.00 in all, half of the rooms now: 185.00 + 15.00 = 200.00."),
        (
            "in halves",
            "2 × 185 × 3 + 15 = 1,125; of the nights, a half is 2 × 185 × 3 / 2 = 555, and the dog's 15: 570.",
        ),
        ("two siblings?", "12.80 − 1.28 for a sibling = 11.52, so 12.80 + 11.52 = 24.32."),
        ("a tenth?", "185 × 10 % = 18.50 EUR."),
        ("last boat?", "At 12.40; be there 50 minutes earlier, at 11:50."),
        ("what's half a year for a student", "6 × 4 euros = 24 euros."),
        ("3 shirts and 2 caps?", "VO-01 3 × 12.80 + VO-02 2 × 4 = 46.40."),
        ("i post 30 letters", "That makes €25.50: 30 × €0.85 = €25.50."),
        (
            "la part?",
            "Part du chien : 15,00 / 185,00 = 8,1 % (tarif des chambres et des chiens, hors saison, mai et juin).",
        ),
        ("dix nuits ?", "10 × 185,00 = 1 850,00 €, moins 10 % : 1 850,00 × 10 % = 185,00."),
        ("dix nuits ?", "185,00 € − 10 % (18,50 €) = 166,50 €"),
        ("how long is the ferry in seconds and hours?", "50 min × 60 s/min = 3,000 s; 12 × 50 min = 600 min = 10 h."),
        ("for two nights?", "That makes 370 EUR."),
        ("a year as a student?", "4 euros a month are 48 euros."),
    ],
)
def test_what_can_be_calculated_follows(question, answer):
    assert derivations(answer, f"{SOURCE} {question}", f"{question} {answer}") is not None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("for two nights?", "Two nights at 185 EUR are 350 EUR."),
        ("for two nights?", "A night is 190 EUR, so two are 380 EUR."),
        ("for two nights?", "A night is 23 EUR, so 3 × 23 = 69 EUR."),
        ("for two nights?", "Two nights are 370 dollars."),
        ("when does the 12.40 get in", "It takes 50 minutes, so at 14.30."),
        ("for two nights?", "2 × 185 = 380 EUR."),
        ("la part?", "Part du chien : 15,00 / 185,00 = 8,4 %."),
        ("dix nuits ?", "10 × 185,00 = 1 950,00 €."),
        ("for two nights?", "2 × 190 = 380 EUR."),
        ("for two nights?", "2 × 190 EUR (Sa, So) = 380 EUR."),
        ("two siblings?", "12.80 − 1.38 for a sibling = 11.42."),
        ("a share?", "185 × 20 % = 37 EUR."),
        ("a tenth?", "185 × 10 % = 31.70 EUR."),
        ("for two nights?", "(190 EUR room + 15 EUR dog) × 2 = 410 EUR."),
        ("for two nights?", "2 × 185 = 370 = 2 × 90 + 200 EUR."),
        ("how tall is it", "It is 23 metres tall."),
        ("1 2 3", "9" * 500),
    ],
)
def test_what_is_made_up_does_not(question, answer):
    assert derivations(answer, f"{SOURCE} {question}", f"{question} {answer}") is None


def test_among_very_many_figures_nothing_is_calculated():
    many = " ".join(str(n * 7) for n in range(5_000))
    assert derivations("That makes 35001.", many, f"{many} That makes 35001.") is None


@given(st.text("0123456789.,:×*+-=% €hpm\n", max_size=200))
def test_no_text_is_an_error(text):
    derivations(text, SOURCE, text)
