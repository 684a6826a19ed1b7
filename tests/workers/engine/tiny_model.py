"""A model of random weights in a directory, which transformers loads in a moment; and a graphics card's streams."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.generation.continuous_batching import input_outputs

ENDS = ("<|im_end|>", "<|endoftext|>")
TEMPLATE = """{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}"""


def byte_tokenizer(template: str, control_tokens: Sequence[str] = (), **options: Any) -> PreTrainedTokenizerFast:
    """A tokenizer whose tokens are bytes, and control tokens after them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={each: i for i, each in enumerate(alphabet)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    control = [AddedToken(each, special=True) for each in ("<|im_start|>", *ENDS, *control_tokens)]
    tokens.add_special_tokens(control)
    return PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token=ENDS[0], chat_template=template, **options)


def write_ascii(model: PreTrainedModel) -> None:
    """Makes all tokens unlikely that are not printed ASCII."""
    weights = model.get_output_embeddings().weight
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    unprinted = [i for i, each in enumerate(alphabet) if not "!" <= each <= "~"]
    weights.data[[*unprinted, *range(len(alphabet), len(weights))]] *= 0.01


def save_tiny_model(folder: Path, dtype: torch.dtype = torch.float32, hidden: int = 64) -> Path:
    """The directory with the model, whose tokens are bytes."""
    tokenizer = byte_tokenizer(TEMPLATE)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    write_ascii(model)
    model.to(dtype).save_pretrained(folder)
    return folder


class _Idle:
    """A stream or event that never has anything to wait for, as the CPU is done when a call returns."""

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def wait_event(self, event: Any) -> None: ...

    def record_event(self, event: Any) -> None: ...

    def synchronize(self) -> None: ...


@pytest.fixture
def asynchronous(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are prepared before the tokens of the one before are read, as with flash attention on a GPU."""
    package = "transformers.generation.continuous_batching"
    monkeypatch.setattr(input_outputs.ContinuousBatchingAsyncIOs, "_supported_device_types", ("cpu",))
    monkeypatch.setattr(input_outputs, "create_device_stream", _Idle)
    monkeypatch.setattr(torch, "Event", _Idle)
    for module in ("input_outputs", "model_runner", "continuous_api"):
        monkeypatch.setattr(f"{package}.{module}.stream_context", lambda stream: nullcontext())

    def decide(cb_config: Any, **options: Any) -> None:
        cb_config.use_async_batching = True

    monkeypatch.setattr(f"{package}.initialization.decide_use_async_batching", decide)
