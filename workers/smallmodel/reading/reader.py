"""How likely a sentence answers a question: the bundled embedder with a small learned change reads both together.

Vectors made apart tell what a sentence is about. Read together, "Visits: 2" does not answer what a crown costs. The
change is of low rank, as the router's, and was learned from documents with questions by `python -m tests.lab
train reader` (tests/lab/training/data/reading/README.md). On 900 questions over 90 documents of an author whose data
it has not seen, the best sentence answers in 85 % (by cosine 55 %), and of questions with and without an answer it
tells 86 % of pairs apart (57 %) (2026-11).
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workers.knowledge.embed import Embedder, load_model
from workers.knowledge.tuned import add_change

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WEIGHTS: Final = Path(__file__).parent / "reader.npz"
# Tokens of a question and a sentence with what stands before it; what is longer is cut off.
MOST_TOKENS: Final = 128
BATCH: Final = 32


class Reader:
    """Loaded on first use, always offline. Thread-safe; one thread reads at a time."""

    def __init__(self, embedder: Embedder, weights: Path = WEIGHTS) -> None:
        """`embedder`: the bundled one, whose weights the change was learned for."""
        self._folder = embedder.folder
        self._weights = weights
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None

    def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """The log-odds that each of `texts` answers `question`; above 0 it is more likely than not."""
        import torch

        found: list[float] = []
        with self._lock, torch.inference_mode():
            model = self._loaded()
            encoder: Any = model[0].auto_model
            for start in range(0, len(texts), BATCH):
                some = list(texts[start : start + BATCH])
                batch = model.tokenizer(
                    [question] * len(some),
                    some,
                    padding=True,
                    truncation=True,
                    max_length=MOST_TOKENS,
                    return_tensors="pt",
                )
                first = encoder(**batch).last_hidden_state[:, 0].float().numpy()
                found += (first @ self._head[:-1] + self._head[-1]).tolist()
        return found

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            model = load_model(self._folder, None)
            with np.load(self._weights, allow_pickle=False) as change:
                self._head = change["head"].astype(np.float32)
                add_change(model, {name: change[name] for name in change.files if name != "head"})
            self._model = model
        return self._model
