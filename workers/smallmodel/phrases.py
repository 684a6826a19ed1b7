"""Phrases and patterns by which messages are read, kept as data in data/*.toml."""

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


def any_of(patterns: Any, **stand_for: str) -> str:
    """One pattern that matches any of `patterns`; each `<name>` in them is replaced by what it is to stand for."""
    text = "|".join(patterns.values() if isinstance(patterns, dict) else patterns)
    for name, pattern in stand_for.items():
        text = text.replace(f"<{name}>", pattern)
    return f"(?:{text})"


def pattern(text: str) -> re.Pattern[str]:
    """`text` compiled, upper and lower case being the same."""
    return re.compile(text, re.IGNORECASE)
