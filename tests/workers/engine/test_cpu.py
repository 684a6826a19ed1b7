"""The parts of the CPU engine: matrices, blocks of the cache, and the batch with a stand-in for the model."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov
import pytest
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize
from openvino import opset15 as ops

from workers.engine.base import EngineError, Sampling, served_person
from workers.engine.choosing import choose, source_of
from workers.engine.cpu import matrices
from workers.engine.cpu.batch import CpuBatch
from workers.engine.cpu.blocks import BlockCache, keys_of
from workers.engine.cpu.decoder import BLOCK_TOKENS, Part
from workers.engine.cpu.matrices import Matrix, from_gguf, row_order
from workers.engine.cpu.sources import open_source

END = 0
KINDS = [GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0, GGMLQuantizationType.F16]


def product(matrix: Matrix, x: np.ndarray) -> np.ndarray:
    """`x` `(rows, columns)` times the matrix, as the CPU computes it."""
    given = ops.parameter([1, -1, matrix.n_columns], ov.Type.f32)
    model = ov.Core().compile_model(ov.Model([matrix.product(given)], [given]), "CPU")
    result: np.ndarray = model([x[None]])[0][0]
    return result


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("grouped", [True, False])
def test_a_packed_matrix_multiplies_like_the_numbers_in_the_file(
    kind: GGMLQuantizationType, grouped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "MIN_GROUPED", 0 if grouped else 1 << 60)
    random = np.random.default_rng(1)
    # Shifted, so that a rounded minimum would be seen.
    blocks = quantize(random.normal(0.3, 1.0, (96, 256)).astype(np.float32), kind)
    exact = dequantize(blocks, kind).astype(np.float32)
    x = random.normal(0.5, 1.0, (5, 256)).astype(np.float32)
    found = product(from_gguf(blocks, kind, (96, 256)), x)
    assert np.abs(found - x @ exact.T).mean() < 0.02 * np.abs(x @ exact.T).mean()


def test_a_k_block_is_unpacked_as_the_library_does() -> None:
    # A superblock of 256 weights: two scales, eight pairs of 6 bits, and 128 bytes; any bytes are a valid one.
    random = np.random.default_rng(2)
    blocks = random.integers(0, 256, (4, 144), dtype=np.uint8)
    blocks[:, :4] = np.frombuffer(np.array([0.01, 0.02], np.float16).tobytes(), np.uint8)
    groups = matrices._q4_k(blocks)
    unpacked = groups.scales[:, None] * groups.numbers + groups.minima[:, None]
    np.testing.assert_allclose(unpacked.reshape(4, 256), dequantize(blocks, GGMLQuantizationType.Q4_K), atol=1e-5)


def test_interleaved_rows_are_put_back_in_the_models_order() -> None:
    stored = np.array([0, 2, 1, 3, 4, 6, 5, 7])  # two heads of four rows, halves interleaved
    assert stored[row_order(2, 8)].tolist() == list(range(8))


def test_files_that_the_engine_does_not_know_are_refused(tmp_path: Any) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 60)
    with pytest.raises(EngineError):
        open_source(broken)
    other = tmp_path / "other.gguf"
    writer = GGUFWriter(other, "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(EngineError, match="architecture 'mamba'"):
        open_source(other)
    (tmp_path / "config.json").write_text('{"model_type": "gemma3_text"}', "utf-8")
    with pytest.raises(EngineError, match="type 'gemma3_text'"):
        open_source(tmp_path)


def test_blocks_are_shared_kept_while_unused_and_reused_when_needed() -> None:
    cache, keys = BlockCache(3), keys_of(range(2 * BLOCK_TOKENS + 5))
    assert len(keys) == 2
    first = cache.take(3)
    assert first is not None
    assert cache.take(1) is None
    for block, key in zip(first, keys, strict=False):
        cache.name(block, key)
    cache.release(first)
    assert cache.n_available == 3
    found = cache.find(keys)
    assert found == first[:2]
    assert cache.take(2) is None  # those in use are not taken away
    cache.release(found)
    cache.take(2)
    assert cache.find(keys) == first[:1]  # of a beginning, the end is forgotten first


def test_a_key_depends_on_everything_before_it() -> None:
    one, other = list(range(64)), [7, *range(1, 64)]
    assert keys_of(one)[1] != keys_of(other)[1]


class CountingModel:
    """Stands in for a model: the next token is the last one plus one, END after 9; `n_blocks` of cache.

    Checks what a real one relies on: all earlier tokens of a part are in its blocks.
    """

    def __init__(self, n_blocks: int = 64) -> None:
        self.n_blocks = n_blocks
        self.held: dict[tuple[int, int], int] = {}
        self.n_read = 0
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def run(self, parts: Sequence[Part]) -> np.ndarray:
        self.entered.set()
        self.go.wait(20)
        logits = np.zeros((len(parts), 12), np.float32)
        for row, part in enumerate(parts):
            for at, token in enumerate(part.ids, part.n_past):
                self.held[part.blocks[at // BLOCK_TOKENS], at % BLOCK_TOKENS] = token
            assert all((part.blocks[at // BLOCK_TOKENS], at % BLOCK_TOKENS) in self.held for at in range(part.n_past))
            self.n_read += len(part.ids)
            logits[row, (part.ids[-1] + 1) % 10] = 1.0
        return logits


def reply_of(running: Any) -> list[int]:
    while (progress := running.read(20.0)) is not None:
        if progress.error:
            raise EngineError(progress.error)
        if progress.ended:
            return list(progress.ids)
    raise AssertionError("nothing came")


@pytest.fixture
def model() -> CountingModel:
    return CountingModel()


@pytest.fixture
def batch(model: CountingModel) -> Any:
    batch = CpuBatch(model, frozenset({END}))  # type: ignore[arg-type]
    yield batch
    batch.stop()


def test_replies_end_at_their_end_or_their_limit(batch: CpuBatch) -> None:
    assert reply_of(batch.begin([1, 2, 5], 40, Sampling(), None)) == [6, 7, 8, 9, END]
    assert reply_of(batch.begin([1, 2, 5], 2, Sampling(), None)) == [6, 7]


def test_prompts_that_begin_alike_are_read_once(batch: CpuBatch, model: CountingModel) -> None:
    beginning = [3] * (10 * BLOCK_TOKENS)
    model.go.clear()
    running = [batch.begin([*beginning, 4 + i], 3, Sampling(), None) for i in range(4)]
    model.go.set()
    assert [reply_of(one)[0] for one in running] == [5, 6, 7, 8]
    assert model.n_read < 2 * len(beginning)
    assert sorted(one.cached_tokens for one in running)[1:] == [len(beginning)] * 3


def test_when_the_cache_is_full_all_replies_still_come_whole() -> None:
    model = CountingModel(n_blocks=9)
    batch = CpuBatch(model, frozenset({END}))  # type: ignore[arg-type]
    # Each grows into a third block; together they want more than there is.
    prompts = [[i + 1] * (2 * BLOCK_TOKENS - 3) for i in range(5)]
    running = [batch.begin(prompt, 9, Sampling(), None) for prompt in prompts]
    for i, one in enumerate(running):
        assert reply_of(one) == [*range(i + 2, 10), END][:9]
    assert batch.n_running == 0
    batch.stop()


def test_a_prompt_of_somebody_with_none_in_the_full_batch_goes_before_those_of_who_fills_it(monkeypatch) -> None:
    monkeypatch.setattr("workers.engine.cpu.batch.MAX_RUNNING", 2)
    model = CountingModel()
    batch = CpuBatch(model, frozenset({END}))  # type: ignore[arg-type]
    model.go.clear()
    entered: list[int] = []
    monkeypatch.setattr(batch, "_enter", lambda one, enter=batch._enter: (entered.append(one.person), enter(one)))
    running = []
    for person in (1, 1, 1, 1, 2):
        served_person.set(person)
        running.append(batch.begin([1, 2, len(running)], 40, Sampling(), None))
        model.entered.wait(20)  # the first is being computed while the others come
    model.go.set()
    for one in running:
        reply_of(one)
    batch.stop()
    assert entered == [1, 2, 1, 1, 1]


def test_a_cancelled_request_leaves_and_the_others_go_on(batch: CpuBatch, model: CountingModel) -> None:
    model.go.clear()
    gone, kept = (batch.begin([1, 2, 2 + i], 40, Sampling(), None) for i in range(2))
    model.entered.wait(20)
    gone.cancel()
    model.go.set()
    assert reply_of(kept) == [4, 5, 6, 7, 8, 9, END]
    assert batch.n_running == 0


def test_after_a_failure_everybody_hears_of_it_and_nothing_is_added(batch: CpuBatch, model: CountingModel) -> None:
    model.go.clear()
    running = [batch.begin([1, 2, 3], 40, Sampling(), None) for _ in range(2)]
    model.entered.wait(20)
    model.run = None  # type: ignore[assignment, method-assign]
    model.go.set()
    for one in running:
        with pytest.raises(EngineError):
            reply_of(one)
    assert batch.problem()
    with pytest.raises(EngineError, match="try again"):
        batch.begin([1], 2, Sampling(), None)


def test_only_allowed_tokens_are_chosen_and_draws_keep_to_top_p() -> None:
    scores = np.array([9.0, 8.0, 1.0, 0.0, -1.0], np.float32)
    assert choose(scores, Sampling()) == 0
    allowed = np.array([0b11100], np.uint8)
    assert choose(scores, Sampling(), allowed) == 2
    assert {choose(scores, Sampling(1.0), allowed) for _ in range(300)} == {2, 3, 4}
    assert {choose(scores, Sampling(1.0, top_p=0.95)) for _ in range(100)} == {0, 1}
    assert {choose(scores, Sampling(2.0, top_k=3)) for _ in range(300)} <= {0, 1, 2}


def test_penalties_biases_and_seeds_change_the_choice_as_openai_says() -> None:
    scores = np.array([3.0, 2.0, 1.0, 0.0], np.float32)
    assert choose(scores, Sampling(presence_penalty=1.5), reply=[0]) == 1
    assert choose(scores, Sampling(presence_penalty=0.5), reply=[0, 0, 0]) == 0
    assert choose(scores, Sampling(frequency_penalty=0.5), reply=[0, 0, 0]) == 1
    assert choose(scores, Sampling(logit_bias=((3, 100.0), (99, 100.0)))) == 3
    assert choose(scores, Sampling(logit_bias=((0, -100.0),))) == 1
    assert scores.tolist() == [3.0, 2.0, 1.0, 0.0], "are the model's own, for other requests too"
    flat = np.zeros(1_000, np.float32)
    drawn = [[choose(flat, Sampling(1.0), source=source) for _ in range(5)] for source in map(source_of, (7, 7, 8))]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_seed_and_penalties_count_for_their_own_reply_only(batch: CpuBatch) -> None:
    warm = Sampling(temperature=5.0, seed=7)
    first, again = (reply_of(batch.begin([1, 2, 5], 20, warm, None)) for _ in range(2))
    assert first == again
    never_six = Sampling(logit_bias=((6, -100.0),))
    assert 6 not in reply_of(batch.begin([1, 2, 5], 4, never_six, None))
    assert reply_of(batch.begin([1, 2, 5], 4, Sampling(), None)) == [6, 7, 8, 9]
