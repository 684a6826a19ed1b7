"""Patterns that read anybody's text take time that grows as the text does, not as its square."""

import time

import pytest

from gpts.knowledge import sentences, support, tables


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (sentences._STOP.findall, "." * 32_000 + "x"),
        (support._CODE.findall, "_" * 32_000),
        (support._NAMED.findall, "A" * 32_000),
        (tables._CELL_BREAK.split, "a" + " " * 32_000 + "b"),
    ],
)
def test_the_longest_message_is_read_at_once(read, text):
    """At 32 kB these took 2 to 15 s."""
    begun = time.process_time()
    read(text)
    assert time.process_time() - begun < 0.5
