"""A segment gives back what went in, in parts, whether it is read or mapped, and notices when it was changed."""

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.chunking import chunk
from gpts.knowledge.documents import Block, Document
from gpts.knowledge.marks import Mark
from gpts.knowledge.sections import section_around
from gpts.spec.gpt import KnowledgeRef
from tests.workers.knowledge.conftest import WordEmbedder
from tests.workers.knowledge.made import clustered, made_segment
from workers.knowledge import publishing, segments
from workers.knowledge.content import Content, Segment, SegmentInfo, columns_of, vectors_of
from workers.knowledge.errors import SegmentCorrupt, SegmentMissing
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.lexical import Postings
from workers.knowledge.passages import stretch
from workers.knowledge.segment_cache import SegmentCache

blocks = st.lists(
    st.builds(
        Block,
        text=st.text(st.sampled_from("aé漢🙂. \n"), min_size=1, max_size=40),
        heading=st.sampled_from(["", "Top", "Top > Größe"]),
        page=st.sampled_from([None, 1, 2]),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def mapped(monkeypatch) -> None:
    """Segments of any size are mapped, as large ones are."""
    monkeypatch.setattr(segments, "SMALL_BYTES", 0)


def opened(document: Document) -> Segment:
    """The document as a segment that never saw a disk."""
    chunks = chunk(document, WordEmbedder().count_tokens)
    vectors = np.ones((len(chunks), 4), np.float32)
    content = Content(document, chunks, 0, vectors, Postings.of([[] for _ in chunks]))
    info = SegmentInfo("0" * 32, document.title, len(chunks), 0, 0)
    return Segment(info, "words-1", columns_of(content), vectors_of(vectors), content.postings, 1)


@given(blocks, st.data())
def test_any_part_of_the_text_is_the_same_part_of_the_document(made: list[Block], data: st.DataObject) -> None:
    document = Document(title="t", blocks=tuple(made))
    text, segment = document.text(), opened(document)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert (segment.n_chars, segment.part(start, end)) == (len(text), text[start:end])


@given(blocks)
def test_chunks_and_blocks_come_back_as_they_were(made: list[Block]) -> None:
    document = Document(title="t", blocks=tuple(made))
    segment = opened(document)
    assert tuple(block for _, block in segment.blocks(0, segment.n_chars)) == document.blocks
    chunks = chunk(document, WordEmbedder().count_tokens)
    assert tuple(segment.chunk(row) for row in range(len(chunks))) == chunks


def test_marks_come_back_with_the_part_that_they_stand_in_and_older_segments_have_none() -> None:
    code = Mark(start=0, end=11, before="```\n", after="\n```")
    block = Block(text="x = 1\ny = 2").before_removed(["a comment"])
    made = Document(title="", blocks=(Block(text="Top."), block.model_copy(update={"marks": (*block.marks, code)})))
    segment, ref = opened(made), KnowledgeRef(file_id="f", name="f", segment="s")
    assert stretch(ref, segment, 0, segment.n_chars).for_model() == (
        "Top.\n\n```\nx = 1\ny = 2\n```\n\n[removed: a comment]"
    )
    assert stretch(ref, segment, 6, 11).for_model() == "```\nx = 1\n```"
    columns = {name: each for name, each in segment.columns.items() if not name.startswith("mark")}
    assert replace(segment, columns=columns).marks(0, 99) == ()


def test_a_mapped_segment_says_what_a_read_one_says(tmp_path, monkeypatch) -> None:
    address = made_segment(tmp_path, 1, 30).address
    read = segments.load(tmp_path, address)
    monkeypatch.setattr(segments, "SMALL_BYTES", 0)
    mapped = segments.load(tmp_path, address)
    assert (read.n_bytes > 0, mapped.n_bytes) == (True, 0)
    assert mapped.info == read.info
    assert list(mapped.blocks(0, mapped.n_chars)) == list(read.blocks(0, read.n_chars))
    vector = clustered(1, 16, seed=5)
    assert mapped.nearest(vector, 5) == read.nearest(vector, 5)


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("name", ["columns.bin", "vectors.faiss"])
def test_a_byte_flipped_in_a_mapped_segment_is_found_in_the_background(name, tmp_path) -> None:
    address = made_segment(tmp_path, 1, 30).address
    path = segments.folder(tmp_path, address) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    cache = SegmentCache(tmp_path)
    with pytest.raises(SegmentCorrupt):
        wait_until_it_raises(lambda: cache.segment(address))


@pytest.mark.usefixtures("mapped")
def test_a_mapped_segment_that_was_cut_short_is_refused_at_once(tmp_path) -> None:
    address = made_segment(tmp_path, 1, 30).address
    path = segments.folder(tmp_path, address) / "columns.bin"
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(SegmentCorrupt):
        segments.load(tmp_path, address)


@pytest.mark.usefixtures("mapped")
def test_a_segment_that_is_swept_while_open_goes_on_answering(tmp_path) -> None:
    address = made_segment(tmp_path, 1, 300).address
    segment, vector = segments.load(tmp_path, address), clustered(1, 16, seed=5)
    before = segment.nearest(vector, 5), segment.part(0, segment.n_chars)
    publishing.discard(segments.folder(tmp_path, address))
    assert (segment.nearest(vector, 5), segment.part(0, segment.n_chars)) == before
    with pytest.raises(SegmentMissing):
        segments.load(tmp_path, address)


def test_opening_lists_no_folder(tmp_path, monkeypatch) -> None:
    address = made_segment(tmp_path, 1, 30).address
    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, lambda *_: pytest.fail("listed a folder"))
    assert SegmentCache(tmp_path).segment(address).chunk(0).text


def test_a_cold_small_index_among_thousands_opens_in_20_ms(tmp_path) -> None:
    address = made_segment(tmp_path, 1, 500, dim=384).address
    for number in range(3_000):
        (tmp_path / "segments" / f"{number:032x}").mkdir()
    took = []
    for number in range(9):
        copy = f"{number:032x}"
        shutil.copytree(segments.folder(tmp_path, address), segments.folder(tmp_path, copy), dirs_exist_ok=True)
        cache = SegmentCache(tmp_path)
        started = time.thread_time()
        cache.segment(copy).chunk(0)
        took.append(time.thread_time() - started)
    assert sorted(took)[len(took) // 2] < 0.02


@pytest.mark.usefixtures("mapped")
def test_mapped_segments_count_by_their_number(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("workers.knowledge.segment_cache.MAPPED", 2)
    cache = SegmentCache(tmp_path)
    for seed in range(4):
        cache.segment(made_segment(tmp_path, seed, 5).address)
    assert len(cache._segments) == 2


def test_searches_in_many_threads_agree_while_segments_come_and_go(tmp_path, embedder) -> None:
    embedder.encode_query = lambda text: clustered(1, 16, seed=7)
    refs = [
        KnowledgeRef(file_id=str(seed), name=f"{seed}.txt", segment=made_segment(tmp_path, seed, 30).address)
        for seed in range(6)
    ]
    index = KnowledgeIndex(tmp_path, embedder, cache_bytes=1)
    expected = [index.search(refs[start : start + 3], "word1 word2") for start in range(4)]
    wrong: list[object] = []

    def search_all() -> None:
        for turn in range(12):
            found = index.search(refs[turn % 4 : turn % 4 + 3], "word1 word2")
            if found != expected[turn % 4]:
                wrong.append(found)

    threads = [threading.Thread(target=search_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_surroundings_are_those_of_the_whole_document(tmp_path, embedder) -> None:
    made = [Block(text=f"{'Wort ' * (n % 7)}ü {n}.", heading=f"Part {n // 20}", page=n // 9 + 1) for n in range(200)]
    document = Document(title="long", blocks=tuple(made))
    chunks = chunk(document, embedder.count_tokens)
    content = Content(document, chunks, 900, np.ones((len(chunks), 64), np.float32), Postings.of([[]] * len(chunks)))
    info = segments.write(tmp_path, segments.Recipe("0" * 64, "words-1", 64), content)
    index = KnowledgeIndex(tmp_path, embedder)
    for start in range(0, len(document.text()) - 40, 97):
        for room in (0, 30, 300):
            expected = section_around(document, start, start + 40, room)
            assert index.surroundings(info.address, start, start + 40, room) == expected


def test_an_explanation_tells_how_each_half_saw_a_chunk_and_what_is_given(tmp_path, embedder) -> None:
    embedder.encode_query = lambda text: clustered(1, 16, seed=7)
    ref = KnowledgeRef(file_id="1", name="a.txt", segment=made_segment(tmp_path, 1, 300).address)
    index = KnowledgeIndex(tmp_path, embedder)
    explained = index.explain([ref], "word1 word2")
    assert [each.passage for each in explained] == index.rank([ref], "word1 word2")[0]
    assert len(explained) >= 100
    words = [each for each in explained if each.bm25]
    assert words
    assert all("word1" in each.passage.text or "word2" in each.passage.text for each in words)
    given = index.search([ref], "word1 word2").passages
    assert {each.passage.chunk for each in explained if each.is_given} >= {each.chunk for each in given}


def wait_until_it_raises(work, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        work()
        threading.Event().wait(0.01)


def test_the_same_segment_written_twice_is_one(tmp_path) -> None:
    assert made_segment(tmp_path, 1, 5) == made_segment(tmp_path, 1, 5)
    assert len(list((tmp_path / "segments").iterdir())) == 1


def test_an_older_manifest_counts_as_damaged_and_is_built_anew(tmp_path: Path) -> None:
    address = made_segment(tmp_path, 1, 5).address
    (segments.folder(tmp_path, address) / "manifest.json").write_text('{"recipe": {}}')
    with pytest.raises(SegmentCorrupt):
        segments.load(tmp_path, address)
    assert segments.reusable(tmp_path, address) is None
