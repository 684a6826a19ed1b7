"""What the bundled embedder can compare: English with English, and nothing across languages."""

from math import isnan

import pytest

from workers.knowledge.embed import shared_embedder
from workers.knowledge.meaning import EmbeddedMeaning, readable_similarity

ENGLISH = "Service the shaft seal every 450 hours of operation, or at the first sign of leakage."
GERMAN = "Die Wellendichtung ist alle 450 Betriebsstunden oder bei den ersten Anzeichen einer Leckage zu warten."


@pytest.fixture(scope="module")
def meaning() -> EmbeddedMeaning:
    return EmbeddedMeaning(shared_embedder())


@pytest.mark.parametrize(
    ("text", "passage", "compared"),
    [
        ("The seal wants attention after 450 operating hours.", ENGLISH, "meaning"),
        ("Use kit ZP-771 or ZP-772 for a Z-9, as the data sheet says.", ENGLISH, "meaning"),
        (GERMAN, ENGLISH, "nothing"),
        ("每运行450小时或出现泄漏的最初迹象时,应对轴封进行保养。定期保养可以延长使用寿命。", ENGLISH, "nothing"),
        ("Man wartet die Dichtung der Welle nach jeweils 450 Stunden im Betrieb.", GERMAN, "words"),
    ],
)
def test_it_tells_what_can_be_compared(meaning, text, passage, compared):
    assert meaning.comparison(text, passage) == compared


class Compressed:
    """An embedder that sees any two texts at 0.8 or more, as some do."""

    def similarity(self, one, other):
        return [[1.0 if a == b else 0.8 for b in other] for a in one]

    def letters_per_token(self, text):
        return 5.0


def test_the_cosines_of_every_embedder_begin_at_zero():
    ((same, other),) = EmbeddedMeaning(Compressed()).similarity(["a"], ["a", "b"])
    assert same == pytest.approx(1.0)
    assert other == pytest.approx(0.0)


def test_both_languages_are_compared_by_an_embedder_that_reads_both():
    assert EmbeddedMeaning(Compressed()).comparison(GERMAN, ENGLISH) == "translation"


@pytest.mark.model
def test_the_bundled_embedder_sees_the_same_in_other_words(meaning):
    ((near, far),) = meaning.similarity(
        ["After 450 operating hours the gasket of the shaft wants servicing."], [ENGLISH, "Leave is paid in advance."]
    )
    assert near > 0.6 > 0.2 > far


def test_a_text_in_a_script_that_the_embedder_only_spells_is_not_compared():
    similarity = readable_similarity(shared_embedder())
    russian = "Как заменить колесо велосипеда?"
    ((alike, unread), (unread_too, _)) = similarity(["Change a tyre", russian], ["Replace the wheel", russian])
    assert alike > 0.3
    assert isnan(unread)
    assert isnan(unread_too)
