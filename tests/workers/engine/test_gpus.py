"""Which GPU holds a model and with how many bits; and the packed weights, on the CPU."""

from pathlib import Path

import pytest
import torch

from gpts.runs.messages import PromptMessage
from tests.workers.engine.tiny_model import save_tiny_model
from workers.engine import gpus
from workers.engine.base import EngineConfig, EngineError, GenerationRequest
from workers.engine.gpus import choose_bits, gpus_needed, place
from workers.engine.hf import HfEngine

GB = 1_000_000_000
CHOICES = [16, 8, 4]


@pytest.mark.parametrize(
    ("weights", "free", "choices", "bits"),
    [
        (16 * GB, [24 * GB], CHOICES, 16),
        (16 * GB, [12 * GB], CHOICES, 8),
        (16 * GB, [8 * GB], CHOICES, 4),
        (16 * GB, [8 * GB, 24 * GB], CHOICES, 16),
        (16 * GB, [80 * GB], [4], 4),
    ],
)
def test_a_model_has_as_many_bits_as_fit_one_gpu(weights, free, choices, bits):
    assert choose_bits(weights, free, choices) == bits


@pytest.mark.parametrize(
    ("weights", "free", "choices", "installed", "advice"),
    [
        (
            140 * GB,
            [24 * GB],
            CHOICES,
            True,
            "needs 55.9 GB of GPU memory with 4 bits per weight; 24.0 GB are free. Choose",
        ),
        (140 * GB, [40 * GB, 40 * GB], CHOICES, True, "Set ENGINE=vllm, which spreads a model over several"),
        (16 * GB, [12 * GB], [16], False, "need the extra `gpu`"),
    ],
)
def test_a_model_that_fits_no_gpu_is_refused_with_what_to_do(monkeypatch, weights, free, choices, installed, advice):
    monkeypatch.setattr(gpus, "find_spec", lambda name: installed or None)
    with pytest.raises(EngineError, match=advice):
        choose_bits(weights, free, choices)


@pytest.mark.parametrize("stated", ['"quantization_config": {"quant_method": "mxfp4"},', '"num_local_experts": 8,'])
def test_a_model_goes_on_the_emptiest_gpu_and_stays_as_it_is_if_packed(monkeypatch, tmp_path, stated):
    folder = save_tiny_model(tmp_path)
    monkeypatch.setattr(gpus, "free_memory", lambda: [2 * GB, 4 * GB])
    assert place(folder, EngineConfig()) == ("cuda:1", 16)
    assert place(folder, EngineConfig(weight_bits=4)) == ("cuda:1", 4)
    described = (folder / "config.json").read_text().replace("{", "{" + stated, 1)
    (folder / "config.json").write_text(described)
    assert place(folder, EngineConfig(weight_bits=4)) == ("cuda:1", 16)


@pytest.mark.parametrize(
    ("weights", "n_gpus", "n_needed"), [(16, 0, 1), (16, 1, 1), (16, 4, 1), (40, 4, 2), (140, 8, 8), (900, 6, 4)]
)
def test_vllm_spreads_a_model_over_as_many_gpus_as_it_takes(weights, n_gpus, n_needed):
    assert gpus_needed(weights * GB, [24 * GB] * n_gpus) == n_needed


def reply(engine: HfEngine) -> tuple[str, ...]:
    request = GenerationRequest((PromptMessage(role="user", content="Tell me about the sea."),), max_tokens=24)
    return tuple(token.text for token in engine.stream(request))


@pytest.mark.parametrize(("bits", "share"), [(8, 0.7), (4, 0.5)])
def test_packed_weights_are_smaller_and_reply_as_their_unpacked_values_do(
    tmp_path: Path, bits: int, share: float
) -> None:
    folder = save_tiny_model(tmp_path / "model", torch.bfloat16, hidden=256)
    plain = HfEngine(EngineConfig(base_model=str(folder), device="cpu"))
    packed = HfEngine(EngineConfig(base_model=str(folder), device="cpu", weight_bits=bits))
    try:
        assert packed._model.get_memory_footprint() < share * plain._model.get_memory_footprint()
        assert f"{bits} bits" in packed.health().detail
        assert packed.fingerprint() != plain.fingerprint()  # its abilities are measured for themselves
        ids = torch.arange(40)[None]
        with torch.inference_mode():
            expected, found = (each._model(ids).logits.float().flatten() for each in (plain, packed))
        assert torch.cosine_similarity(expected, found, dim=0) > 0.95
        assert len(reply(packed)) > 1
    finally:
        plain.close()
        packed.close()


def test_no_prompt_is_longer_than_the_cache_has_room_for(tmp_path: Path) -> None:
    engine = HfEngine(EngineConfig(base_model=str(save_tiny_model(tmp_path)), device="cpu", cache_tokens=2048))
    engine.close()
    assert engine.ability().context_tokens == 1536  # the model itself could read 4096
