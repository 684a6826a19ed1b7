"""The chat templates of the catalogue's families, on the bundled model's tokenizer with their control tokens."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Family:
    """A template's added tokens, hidden and visible when decoded, and its form of calls ("" for none).

    `reasons`: it gives the reasoning before a call back.
    """

    hidden: tuple[str, ...]
    visible: tuple[str, ...] = ()
    form: str = ""
    reasons: bool = False


_LLAMA = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|python_tag|>")
_LLAMA4 = ("<|begin_of_text|>", "<|header_start|>", "<|header_end|>", "<|eot|>", "<|python_start|>", "<|python_end|>")
_CALLS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
_THINKS = ("<think>", "</think>")
_MISTRAL = (
    *("<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"),
    *("[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"),
)
FAMILIES = {
    "deepseek_r1_distill": Family(("<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"), _THINKS),
    "gemma3": Family(("<start_of_turn>", "<end_of_turn>", "<start_of_image>"), ("\n\n",)),
    "llama3_1": Family(_LLAMA, form="llama"),
    "llama3_2": Family(_LLAMA, form="llama"),
    "llama4": Family(_LLAMA4, form="llama"),
    "mistral_v3": Family(_MISTRAL, form="mistral"),
    "mistral_v7": Family(_MISTRAL, form="mistral"),
    "phi4": Family(("<|im_sep|>",)),
    "phi4_mini": Family(("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|tool|>", "<|/tool|>")),
    "qwen2_5": Family((), _CALLS, "hermes"),
    "qwen3": Family((), (*_CALLS, *_THINKS), "hermes", reasons=True),
    "qwen3_2507": Family((), (*_CALLS, *_THINKS), "hermes"),
    "smollm3": Family((), (*_CALLS, *_THINKS), "hermes"),
}
EVERY_TOKEN = sorted(
    {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}.union(
        *(word for family in FAMILIES.values() for word in [(*family.hidden, *family.visible)])
    )
    - {"\n\n"}
)


def tokenizer_of(name: str, bundled_tokenizer: Any) -> Any:
    """The bundled tokenizer with the template and the added tokens of the family."""
    family, tokenizer = FAMILIES[name], deepcopy(bundled_tokenizer)
    for words, special in ((family.hidden, True), (family.visible, False)):
        tokens = [AddedToken(word, special=special, normalized=False) for word in words]
        tokenizer.add_tokens(tokens, special_tokens=special)
    tokenizer.chat_template = template_of(name)
    return tokenizer


def template_of(name: str) -> str:
    return (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
