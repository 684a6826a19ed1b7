"""Benchmarks of the engine, answers, retrieval, routing and safety, and of the platform around them."""

from collections.abc import Callable

# Reports progress, one line at a time.
Say = Callable[[str], object]
