"""Files of labelled cases, one JSON object a line, and the share of them that was chosen rightly, by group."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean
from typing import Any, TypeVar

Turns = tuple[tuple[str, str], ...]
CaseT = TypeVar("CaseT")


class BadCases(RuntimeError):
    """The file of cases cannot be read; each line is one JSON object."""


def read_cases(path: Path, case_of: Callable[[object, int], CaseT]) -> list[CaseT]:
    """The cases of a file; `case_of` makes one of a row and its number, and raises ValueError.

    Raises BadCases with the number of the first line that is wrong.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCases(f"{path} cannot be read: {error}.") from error
    cases = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                cases.append(case_of(json.loads(line), number))
            except (ValueError, RecursionError) as error:
                raise BadCases(f"Line {number} of {path.name}: {error}") from error
    if not cases:
        raise BadCases(f"{path.name} holds no cases.")
    return cases


def turn_of(row: object) -> tuple[str, str]:
    """Role and content of a message. Raises ValueError."""
    if not isinstance(row, dict) or not isinstance(row.get("role"), str):
        raise ValueError("A message needs a role.")
    content = row.get("content")
    if content is not None and not isinstance(content, str):
        raise ValueError("The content of a message is text.")
    return row["role"], content or ""


def shares(hits: Iterable[tuple[bool, Iterable[str]]]) -> dict[str, dict[str, Any]]:
    """The accuracy and the number of cases of each group, from whether each case was right and its groups."""
    groups: dict[str, list[bool]] = {}
    for right, names in hits:
        for name in names:
            groups.setdefault(name, []).append(right)
    return {name: {"accuracy": mean(each), "cases": len(each)} for name, each in sorted(groups.items())}
