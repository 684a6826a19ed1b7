"""The engine for models that read pictures: a directory with an image-text-to-text model of transformers."""

import json
import logging
from pathlib import Path
from typing import Any, cast

from transformers import AutoModelForImageTextToText
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
)

from workers.engine.base import EngineError, GenerationRequest
from workers.engine.batching import StockBatch
from workers.engine.encoding import ChatEncoder
from workers.engine.grammar import GrammarState
from workers.engine.hf import HfEngine
from workers.engine.in_process import Batch, Running
from workers.engine.processors import FILES, PictureEncoder, load_processor
from workers.engine.viewing import Viewer

logger = logging.getLogger(__name__)


def sees(path: Path) -> bool:
    """Whether the model at `path` is one for pictures; without a processor, not if it can be run for text alone."""
    if not path.is_dir():
        return False
    kind = json.loads((path / "config.json").read_text("utf-8")).get("model_type")
    has_processor = any((path / name).is_file() for name in FILES)
    return kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES and (
        has_processor or kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    )


class SeeingEngine(HfEngine):
    """A model that reads pictures. Prompts without any go in the batch; the others are answered one by one."""

    takes_pictures = True
    auto_class = AutoModelForImageTextToText
    _viewer: Viewer | None = None

    def close(self) -> None:
        """See `InProcessEngine.close`."""
        super().close()
        if self._viewer is not None:
            self._viewer.stop()

    def _open_encoder(self, folder: Path, tokenizer: Any) -> ChatEncoder:
        processor = load_processor(folder, tokenizer)
        tokenizer.chat_template = processor.chat_template or tokenizer.chat_template
        return PictureEncoder(tokenizer, processor)

    def _open_batch(self) -> Any:
        """A batch for text, or the viewer if transformers cannot batch this model."""
        if self._viewer is None:
            self._viewer = Viewer(self._model, self._end_ids)
        try:
            return StockBatch(self._model, self._cache_tokens, self._end_ids, is_alone=False)
        except EngineError as error:
            logger.warning("all chats with this model are answered one by one: %s", error)
            return self._viewer

    def _begin(
        self, ids: list[int], request: GenerationRequest, grammar: GrammarState | None
    ) -> tuple[Batch, Running]:
        if not any(message.pictures for message in request.messages):
            return super()._begin(ids, request, grammar)
        if self._viewer is None:
            raise EngineError("The engine was closed.")
        encoder = cast(PictureEncoder, self.encoder)

        def inputs() -> dict[str, Any]:
            return encoder.inputs(request.messages, request.tools, ids)

        return self._viewer, self._viewer.view(inputs, request.max_tokens, request.sampling, grammar)
