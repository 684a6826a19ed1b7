"""The bundled embedder with a small learned change, for what it was not made for.

The change is of low rank (LoRA, Hu et al. 2021) and is added to the weights of a copy at loading, so encoding costs
the same. It belongs to one set of weights; other embedders are used without it.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.knowledge.embed import Embedder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class TunedEmbedder(Embedder):
    """A copy of the embedder with the change added; loaded on first use, safe for threads."""

    def __init__(self, folder: Path, tuning: Path) -> None:
        super().__init__(str(folder))
        self._tuning = tuning

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            model = super()._loaded()
            with np.load(self._tuning, allow_pickle=False) as change:
                add_change(model, {name: change[name] for name in change.files if name != "embedder"})
        return super()._loaded()


def tuned(embedder: object, tuning: Path) -> TunedEmbedder | None:
    """This process's tuned copy of `embedder`; None if the change was learned for other weights."""
    if not isinstance(embedder, Embedder) or not tuning.is_file():
        return None
    with np.load(tuning, allow_pickle=False) as change:
        if str(change["embedder"]) != embedder.id:
            return None
    with _sharing:
        if tuning not in _shared:
            _shared[tuning] = TunedEmbedder(embedder.folder, tuning)
        return _shared[tuning]


_shared: dict[Path, TunedEmbedder] = {}
_sharing = threading.Lock()


def add_change(model: Any, change: dict[str, Any]) -> None:
    """Add `up @ down` to the weight of each layer that `change` names as "layer/up" and "layer/down"."""
    import torch

    layers = dict(model.named_modules())
    with torch.no_grad():
        for name in {key.rpartition("/")[0] for key in change}:
            weight = next(layer for path, layer in layers.items() if path.endswith(name)).weight
            added = torch.tensor(np.asarray(change[f"{name}/up"] @ change[f"{name}/down"], np.float32))
            weight.copy_((weight.float() + added).to(weight.dtype))
