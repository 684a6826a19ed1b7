"""Phrases and patterns for reading messages, from data/*.toml."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

_DATA: Final = Path(__file__).parent / "data"


@cache
def phrases(name: str) -> dict[str, Any]:
    """The tables of data/<name>.toml."""
    return tomllib.loads((_DATA / f"{name}.toml").read_text("utf-8"))


def any_of(patterns: Any, **replacements: str) -> str:
    """One pattern that matches any of `patterns`; each `<name>` in them is replaced by `replacements[name]`."""
    text = "|".join(patterns.values() if isinstance(patterns, dict) else patterns)
    for name, pattern in replacements.items():
        text = text.replace(f"<{name}>", pattern)
    return f"(?:{text})"


def pattern(text: str) -> re.Pattern[str]:
    """`text` compiled, ignoring case."""
    return re.compile(text, re.IGNORECASE)
