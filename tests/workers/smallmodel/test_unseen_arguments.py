"""What is read off messages that the readers' author did not see stays as right as it was when it was measured.

The cases of arguments-unseen.jsonl were written before the readers were looked at. They are for measuring: a reader
is not to be fitted to them.
"""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpts.spec.tools import ToolSpec
from workers.smallmodel.arguments.ready import ready_arguments
from workers.smallmodel.parts import parts_of

CASES = [
    json.loads(line) for line in Path(__file__).with_name("arguments-unseen.jsonl").read_text("utf-8").splitlines()
]
ARGUMENTS = {"code": "code", "search": "query", "page": "url", "image": "prompt"}


def cases(reader: str) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each case with the arguments that are read off its message."""
    for case in CASES:
        if case["reader"] == reader:
            own = ARGUMENTS.get(reader)
            spec = ToolSpec(
                name=case.get("name", reader),
                builtin=reader if own else "",
                description=case.get("description", ""),
                parameters={"properties": {own: {}}, "required": [own]} if own else case["parameters"],
            )
            yield case, ready_arguments(spec, case["message"], case.get("earlier", ()))


def test_calculations_are_read_rightly_or_not_at_all() -> None:
    right = 0
    for case, found in cases("code"):
        if case["result"] is None:
            assert found is None, case
        elif found is not None:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(found["code"], {})  # written by the reader from numbers that it parsed
            assert printed.getvalue().strip() in case["result"], case
            right += 1
    assert right >= 17


def holds(text: str, case: dict[str, Any]) -> bool:
    """Whether the text has all that it must, and nothing of the asking around it."""
    words = text.lower()
    return all(each.lower() in words for each in case["has"]) and not any(
        re.search(rf"(?<!\w){re.escape(each.lower())}(?!\w)", words) for each in case["hasnt"]
    )


def shape(size: str) -> str:
    """The shape that a size has, empty for none."""
    width, _, height = size.partition("x")
    return "" if not size else "square" if width == height else "wide" if int(width) > int(height) else "tall"


def test_queries_hold_the_subject_without_the_asking() -> None:
    assert sum(holds(found["query"], case) for case, found in cases("search") if found) >= 38


def test_addresses_are_read() -> None:
    assert all(found and found["url"] == case["url"] for case, found in cases("page"))


def test_prompts_hold_the_subject_and_the_shape() -> None:
    right = [
        holds(found["prompt"], case) and shape(found.get("size", "")) in (case["shape"], case["shape"] or "square")
        for case, found in cases("image")
        if found
    ]
    assert sum(right) >= 32


def test_arguments_of_functions_are_read_rightly_or_not_at_all() -> None:
    found_ones = [(case, found) for case, found in cases("functions") if found is not None]
    assert [found for _, found in found_ones] == [case["want"] for case, _ in found_ones]
    assert len(found_ones) >= 12


@pytest.mark.parametrize(("several", "least"), [(True, 19), (False, 21)])
def test_messages_are_cut_where_they_ask_for_something_else(several: bool, least: int) -> None:
    def plain(parts: Any) -> list[str]:
        return [re.sub(r"[\s.?!;]+$", "", each.strip("¿¡ ")).lower() for each in parts]

    some = [case for case in CASES if case["reader"] == "parts" and (len(case["parts"]) > 1) == several]
    assert sum(plain(parts_of(case["message"])) == plain(case["parts"]) for case in some) >= least
