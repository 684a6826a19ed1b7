"""On which GPU a model goes, and with how many bits per weight.

A model goes on one GPU. transformers' continuous batching (5.24) allocates the cache of all layers on the device of
the first one, so a device map over several fails at the first layer elsewhere, and its tensor parallelism takes a
process per GPU. vLLM spreads models. Choosing and packing are tested without a GPU; nothing here was run on one yet.
"""

import gc
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import BitsAndBytesConfig

from gpts.spec.base_models import gigabytes
from workers.engine.base import EngineConfig, EngineError
from workers.engine.weights import weights_bytes
from workers.models.catalogue import GPU_BITS, gpu_bytes

NOT_INSTALLED = "Weights of 8 or 4 bits need the extra `gpu`: pip install -e '.[gpu]'."


def place(folder: Path, config: EngineConfig) -> tuple[str, int]:
    """The device for the model in `folder`, and the bits per weight (16: as they are). Raises EngineError."""
    # A model that is packed already (GPTQ, MXFP4) stays as it is, and experts are no layers that the library packs.
    described = (folder / "config.json").read_text("utf-8")
    bits = 16 if re.search(r'"(quantization_config|\w*experts\w*)"', described) else config.weight_bits
    if config.device != "auto":
        return config.device, bits or 16
    if not (free := free_memory()):
        return "cpu", bits or 16
    bits = choose_bits(weights_bytes(folder), free, [bits] if bits else allowed_bits())
    return f"cuda:{free.index(max(free))}", bits


def allowed_bits() -> list[int]:
    """The bits per weight to choose from, most first: fewer than 16 need a library."""
    return [bits for bits in GPU_BITS if bits == 16 or find_spec("bitsandbytes")]


def free_memory() -> list[int]:
    """The free bytes of each GPU, after returning what a model before has left."""
    if not torch.cuda.is_available():
        return []
    gc.collect()
    torch.cuda.empty_cache()
    return [torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())]


def choose_bits(weights: int, free: Sequence[int], choices: Sequence[int]) -> int:
    """The first of `choices` with which `weights` bytes (in 16 bits) fit the emptiest GPU. Raises EngineError."""
    for bits in choices:
        if gpu_bytes(weights, bits) <= max(free):
            return bits
    needed = gpu_bytes(weights, choices[-1])
    advice = "Choose a smaller model."
    if len(free) > 1 and needed <= sum(free):
        advice = "The built-in engine uses one GPU. Set ENGINE=vllm, which spreads a model over several."
    elif choices[-1] == 16 and not find_spec("bitsandbytes") and gpu_bytes(weights, GPU_BITS[-1]) <= max(free):
        advice = NOT_INSTALLED
    raise EngineError(
        f"The model needs {gigabytes(needed)} of GPU memory with {choices[-1]} bits per weight; "
        f"{gigabytes(max(free))} are free. {advice}"
    )


def gpus_needed(weights: int, free: Sequence[int]) -> int:
    """How many GPUs a model of `weights` bytes takes if spread evenly: a power of two, as heads are shared."""
    sizes = [2**power for power in range(len(free).bit_length()) if 2**power <= len(free)]
    return next((n for n in sizes if gpu_bytes(weights, 16) <= n * min(free)), sizes[-1] if sizes else 1)


def packing(bits: int) -> Any:
    """How transformers packs the weights as it loads them; None with 16 bits. Raises EngineError."""
    if bits == 16:
        return None
    if not find_spec("bitsandbytes"):
        raise EngineError(NOT_INSTALLED)
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
