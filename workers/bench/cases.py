"""Files of labelled cases, one JSON object a line."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

CaseT = TypeVar("CaseT", bound=BaseModel)


class BadCases(RuntimeError):
    """The file of cases cannot be read; each line is one JSON object."""


def read_cases(path: Path, case: type[CaseT]) -> list[CaseT]:
    """The cases of a file; one without an `id` is called by the number of its line.

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
                row = json.loads(line)
                cases.append(case.model_validate({"id": str(number), **row} if isinstance(row, dict) else row))
            except (ValueError, RecursionError) as error:
                raise BadCases(f"Line {number} of {path.name}: {_reason(error)}") from error
    if not cases:
        raise BadCases(f"{path.name} holds no cases.")
    return cases


def _reason(error: Exception) -> str:
    """The first thing that is wrong, with the place in the object."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
