"""Arguments that can be read off a question with certainty, so that a small model need not write them."""

from collections.abc import Sequence
from typing import Any

from gpts.tools import ToolSpec


def ready_arguments(
    tool: ToolSpec, question: str, earlier: Sequence[str], file_names: Sequence[str]
) -> dict[str, Any] | None:
    """None for now."""
    return None
