"""No pattern takes more than a second for 100 kB of any shape: those that hold a process did so for minutes.

A new pattern is tried by itself. One that a function makes while it runs, and one that only short texts reach, needs a
line below.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.hostile.limits import CHARS, is_quick
from tests.hostile.patterns import Found, modules, source, uses
from tests.hostile.shapes import SHAPES, shapes_against, text_of

# Patterns for texts of the project's own: what operators and developers run.
TRUSTED = re.compile(
    r"workers\.(bench|training|smallmodel\.routing\.training|management)\b|web\.(catalogs|worker_texts)\b"
)
# The most that reaches a pattern, cut by the code before it.
SHORT = {
    "workers.knowledge.parsers.source:_DEFINITIONS": 240,  # _MAX_DEFINITION_CHARS
    "workers.knowledge.parsers.source:_C_FUNCTION": 240,
    "workers.knowledge.text_types:_CODE_SIGNS": 300,  # _is_code cuts lines
    "workers.knowledge.text_types:_CODE_COMMENT": 300,
    "workers.knowledge.text_types:_SETTING": 300,
    "workers.knowledge.text_types:_YAML": 300,
    "workers.knowledge.text_types:_INI": 300,
    "workers.knowledge.parsers.xlsx.number_formats:_TOKEN": 255,  # _MAX_CODE_CHARS
    "workers.knowledge.parsers.xlsx.number_formats:_sections": 255,
    "workers.knowledge.parsers.xlsx.number_formats:_date": 255,
    "workers.knowledge.parsers.xlsx.number_formats:_clock": 255,
    "gpts.runs.side_tasks:_OF_CHAT": 10_000,  # READ_CHARS
    "gpts.runs.side_tasks:_WANTED": 10_000,
}
# Functions that make patterns, and what of: texts that are escaped, or data of the project by names.
MAKERS: dict[str, str] = {}


@pytest.mark.parametrize("name", [name for name in modules() if not TRUSTED.match(name)])
def test_no_pattern_is_slow(name: str) -> None:
    slow = {(found.name, use, shape) for found in source(name).found for use, shape in _slow(found)}
    assert not slow


def _slow(found: Found) -> Iterator[tuple[str, str]]:
    """The ways of use that some shape makes slow, each with the first such shape."""
    n_chars = SHORT.get(found.name, CHARS)
    for use in uses(found):
        for once, again in (*(("", shape) for shape in SHAPES), *shapes_against(found.pattern)):
            text_of = partial(_text, found.pattern, once, again)
            if not is_quick(getattr(found.pattern, use), text_of, n_chars):
                yield use, once + again
                break


def _text(pattern: re.Pattern[Any], once: str, again: str, n_chars: int) -> str | bytes:
    text = once + text_of(again, n_chars)
    return text.encode() if isinstance(pattern.pattern, bytes) else text


def test_every_function_that_makes_patterns_is_known() -> None:
    made = {maker for name in modules() if not TRUSTED.match(name) for maker in source(name).makers}
    assert made == set(MAKERS)
