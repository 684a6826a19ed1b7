"""No pattern takes more than a second for 100 kB of any shape: those that hold a process did so for minutes.

A new pattern is tried by itself. One that a function makes while it runs, and one that only short texts reach, needs a
line below.
"""

import re

import pytest

from tests.hostile.limits import CHARS, is_quick
from tests.hostile.patterns import Found, modules, source, uses
from tests.hostile.shapes import SHAPES, shapes_against, text_of

# Patterns for texts of the project's own: what operators and developers run.
TRUSTED = re.compile(
    r"workers\.(bench|training|smallmodel\.routing\.training|management)\b|web\.(catalogs|worker_texts)\b"
)
# The most that reaches a pattern, cut by the code before it.
SHORT = {}
# Functions that make patterns, and what of: texts that are escaped, or data of the project by names.
MAKERS = {}


@pytest.mark.parametrize("name", [name for name in modules() if not TRUSTED.match(name)])
def test_no_pattern_is_slow(name: str) -> None:
    slow = {(found.name, use, shape) for found in source(name).found for use, shape in _slow(found)}
    assert not slow


def _slow(found: Found) -> set[tuple[str, str]]:
    pattern, n_chars = found.pattern, SHORT.get(found.name, CHARS)
    slow = set()
    for use in uses(found):
        work = getattr(pattern, "findall" if use in ("finditer", "sub", "subn", "split") else use)
        for once, again in [("", shape) for shape in SHAPES] + list(shapes_against(pattern)):

            def shaped(n: int, once: str = once, again: str = again) -> str | bytes:
                text = once + text_of(again, n)
                return text.encode() if isinstance(pattern.pattern, bytes) else text

            if not is_quick(work, shaped, n_chars):
                slow.add((use, once + again))
    return slow


def test_every_function_that_makes_patterns_is_known() -> None:
    made = {maker for name in modules() if not TRUSTED.match(name) for maker in source(name).makers}
    assert made == set(MAKERS)
