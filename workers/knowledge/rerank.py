"""The optional cross-encoder, which scores how well a passage answers a question by reading both together.

It is better than an embedder and far slower, a forward pass per passage, so it only re-orders the first few results.
No weights come with Guildhall; RERANKER names the folder of a sentence-transformers CrossEncoder.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class RerankerMissing(RuntimeError):
    """The reranker's folder does not exist; set RERANKER to a CrossEncoder folder, or leave it empty."""


class Reranker:
    """A cross-encoder, loaded on first use, always offline. Thread-safe; one thread scores at a time."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            raise RerankerMissing(f"{folder} is not a CrossEncoder folder; set RERANKER to one, or leave it empty.")
        self._folder = folder
        self._lock = threading.Lock()
        self._model: CrossEncoder | None = None

    def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each of `texts` answers `question`, 0..1; a text beyond the model's window is cut off."""
        if not texts:
            return []
        with self._lock:
            if self._model is None:
                import torch
                from sentence_transformers import CrossEncoder

                # Many folders name no activation; blending with the fused scores needs 0..1.
                sigmoid = torch.nn.Sigmoid()
                self._model = CrossEncoder(
                    str(self._folder), device="cpu", local_files_only=True, activation_fn=sigmoid
                )
            scores = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        return [float(score) for score in scores]


def reranker_for(setting: str) -> Reranker | None:
    """The reranker that RERANKER names, None for an empty setting. Raises RerankerMissing."""
    return Reranker(Path(setting)) if setting else None
