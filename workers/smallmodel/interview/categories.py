"""The category that fits a description best, by meaning."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gpts.knowledge.extracts import Similarity

# What the categories of a new site are about; others are known by their titles.
_ABOUT: Final[dict[str, str]] = tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf-8"))["categories"]
# Below this cosine none fits.
LEAST: Final = 0.17


def category_for(description: str, categories: Sequence[tuple[str, str]], similar: Similarity) -> str:
    """The key of the category; empty if none fits."""
    named: list[Any] = [(key, _ABOUT.get(key, title)) for key, title in categories if key != "other"]
    if not named:
        return ""
    (cosines,) = similar([description], [about for _, about in named])
    best = max(range(len(named)), key=lambda n: cosines[n] if cosines[n] == cosines[n] else -1.0)
    return named[best][0] if cosines[best] >= LEAST else ""
