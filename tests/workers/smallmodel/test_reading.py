"""The reader tells sentences that answer from those that are only about the same."""

import pytest

from workers.knowledge.embed import shared_embedder
from workers.smallmodel.reading.reader import MOST_TOKENS, Reader


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(shared_embedder())


@pytest.mark.model
class TestReader:
    @pytest.mark.parametrize(
        ("question", "answer", "other"),
        [
            ("how much does a wig cost to hire", "Hire: Wigs: 12 pounds a week.", "Hire: Wigs are washed by us."),
            (
                "who do I ring when the boiler leaks?",
                "Heating: Call Mr Doyle on 0300.",
                "Heating: A leak is no joke.",
            ),
            ("how many rounds are there", "Quiz: It has six rounds.", "Quiz: The rounds are read by Meg."),
            ("can my dog come along?", "House: Pets must stay at home.", "House: Along the wall is a bench."),
        ],
    )
    def test_what_answers_is_likelier_than_what_shares_words(
        self, reader: Reader, question: str, answer: str, other: str
    ) -> None:
        likely, unlikely = reader(question, [answer, other])
        assert likely > unlikely

    def test_a_near_miss_is_unlikely_to_be_answered(self, reader: Reader) -> None:
        texts = ["Garden: The Plover mower weighs 14 kg.", "Garden: It has a two-year warranty."]
        assert max(reader("how heavy is the Plover?", texts)) > max(reader("how wide does the Plover cut?", texts))

    def test_how_long_and_how_many_texts_are_does_not_matter(self, reader: Reader) -> None:
        assert reader("why", []) == []
        texts = [f"Row {n}: {'word ' * n}" for n in range(0, 400, 10)]
        together, alone = (
            reader("which row? " * MOST_TOKENS, texts),
            [reader("which row? " * MOST_TOKENS, texts[7:8])],
        )
        assert len(together) == len(texts)
        assert together[7] == pytest.approx(alone[0][0], abs=0.3)  # bf16, with other padding
