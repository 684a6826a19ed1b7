"""The owner's decisions cut exactly what was dropped, and everything else keeps its place."""

from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.documents import Block, Document, Finding
from gpts.safety.findings import settled, undecided, without


def finding(name: str, *spans: tuple[int, int], severity: str = "quarantine") -> Finding:
    return Finding(id=name, kind="invisible_text", severity=severity, message="", excerpt="", spans=spans)


def document(*texts: str, findings: tuple[Finding, ...] = ()) -> Document:
    return Document(title="", blocks=tuple(Block(text=text) for text in texts), findings=findings)


def spanned(left: Document, name: str) -> list[str]:
    text = left.text()
    return [text[start:end] for each in left.findings if each.id == name for start, end in each.spans]


def test_only_quarantined_findings_wait_for_a_decision() -> None:
    found = (finding("a"), finding("b"), finding("c", severity="note"))
    assert [each.id for each in undecided(found, {"a": "accept"})] == ["b"]


def test_without_decisions_to_drop_nothing_changes() -> None:
    before = document("One two.", findings=(finding("a", (0, 3)),))
    assert settled(before, {"a": "accept"}) is before
    hinted = document("One two.", findings=(finding("a", (0, 3), severity="hint"),))
    assert settled(hinted, {}) is hinted


def test_what_waits_for_a_decision_stays_out_meanwhile() -> None:
    left = settled(document("One two.", findings=(finding("a", (0, 4)),)), {})
    assert (left.text(), left.findings[0].spans) == ("two.", ())


def test_a_dropped_range_goes_and_an_accepted_one_moves() -> None:
    before = document("Keep bad keep.", "Fine good fine.", findings=(finding("a", (5, 9)), finding("b", (21, 25))))
    assert spanned(before, "b") == ["good"]
    after = settled(before, {"a": "drop", "b": "accept"})
    assert after.text() == "Keep keep.\n\nFine good fine."
    assert spanned(after, "a") == []
    assert spanned(after, "b") == ["good"]


def test_a_block_of_which_nothing_is_left_goes_as_a_whole() -> None:
    before = document("One.", "Bad.", "Three.", findings=(finding("a", (6, 10)), finding("b", (12, 17))))
    after = settled(before, {"a": "drop", "b": "accept"})
    assert [block.text for block in after.blocks] == ["One.", "Three."]
    assert spanned(after, "b") == ["Three"]


def test_a_range_over_several_blocks_goes_from_each() -> None:
    after = settled(document("abcd", "efgh", "ijkl", findings=(finding("a", (2, 14)),)), {"a": "drop"})
    assert [block.text for block in after.blocks] == ["ab", "kl"]


def test_findings_that_overlap_lose_only_what_is_dropped() -> None:
    before = document("0123456789", findings=(finding("a", (2, 6)), finding("b", (4, 8)), finding("c", (0, 10))))
    after = settled(before, {"a": "drop", "b": "accept", "c": "accept"})
    assert after.text() == "016789"
    assert spanned(after, "b") == ["67"]
    assert spanned(after, "c") == ["016789"]


def test_a_range_that_touches_the_gap_between_blocks_moves_whole() -> None:
    before = document("Bad. One.", "Two.", findings=(finding("a", (0, 5)), finding("b", (5, 15))))
    after = settled(before, {"a": "drop", "b": "accept"})
    assert spanned(after, "b") == ["One.", "Two."]


def test_everything_may_be_dropped() -> None:
    assert settled(document("Bad.", findings=(finding("a", (0, 4)),)), {"a": "drop"}).blocks == ()


def test_what_goes_from_a_heading_goes_from_the_path_beneath_it() -> None:
    blocks = (
        Block(text="Care bad", heading="Care bad"),
        Block(text="Tools bad", heading="Care bad > Tools bad"),
        Block(text="A spanner.", heading="Care bad > Tools bad"),
        Block(text="Bad", heading="Care bad > Bad"),
        Block(text="A bucket.", heading="Care bad > Bad"),
        Block(text="Other", heading="Other"),
    )
    before = Document(title="", blocks=blocks)
    places = [at for at in range(len(before.text())) if before.text()[at:].lower().startswith(("bad", " bad"))]
    after = without(before, [(at, at + (4 if before.text()[at] == " " else 3)) for at in places])
    assert [(block.heading, block.text) for block in after.blocks] == [
        ("Care", "Care"),
        ("Care > Tools", "Tools"),
        ("Care > Tools", "A spanner."),
        ("Care", "A bucket."),
        ("Other", "Other"),
    ]
    assert [block.is_heading() for block in after.blocks] == [True, True, False, False, True]


@given(
    st.lists(st.text("ab ", min_size=1, max_size=6), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5),
)
def test_what_stays_is_what_was_there(
    texts: list[str], gone: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> None:
    # Every character is its own, so that a moved range shows whether it still means the same.
    letters = iter(map(chr, range(0x4E00, 0x9000)))
    texts = ["".join(next(letters) for _ in text) for text in texts]
    before = document(*texts, findings=(finding("gone", *gone), finding("kept", *kept)))
    after = settled(before, {"gone": "drop", "kept": "accept"})
    lost = {at for start, end in gone for at in range(start, end)}
    text = before.text()
    assert after.text().replace("\n", "") == "".join(c for i, c in enumerate(text) if i not in lost and c != "\n")
    held = {at for start, end in kept for at in range(start, end)} - lost
    expected = {text[at] for at in held if at < len(text) and text[at] != "\n"}
    assert set("".join(spanned(after, "kept"))) - {"\n"} == expected
