"""Files of labelled cases and of their outcomes, one JSON object per line."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tests.lab import packed

CaseT = TypeVar("CaseT", bound=BaseModel)


class BadCases(RuntimeError):
    """The file of cases cannot be read; each line must be one JSON object."""


def read_cases(path: Path, case: type[CaseT]) -> list[CaseT]:
    """The cases of a file; the default `id` is the line number. Raises BadCases with the first wrong line."""
    try:
        lines = packed.read(path).split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCases(f"{path} cannot be read: {error}.") from error
    cases = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
                cases.append(case.model_validate({"id": str(number), **row} if isinstance(row, dict) else row))
            except (ValueError, RecursionError) as error:
                raise BadCases(f"Line {number} of {path.name}: {_reason(error)}") from error
    if not cases:
        raise BadCases(f"{path.name} has no cases.")
    return cases


def _reason(error: Exception) -> str:
    """The first error, with the path of its field."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def write_rows(path: Path, outcomes: Iterable[Any]) -> None:
    """Write dataclasses as JSON lines."""
    path.write_text("".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in outcomes), "utf-8")
