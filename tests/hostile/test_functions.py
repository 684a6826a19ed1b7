"""No function that reads a stranger's text takes more than a second for 100 kB of any shape.

Functions of `gpts` that need one text and nothing else are found by themselves. Others have a line below.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from gpts.knowledge import citations, highlight, sentences, tables
from gpts.runs import bare_calls
from gpts.safety import hidden_characters, links, scrubbing, urls, wording
from tests.hostile.limits import is_quick
from tests.hostile.patterns import REPOSITORY
from tests.hostile.shapes import SHAPES, text_of

# Functions of `gpts` whose text is short, or the project's own.
NOT_READ = {}


def _functions() -> dict[str, Callable[[str], Any]]:
    """The functions of `gpts` that need a text and nothing else."""
    found = {}
    for path in sorted((REPOSITORY / "gpts").rglob("*.py")):
        name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        for key, value in vars(importlib.import_module(name)).items():
            made_here = getattr(value, "__module__", "") == name and not inspect.isclass(value)
            if made_here and callable(value) and _needs_one_text(value):
                found[f"{name}:{key}"] = value
    return found


def _needs_one_text(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    needed = [each.annotation for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD]
    return needed in ([str], ["str"])


OTHERS = {}
READERS = {name: read for name, read in _functions().items() if name not in NOT_READ} | OTHERS


@pytest.mark.parametrize("name", READERS)
def test_no_function_is_slow(name: str) -> None:
    read = READERS[name]
    slow = [shape for shape in SHAPES if not is_quick(partial(_all_of, read), partial(text_of, shape))]
    assert not slow


def _all_of(read: Callable[[str], Any], text: str) -> None:
    """Reads the text to the end; that it is refused is no fault."""
    try:
        result = read(text)
        if isinstance(result, Iterator):
            for _ in result:
                pass
    except Exception:  # noqa: BLE001, S110 - only the time counts
        pass
