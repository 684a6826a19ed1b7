"""`python -m tests.lab coverage`: how many operations of OpenAI's published document `/v1` has."""

import re
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from web.api.v1 import v1
from workers.bench import Say

HELP = "how many operations of OpenAI's API there are"

OPERATIONS: Final = Path(__file__).with_name("openai_operations.txt")
# Of their accounts and projects, which a site of one's own has no use for.
ADMINISTRATION: Final = ("organization", "projects")
Operation = tuple[str, str]


def published() -> Iterator[Operation]:
    """Yield method and path of each operation of OpenAI's, without the names of parameters."""
    for line in OPERATIONS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            path, *methods = line.split()
            yield from ((method, _nameless(path)) for method in methods)


def offered(document: Any) -> set[Operation]:
    """Those of our document, in the same form."""
    return {
        (method.upper(), _nameless(path.removeprefix("/v1")))
        for path, methods in document["paths"].items()
        for method in methods
    }


def _nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def group_of(path: str) -> str:
    """The part of the API: the first of its path, in words."""
    first = path.split("/")[1]
    return "administration" if first in ADMINISTRATION else first.replace("_", " ")


def add_arguments(parser: ArgumentParser) -> None:
    """It takes none."""


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The counts by part, as in the documentation."""
    ours, parts = offered(v1.get_openapi_schema()), defaultdict[str, list[bool]](list)
    for method, path in published():
        parts[group_of(path)].append((method, path) in ours)
    counts = {name.capitalize(): {"there": sum(each), "of": len(each)} for name, each in sorted(parts.items())}
    every = [each for part in parts.values() for each in part]
    return {"operations": {**counts, "All": {"there": sum(every), "of": len(every)}}}
