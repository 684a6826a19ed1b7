"""Chunks are literal pieces of the document, small enough to embed, and true to its headings."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.chunking import CHUNK_TOKENS, OVERLAP_TOKENS, chunk, embedded_text
from gpts.knowledge.documents import Block, Chunk, Document
from gpts.knowledge.sentences import sentence_spans


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def count_characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def sentence(number: int, n_words: int = 20) -> str:
    return f"Sentence {number} " + "word " * (n_words - 3) + "ends."


headings = st.sampled_from(["", "Care", "Care > Water", "Care > Light", "Repair"])
blocks = st.builds(
    Block, text=st.text(alphabet=st.sampled_from("ab C.?\n水"), min_size=1, max_size=900), heading=headings
)


@given(st.lists(blocks, max_size=8))
def test_chunks_are_literal_whole_and_small(parts: list[Block]) -> None:
    document = Document(title="", blocks=tuple(parts))
    text = document.text()
    chunks = chunk(document, count_characters)
    assert all(text[c.start : c.end] == c.text and c.text.strip() for c in chunks)
    assert [c.start for c in chunks] == sorted({c.start for c in chunks})
    covered = {i for c in chunks for i in range(c.start, c.end)}
    assert all(text[i].isspace() for i in set(range(len(text))) - covered)
    # Counted in sentences: the spaces and blank lines between them cost no tokens.
    assert all(sum(len(c.text[s.start : s.end]) for s in sentence_spans(c.text)) <= CHUNK_TOKENS for c in chunks)


def test_neighbours_in_a_section_share_about_fifty_tokens() -> None:
    document = Document(title="", blocks=(Block(text=" ".join(sentence(i) for i in range(30)), heading="Care"),))
    chunks = chunk(document, count_words)
    overlaps = [len(document.text()[b.start : a.end].split()) for a, b in itertools.pairwise(chunks)]
    assert overlaps
    assert all(OVERLAP_TOKENS - 20 < overlap <= OVERLAP_TOKENS for overlap in overlaps)


def test_a_top_heading_begins_a_chunk_even_when_the_last_one_is_short() -> None:
    blocks = (
        Block(text="Care", heading="Care"),
        Block(text="Water weekly.", heading="Care"),
        Block(text="Repair", heading="Repair"),
        Block(text="Send it in.", heading="Repair"),
    )
    chunks = chunk(Document(title="", blocks=blocks), count_words)
    assert [(c.heading, c.text) for c in chunks] == [
        ("Care", "Care\n\nWater weekly."),
        ("Repair", "Repair\n\nSend it in."),
    ]


def test_short_sections_under_one_top_heading_stay_together() -> None:
    blocks = tuple(Block(text=f"Short text {i}.", heading=f"Care > Part {i}") for i in range(3))
    assert len(chunk(Document(title="", blocks=blocks), count_words)) == 1


def test_a_heading_never_ends_a_chunk_that_its_text_is_not_in() -> None:
    blocks = (
        Block(text=" ".join(sentence(i) for i in range(9)), heading="Care"),
        Block(text="Water", heading="Care > Water"),
        Block(text=sentence(99, 40), heading="Care > Water"),
    )
    chunks = chunk(Document(title="", blocks=blocks), count_words)
    assert not any(c.text.endswith("Water") for c in chunks)
    assert chunks[-1].text.startswith("Water\n\nSentence 99")


def test_a_chunk_tells_the_page_where_it_begins() -> None:
    blocks = tuple(Block(text=" ".join(sentence(i) for i in range(10)), page=page) for page in (1, 2))
    assert {c.page for c in chunk(Document(title="", blocks=blocks), count_words)} == {1, 2}


def test_no_chunk_begins_with_rows_whose_header_is_in_another() -> None:
    groups = ["| Door | Set |\n" + "\n".join(f"| D{n}.{row} | S{row} |" for row in range(9)) for n in range(20)]
    document = Document(title="", blocks=(Block(text=sentence(1)), *(Block(text=group) for group in groups)))
    chunks = chunk(document, count_words)
    assert len(chunks) > 3
    assert all(each.text.startswith("| Door |") for each in chunks[1:])


def test_an_empty_document_has_no_chunks() -> None:
    assert chunk(Document(title="", blocks=()), count_words) == ()


def test_a_chunk_is_embedded_below_its_headings_and_without_the_bars_of_a_table() -> None:
    rows = Chunk(text="| Fuel | | 12 |\n| Tyres | 3 |\nx||y", start=0, end=33, heading="Costs > Fuel", page=None)
    assert embedded_text(rows).split("\n") == ["Costs > Fuel", " Fuel 12 ", " Tyres 3 ", "x||y"]
    assert embedded_text(rows.model_copy(update={"heading": "", "text": "Plain."})) == "Plain."
