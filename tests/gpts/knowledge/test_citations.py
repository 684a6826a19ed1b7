"""An answer is tied to what supports it, and to nothing else."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.citations import Basis, Checked, ground
from gpts.knowledge.documents import Citation, Passage
from gpts.knowledge.judging import Comparison

MANUAL = (
    "The Zephyr pump needs a new filter every 6 months. The filter part number is ZP-771. "
    "Close the inlet valve before you open the housing. Tighten the four bolts to 12 Nm."
)
LEAVE = "Every employee has 28 days of paid leave a year. Leave is requested from the team lead in the portal."


def cite(answer: str, passages: Sequence[Passage], *rest, **named) -> tuple[Citation, ...]:
    return ground(answer, passages, *rest, **named).citations


def passage(text: str, name: str = "manual.md", start: int = 100, **fields: object) -> Passage:
    return Passage.model_validate(
        {
            "file_id": name,
            "file_name": name,
            "segment": "5e9",
            "chunk": 0,
            "text": text,
            "start": start,
            "end": start + len(text),
            **fields,
        }
    )


class Means:
    """Any two texts are as near as it says, and can be compared as it says."""

    def __init__(self, cosine: float = 0.0, compared: Comparison = "meaning") -> None:
        self.cosine, self.compared = cosine, compared

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        return [[self.cosine] * len(other) for _ in one]

    def comparison(self, text: str, passage: str) -> Comparison:
        return self.compared

    def is_in(self, language: str, passage: str) -> bool:
        return True


PASSAGES = (passage(MANUAL), passage(LEAVE, "handbook.docx", start=0))


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        ("The filter part number is ZP-771.", "The filter part number is ZP-771."),
        (
            "You should close the inlet valve before opening the housing.",
            "Close the inlet valve before you open the housing.",
        ),
        ("**ZP-771**", "The filter part number is ZP-771."),
        ("- Employees get 28 days of paid leave per year.", "Every employee has 28 days of paid leave a year."),
    ],
)
def test_a_sentence_cites_what_it_repeats_or_rewords(sentence: str, quote: str) -> None:
    (citation,) = cite(sentence, PASSAGES)
    assert citation.quote == quote


@pytest.mark.parametrize(
    "sentence",
    [
        "The filter part number is ZP-772.",
        "Employees get 30 days of paid leave per year.",
        "Tighten the four bolts to 21 Nm.",
        "The Boreas pump needs a new filter every 6 months.",
        "Paris is the capital of France.",
        "Sure, here is what I found:",
        "I hope that this helps!",
        "",
    ],
)
def test_a_wrong_number_or_name_or_foreign_claim_is_not_cited(sentence: str) -> None:
    assert cite(sentence, PASSAGES) == ()


def test_offsets_name_the_quote_in_the_document_and_the_sentence_in_the_answer() -> None:
    answer = "Happy to help. The filter part number is ZP-771."
    (citation,) = cite(answer, PASSAGES)
    assert MANUAL[citation.start - 100 : citation.end - 100] == citation.quote
    assert answer[citation.answer_start : citation.answer_end] == "The filter part number is ZP-771."


def test_tags_count_passages_in_the_order_of_their_first_use() -> None:
    answer = (
        "Every employee has 28 days of paid leave. The filter part number is ZP-771. "
        "Leave is requested in the portal."
    )
    assert [(c.tag, c.file_name) for c in cite(answer, PASSAGES)] == [
        (1, "handbook.docx"),
        (2, "manual.md"),
        (1, "handbook.docx"),
    ]


def test_the_question_settles_which_of_two_equal_sources_is_meant() -> None:
    text = "The red cable carries 12 V. The blue lamp needs 12 V."
    (citation,) = cite("12 V", (passage(text),), question="How much does the blue lamp need?")
    assert citation.quote == "The blue lamp needs 12 V."


def test_a_claim_of_two_sentences_cites_both() -> None:
    (citation,) = cite("Change the Zephyr pump filter every 6 months, part number ZP-771.", PASSAGES)
    assert citation.quote == MANUAL[: MANUAL.index(" Close")]


def test_words_that_match_with_another_meaning_are_dropped_by_similarity() -> None:
    answer = "You may open the inlet valve before the housing is closed."
    assert cite(answer, PASSAGES, Means(0.1)) == ()
    assert cite(answer, PASSAGES, Means(0.5)) != ()


def test_a_citation_tells_the_page_on_which_its_quote_begins() -> None:
    on_two_pages = passage(MANUAL, page=4, page_breaks=((100 + MANUAL.index("Tighten"), 5),))
    assert cite("The filter part number is ZP-771.", (on_two_pages,))[0].page == 4
    assert cite("Tighten the four bolts to 12 Nm.", (on_two_pages,))[0].page == 5


def test_a_citation_names_the_section_of_its_quote() -> None:
    on_two = passage(MANUAL, heading="Care", heading_breaks=((100 + MANUAL.index("Tighten"), "Bolts"),))
    assert cite("The filter part number is ZP-771.", (on_two,))[0].heading == "Care"
    assert cite("Tighten the four bolts to 12 Nm.", (on_two,))[0].heading == "Bolts"


words = st.sampled_from([*MANUAL.split(), *LEAVE.split(), "Mars", "99", "not", "\n", "- ", "**", "ﬁ", "水。"])
texts = st.lists(words, max_size=30).map(" ".join)


@given(texts, st.lists(texts, max_size=3), st.booleans())
def test_citations_never_leave_the_passages_that_were_given(answer: str, parts: Sequence[str], asks: bool) -> None:
    given_passages = [passage(text, f"{n}.md", start=7 * n) for n, text in enumerate(parts)]
    citations = cite(answer, given_passages, Means(0.7) if asks else None)
    for citation in citations:
        source = next(each for each in given_passages if each.file_id == citation.file_id)
        assert source.text[citation.start - source.start : citation.end - source.start] == citation.quote != ""
        assert answer[citation.answer_start : citation.answer_end].strip()
    tags = [citation.tag for citation in citations]
    assert list(dict.fromkeys(tags)) == list(range(1, len(set(tags)) + 1))


@pytest.mark.parametrize(
    ("sentence", "level"),
    [
        ("The filter part number is ZP-771.", "supported"),
        ("According to the manual, the filter part number is ZP-771.", "supported"),
        ("Close the inlet valve before you open the housing and drain everything.", "partly"),
        ("Every employee has 28 days of paid leave, asked for at the canteen counter.", "partly"),
        ("The Zephyr pump may be painted green.", "unsupported"),
        ("The filter part number is ZP-772.", "unsupported"),
    ],
)
def test_each_sentence_is_told_to_be_supported_partly_or_not(sentence: str, level: str) -> None:
    grounding = ground(sentence, PASSAGES)
    assert [each.level for each in grounding.support] == [level]
    assert len(grounding.citations) == (level != "unsupported")


@pytest.mark.parametrize(
    ("sentence", "cosine", "level"),
    [
        ("Screw the fasteners in with a torque of 12 Nm.", 0.9, "supported"),
        ("Screw the fasteners in with a torque of 12 Nm.", 0.65, "partly"),
        ("Screw the fasteners in with a torque of 12 Nm.", 0.4, "unsupported"),
        ("Screw the fasteners in with a torque of 21 Nm.", 0.9, "unsupported"),
        ("Screw the five fasteners in with a torque of 12 Nm.", 0.9, "unsupported"),
        ("Never screw the fasteners in with a torque of 12 Nm.", 0.9, "unsupported"),
        ("Screw the fasteners of the Boreas in with a torque of 12 Nm.", 0.9, "unsupported"),
    ],
)
def test_other_words_of_the_same_meaning_are_supported_if_figures_and_names_agree(sentence, cosine, level):
    assert [each.level for each in ground(sentence, PASSAGES, Means(cosine)).support] == [level]


def test_the_opposite_in_the_same_words_is_not_supported():
    (support,) = ground("Do not close the inlet valve before you open the housing.", PASSAGES, Means(0.9)).support
    assert support.level == "partly"


GERMAN = "Die vier Schrauben werden mit 12 Nm angezogen."


@pytest.mark.parametrize(
    ("sentence", "compared", "cosine", "level"),
    [
        (GERMAN, "nothing", 0.1, "not_checked"),
        (GERMAN.replace("12", "21"), "nothing", 0.1, "unsupported"),
        (GERMAN, "words", 0.9, "unsupported"),
        (GERMAN, "translation", 0.9, "supported"),
        (GERMAN.replace("12", "21"), "translation", 0.9, "unsupported"),
        (GERMAN.replace("Schrauben", "Schrauben der ZP-900"), "translation", 0.9, "unsupported"),
    ],
)
def test_across_languages_meaning_counts_where_it_can_be_compared(sentence, compared, cosine, level):
    grounding = ground(sentence, PASSAGES, Means(cosine, compared))
    assert [each.level for each in grounding.support] == [level]
    assert bool(grounding.citations) == (level == "supported")


def test_code_tables_headings_and_required_lines_claim_nothing():
    footer = "Ask the Rotterdam workshop before you open anything."
    answer = f"## Filter\n\n```yaml\npull: always\npull: always\n```\n| Boreas | 9 |\nAnything else?\n\n{footer}"
    assert ground(answer, PASSAGES, basis=Basis(instructions=f"End with: {footer}")).support == ()
    assert len(ground(answer, PASSAGES).support) == 1


def test_a_name_that_only_a_neighbouring_sentence_holds_is_partly_supported() -> None:
    text = "Ada Lovelace wrote the notes. They hold an algorithm. It computes Bernoulli numbers with a machine."
    (support,) = ground("Ada Lovelace computes Bernoulli numbers with a machine.", (passage(text),)).support
    assert support.level == "partly"


def test_words_that_claim_nothing_have_no_level() -> None:
    assert ground("Yes. The filter part number is ZP-771.", PASSAGES).support[0].answer_start == 5


PRICES = (
    "Prices of 2024\n\n| Part | Price in 2023 | Price |\n| Seal kit ZP-771 | 11 EUR | 12 EUR |\n| Filter | | 8 EUR |"
)


def test_a_row_does_not_support_the_number_of_another_row() -> None:
    assert ground("The price of the seal kit is 8 EUR.", (passage(PRICES),)).citations == ()


@pytest.mark.parametrize(
    ("sentence", "words", "quote"),
    [
        ("For a child that is 2 × 8.40 = 16.80.", "Child | 8.40", "| Child | 8.40 |"),
        ("It costs 2.00 for the child, too.", "Child | 8.40", "| Child | 8.40 |"),
        ("Guests pay from the fourth on.", "From the 4. Night is a", "From the 4. Night is a fee of 6.50 due."),
        (
            "Papers may be sent late until 5 days after closing.",
            "Papers may be sent",
            "Papers may be sent until 5 days late.",
        ),
    ],
)
def test_a_sentence_cites_the_place_whose_words_the_model_gives(sentence: str, words: str, quote: str) -> None:
    texts = (
        "| Who | Price |\n|---|---|\n| Child | 8.40 |\n| Bicycle of a child | 2.00 |\n",
        "From the 4. Night is a fee of 6.50 due.",
        "Papers may be sent until 10 days after closing.",
        "Papers may be sent until 5 days late.",
    )
    files = [passage(text, f"{n}.md", start=0) for n, text in enumerate(texts)]
    basis = Basis(known=files, verify=lambda asked: [Checked(likely=0.95, words=words)] * len(asked))
    assert [each.quote for each in cite(sentence, files, basis=basis)] == [quote]


@pytest.mark.parametrize("named", ["2024", "2025"])
def test_words_that_several_editions_have_are_cited_in_the_edition_that_the_answer_names(named: str) -> None:
    text = "Up to 5 days of leave may be carried over."
    files = [passage(text, f"handbook-{year}.md", start=0) for year in ("2024", "2025")]
    answer = f"In {named} it was like this. Five days of it can be taken later."
    basis = Basis(
        known=files, verify=lambda asked: [Checked(likely=0.95, words="5 days of leave may be")] * len(asked)
    )
    assert [each.file_name for each in cite(answer, files, basis=basis)][-1] == f"handbook-{named}.md"


def test_a_sentence_that_the_model_finds_at_no_place_is_not_cited_for_a_word_that_it_shares() -> None:
    files = [passage("Morder la gasa 30 minutos y nada de enjuagues.", start=0)]
    basis = Basis(known=files, verify=lambda asked: [Checked(likely=0.95)] * len(asked), drops_open=True)
    found = ground("¡De nada!", files, basis=basis)
    assert (found.citations, found.support) == ((), ())


def test_a_row_is_judged_with_the_names_of_its_columns() -> None:
    answer = "| Pump | Price |\n| --- | --- |\n| Kestrel | dear |"
    asked: list[str] = []

    def verify(sentences: Sequence[str]) -> list[Checked | None]:
        asked.extend(sentences)
        return [Checked(likely=0.05)] * len(sentences)

    support = ground(answer, PASSAGES, basis=Basis(verify=verify)).support
    assert asked == ["Pump: Kestrel; Price: dear"]
    assert [each.level for each in support] == ["unsupported"]
    unjudged = Basis(verify=lambda sentences: [None] * len(sentences))
    assert ground(answer, PASSAGES, basis=unjudged).support == ()


def test_only_equations_that_hold_are_shown() -> None:
    files = [passage("A tandem is 46 pounds a day. An extra day is 76 pounds.", start=0)]
    basis = Basis(known=files)
    found = ground("That makes 46 + 76 = 122 pounds, 76 of them later.", files, basis=basis)
    assert [each.formulas for each in found.support] == [("46 + 76 = 122",)]
