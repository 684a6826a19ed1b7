"""Numbers, dates and times agree whatever notation and language they are written in, and disagree otherwise."""

import pytest

from gpts.knowledge.figures import figures_agree


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("1.500 €", "1,500 EUR"),
        ("1 234 567,50 €".replace(" ", "\u202f"), "1,234,567.50"),
        ("3,5 kg", "3.5 kg"),
        ("0.09 euros", "EUR 0.09"),
        ("US$5", "five dollars"),
        ("£5", "Price: 5"),
        ("12.00 EUR", "12 EUR"),
        ("14:30", "at 2:30 pm"),
        ("at 2:30 p.m.", "um 14.30 Uhr"),
        ("14 Uhr", "2 pm"),
        ("at 2:30", "2:30 pm"),
        ("from 8 pm to 8 am", "nuit, 20h-8h"),
        ("à 17 h 30", "17:30"),
        ("24 h avant", "24 hours before"),
        ("12. März 2024", "March 12, 2024"),
        ("12 March 2024", "2024-03-12"),
        ("2024-03-12", "12.03.2024"),
        ("2024年3月12日", "12 March 2024"),
        ("le 5 mai", "May 5th"),
        ("March 2024", "12.03.2024"),
        ("drei Monate", "3 months"),
        ("twenty-eight days", "achtundzwanzig Tage"),
        ("two hundred", "200"),
        ("1,5 Millionen", "1,500,000"),
        ("1. Close the valve [2].", "Close the valve."),
        ("It may be one of them.", "no figures"),
    ],
)
def test_the_same_figure_agrees(claim: str, source: str) -> None:
    assert figures_agree(claim, source)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("1.500 €", "150 EUR"),
        ("5 dollars", "5 €"),
        ("CHF 12", "12 EUR"),
        ("14:30", "2:30 am"),
        ("21:00", "9:00"),
        ("9 pm", "20 h"),
        ("12 April 2024", "12.03.2024"),
        ("April 2024", "5 May 2024"),
        ("three months", "four months"),
        ("1.5 million", "1.5 billion"),
        ("version 1.10.2", "version 1.10.3"),
        ("twenty-eight", "20 and 8"),
        ("2. Tighten to 12 Nm.", "Tighten to 2 Nm."),
    ],
)
def test_another_figure_does_not(claim: str, source: str) -> None:
    assert not figures_agree(claim, source)
