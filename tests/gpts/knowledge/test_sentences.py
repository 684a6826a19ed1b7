"""Sentences end where a reader would end them, and never lose a character."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.sentences import sentence_spans


def split(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Water it. Wait a day.", ["Water it.", "Wait a day."]),
        ("Use tools, e.g. a spoon. Then stop.", ["Use tools, e.g. a spoon.", "Then stop."]),
        (
            "Dr. Smith met J. K. Rowling in St. Ives. It rained.",
            ["Dr. Smith met J. K. Rowling in St. Ives.", "It rained."],
        ),
        ("It costs 3.50 euros. See Fig. 2 below.", ["It costs 3.50 euros.", "See Fig. 2 below."]),
        ("Gültig ab 1. Januar. Nur am 15. Juli nicht.", ["Gültig ab 1. Januar.", "Nur am 15. Juli nicht."]),
        ("Nein, in der 8. Klasse nicht. Im 2. Stock ja.", ["Nein, in der 8. Klasse nicht.", "Im 2. Stock ja."]),
        (
            "Nimm z. B. Reis (…, usw.) dazu. La Dra. Ruiz viene.",
            ["Nimm z. B. Reis (…, usw.) dazu.", "La Dra. Ruiz viene."],
        ),
        ("It costs 5. The other costs 15. March on.", ["It costs 5.", "The other costs 15.", "March on."]),
        ("Im Jahr 2025. Januar war kalt.", ["Im Jahr 2025.", "Januar war kalt."]),
        ("Is it on? Yes! Good.", ["Is it on?", "Yes!", "Good."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("“Is it on?” she asked. “Yes!” He left.", ["“Is it on?” she asked.", "“Yes!”", "He left."]),
        ("We meet at 9 a.m. Bring tea.", ["We meet at 9 a.m.", "Bring tea."]),
        ("Open at 9 a.m. on Sundays.", ["Open at 9 a.m. on Sundays."]),
        ("Take vitamin C. It helps.", ["Take vitamin C.", "It helps."]),
        ("Answer no. Then go.", ["Answer no.", "Then go."]),
        ("See no. 7 there.", ["See no. 7 there."]),
        ("Call Priya, ext. 41, about it. Soon.", ["Call Priya, ext. 41, about it.", "Soon."]),
        (
            "Ab Seriennr. 3200417 gilt Kap. 7.2 nicht. Sonst ja.",
            ["Ab Seriennr. 3200417 gilt Kap. 7.2 nicht.", "Sonst ja."],
        ),
        ("水をやる。日に当てる！終わり", ["水をやる。", "日に当てる！", "終わり"]),
        ("# Care\n1. Water it.\n2. Wait.\n- Dry soil", ["# Care", "1. Water it.", "2. Wait.", "- Dry soil"]),
        ("Wait... and see. Done", ["Wait... and see.", "Done"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_it_splits_like_a_reader(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@given(st.text(alphabet=st.sampled_from("aB1 .!?。\n\t\"')-é水\u2028\r") | st.characters(), max_size=200))
def test_every_visible_character_lies_in_exactly_one_sentence(text: str) -> None:
    spans = sentence_spans(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] != "" for span in spans)
    outside = set(range(len(text))) - {i for span in spans for i in range(span.start, span.end)}
    assert all(text[i].isspace() for i in outside)
