"""The plan of reads covers every cached token of every sequence once, and shared ones for all at once."""

from hypothesis import given
from hypothesis import strategies as st

from workers.engine.pages import MIN_DIRECT_TOKENS, plan_past, plan_reads

PAGE = 16


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[list[int]], list[int]]:
    """Block tables that share beginnings, sorted, and their lengths in tokens."""
    free = iter(draw(st.permutations(range(400))))
    prefixes = [[next(free) for _ in range(draw(st.integers(1, 60)))] for _ in range(2)]
    tables = []
    for _ in range(draw(st.integers(1, 6))):
        prefix = draw(st.sampled_from(prefixes))
        tables.append(
            prefix[: draw(st.integers(0, len(prefix)))] + [next(free) for _ in range(draw(st.integers(1, 4)))]
        )
    tables.sort()
    lengths = [(len(table) - 1) * PAGE + draw(st.integers(1, PAGE)) for table in tables]
    return tables, lengths


def tokens_of(table: list[int], length: int) -> list[int]:
    return [block * PAGE + i for block in table for i in range(PAGE)][:length]


@given(batches())
def test_every_token_is_read_exactly_once_for_every_sequence(batch: tuple[list[list[int]], list[int]]) -> None:
    tables, lengths = batch
    reads = plan_reads(tables, lengths, [0] * len(tables), PAGE)
    for row, (table, length) in enumerate(zip(tables, lengths, strict=True)):
        runs = [(b.start, b.end) for b in reads.branches if b.first <= row < b.last] + list(reads.rest[row])
        assert sorted(token for start, end in runs for token in range(start, end)) == sorted(tokens_of(table, length))
        assert reads.rest[row]


@given(st.permutations(range(80)), st.integers(1, 80 * PAGE))
def test_the_past_of_a_long_prompt_is_covered_once(table: list[int], length: int) -> None:
    direct, short = plan_past(table, length, PAGE)
    covered = [token for start, end in direct + short for token in range(start, end)]
    assert sorted(covered) == sorted(tokens_of(table, length))


def test_instructions_shared_by_all_are_one_branch() -> None:
    shared = list(range(70))
    tables = [[*shared, 100 + i] for i in range(16)]
    reads = plan_reads(tables, [71 * PAGE - 3] * 16, [0] * 16, PAGE)
    assert [(b.first, b.last, b.start, b.end) for b in reads.branches] == [(0, 16, 0, 70 * PAGE)]


def test_two_gpts_are_two_branches() -> None:
    tables = [[*range(60), 200 + i] for i in range(3)] + [[*range(100, 160), 300 + i] for i in range(3)]
    reads = plan_reads(tables, [61 * PAGE] * 6, [0] * 6, PAGE)
    assert [(b.first, b.last) for b in reads.branches] == [(0, 3), (3, 6)]


def test_a_chat_alone_is_cut_where_its_instructions_end() -> None:
    n_shared = MIN_DIRECT_TOKENS // PAGE
    table = list(range(n_shared + 5))
    reads = plan_reads([table], [len(table) * PAGE], [n_shared * PAGE], PAGE)
    assert [(b.start, b.end) for b in reads.branches] == [(0, n_shared * PAGE)]
