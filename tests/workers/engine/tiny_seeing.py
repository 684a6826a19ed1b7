"""Models of random weights that read pictures, each in a directory as transformers saves them, with bytes as tokens.

The chat templates are those of Qwen2-VL, SmolVLM, LLaVA 1.5 and Gemma 3.
"""

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from gpts.runs.messages import Picture
from tests.workers.engine.tiny_model import byte_tokenizer, write_ascii

QWEN: Final = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOLVLM: Final = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
LLAVA: Final = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
GEMMA: Final = (Path(__file__).parent / "templates" / "gemma3.jinja").read_text("utf-8")
SIZES: Final = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "bos_token_id": None,
    "pad_token_id": None,
}
EYES: Final = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}


def picture(colour: str, size: tuple[int, int] = (200, 100)) -> Picture:
    """A picture of one colour."""
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return Picture(mime="image/jpeg", data=buffer.getvalue())


def save_seeing(name: str, folder: Path) -> Path:
    """The directory with the model of this name, one of KINDS."""
    torch.manual_seed(0)
    return KINDS[name](folder)


def _save(
    folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, images: Any, **described: Any
) -> Path:
    write_ascii(model)
    for each in (model, tokenizer, images):
        each.save_pretrained(folder)
    (folder / "processor_config.json").write_text(json.dumps(described))
    return folder


def _text(tokenizer: PreTrainedTokenizerFast, **options: Any) -> dict[str, Any]:
    return {**SIZES, "vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id, **options}


def _qwen(folder: Path) -> Path:
    names = ("vision_start", "vision_end", "image_pad", "video_pad")
    tokenizer = byte_tokenizer(QWEN, [f"<|{name}|>" for name in names])
    start, end, image, video = (tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in names)
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    config = Qwen2VLConfig(
        text_config=_text(tokenizer, rope_parameters=rope),
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2},
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    images = Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=28 * 28 * 64)
    model = Qwen2VLForConditionalGeneration(config)
    return _save(folder, model, tokenizer, images, processor_class="Qwen2VLProcessor")


def _smolvlm(folder: Path) -> Path:
    cells = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    control = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *cells]
    tokenizer = byte_tokenizer(SMOLVLM, control)
    config = Idefics3Config(
        text_config=_text(tokenizer, model_type="llama"),
        vision_config=EYES,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )
    images = Idefics3ImageProcessorPil(size={"longest_edge": 112}, max_image_size={"longest_edge": 56})
    model = Idefics3ForConditionalGeneration(config)
    return _save(folder, model, tokenizer, images, processor_class="Idefics3Processor", image_seq_len=4)


def _llava(folder: Path) -> Path:
    tokenizer = byte_tokenizer(LLAVA, ["<image>"])
    config = LlavaConfig(
        text_config=_text(tokenizer, model_type="llama"),
        vision_config={**EYES, "model_type": "clip_vision_model", "projection_dim": 16},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )
    images = CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    described = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    model = LlavaForConditionalGeneration(config)
    return _save(folder, model, tokenizer, images, **described)


def _gemma(folder: Path) -> Path:
    control = [
        "<start_of_turn>",
        "<end_of_turn>",
        "<start_of_image>",
        "<end_of_image>",
        "<image_soft_token>",
        "<bos>",
    ]
    named = dict(zip(("boi_token", "eoi_token", "image_token"), control[2:], strict=False))
    tokenizer = byte_tokenizer(GEMMA, control, bos_token="<bos>", extra_special_tokens=named)
    start, end, image = (tokenizer.convert_tokens_to_ids(each) for each in named.values())
    config = Gemma3Config(
        text_config=_text(
            tokenizer, head_dim=16, sliding_window=64, layer_types=["sliding_attention", "full_attention"]
        ),
        vision_config=EYES,
        mm_tokens_per_image=4,
        boi_token_index=start,
        eoi_token_index=end,
        image_token_id=image,
        image_token_index=image,
        eos_token_id=[tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")],
    )
    images = Gemma3ImageProcessorPil(size={"height": 56, "width": 56})
    model = Gemma3ForConditionalGeneration(config)
    model.model.multi_modal_projector.mm_input_projection_weight.data.normal_()  # it begins as zeros
    return _save(folder, model, tokenizer, images, processor_class="Gemma3Processor", image_seq_length=4)


KINDS: Final[Mapping[str, Callable[[Path], Path]]] = {
    "qwen": _qwen,
    "smolvlm": _smolvlm,
    "llava": _llava,
    "gemma": _gemma,
}
