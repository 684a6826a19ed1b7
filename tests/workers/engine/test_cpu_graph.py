"""Small random models of each known architecture: the CPU engine's graph computes what transformers computes."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from workers.engine.base import EngineError
from workers.engine.cpu.decoder import Decoder, Part
from workers.engine.cpu.graph import build
from workers.engine.cpu.sources import open_source

SIZES: dict[str, Any] = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4096,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
    "rope_theta": 10_000.0,
}
KINDS = {
    "llama": {},
    "llama 3": {"rope_parameters": LLAMA3, "tie_word_embeddings": True},
    "mistral": {"sliding_window": None},
    "qwen2": {"use_sliding_window": False},
    "qwen3": {"tie_word_embeddings": True, "num_key_value_heads": 4},
}


def random_model(kind: str, **options: Any) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(5)
    config = AutoConfig.for_model(kind.split()[0], **{**SIZES, **options})
    model = AutoModelForCausalLM.from_config(config).eval()
    for parameter in model.parameters():  # also norms and biases, which start as ones and zeros
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_computes_what_transformers_computes(kind: str, tmp_path: Path) -> None:
    import torch

    model = random_model(kind, **KINDS[kind])
    model.save_pretrained(tmp_path)
    ov.save_model(build(open_source(tmp_path)), tmp_path / "decoder.xml", compress_to_fp16=False)
    decoder = Decoder(tmp_path / "decoder.xml", 512, 1)
    ids = np.random.default_rng(3).integers(1, 128, 90).tolist()
    with torch.no_grad():
        expected = model(torch.tensor([ids])).logits[0].float().numpy()
    found = [decoder.run([Part(ids[:70], 0, [4, 2, 7]), Part(ids[:5], 0, [1])]).copy()]
    found.append(decoder.run([Part(ids[70:], 70, [4, 2, 7])]).copy())
    for logits, place in zip([found[0][0], found[0][1], found[1][0]], (69, 4, 89), strict=True):
        assert np.corrcoef(logits, expected[place])[0, 1] > 0.99  # 8 bits


def test_a_model_that_limits_its_attention_is_refused(tmp_path: Path) -> None:
    random_model("mistral", sliding_window=32).save_pretrained(tmp_path)
    with pytest.raises(EngineError, match="not known"):
        open_source(tmp_path)
