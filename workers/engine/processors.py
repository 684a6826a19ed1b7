"""Prompts with pictures: a model's own processor turns each into placeholder tokens and numbers for the model.

The processor reads only what the template wrote, where no text of anyone stands, so that nobody can type a
placeholder. Whatever stands beside the tokens (which of them are a picture's) is zero for all texts.
"""

import copy
import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image
from tokenizers import AddedToken
from transformers import AutoConfig, AutoImageProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING, processor_class_from_name

from gpts.runs.messages import Picture, PromptMessage
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineError
from workers.engine.encoding import ChatEncoder, LruCache, without_prefixes
from workers.engine.native import PICTURE, Skeleton, new_secret

# A processor is described in one of these.
FILES: Final = ("processor_config.json", "preprocessor_config.json")
N_CACHED_VIEWS: Final = 64
# What a template writes that knows no pictures, and prints the parts of a message as they are in Python.
_PRINTED: Final = "'type': 'text'"
_FAILURES: Final = (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, IndexError, RuntimeError)


@dataclass(frozen=True, slots=True)
class View:
    """What a processor made of a skeleton and its pictures.

    `parts` are the ids of the skeleton's parts, `beside` the numbers beside these by name, `tensors` the pictures.
    """

    parts: tuple[tuple[int, ...], ...]
    beside: dict[str, list[list[int]]]
    tensors: dict[str, torch.Tensor]


class PictureEncoder(ChatEncoder):
    """Turns conversations into token ids with their pictures; safe for many threads.

    Raises EngineError if the template and the processor do not fit each other.
    """

    def __init__(self, tokenizer: Any, processor: Any) -> None:
        super().__init__(tokenizer)
        self.control_ids |= {each for each in processor.image_token_ids if each is not None}
        backend = without_prefixes(tokenizer, keep_added=True)
        self._cut = f"<{new_secret()}>"
        backend.add_special_tokens([AddedToken(self._cut, special=True, normalized=False)])
        self._cut_id = backend.token_to_id(self._cut)
        self._processor = processor
        processor.tokenizer._tokenizer = backend
        self._one_at_a_time = threading.Lock()
        self._parts: LruCache[tuple[Any, ...], tuple[tuple[int, ...], ...]] = LruCache(N_CACHED_VIEWS)
        self.encode([PromptMessage(role="user", content="?", pictures=(_blank(),))])

    def spans(
        self, messages: Sequence[PromptMessage], tools: Sequence[ToolSpec] = ()
    ) -> list[tuple[tuple[int, ...], bool]]:
        """See `ChatEncoder.spans`. Raises EngineError if a picture cannot be read."""
        pictures = _pictures(messages)
        if not pictures:
            return super().spans(messages, tools)
        skeleton, texts = self.skeleton_of(messages, tools)
        key = (skeleton.parts, *(hashlib.sha256(each.data).digest() for each in pictures))
        parts = self._parts.get(key, lambda: self._view(skeleton, pictures).parts)
        return self.filled(skeleton, texts, parts)

    def inputs(
        self, messages: Sequence[PromptMessage], tools: Sequence[ToolSpec], ids: Sequence[int]
    ) -> dict[str, torch.Tensor]:
        """What the model reads: `ids`, which begin with those of the conversation, and its pictures."""
        skeleton, texts = self.skeleton_of(messages, tools)
        view = self._view(skeleton, _pictures(messages))
        spans = self.filled(skeleton, texts, view.parts)
        found = dict(view.tensors)
        for name, rows in view.beside.items():
            pieces = zip(spans, chain.from_iterable(zip(rows, repeat([]), strict=False)), strict=False)
            row = [number for (span, _), beside in pieces for number in beside or [0] * len(span)]
            found[name] = torch.tensor([row + [0] * (len(ids) - len(row))])
        given = torch.tensor([list(ids)])
        return {**found, "input_ids": given, "attention_mask": torch.ones_like(given)}

    def _content(self, marked: str) -> Any:
        """The parts of a message: its pictures, then its text."""
        if not marked:
            return marked
        pictures = [{"type": "image"}] * marked.count(PICTURE)
        return [*pictures, {"type": "text", "text": marked.replace(PICTURE, "")}]

    def _render(self, chat: list[dict[str, Any]], tools: Sequence[dict[str, Any]] = (), prompt: bool = True) -> Any:
        text = super()._render(chat, tools, prompt)
        return None if text is None or _PRINTED in text else text

    def _view(self, skeleton: Skeleton, pictures: Sequence[Picture]) -> View:
        """Lets the processor read the skeleton, in which a token of its own stands for each text."""
        try:
            images = [[Image.open(BytesIO(each.data)).convert("RGB") for each in pictures]]
            text = [self._cut.join(skeleton.parts)]
            with self._one_at_a_time:
                made = self._processor(images=images, text=text, add_special_tokens=False, return_tensors="pt")
        except _FAILURES as error:
            raise EngineError(f"The model's processor could not read the pictures: {error}") from error
        return self._split(dict(made), len(skeleton.parts))

    def _split(self, made: dict[str, torch.Tensor], n_parts: int) -> View:
        ids = made.pop("input_ids")
        made.pop("attention_mask", None)
        cuts = [-1, *(at for at, each in enumerate(ids[0].tolist()) if each == self._cut_id), ids.shape[1]]
        if len(cuts) != n_parts + 1:
            raise EngineError("The model's processor changed the prompt around the pictures.")

        def split(row: torch.Tensor) -> list[list[int]]:
            numbers = row[0].tolist()
            return [numbers[first + 1 : end] for first, end in pairwise(cuts)]

        beside = {name: split(made.pop(name)) for name in list(made) if made[name].shape == ids.shape}
        return View(tuple(map(tuple, split(ids))), beside, made)


def load_processor(folder: Path, tokenizer: Any) -> Any:
    """The processor of the model in `folder`, with a copy of `tokenizer`. Raises EngineError."""
    if not any((folder / name).is_file() for name in FILES):
        raise EngineError(
            f"{folder} is a model for pictures, but has neither {FILES[0]} nor {FILES[1]}. Download the model again, "
            "with all its JSON files."
        )
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        kind = _for_pictures(_processor_class(folder))
        images = AutoImageProcessor.from_pretrained(folder, **options)
        parts = {"image_processor": images, "tokenizer": copy.deepcopy(tokenizer)}
        described, _ = kind.get_processor_dict(folder, **options)
        return kind.from_args_and_dict([parts.get(name) for name in kind.get_attributes()], described)
    except _FAILURES as error:
        raise EngineError(f"The files for pictures in {folder} could not be loaded: {error}") from error


def _pictures(messages: Sequence[PromptMessage]) -> list[Picture]:
    return [picture for message in messages for picture in message.pictures]


def _blank() -> Picture:
    buffer = BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    return Picture(mime="image/png", data=buffer.getvalue())


def _processor_class(folder: Path) -> Any:
    """The class that one of the model's files names, else the one of its architecture; always transformers' own."""
    for name in (*FILES, "tokenizer_config.json"):
        content = json.loads((folder / name).read_text("utf-8")) if (folder / name).is_file() else {}
        if found := processor_class_from_name(content.get("processor_class") or ""):
            return found
    return PROCESSOR_MAPPING[type(AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False))]


def _for_pictures(processor: Any) -> Any:
    """The class `processor`, which then needs none of its parts for videos and sound: these take other libraries."""

    class ForPictures(processor):
        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            return None if argument is None else super().check_argument_for_proper_class(argument_name, argument)

    ForPictures.__name__ = processor.__name__  # which errors name: Pixtral's needs torchvision for all
    return ForPictures
