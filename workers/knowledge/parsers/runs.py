"""Splits what comes in order (words, lines, places) into runs."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def runs(items: Iterable[Item], begins: Callable[[list[Item], Item], bool]) -> Iterator[list[Item]]:
    """`items` in runs; `begins` tells by the run before an item whether it begins another."""
    run: list[Item] = []
    for item in items:
        if run and begins(run, item):
            yield run
            run = []
        run.append(item)
    if run:
        yield run
