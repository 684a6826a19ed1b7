"""transformers' batch as graphics cards run it: prepared ahead, with grammars and plain replies side by side."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from gpts.spec.tools import ToolSpec
from tests.workers.engine.tiny_model import asynchronous, save_tiny_model
from workers.engine import flash
from workers.engine.base import Grammar, Sampling
from workers.engine.batching import StockBatch
from workers.engine.calls import CallForm
from workers.engine.checked import json_problem
from workers.engine.grammar import GrammarCompiler

__all__ = ["asynchronous"]
END = 257
COUNT = {
    "type": "object",
    "properties": {"count": {"type": "integer"}, "unit": {"type": "string"}},
    "required": ["count"],
}
TOOL = ToolSpec(name="stock", description="", parameters=COUNT)
GREEDY = Sampling()
MAX_TOKENS = 160  # of one byte each


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def compiler(tokenizer: Any) -> GrammarCompiler:
    return GrammarCompiler(tokenizer, len(tokenizer), frozenset({END}), CallForm())


def opened(folder: Path) -> StockBatch:
    return StockBatch(AutoModelForCausalLM.from_pretrained(folder).eval(), 4096, frozenset({END}))


def replies(batch: StockBatch, grammars: Sequence[Any], sampling: Sampling = GREEDY) -> list[list[int]]:
    """The tokens of one reply under each grammar, all generated together."""
    prompts = [[10 + i, *range(20, 40)] for i in range(len(grammars))]
    running = [
        batch.begin(prompt, MAX_TOKENS, sampling, grammar) for prompt, grammar in zip(prompts, grammars, strict=True)
    ]
    ended = []
    for each in running:
        progress = each.read(60.0)
        while progress is not None and not progress.ended:
            progress = each.read(60.0)
        assert progress is not None
        assert progress.error == ""
        ended.append(list(progress.ids))
    return ended


def grammars(compiler: GrammarCompiler) -> list[Any]:
    wanted = [
        None,
        Grammar(json_schema=COUNT),
        None,
        Grammar(tools=(TOOL,)),
        Grammar(tools=(TOOL,), required=True),
        Grammar(json_schema=COUNT),
    ]
    return [compiler.start(each, MAX_TOKENS) if each else None for each in wanted]


@pytest.fixture
def expected(folder: Path, compiler: GrammarCompiler) -> list[list[int]]:
    """What synchronous batching writes."""
    batch = opened(folder)
    try:
        return replies(batch, grammars(compiler))
    finally:
        batch.stop()


@pytest.fixture
def ahead(expected: list[list[int]], asynchronous: None, folder: Path) -> Iterator[StockBatch]:
    batch = opened(folder)
    assert batch.manager.batch_processor.use_async_batching
    yield batch
    batch.stop()


def test_batches_prepared_ahead_write_what_synchronous_ones_write(
    ahead: StockBatch, expected: list[list[int]], compiler: GrammarCompiler, tokenizer: Any
) -> None:
    made = grammars(compiler)
    found = replies(ahead, made)
    assert found == expected
    # Tokens were taken back, but for the reply whose tools it never called.
    assert [each.strayed for each in made if each] == [True, False, True, True]
    for place in (1, 5):
        assert json_problem(tokenizer.decode(found[place][:-1]), COUNT) == ""


def test_sampled_replies_keep_to_their_schemas_ahead(
    ahead: StockBatch, compiler: GrammarCompiler, tokenizer: Any
) -> None:
    found = replies(ahead, grammars(compiler), Sampling(1.5, 0.95, 50))
    for place in (1, 5):
        assert json_problem(tokenizer.decode(found[place][:-1]), COUNT) == ""
    assert all(len(each) <= MAX_TOKENS for each in found)


def test_a_request_cancelled_while_its_blocks_are_computed_does_not_end_the_batch(ahead: StockBatch) -> None:
    step = ahead.manager._generation_step
    running: list[Any] = []

    def cancel_after_the_first() -> None:
        step()
        if running:
            running.pop().cancel()

    ahead.manager._generation_step = cancel_after_the_first
    running.append(ahead.begin([5] * 512, 40, GREEDY, None))  # two whole blocks of the cache
    assert len(replies(ahead, [None])[0]) > 0
    assert ahead.problem() is None


def test_a_flash_attention_that_cannot_be_loaded_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = "transformers.generation.continuous_batching.continuous_api"
    monkeypatch.setattr(f"{api}.is_flash_attn_2_available", lambda **options: True)  # but no package is there
    batch = opened(folder)
    try:
        assert len(replies(batch, [None])[0]) > 0
    finally:
        batch.stop()


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    all_starts: torch.Tensor,
    max_q: int,
    max_k: int,
    *,
    scale: float | None = None,
    window_size: tuple[int, int],
    enable_gqa: bool,
) -> torch.Tensor:
    """What torch's kernel does on GPUs, sequence by sequence."""
    assert window_size == (-1, 0)
    result = torch.zeros_like(query)
    for place in range(len(starts) - 1):
        new, read = slice(*starts[place : place + 2].tolist()), slice(*all_starts[place : place + 2].tolist())
        n_new, n_read = new.stop - new.start, read.stop - read.start
        assert n_new <= max_q
        assert n_read <= max_k
        mask = torch.ones(n_new, n_read, dtype=torch.bool).tril(n_read - n_new)
        rows = [each.transpose(0, 1)[None] for each in (query[new], key[read], value[read])]
        attended = torch.nn.functional.scaled_dot_product_attention(*rows, mask, scale=scale, enable_gqa=enable_gqa)
        result[new] = attended[0].transpose(0, 1)
    return result


def test_torchs_own_flash_attention_writes_the_same(
    expected: list[list[int]], folder: Path, compiler: GrammarCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "varlen_attn", attention)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert flash.try_flash(model)
    batch = StockBatch(model, 4096, frozenset({END}))
    try:
        assert batch.manager.batch_processor.inputs_and_outputs.attention_mask is None
        assert replies(batch, grammars(compiler)) == expected
    finally:
        batch.stop()


@pytest.mark.parametrize("fault", ["none here", "aligned at the start"])
def test_a_kernel_that_fails_or_is_wrong_is_left_out(
    folder: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "aligned at the start":  # without what was read before, as in other versions of flash attention

        def wrong(query: Any, key: Any, value: Any, starts: Any, all_starts: Any, *sizes: int, **options: Any) -> Any:
            return attention(query, key, value, starts, starts, *sizes, **options)

        monkeypatch.setattr(flash, "varlen_attn", wrong)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert not flash.try_flash(model)
    assert model.config._attn_implementation == "sdpa"
