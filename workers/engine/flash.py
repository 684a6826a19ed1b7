"""Flash attention out of torch itself, where no package brings one: nothing to install, nothing to compile.

transformers knows flash attention from packages only, which come as source code, or not for its version. With it a
batch needs no mask over the whole cache, and gets CUDA graphs and asynchronous batching. Tested with a stand-in for
the kernel, which has not run on a GPU yet: each model is tried with it, and keeps its own attention if that fails.
"""

import logging
from typing import Any, Final

import torch
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import cosine_similarity, scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel
from transformers.utils.import_utils import is_flash_attn_2_available, is_flash_attn_3_available

logger = logging.getLogger(__name__)

# Transformers takes every attention with "flash" in its name for one that needs no mask.
NAME: Final = "torch_flash"
# Lengths of the sequences that are tried: what is read before, and what is read then.
TRIED: Final = ((0, 24), (37, 1), (5, 16))
# Cosine of the angle between results; kernels differ in the last of bf16's eight bits.
MIN_ALIKE: Final = 0.99


def use_flash(model: PreTrainedModel) -> None:
    """Let the model use it on GPUs if it can, and no package has one."""
    has_package = is_flash_attn_2_available(kernels_fallback_ok=True) or is_flash_attn_3_available(
        kernels_fallback_ok=True
    )
    if model.device.type == "cuda" and not has_package and model._supports_flash_attn:
        try_flash(model)


@torch.inference_mode()
def try_flash(model: PreTrainedModel) -> bool:
    """Whether the model gets the same from it as from its own attention; it then has it."""
    AttentionInterface.register(NAME, _attend)
    own = model.config._attn_implementation
    try:
        _try_kernel(model)
        expected = _logits(model)
        _set(model, NAME)
        alike = cosine_similarity(_logits(model), expected, dim=0).item()
        if alike >= MIN_ALIKE:
            return True
        logger.warning("torch's flash attention is left out, as the model's results differ: %s", alike)
    except (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        logger.warning("torch's flash attention is left out: %s", error)
    _set(model, own)
    return False


def _attend(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: Any, **options: Any
) -> tuple[torch.Tensor, None]:
    """An attention for transformers; `(1, heads, tokens, dimensions)` to `(1, tokens, heads, dimensions)`."""
    if any(options.get(name) is not None for name in ("softcap", "s_aux", "sliding_window")):
        raise ValueError("the model's attention has a cap, sinks or a window")
    query, key, value = (each.squeeze(0).transpose(0, 1).contiguous() for each in (query, key, value))
    result: Any = varlen_attn(
        query,
        key,
        value,
        options["cu_seq_lens_q"],
        options["cu_seq_lens_k"],
        options["max_length_q"],
        options["max_length_k"],
        scale=options.get("scaling"),
        window_size=(-1, 0),
        enable_gqa=query.size(1) != key.size(1),
    )
    return result.unsqueeze(0), None


def _set(model: PreTrainedModel, name: str) -> None:
    """Set the attention of the model and its parts; the public way would look for a package of this name."""
    for part in model.modules():
        if isinstance(part, PreTrainedModel):
            part.config._attn_implementation_internal = name


def _try_kernel(model: PreTrainedModel) -> None:
    """Raises ValueError if sequences of which a part was read before, packed one after the other, come out wrong."""
    config = model.config.get_text_config()
    n_heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // n_heads
    place: Any = {"device": model.device, "dtype": model.dtype}
    n_new, n_all = [new for _, new in TRIED], [before + new for before, new in TRIED]
    query = torch.randn(sum(n_new), n_heads, size, **place)
    key, value = torch.randn(2, sum(n_all), config.num_key_value_heads, size, **place)
    found: Any = varlen_attn(
        query,
        key,
        value,
        _starts(n_new, model),
        _starts(n_all, model),
        max(n_new),
        max(n_all),
        window_size=(-1, 0),
        enable_gqa=n_heads != config.num_key_value_heads,
    )
    parts = zip(query.split(n_new), key.split(n_all), value.split(n_all), found.split(n_new), strict=True)
    for each_query, each_key, each_value, each_found in parts:
        mask = torch.ones(len(each_query), len(each_key), dtype=torch.bool, device=model.device)
        rows = [each.transpose(0, 1)[None] for each in (each_query, each_key, each_value)]
        mask = mask.tril(len(each_key) - len(each_query))
        expected = scaled_dot_product_attention(rows[0], rows[1], rows[2], attn_mask=mask, enable_gqa=True)
        expected = expected[0].transpose(0, 1)
        if cosine_similarity(each_found.float().flatten(), expected.float().flatten(), dim=0) < MIN_ALIKE:
            raise ValueError("the kernel's results are wrong")


def _logits(model: PreTrainedModel) -> torch.Tensor:
    """What the model makes of a sequence, as one row of numbers."""
    length = 48
    ids = torch.arange(length, device=model.device)[None]
    starts = _starts([length], model)
    options = {"cu_seq_lens_q": starts, "cu_seq_lens_k": starts, "max_length_q": length, "max_length_k": length}
    result: torch.Tensor = model(ids, use_cache=False, **options).logits
    return result.float().flatten()


def _starts(lengths: list[int], model: PreTrainedModel) -> torch.Tensor:
    """Where sequences begin in a row of all of them, and its end, `(sequences + 1,)` int32."""
    return torch.tensor([0, *lengths], device=model.device).cumsum(0, dtype=torch.int32)
