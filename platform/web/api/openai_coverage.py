"""How many operations of OpenAI's published document `/v1` has."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

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


def coverage_table(document: Any) -> str:
    """The counts by part as a Markdown table, what is all there first, and the parts of which nothing is."""
    ours, all_of, done = offered(document), Counter[str](), Counter[str]()
    for method, path in published():
        all_of[group_of(path)] += 1
        done[group_of(path)] += (method, path) in ours
    some = sorted((name for name in all_of if done[name]), key=lambda name: (done[name] < all_of[name], name))
    rows = [f"| {name.capitalize()} | {done[name]} of {all_of[name]} |" for name in some]
    total = f"| All | {done.total()} of {all_of.total()} |"
    missing = ", ".join(sorted(f"{name} ({n})" for name, n in all_of.items() if not done[name]))
    return "\n".join(["| Part | Operations |", "|---|---|", *rows, total, "", f"Not offered: {missing}."])
