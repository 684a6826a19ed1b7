"""The text by which a GPT of the store is compared with queries, and the encoder that learned to do so.

With the bundled embedder the encoder has a small change, which `python -m tests.lab train store` learned from made-up
GPTs with queries (tests/lab/training/data/store/README.md).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from workers.knowledge.embed import Embedder
from workers.knowledge.tuned import tuned

CHANGE: Final = Path(__file__).parent / "store.npz"


def text_of_gpt(name: str, description: str, starters: Sequence[str]) -> str:
    """What a GPT is compared by."""
    return " ".join([f"{name}. {description}", *starters])


def encoder(embedder: Embedder) -> Embedder:
    """This process's encoder of GPTs and queries; `embedder` itself if the change was learned for other weights."""
    return tuned(embedder, CHANGE) or embedder
