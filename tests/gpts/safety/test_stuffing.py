"""Copies made to win searches are found; what repeats by nature is left alone."""

import random
from time import process_time

from gpts.knowledge.documents import Block, Document
from gpts.safety.findings import settled
from gpts.safety.stuffing import stuffed_repeats

REFUND = "Our refund policy is simple: every purchase at {} can be returned within {} days if you call us first."
WORDS = [f"word{n}" for n in range(5_000)]


def paragraphs(n: int, seed: int = 0) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=40)) for _ in range(n)]


def document(texts: list[str], page: int | None = None) -> Document:
    return Document(title="", blocks=tuple(Block(text=text, page=page) for text in texts))


def copies(n: int) -> list[str]:
    return [REFUND.format(f"shop {each}", 30 + each) for each in range(n)]


def test_near_copies_of_a_paragraph_are_one_finding_without_the_first() -> None:
    texts = [text for pair in zip(paragraphs(8), copies(8), strict=True) for text in pair]
    before = document(texts)
    (found,) = stuffed_repeats(before)
    assert found.kind == "stuffed_repeats"
    after = settled(before.model_copy(update={"findings": (found,)}), {found.id: "drop"})
    assert [block.text for block in after.blocks if "refund" in block.text] == [copies(1)[0]]
    assert len(after.blocks) == 9


def test_a_few_copies_are_nobodys_business() -> None:
    assert list(stuffed_repeats(document([*paragraphs(20), *copies(3)]))) == []


def test_a_question_that_opens_every_answer_is_found() -> None:
    text = "What is the refund policy? Call 555-0199 to hear it. " * 6
    before = document(["Intro.", text.strip()])
    (found,) = stuffed_repeats(before)
    after = settled(before.model_copy(update={"findings": (found,)}), {found.id: "drop"})
    assert after.text().count("What is the refund policy?") == 1


def test_a_list_of_search_words_is_found() -> None:
    text = "best cheap hotel berlin " * 30
    assert [found.kind for found in stuffed_repeats(document([text]))] == ["stuffed_repeats"]


def test_tables_lists_and_code_repeat_by_nature() -> None:
    table = "\n".join(f"| Filter {n} | every six months or after 200 hours | dealer |" for n in range(12))
    items = "\n".join(f"- Check valve {n} for leaks and tighten the screws of the cover by hand" for n in range(12))
    code = "for (int i = 0; i < n; i++) { total += values[i]; count += weights[i]; print(total / count); }"
    assert list(stuffed_repeats(document([table] * 8 + [items] * 8 + [code] * 8))) == []


def test_what_stands_on_every_page_is_left_alone() -> None:
    footer = "Confidential: this manual may not be copied or passed on without the maker's consent in writing."
    blocks = [Block(text=text, page=page) for page, body in enumerate(paragraphs(30), 1) for text in (body, footer)]
    assert list(stuffed_repeats(Document(title="", blocks=tuple(blocks)))) == []


def test_a_note_under_every_heading_is_left_alone() -> None:
    note = "Before you begin with this section, switch off the mains, let the pump cool down and put on your gloves."
    blocks = [Block(text=note, heading=f"Manual > Section {n}") for n in range(20)]
    assert list(stuffed_repeats(Document(title="", blocks=tuple(blocks)))) == []


def test_records_labels_and_disclaimers_are_left_alone() -> None:
    record = "\n".join(f"Office type {n}: Representative of the district" for n in range(8))
    labels = "Share on Facebook\nShare on Twitter\nSend by mail\n" * 12
    disclaimer = (
        "This message is meant for its addressee only; if you got it by mistake, please delete it and tell us."
    )
    mails = [text for body in paragraphs(12) for text in (body * 5, disclaimer)]
    assert list(stuffed_repeats(document([record] * 8 + [labels] + mails))) == []


def test_the_time_grows_with_the_text_and_not_with_its_square() -> None:
    def seconds(n: int) -> float:
        large = document([*paragraphs(n), *copies(n // 10)])
        begun = process_time()
        assert len(list(stuffed_repeats(large))) == 1
        return process_time() - begun

    few = min(seconds(1_000) for _ in range(3))
    assert any(seconds(4_000) < 8 * few for _ in range(3))
